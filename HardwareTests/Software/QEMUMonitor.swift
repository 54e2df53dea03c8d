import Foundation
import LinuxSystem

/// QEMU's machine protocol: one JSON object a line, answers and events.
final class QEMUMonitor {
    private let socket: OwnedDescriptor
    private var unread: [UInt8] = []
    private var events: [[String: Any]] = []
    private static let patienceNanoseconds: UInt64 = 30_000_000_000

    /// Takes over a connection and ends its negotiation.
    init(_ socket: OwnedDescriptor) throws {
        self.socket = socket
        try socket.setNonBlocking()
        try execute("qmp_capabilities")
    }

    /// Has a command carried out.
    @discardableResult
    func execute(_ command: String, _ arguments: [String: Any] = [:]) throws -> Any {
        var message: [String: Any] = ["execute": command]
        if !arguments.isEmpty { message["arguments"] = arguments }
        let text = try JSONSerialization.data(withJSONObject: message) + Data("\n".utf8)
        try UnixSocket.send(Array(text)[...], on: socket)
        while true {
            let answer = try next(command)
            if let error = answer["error"] {
                throw MachineFailure(description: "QEMU: \(command): \(error)")
            }
            if let value = answer["return"] { return value }
        }
    }

    /// Waits for an event about a device, also one that has come already.
    func wait(for event: String, device: String) throws {
        func isIt(_ message: [String: Any]) -> Bool {
            let data = message["data"] as? [String: Any]
            return message["event"] as? String == event && data?["device"] as? String == device
        }
        while true {
            if let index = events.firstIndex(where: isIt) {
                events.remove(at: index)
                return
            }
            _ = try next("\(event) of \(device)")
        }
    }

    /// The next message; events are kept.
    private func next(_ what: String) throws -> [String: Any] {
        let end = monotonicNanoseconds() + Self.patienceNanoseconds
        while true {
            if let newline = unread.firstIndex(of: UInt8(ascii: "\n")) {
                let line = Data(unread[..<newline])
                unread.removeSubrange(...newline)
                let object = try JSONSerialization.jsonObject(with: line)
                let message = object as? [String: Any] ?? [:]
                if message["event"] != nil { events.append(message) }
                return message
            }
            var requests = [PollRequest(socket.number)]
            try pollDescriptors(&requests, untilMonotonicNanoseconds: end)
            let portion = try socket.read(maximum: 65_536)
            if portion?.isEmpty == true || monotonicNanoseconds() >= end {
                throw MachineFailure(description: "QEMU: no answer: \(what)")
            }
            unread += portion ?? []
        }
    }
}
