import Glibc
import LinuxSystem
import Testing

/// A connection on which a test says whatever bytes it likes.
final class RawClient {
    let socket: OwnedDescriptor

    init(port: Int, host: String = "127.0.0.1") throws {
        let addresses = try SocketAddress.resolve(host: host, port: port, onlyIPv6: false)
        socket = try #require(addresses.first).connect(timeoutMilliseconds: 30_000)
    }

    init(pipe path: String) throws {
        socket = try UnixSocket.connect(path: path)
        try socket.setNonBlocking()
    }

    /// Sends what can be sent at once; a peer that has gone is no error.
    func say(_ text: String) {
        _ = try? socket.write(Array(text.utf8)[...])
    }

    func say(bytes: [UInt8]) {
        _ = try? socket.write(bytes[...])
    }

    /// Says that nothing more will come.
    func sayNoMore() {
        shutdown(socket.number, Int32(SHUT_WR))
    }

    /// What comes until the far end closes.
    func everything(patienceSeconds: Int = 60) throws -> String {
        try receive(patienceSeconds) { _ in false }
    }

    /// What comes until it holds a text, or the far end closes.
    func heard(_ text: String, patienceSeconds: Int = 60) throws -> String {
        try receive(patienceSeconds) { $0.contains(text) }
    }

    private func receive(_ seconds: Int, until isEnough: (String) -> Bool) throws -> String {
        let deadline = monotonicNanoseconds() + UInt64(seconds) * 1_000_000_000
        var bytes: [UInt8] = []
        while true {
            let text = String(decoding: bytes, as: UTF8.self)
            if isEnough(text) { return text }
            var requests = [PollRequest(socket.number)]
            try #require(
                try pollDescriptors(&requests, untilMonotonicNanoseconds: deadline),
                "nothing more came behind '\(text)'"
            )
            do {
                guard let more = try socket.read(maximum: 4096) else { continue }
                if more.isEmpty { return text }
                bytes += more
            } catch {
                return text
            }
        }
    }
}
