internal import Glibc
public import LinuxSystem

/// TCP connections: dual stack, Nagle off, keepalive on.
public enum TCPSocket {
    /// A new connection and the far end's name, "tcp [::1]:5005".
    public struct Connection {
        /// The connected socket.
        public let descriptor: OwnedDescriptor
        /// The far end for people.
        public let peerName: String
        /// The far end's address without its port, see `SocketAddress.machine`.
        public let machine: String
        /// Where the far end is, see `SocketAddress.origin`.
        public let origin: String

        init(descriptor: OwnedDescriptor, address: SocketAddress) {
            self.descriptor = descriptor
            peerName = "tcp \(address)"
            machine = address.machine
            origin = address.origin
        }
    }

    /// How long one address may take to answer, in milliseconds.
    public static let connectTimeoutMilliseconds = 15_000

    /// Connects to a machine, trying each of its addresses.
    public static func connect(
        host: String,
        port: Int,
        onlyIPv6: Bool,
        timeoutMilliseconds: Int = connectTimeoutMilliseconds
    ) throws(TransportError) -> Connection {
        let place = "tcp \(host):\(port)"
        let addresses: [SocketAddress]
        do {
            addresses = try SocketAddress.resolve(host: host, port: port, onlyIPv6: onlyIPv6)
        } catch {
            throw TransportError("\(place): \(error)")
        }
        var lastError = SystemError("connect", errorNumber: EHOSTUNREACH)
        for address in addresses {
            do {
                let socket = try address.connect(timeoutMilliseconds: timeoutMilliseconds)
                try prepare(socket)
                return Connection(descriptor: socket, address: address)
            } catch {
                lastError = error
            }
        }
        let hint =
            lastError.errorNumber == ECONNREFUSED
            ? "; is the server running, and is this its port?" : ""
        throw TransportError("cannot connect to \(place): \(lastError.reason)\(hint)")
    }

    /// Nagle off, so that a small packet leaves at once; keepalive, so that a vanished peer is noticed.
    public static func prepare(_ socket: OwnedDescriptor) throws(SystemError) {
        let options: [(Int32, Int32, Int32)] = [
            (Int32(IPPROTO_TCP), TCP_NODELAY, 1),
            (SOL_SOCKET, SO_KEEPALIVE, 1),
            (Int32(IPPROTO_TCP), TCP_KEEPIDLE, 30),
            (Int32(IPPROTO_TCP), TCP_KEEPINTVL, 10),
            (Int32(IPPROTO_TCP), TCP_KEEPCNT, 3),
        ]
        for (level, name, value) in options {
            try setSocketOption(socket, level, name, value)
        }
    }
}
