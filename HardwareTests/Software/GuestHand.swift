import Foundation
import LinuxSystem

/// The tests' hand in a guest: scripts go in, their output and status come out, on a line that is no serial port.
///
/// The other end is `image/root/usr/local/sbin/rig-agent`.
final class GuestHand {
    private let socket: OwnedDescriptor
    private var unread: [UInt8] = []
    private var count = 0

    /// Takes over a connection; the guest may still be starting.
    init(_ socket: OwnedDescriptor) throws {
        self.socket = socket
        try socket.setNonBlocking()
    }

    /// Waits until the guest is there.
    func waitUntilReady(seconds: Int) throws {
        while try nextLine(seconds: seconds) != "READY" {}
    }

    /// Runs a script of bash.
    func run(_ script: String, seconds: Int) throws -> ProgramOutput {
        count += 1
        let coded = Data(script.utf8).base64EncodedString()
        try send(Array("\(count) \(seconds) \(coded)\n".utf8))
        while true {
            let words = try nextLine(seconds: seconds + 30).split(separator: " ").map(String.init)
            guard words.count >= 2, words[0] == "\(count)", let status = UInt8(words[1]) else {
                continue
            }
            let output = words.count > 2 ? Data(base64Encoded: words[2]) ?? Data() : Data()
            return ProgramOutput(bytes: Array(output), ending: .exited(status))
        }
    }

    private func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            var requests = [PollRequest(socket.number, read: false, write: true)]
            try pollDescriptors(&requests, timeoutMilliseconds: 10_000)
            rest = rest.dropFirst(try socket.write(rest))
        }
    }

    private func nextLine(seconds: Int) throws -> String {
        let end = monotonicNanoseconds() + UInt64(seconds) * 1_000_000_000
        while true {
            if let newline = unread.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: unread[..<newline], as: UTF8.self)
                unread.removeSubrange(...newline)
                return line
            }
            var requests = [PollRequest(socket.number)]
            try pollDescriptors(&requests, untilMonotonicNanoseconds: end)
            let portion = try socket.read(maximum: 65_536)
            if portion?.isEmpty == true { throw MachineFailure(description: "the guest has ended") }
            if portion == nil && monotonicNanoseconds() >= end {
                throw MachineFailure(description: "the guest says nothing for \(seconds) s")
            }
            unread += portion ?? []
        }
    }
}
