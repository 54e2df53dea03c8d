internal import Glibc
internal import LinuxSystem

/// A listening TCP socket: both IP versions where the machine has them.
public final class TCPListener {
    /// How many connections may wait to be accepted: the kernel drops those beyond, whose clients ask again after seconds.
    public static let backlog: Int32 = 1024

    private let socket: OwnedDescriptor
    /// The port it listens on.
    public let port: Int

    /// Listens on the first free port of a range.
    public init(ports: ClosedRange<Int>, onlyIPv6: Bool) throws(TransportError) {
        if let given = try ActivatedSocket.take(ports: ports) {
            socket = given
            port = Self.port(of: given)
            return
        }
        var lastError = SystemError("bind", errorNumber: EADDRINUSE)
        for port in ports {
            do {
                let (socket, chosen) = try Self.listen(on: port, onlyIPv6: onlyIPv6)
                self.socket = socket
                self.port = chosen
                return
            } catch {
                lastError = error
                if error.errorNumber != EADDRINUSE { break }
            }
        }
        throw Self.error(ports, lastError)
    }

    private static func port(of socket: OwnedDescriptor) -> Int {
        if case .tcp(let port) = ServiceManager.place(of: socket) { port } else { 0 }
    }

    /// Whether programs of other machines can connect.
    var servesNetwork: Bool {
        guard let address = try? SocketAddress.local(of: socket) else { return true }
        return !address.isLoopback
    }

    /// Shows readable in poll(2) when a connection waits.
    public var descriptor: Int32 { socket.number }

    /// Takes a waiting connection; nil when there is none (any more).
    public func accept() throws(TransportError) -> TCPSocket.Connection? {
        do {
            guard let (descriptor, address) = try SocketAddress.accept(from: socket) else {
                return nil
            }
            try TCPSocket.prepare(descriptor)
            return TCPSocket.Connection(descriptor: descriptor, address: address)
        } catch {
            throw TransportError("tcp port \(port)", error)
        }
    }

    private static func listen(
        on port: Int,
        onlyIPv6: Bool
    ) throws(SystemError) -> (OwnedDescriptor, Int) {
        do {
            return try SocketAddress.any(port: port, isIPv6: true).listen(
                onlyIPv6: onlyIPv6,
                backlog: backlog
            )
        } catch  where error.errorNumber == EAFNOSUPPORT && !onlyIPv6 {
            return try SocketAddress.any(port: port, isIPv6: false).listen(
                onlyIPv6: false,
                backlog: backlog
            )
        }
    }

    private static func error(
        _ ports: ClosedRange<Int>,
        _ error: SystemError
    ) -> TransportError {
        let name =
            ports.count == 1
            ? "tcp port \(ports.lowerBound)"
            : "tcp ports \(ports.lowerBound)–\(ports.upperBound)"
        switch error.errorNumber {
        case EADDRINUSE where ports.count > 1:
            return TransportError("\(name): all of them are in use")
        case EADDRINUSE:
            return TransportError("\(name) is in use; give another port, or a range such as 51:60")
        case EACCES:
            return TransportError("\(name): ports below 1024 are for root (CAP_NET_BIND_SERVICE)")
        default:
            return TransportError("cannot listen on \(name)", error)
        }
    }
}
