import BrokerProtocol
import Foundation
import LinuxSystem
import Testing

@testable import Transports

@Suite("A broker among enemies", .serialized)
struct HostilityTests {
    private func socket(_ bench: Bench, _ port: String) throws -> OwnedDescriptor {
        try UnixSocket.connect(path: ComPortPlace(named: port, folder: bench.folder).files.socket)
    }

    /// Sends bytes and gives everything the broker answers until it hangs up or is silent.
    private func answer(_ bench: Bench, to bytes: [UInt8]) throws -> String {
        let socket = try socket(bench, bench.a)
        try? UnixSocket.send(bytes[...], on: socket)
        UnixSocket.finishWriting(socket)
        var answer: [UInt8] = []
        while let more = try? socket.read(maximum: 65_536), !more.isEmpty { answer += more }
        return String(decoding: answer, as: UTF8.self)
    }

    @Test(
        "answers nonsense on its socket with errors and goes on serving (L1, L3, R1)",
        arguments: [
            ("reboot\n", "error code=bad-request :There is no request or message \"reboot\".\n"),
            ("\n", "error code=bad-request :\"\" is not a keyword with key=value fields.\n"),
            (
                "open baud=9600 parity=none stop=1 flow=none dtr=leave rts=leave\n",
                "error code=not-open :hello comes first, then open, then everything else\n"
            ),
            (
                "hello version=1 program=x\nlisten channel=3\n",
                "ok\nerror code=not-open :hello comes first, then open, then everything else\n"
            ),
            ("hello version=7 program=x\n", "error code=version :"),
            (
                "hello version=1 program=x\nlisten channel=255\n",
                "ok\nerror code=bad-request :The field channel of listen is missing, unknown or has a wrong value.\n"
            ),
            ("data token=00112233445566778899aabbccddeeff\n", "error code=unknown-token :"),
            (
                "hello version=1 program=x\ndata token=00112233445566778899aabbccddeeff\n",
                "ok\nerror code=bad-request :"
            ),
        ]
    )
    func badLines(lines: String, expected: String) throws {
        let bench = try Bench()
        let client = try bench.open(bench.a)
        let said = try answer(bench, to: Array(lines.utf8))
        #expect(said.hasPrefix(expected), "\(said)")
        withExtendedLifetime(client) {}
    }

    @Test("drops whoever sends an endless line, binary noise, or nothing (L1)")
    func noiseOnTheSocket() throws {
        let bench = try Bench()
        let server = try bench.open(bench.a)
        let broker = try bench.broker(of: bench.a)
        let endless = try answer(bench, to: [UInt8](repeating: 0x61, count: 100_000))
        #expect(endless.hasPrefix("error code=bad-request :The line is longer than 1024 bytes."))
        for seed in 0..<50 { _ = try answer(bench, to: noise(3000, seed: UInt64(seed))) }
        _ = try answer(bench, to: [])
        let listener = try server.listen(channel: 1)
        let (far, near) = try bench.connect(listener, from: try bench.open(bench.b))
        try near.writeAll([7])
        #expect(try far.read(exactly: 1) == [7])
        #expect(try bench.broker(of: bench.a) == broker)
    }

    @Test("gives a token's data to the first that claims it, and to nobody else (R4)")
    func tokenOnce() throws {
        let bench = try Bench()
        let listener = try bench.open(bench.a).listen(channel: 1)
        let (far, near) = try bench.connect(listener, from: try bench.open(bench.b))
        for _ in 0..<3 {
            var random = SystemRandomNumberGenerator()
            let guess = BrokerRequest.data(BrokerToken(using: &random), takesBreaks: false).line
                .encoded
            #expect(try answer(bench, to: guess).hasPrefix("error code=unknown-token"))
        }
        withExtendedLifetime((far, near)) {}
    }

    @Test("survives noise on the line and then finds its peer")
    func noiseOnTheLine() throws {
        let bench = try Bench()
        let server = try bench.open(bench.a)
        let intruder = try openFile(bench.b, flags: O_RDWR | O_NOCTTY)
        for seed in 0..<20 { try UnixSocketWrite.all(noise(5000, seed: UInt64(seed)), intruder) }
        let listener = try server.listen(channel: 1)
        let (far, near) = try bench.connect(listener, from: try bench.open(bench.b))
        try near.writeAll([7])
        #expect(try far.read(exactly: 1) == [7])
    }

    @Test("keeps its connections when clients come and go in crowds")
    func crowds() throws {
        let bench = try Bench()
        let listener = try bench.open(bench.a).listen(channel: 1)
        let client = try bench.open(bench.b)
        let (far, near) = try bench.connect(listener, from: client)
        for _ in 0..<30 {
            let sockets = try (0..<10).map { _ in try socket(bench, bench.b) }
            for socket in sockets {
                try? UnixSocket.send(Array("hello version=1 program=x\n".utf8)[...], on: socket)
            }
        }
        try near.writeAll([9])
        #expect(try far.read(exactly: 1) == [9])
    }
}

/// Writes to a terminal that blocks.
enum UnixSocketWrite {
    static func all(_ bytes: [UInt8], _ descriptor: OwnedDescriptor) throws {
        var rest = bytes[...]
        while !rest.isEmpty { rest = rest.dropFirst(try descriptor.write(rest)) }
    }
}
