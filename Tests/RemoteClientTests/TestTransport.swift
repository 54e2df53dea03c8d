import ByteTransport
import Foundation
import Glibc

/// A stream over a connected socket, as the programs have it.
final class TestTransport: ByteTransport {
    let descriptor: Int32
    let peerName: String
    let link = LinkKind.local
    private var isOpen = true

    init(_ descriptor: Int32, peerName: String = "test stub") {
        self.descriptor = descriptor
        self.peerName = peerName
        let flags = fcntl(descriptor, F_GETFL)
        _ = fcntl(descriptor, F_SETFL, flags | O_NONBLOCK)
    }

    deinit {
        close()
    }

    func read(maximum: Int) -> ReadResult {
        guard isOpen else { return .ended(.closed) }
        var buffer = [UInt8](repeating: 0, count: maximum)
        let count = recv(descriptor, &buffer, maximum, 0)
        if count > 0 { return .bytes(Array(buffer[..<count])) }
        if count == 0 { return .ended(.closed) }
        return errno == EAGAIN || errno == EINTR
            ? .wouldBlock : .ended(.failed(String(cString: strerror(errno))))
    }

    func write(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard isOpen else { return nil }
        let count = bytes.withUnsafeBytes {
            send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        if count >= 0 { return count }
        return errno == EAGAIN || errno == EINTR ? 0 : nil
    }

    func finishWriting() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    func close() {
        guard isOpen else { return }
        isOpen = false
        Glibc.close(descriptor)
    }

    /// Connects to a port of this machine.
    static func connect(port: UInt16) throws -> TestTransport {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            throw TestFailure("connecting to port \(port): \(String(cString: strerror(errno)))")
        }
        return TestTransport(descriptor, peerName: "gdbserver")
    }
}

struct TestFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
