import ArgumentParser
import Glibc
import LinuxSystem
import PortDirectory
import SerialPort

/// `dbgcom loopback`.
struct LoopbackCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "loopback",
        abstract: "Test a port with a loopback plug: every byte value, at several rates.",
        discussion: """
            A loopback plug joins the port's transmit and receive pins (2 and 3 of a 9-pin plug). Nothing else may \
            use the port meanwhile.

              dbgcom loopback com2
              dbgcom loopback /dev/ttyUSB0 --baud 3000000

            Exit status: 0 when every byte came back as it was sent, 1 when not.
            """
    )

    @Argument(help: "The port: com2, 2, a device path or a symlink.")
    var port: String

    @Option(help: "Bits per second; may be repeated.")
    var baud: [Int] = []

    private static let usualRates = [9600, 115_200, 921_600]
    /// All byte values, so often.
    private static let rounds = 4
    private static let patienceNanoseconds: UInt64 = 500_000_000

    func run() throws {
        let place = try PortDirectory().port(named: port)
        var failures = 0
        for rate in baud.isEmpty ? Self.usualRates : baud {
            let words: String
            do {
                words = try test(place, rate)
            } catch SerialPortError.baudRateNotGranted where baud.isEmpty {
                Output.line("\(rate) baud: the driver does not have this rate")
                continue
            }
            if words.isEmpty {
                Output.line(
                    "\(rate) baud: all \(Self.rounds * 256) bytes came back as they were sent"
                )
            } else {
                failures += 1
                Output.line("\(rate) baud: \(words)")
            }
        }
        if failures > 0 { throw ExitCode.failure }
    }

    /// What went wrong at a rate; empty when nothing did.
    private func test(_ place: Port, _ rate: Int) throws -> String {
        let line = try SerialPort(
            path: place.path,
            configuration: SerialConfiguration(baudRate: rate)
        )
        defer { line.close() }
        let sent = (0..<Self.rounds).flatMap { _ in (UInt8.min...UInt8.max).map(\.self) }
        let got = try exchange(sent, line.descriptor, rate)
        if got == sent { return "" }
        if got.isEmpty { return "no loopback plug: nothing came back" }
        let wrong = zip(sent, got).filter { $0 != $1 }.count
        return "\(got.count) of \(sent.count) bytes came back, \(wrong) of them wrong"
    }

    private func exchange(
        _ bytes: [UInt8],
        _ port: OwnedDescriptor,
        _ rate: Int
    ) throws -> [UInt8] {
        let lineTime = UInt64(bytes.count) * 10 * 1_000_000_000 / UInt64(rate)
        let end = monotonicNanoseconds() + lineTime + Self.patienceNanoseconds
        var unsent = bytes[...]
        var got: [UInt8] = []
        while got.count < bytes.count, monotonicNanoseconds() < end {
            var requests = [PollRequest(port.number, write: !unsent.isEmpty)]
            try pollDescriptors(&requests, untilMonotonicNanoseconds: end)
            if requests[0].isWritable { unsent = unsent.dropFirst(try port.write(unsent)) }
            guard requests[0].isReadable else { continue }
            let piece = try port.read(maximum: bytes.count - got.count)
            if piece?.isEmpty == true { throw CommandFailure("The port hung up.") }
            got += piece ?? []
        }
        return got
    }

}
