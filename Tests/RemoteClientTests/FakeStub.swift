import Foundation
import Glibc

/// A stub that answers as a closure says: real bytes over a socket pair, on a thread of its own.
final class FakeStub: @unchecked Sendable {
    // SAFETY: the log is guarded by the lock; everything else is set before the thread starts.

    /// What to do about a packet.
    enum Answer {
        /// A packet with right checksum.
        case packet(String)
        /// These bytes as they are.
        case raw(String)
        /// These bytes again and again, as long as somebody reads.
        case dribble(String)
        /// Nothing.
        case silence
        /// The end of the connection.
        case close
    }

    let transport: TestTransport
    private let descriptor: Int32
    private let answer: @Sendable (String) -> Answer
    private let lock = NSLock()
    private var log: [String] = []
    private var plain: [UInt8] = []

    /// Packets received so far.
    var received: [String] { lock.withLock { log } }
    /// Bytes received outside packets.
    var outside: [UInt8] { lock.withLock { plain } }

    init(_ answer: @escaping @Sendable (String) -> Answer) {
        var pair: [Int32] = [0, 0]
        _ = socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair)
        transport = TestTransport(pair[0])
        descriptor = pair[1]
        self.answer = answer
        let thread = Thread { [self] in serve() }
        thread.start()
    }

    static func frame(_ payload: String) -> String {
        let sum = payload.utf8.reduce(0 as UInt8) { $0 &+ $1 }
        return "$\(payload)#" + (sum < 16 ? "0" : "") + String(sum, radix: 16)
    }

    private func serve() {
        defer { close(descriptor) }
        while let payload = nextPacket() {
            lock.withLock { log.append(payload) }
            switch answer(payload) {
            case .packet(let reply): write("+" + FakeStub.frame(reply))
            case .raw(let bytes): write(bytes)
            case .dribble(let bytes): while write(bytes) {}
            case .silence: break
            case .close: return
            }
        }
    }

    @discardableResult
    private func write(_ text: String) -> Bool {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    private func nextByte() -> UInt8? {
        var byte: UInt8 = 0
        return recv(descriptor, &byte, 1, 0) == 1 ? byte : nil
    }

    private func nextPacket() -> String? {
        while let byte = nextByte() {
            guard byte == UInt8(ascii: "$") else {
                lock.withLock { plain.append(byte) }
                continue
            }
            var payload: [UInt8] = []
            while let next = nextByte(), next != UInt8(ascii: "#") { payload.append(next) }
            _ = (nextByte(), nextByte())
            return String(decoding: payload, as: UTF8.self)
        }
        return nil
    }
}
