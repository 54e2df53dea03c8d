import Foundation
import Glibc
import LinuxSystem
import Testing

/// A client that says whatever a test wants it to, over a named pipe, without acknowledgements.
final class PacketClient {
    private let socket: OwnedDescriptor
    private var received: [UInt8] = []

    init(_ lab: Lab, _ pipe: String) throws {
        socket = try UnixSocket.connect(path: "\(lab.folder)/run/pipes/\(pipe)")
        // In gdb's order: who ends acknowledgements first is taken for lldb, and gets Linux's signal numbers.
        _ = try ask("qSupported:multiprocess+")
        _ = try ask("QStartNoAckMode")
    }

    /// Sends a packet's payload as it is.
    func send(_ payload: String) throws {
        let sum = payload.utf8.reduce(UInt8(0)) { $0 &+ $1 }
        let digits = (sum < 16 ? "0" : "") + String(sum, radix: 16)
        try UnixSocket.send(Array("$\(payload)#\(digits)".utf8)[...], on: socket)
    }

    /// Sends a packet and gives the next reply that is no console output.
    func ask(_ payload: String) throws -> String {
        try send(payload)
        return try reply()
    }

    /// The next reply that is no console output.
    func reply() throws -> String {
        let deadline = Date(timeIntervalSinceNow: RunningProgram.patienceSeconds)
        while true {
            if let packet = nextPacket() {
                let isOutput = packet.hasPrefix("O") && packet != "OK"
                if !isOutput { return packet }
                continue
            }
            var entry = pollfd(fd: socket.number, events: Int16(POLLIN), revents: 0)
            try #require(Date() < deadline, "no reply")
            guard poll(&entry, 1, 1_000) > 0 else { continue }
            let bytes = try #require(try socket.read(maximum: 65_536))
            try #require(!bytes.isEmpty, "the server hung up")
            received += bytes
        }
    }

    private func nextPacket() -> String? {
        guard let start = received.firstIndex(of: UInt8(ascii: "$")),
            let end = received[start...].firstIndex(of: UInt8(ascii: "#")),
            received.endIndex > end + 2
        else { return nil }
        defer { received.removeFirst(end + 3) }
        return String(decoding: received[(start + 1)..<end], as: UTF8.self)
    }
}
