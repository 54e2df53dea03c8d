import Foundation
import LinuxSystem
import SerialPort
import Testing

/// The serial hardware that the machine under test has, as a small file describes it.
///
/// `LAB_RIG` names the file. Each line is a word and its values; `#` begins a comment:
///
///     loopback /dev/ttyUSB0          a port with a loopback plug (RXD to TXD)
///     pair /dev/ttyUSB1 /dev/ttyUSB2 two ports joined by a null-modem cable
///     port /dev/ttyS0                a port about which nothing else is known
///     adapter usb:0403:6001:A1B2:00  an adapter that is plugged in, by its identity (docs/ports.md)
///     cable root@board /dev/ttyS1 /dev/ttyUSB3 /usr/local/bin/worker
///                                    a machine that ssh reaches and that has our programs, its port, ours that is joined
///                                    with it, and Tests/Demo/worker.c compiled with -g on both
///     rates 9600 115200 250000       rates that all of them can do (these are the usual ones)
struct Rig {
    var loopbacks: [String] = []
    var pairs: [(String, String)] = []
    var ports: [String] = []
    var adapters: [String] = []
    var cables: [Cable] = []
    var rates = [9600, 19_200, 115_200, 250_000]

    /// A cable to another machine.
    struct Cable {
        /// Where ssh reaches it.
        let host: String
        /// Its port.
        let far: String
        /// Ours.
        let near: String
        /// The debuggee, at the same place on both machines.
        let worker: String
    }

    /// The rig of this machine; nil without one, or with one that makes no sense, which is said.
    static let current: Rig? = {
        guard let file = ProcessInfo.processInfo.environment["LAB_RIG"] else { return nil }
        do {
            return try Rig(text: String(contentsOfFile: file, encoding: .utf8))
        } catch {
            print("LAB_RIG=\(file): \(error)")
            return nil
        }
    }()

    init(text: String) throws {
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.prefix { $0 != "#" }.split(separator: " ").map(String.init)
            switch (words.first, words.count) {
            case (nil, _): continue
            case ("loopback", 2): loopbacks.append(words[1])
            case ("pair", 3): pairs.append((words[1], words[2]))
            case ("port", 2): ports.append(words[1])
            case ("adapter", 2): adapters.append(words[1])
            case ("cable", 5):
                cables.append(
                    Cable(host: words[1], far: words[2], near: words[3], worker: words[4])
                )
            case ("rates", 2...): rates = words.dropFirst().compactMap { Int($0) }
            default: throw RigError(description: "\"\(line)\" is not understood")
            }
        }
    }

    /// Every port there is.
    var allPorts: [String] { loopbacks + pairs.flatMap { [$0.0, $0.1] } + ports }

    /// The reason why a test that needs something cannot run; printed, because a silent skip looks like a pass.
    static func lacks(_ what: String, _ isThere: (Rig) -> Bool) -> Bool {
        guard let current else {
            print(
                "skipped: no rig; set LAB_RIG to a file that describes one (HardwareTests/Rig.swift)"
            )
            return true
        }
        if isThere(current) { return false }
        print("skipped: the rig has no \(what)")
        return true
    }
}

struct RigError: Error, CustomStringConvertible {
    let description: String
}

/// Opens a port of the rig.
func openPort(_ path: String, _ rate: Int) throws -> SerialPort {
    try SerialPort(path: path, configuration: SerialConfiguration(baudRate: rate))
}

/// Sends bytes from one port to another while reading there, and gives what arrived.
func transfer(_ bytes: [UInt8], from sender: SerialPort, to receiver: SerialPort) throws -> [UInt8]
{
    var unsent = bytes[...]
    var received: [UInt8] = []
    let bits = bytes.count * sender.configuration.bitsPerCharacter
    let limit = bits * 1000 / sender.configuration.baudRate * 2 + 2000
    let deadline = monotonicNanoseconds() + UInt64(limit) * 1_000_000
    while received.count < bytes.count, monotonicNanoseconds() < deadline {
        var requests = [
            PollRequest(receiver.descriptor.number),
            PollRequest(sender.descriptor.number, read: false, write: !unsent.isEmpty),
        ]
        try pollDescriptors(&requests, timeoutMilliseconds: 100)
        if !unsent.isEmpty { unsent = unsent.dropFirst(try sender.descriptor.write(unsent)) }
        received += try receiver.descriptor.read(maximum: 65_536) ?? []
    }
    return received
}
