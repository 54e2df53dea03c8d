public import ByteTransport
public import ConnectionStrings
public import LinuxSystem
public import SessionProtocol

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
    /// Where the far end is, the same for each of its connections: an address, a user, a serial channel.
    ///
    /// What limits clients counts by it.
    public let origin: String
    /// The user at the far end, where the kernel tells (a named pipe).
    public let userID: UInt32?
    /// What must live as long as the connection.
    private let keeper: AnyObject?

    /// Describes a connection.
    public init(
        descriptor: OwnedDescriptor,
        peerName: String,
        link: LinkKind,
        origin: String? = nil,
        userID: UInt32? = nil,
        keeper: AnyObject? = nil
    ) {
        self.descriptor = descriptor
        self.peerName = peerName
        self.link = link
        self.origin = origin ?? peerName
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
    /// Whether there is one client, whom `accept` gives at once, and no other after it (`clicon`).
    var takesOneClient: Bool { get }
    /// Whether programs of other machines can connect, over a network.
    var servesNetwork: Bool { get }
    /// Takes a waiting connection, or nil when there is none (any more).
    ///
    /// An error may pass: call again after `StreamListenerLimits.retryMilliseconds`, which tries to listen
    /// anew where that helps.
    func accept() throws(TransportError) -> AcceptedConnection?
}

extension StreamListener {
    /// None by default.
    public var portNumber: Int? { nil }
    /// Most take any number.
    public var takesOneClient: Bool { false }
    /// Most are on this machine, or at the end of a cable.
    public var servesNetwork: Bool { false }
}

/// Waits of those who use a listener.
public enum StreamListenerLimits {
    /// How long to wait after a failed `accept`, in milliseconds.
    public static let retryMilliseconds = 1_000
    /// How long a server may take to check a password, in milliseconds: four short lines on the slowest line.
    public static let greetingMilliseconds = 30_000
}

/// Listens as a server's connection string says.
///
/// - Parameters:
///   - connection: a string parsed for the server's side.
///   - program: this program's name, shown to others that share a serial port.
///   - offering: what kind of server the other end of a cable may list; nil for one that is never listed.
///   - isShared: whether it is a debugging server's, where clients may be let in to look only.
///   - process: the process whose numbers take the place of format codes in a pipe's name.
///   - stop: readable when a server that connects to its client shall give up; it then has nobody to accept.
public func openListener(
    _ connection: ConnectionString,
    program: String,
    offering: String? = nil,
    isShared: Bool = false,
    process: (id: Int32, thread: Int32) = (Files.ownProcess, Files.ownThread),
    stop: Int32 = -1
) throws(TransportError) -> any StreamListener {
    guard isShared || !(connection.access.isReadOnly || connection.access.readOnlyPassword != nil)
    else {
        throw TransportError(
            "\(connection.transportName): readonly and readonly-password are a debugging server's (cdb"
                + " -server, .server); a process server has dbgsrv --read-only"
        )
    }
    KeyLog.announce(connection, program: program)
    // What is wrong with a certificate is said now, not to the first client.
    _ = try SecureChannel.server(connection)
    switch connection {
    case .tcp(let socket) where socket.reverseConnection == nil,
        .ssl(let socket, _) where socket.reverseConnection == nil:
        return try TCPStreamListener(connection, socket)
    case .tcp(let socket), .ssl(let socket, _):
        return try ReverseListener(connection, socket, stop: stop)
    case .npipe(let pipe), .spipe(let pipe, _):
        return try PipeStreamListener(connection, pipe, process)
    case .com(let serial):
        return try openComListener(connection, serial, program: program, offering: offering)
    }
}

/// Connects as a client's connection string says and sends no greeting: the bytes are the server's own.
///
/// A password in the string is proved first, in a greeting of our own.
public func openRawStream(
    _ connection: ConnectionString,
    program: String
) throws(TransportError) -> any ByteTransport {
    guard let named = connection.access.password else {
        return try openBareStream(connection, program: program)
    }
    let password = try PasswordSource.password(named, of: connection.transportName)
    return try openClientStream(connection, program: program, password: password)
}

private func openBareStream(
    _ connection: ConnectionString,
    program: String
) throws(TransportError) -> any ByteTransport {
    KeyLog.announce(connection, program: program)
    guard let secure = try SecureChannel.client(connection) else {
        return try openPlainStream(connection, program: program)
    }
    return try secure.connect(try openPlainStream(connection, program: program))
}

/// Connects without TLS, whatever the connection string says of it.
private func openPlainStream(
    _ connection: ConnectionString,
    program: String
) throws(TransportError) -> any ByteTransport {
    switch connection {
    case .tcp(let socket) where socket.reverseConnection != nil,
        .ssl(let socket, _) where socket.reverseConnection != nil:
        let name = program.prefix { $0 != "/" }
        let made = try ReverseConnection.waitForServer(socket) { printError("\(name): \($0)\n") }
        return try wrap(made.descriptor, peerName: made.peerName, link: .network)
    case .tcp(let socket), .ssl(let socket, _):
        let made = try TCPSocket.connect(
            host: socket.server ?? "localhost",
            port: socket.ports.lowerBound,
            onlyIPv6: socket.onlyIPv6
        )
        return try wrap(made.descriptor, peerName: made.peerName, link: .network)
    case .npipe(let pipe), .spipe(let pipe, _):
        return try NamedPipe.connect(pipe)
    case .com(let serial):
        return try openComStream(serial, program: program)
    }
}

/// Connects as a client's connection string says and greets a process server.
///
/// - Parameters:
///   - text: a connection string for the client's side.
///   - program: this program's name and version, "cdb/0.1".
///   - role: what we want to be to the server.
/// - Throws: `TransportError`, one sentence for the user.
public func openClientStream(
    _ text: String,
    program: String,
    role: Greeting.Role = .smartClient
) throws(TransportError) -> GreetingTransport {
    let connection: ConnectionString
    do {
        connection = try ConnectionString(text, for: .client)
    } catch {
        throw TransportError(error.description)
    }
    let named = connection.access.password
    return try openClientStream(
        connection,
        program: program,
        password: named.map { (named) throws(TransportError) in
            try PasswordSource.password(named, of: connection.transportName)
        },
        role: role
    )
}

/// Connects, greets a process server and proves a password to it, which is not the connection string's own.
///
/// - Parameter password: nil when none has been asked for yet; then the stream's first read tells when it is.
public func openClientStream(
    _ connection: ConnectionString,
    program: String,
    password: [UInt8]?,
    role: Greeting.Role = .smartClient
) throws(TransportError) -> GreetingTransport {
    let stream = GreetingTransport(
        try openBareStream(connection, program: program),
        program: program,
        role: role
    )
    if let password {
        try stream.settle(
            password: password,
            timeoutMilliseconds: StreamListenerLimits.greetingMilliseconds
        )
    } else if connection.isReverse, PasswordSource.canAsk {
        // This server comes once: there is no second connection on which to answer its question.
        try stream.settle(
            asking: { (server) throws(TransportError) in
                try PasswordSource.ask("\(server) password: ")
            },
            timeoutMilliseconds: StreamListenerLimits.greetingMilliseconds
        )
    }
    return stream
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

/// A TCP port as a listener of a process server.
private final class TCPStreamListener: StreamListener {
    private let listener: TCPListener
    private let transportName: String
    let displayedName: String

    init(
        _ connection: ConnectionString,
        _ socket: ConnectionString.Socket
    ) throws(TransportError) {
        transportName = connection.transportName
        listener = try TCPListener(ports: socket.ports, onlyIPv6: socket.onlyIPv6)
        displayedName = connection.displayed(chosenPort: listener.port)
    }

    var descriptor: Int32 { listener.descriptor }
    var servesNetwork: Bool { listener.servesNetwork }

    var portNumber: Int? { listener.port }

    func accept() throws(TransportError) -> AcceptedConnection? {
        guard let made = try listener.accept() else { return nil }
        return AcceptedConnection(
            descriptor: made.descriptor,
            peerName: secureName(made.peerName, transportName),
            link: .network,
            origin: made.origin
        )
    }
}
