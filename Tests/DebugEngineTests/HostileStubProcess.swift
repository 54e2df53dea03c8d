import Glibc
import Foundation

/// A stub on a TCP port of this machine that answers as a closure says; `}` escapes are the
/// closure's business.
final class HostileStub: @unchecked Sendable {
    // SAFETY: everything is set before the thread starts and not changed afterwards.

    let port: UInt16
    private let listener: Int32
    private let answer: @Sendable (String) -> [UInt8]

    init(_ answer: @escaping @Sendable (String) -> [UInt8]) throws {
        self.answer = answer
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = listener
        let status = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { plain in
                bind(descriptor, plain, length) | listen(descriptor, 1)
                    | getsockname(descriptor, plain, &length)
            }
        }
        guard status == 0 else { throw TestFailure("no port for the stub") }
        port = UInt16(bigEndian: address.sin_port)
        Thread { [self] in serve() }.start()
    }

    private func serve() {
        defer { close(listener) }
        let peer = accept(listener, nil, nil)
        guard peer >= 0 else { return }
        defer { close(peer) }
        while let packet = nextPacket(peer) {
            let payload = answer(packet)
            let sum = payload.reduce(0 as UInt8) { $0 &+ $1 }
            let digits = (sum < 16 ? "0" : "") + String(sum, radix: 16)
            var rest = (Array("+$".utf8) + payload + Array("#\(digits)".utf8))[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes {
                    send(peer, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard count > 0 else { return }
                rest = rest.dropFirst(count)
            }
        }
    }

    private func nextPacket(_ peer: Int32) -> String? {
        func next() -> UInt8? {
            var byte: UInt8 = 0
            return recv(peer, &byte, 1, 0) == 1 ? byte : nil
        }
        while let byte = next() {
            guard byte == UInt8(ascii: "$") else { continue }
            var payload: [UInt8] = []
            while let byte = next(), byte != UInt8(ascii: "#") { payload.append(byte) }
            _ = (next(), next())
            return String(decoding: payload, as: UTF8.self)
        }
        return nil
    }
}
