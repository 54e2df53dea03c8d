public import ByteTransport
public import ConnectionStrings
public import LinuxSystem

/// A connection that a listener took, with its descriptor at hand: a session process gets it.
///
/// It is to be kept as long as the session lasts: on a serial port, letting go of it tells the far end.
public struct AcceptedConnection {
    /// The socket that carries the stream's bytes.
    public let descriptor: OwnedDescriptor
    /// The far end for people, "tcp [::1]:5005".
    public let peerName: String
    /// The line beneath.
    public let link: LinkKind
    /// The user at the far end, where the kernel tells (a named pipe).
    public let userID: UInt32?
    /// What must live as long as the connection.
    private let keeper: AnyObject?

    init(
        descriptor: OwnedDescriptor,
        peerName: String,
        link: LinkKind,
        userID: UInt32? = nil,
        keeper: AnyObject? = nil
    ) {
        self.descriptor = descriptor
        self.peerName = peerName
        self.link = link
        self.userID = userID
        self.keeper = keeper
    }
}

/// Something that clients connect to.
public protocol StreamListener: AnyObject {
    /// Shows readable in poll(2) when `accept` has something to do; -1 while the listener is deaf.
    var descriptor: Int32 { get }
    /// The connection string as lists show it, with the port or the pipe's name that was chosen.
    var displayedName: String { get }
    /// The TCP port that was chosen; nil for what a firewall has no say in.
    var portNumber: Int? { get }
    /// Takes a waiting connection, or nil when there is none (any more).
    ///
    /// An error may pass: call again after `StreamListenerLimits.retryMilliseconds`, which tries to listen
    /// anew where that helps.
    func accept() throws(TransportError) -> AcceptedConnection?
}

extension StreamListener {
    /// None by default.
    public var portNumber: Int? { nil }
}

/// Waits of those who use a listener.
public enum StreamListenerLimits {
    /// How long to wait after a failed `accept`, in milliseconds.
    public static let retryMilliseconds = 1_000
}

/// Listens as a server's connection string says.
///
/// - Parameters:
///   - connection: a string parsed for the server's side.
///   - program: this program's name, shown to others that share a serial port.
public func openListener(
    _ connection: ConnectionString,
    program: String
) throws(TransportError) -> any StreamListener {
    if connection.access.password != nil {
        throw TransportError("password= is not supported by this version of \(program)")
    }
    switch connection {
    case .tcp(let socket) where socket.reverseConnection == nil:
        return try TCPStreamListener(connection, socket)
    case .npipe(let pipe):
        return try PipeStreamListener(connection, pipe)
    case .com(let serial):
        return try openComListener(connection, serial, program: program)
    default:
        throw unsupported(connection, program)
    }
}

/// Connects as a client's connection string says and sends no greeting: the bytes are the server's own.
public func openRawStream(
    _ connection: ConnectionString,
    program: String
) throws(TransportError) -> any ByteTransport {
    if connection.access.password != nil {
        throw TransportError("password= is not supported by this version of \(program)")
    }
    switch connection {
    case .tcp(let socket):
        guard let host = socket.server else { throw unsupported(connection, program) }
        let made = try TCPSocket.connect(
            host: host,
            port: socket.ports.lowerBound,
            onlyIPv6: socket.onlyIPv6
        )
        return try wrap(made.descriptor, peerName: made.peerName, link: .network)
    case .npipe(let pipe):
        return try NamedPipe.connect(pipe)
    case .com(let serial):
        return try openComStream(serial, program: program)
    default:
        throw unsupported(connection, program)
    }
}

/// Connects as a client's connection string says and greets a process server.
///
/// - Parameters:
///   - text: a connection string for the client's side.
///   - program: this program's name and version, "cdb/0.1".
/// - Throws: `TransportError`, one sentence for the user.
public func openClientStream(
    _ text: String,
    program: String
) throws(TransportError) -> any ByteTransport {
    let connection: ConnectionString
    do {
        connection = try ConnectionString(text, for: .client)
    } catch {
        throw TransportError(error.description)
    }
    return GreetingTransport(
        try openRawStream(connection, program: program),
        program: program
    )
}

/// A transport over a descriptor, its failure in words.
func wrap(
    _ descriptor: OwnedDescriptor,
    peerName: String,
    link: LinkKind
) throws(TransportError) -> DescriptorTransport {
    do {
        return try DescriptorTransport(descriptor, peerName: peerName, link: link)
    } catch {
        throw TransportError(peerName, error)
    }
}

private func unsupported(_ connection: ConnectionString, _ program: String) -> TransportError {
    let isReverse = connection.displayed().contains("CliCon=")
    let name = connection.transportName + (isReverse ? " with clicon" : "")
    return TransportError(
        "\(name) is not supported by this version of \(program); use npipe, tcp or com"
    )
}

/// A TCP port as a listener of a process server.
private final class TCPStreamListener: StreamListener {
    private let listener: TCPListener
    let displayedName: String

    init(
        _ connection: ConnectionString,
        _ socket: ConnectionString.Socket
    ) throws(TransportError) {
        listener = try TCPListener(ports: socket.ports, onlyIPv6: socket.onlyIPv6)
        displayedName = connection.displayed(chosenPort: listener.port)
    }

    var descriptor: Int32 { listener.descriptor }

    var portNumber: Int? { listener.port }

    func accept() throws(TransportError) -> AcceptedConnection? {
        guard let made = try listener.accept() else { return nil }
        return AcceptedConnection(
            descriptor: made.descriptor,
            peerName: made.peerName,
            link: .network
        )
    }
}
