internal import ByteTransport
public import ConnectionStrings
internal import Glibc
internal import LinuxSystem

// `clicon`: the server connects and the client listens, for networks that let connections out but not in. There
// is one client, known by its machine's name, and one connection: when that is over the server is too.

/// Reverse TCP connections, from both ends.
public enum ReverseConnection {
    /// The environment variable that overrides `graceSeconds`.
    public static let variable = "DBGSRV_CLICON_SECONDS"
    /// How long each end waits for the other, in seconds: whichever is started first.
    public static let graceSeconds = 30
    /// How long the server waits before it tries again, in milliseconds.
    static let retryMilliseconds = 250
    /// How long one attempt may take, in milliseconds.
    static let attemptMilliseconds = 5_000

    static var seconds: Int {
        guard let text = environmentValue(variable), let seconds = Int(text),
            (1...86_400).contains(seconds)
        else { return graceSeconds }
        return seconds
    }

    /// The server's end: connects to the client's machine, again and again until it listens or the time is up.
    ///
    /// - Parameter stop: readable when that shall end; -1 for never.
    /// - Returns: nil when `stop` has ended it.
    public static func dial(
        _ socket: ConnectionString.Socket,
        stop: Int32 = -1
    ) throws(TransportError) -> TCPSocket.Connection? {
        let dialer = ReverseDialer(socket)
        while true {
            if let made = try dialer.advance() { return made }
            var requests = [dialer.request, PollRequest(stop)]
            do {
                try pollDescriptors(&requests, untilMonotonicNanoseconds: dialer.wakeNanoseconds)
            } catch {
                throw TransportError("clicon=\(socket.reverseConnection ?? "")", error)
            }
            if requests[1].isReadable { return nil }
        }
    }

    /// The client's end: listens until the one machine that is named connects.
    ///
    /// - Parameter notice: gets lines for the user: the port, and who else tried.
    public static func waitForServer(
        _ socket: ConnectionString.Socket,
        notice: (String) -> Void
    ) throws(TransportError) -> TCPSocket.Connection {
        let host = socket.reverseConnection ?? ""
        let machines = try addresses(of: host, socket)
        let listener = try TCPListener(ports: socket.ports, onlyIPv6: socket.onlyIPv6)
        notice("listening on tcp port \(listener.port) for the server on \(host)")
        let deadline = monotonicNanoseconds() + UInt64(seconds) * 1_000_000_000
        while monotonicNanoseconds() < deadline {
            if let made = try listener.accept() {
                if machines.contains(made.machine) { return made }
                notice("\(made.peerName) was turned away: only \(host) may connect")
                continue
            }
            var requests = [PollRequest(listener.descriptor)]
            do {
                try pollDescriptors(&requests, untilMonotonicNanoseconds: deadline)
            } catch {
                throw TransportError("tcp port \(listener.port)", error)
            }
        }
        throw TransportError(
            "no server connected from \(host) to tcp port \(listener.port) within \(seconds) s"
        )
    }

    private static func addresses(
        of host: String,
        _ socket: ConnectionString.Socket
    ) throws(TransportError) -> Set<String> {
        do {
            let list = try SocketAddress.resolve(host: host, port: 0, onlyIPv6: socket.onlyIPv6)
            return Set(list.map(\.machine))
        } catch {
            throw TransportError("clicon=\(host): \(error)")
        }
    }
}

/// The one connection of a server with `clicon`, made already; none when it was stopped before.
final class ReverseListener: StreamListener {
    private var connection: TCPSocket.Connection?
    let displayedName: String
    let descriptor: Int32 = -1
    let takesOneClient = true

    init(
        _ connection: ConnectionString,
        _ socket: ConnectionString.Socket,
        stop: Int32
    ) throws(TransportError) {
        displayedName = connection.displayed()
        self.connection = try ReverseConnection.dial(socket, stop: stop)
    }

    func accept() throws(TransportError) -> AcceptedConnection? {
        guard let made = connection else { return nil }
        connection = nil
        return AcceptedConnection(
            descriptor: made.descriptor,
            peerName: made.peerName,
            link: .network,
            origin: made.origin
        )
    }
}
