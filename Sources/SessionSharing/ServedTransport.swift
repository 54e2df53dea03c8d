internal import ByteTransport
internal import ConnectionStrings
internal import DiscoveryProtocol
internal import LinuxSystem
internal import ServerRegistry
internal import Transports

/// One `.server` of a debugging session: where clients arrive, and what they have to know.
final class ServedTransport {
    /// Its number in `.servers` and for `.endsrv`.
    let id: Int
    /// What its clients have to prove.
    let access: ServerAccess
    /// Without its password.
    let connection: ConnectionString
    /// The connection string as lists show it.
    private(set) var displayedName: String
    /// The connection string with which a client joins.
    private(set) var invitation = ""
    /// Whether nobody may join through it any more.
    private(set) var isDisabled = false
    private var listener: (any StreamListener)?
    private var dialer: ReverseDialer?
    private var registration: ServerRegistration?
    private var retryAt: UInt64?
    private var lastProblem: String?

    /// Listens, or begins to connect (`clicon`).
    ///
    /// - Parameters:
    ///   - text: the server's connection string, without its password.
    ///   - debugger: the process whose number stands for `%d` in a pipe's name.
    init(
        id: Int,
        _ text: String,
        access: ServerAccess,
        program: String,
        debugger: Int32
    ) throws {
        self.id = id
        self.access = access
        connection = try ConnectionString(text, for: .server)
        // What is wrong with a certificate is said now, not to the first client.
        _ = try SecureChannel.server(connection)
        displayedName = connection.displayed()
        if let socket = connection.reverseSocket {
            dialer = ReverseDialer(socket)
        } else {
            let listener = try openListener(
                connection,
                program: program,
                offering: connection.isListed ? ServerEntry.debuggingServer : nil,
                isShared: true,
                process: (debugger, debugger)
            )
            displayedName = listener.displayedName
            self.listener = listener
            if connection.isListed { register(program) }
        }
        let password = access.hasPassword ? ",Password=*" : ""
        displayedName += password
        invitation =
            clientInvitation(
                to: connection,
                at: listener,
                pipeName: connection.pipeName(process: debugger)
            ) + password
    }

    private func register(_ program: String) {
        // A convenience: without it `cdb -QR` does not show this server.
        registration = try? ServerRegistry.register(
            type: ServerEntry.debuggingServer,
            transport: displayedName + (access.hasPassword ? ",Password=*" : ""),
            program: program
        )
    }

    /// The TCP port that was chosen.
    var portNumber: Int? { listener?.portNumber }

    /// Words for who starts a server that everybody can reach.
    var warning: String? {
        guard let listener, listener.servesNetwork, !access.hasPassword, connection.security == nil
        else { return nil }
        return
            "WARNING: whoever reaches this TCP port debugs as user \(ownUserName): there is neither a"
            + " password nor TLS. Write password=@file:PATH, or ssl: with a certificate."
    }

    /// What to poll for.
    var request: PollRequest {
        if let dialer { return dialer.request }
        return PollRequest(retryAt == nil ? listener?.descriptor ?? -1 : -1)
    }

    /// When to look at it at the latest, on the monotonic clock.
    var wakeNanoseconds: UInt64? { dialer?.wakeNanoseconds ?? retryAt }

    /// What came of looking at it.
    enum News {
        case nothing
        case connection(AcceptedConnection)
        /// Words for the server's console; it goes on trying, unless it is disabled.
        case problem(String)
    }

    /// Takes one connection that waits.
    func accept(at now: UInt64) -> News {
        if let dialer { return dial(dialer) }
        guard let listener, retryAt.map({ $0 <= now }) ?? true else { return .nothing }
        do {
            let accepted = try listener.accept()
            retryAt = nil
            lastProblem = nil
            return accepted.map { .connection($0) } ?? .nothing
        } catch {
            // A connection that cannot be taken stays in the queue and would wake us without end.
            retryAt = now + UInt64(StreamListenerLimits.retryMilliseconds) * 1_000_000
            defer { lastProblem = error.description }
            return lastProblem == error.description
                ? .nothing : .problem("\(displayedName): \(error)")
        }
    }

    private func dial(_ dialer: ReverseDialer) -> News {
        do {
            guard let made = try dialer.advance() else { return .nothing }
            self.dialer = nil
            return .connection(
                AcceptedConnection(
                    descriptor: made.descriptor,
                    peerName: made.peerName,
                    link: .network,
                    origin: made.origin
                )
            )
        } catch {
            disable()
            return .problem("\(displayedName): \(error)")
        }
    }

    /// The one client of a reverse connection is gone: it may come back, and listen again.
    func clientHasLeft() {
        guard !isDisabled, let socket = connection.reverseSocket else { return }
        dialer = ReverseDialer(socket)
    }

    /// Takes no more clients.
    func disable() {
        isDisabled = true
        listener = nil
        dialer = nil
        registration = nil
        retryAt = nil
    }
}

extension ConnectionString {
    /// The socket of a server that connects to its client; nil for one that waits.
    fileprivate var reverseSocket: Socket? {
        switch self {
        case .tcp(let socket), .ssl(let socket, _):
            socket.reverseConnection == nil ? nil : socket
        case .npipe, .spipe, .com: nil
        }
    }

    fileprivate func pipeName(process: Int32) -> String? {
        switch self {
        case .npipe(let pipe), .spipe(let pipe, _):
            PipeName.expand(pipe.name, processID: process, threadID: process)
        case .tcp, .ssl, .com: nil
        }
    }
}
