public import ByteTransport
internal import LinuxSystem
public import SessionProtocol

/// A connection whose client has not said yet who it is: its greeting and its password, without ever waiting.
public struct ClientArrival {
    /// How long a new client may take, in milliseconds, unless something else is said.
    public static let milliseconds = 60_000

    /// A client that was let in.
    public struct Client {
        /// Its own name; nil for a plain RSP client.
        public var name: String?
        /// Whether it has proved the password of those who only look.
        public var isReadOnly = false
        /// What follows the greeting.
        public var stream: any ByteTransport
    }

    /// What came of it.
    public enum Verdict {
        /// It is in.
        case client(Client)
        /// It went before it had said who it is; words for the log.
        case gone(String)
        /// It was refused and told why, which it is to be given time to read; words for the log.
        case refused(String)
        /// The same, for not knowing the password.
        case wrongPassword(String)
    }

    private let transport: any ByteTransport
    private let role: Greeting.Role
    private let program: String
    private var handshake: ServerHandshake

    /// - Parameters:
    ///   - transport: a fresh connection, its TLS handshake done.
    ///   - role: what clients of this server are.
    ///   - access: what they have to prove.
    ///   - program: the name and version of this program, "dbgsrv/0.1".
    public init(
        _ transport: any ByteTransport,
        role: Greeting.Role,
        access: ServerAccess,
        program: String
    ) {
        self.transport = transport
        self.role = role
        self.program = program
        handshake = ServerHandshake(
            role: role,
            proof: access.credentials.map {
                PasswordProof.server(
                    $0,
                    alternative: access.readOnlyCredentials,
                    channelBinding: transport.channelBinding
                )
            }
        )
    }

    /// Takes what has come.
    ///
    /// - Returns: nil when more has to come: poll.
    public mutating func advance() -> Verdict? {
        while true {
            switch transport.read(maximum: 4096) {
            case .ended(let reason):
                return .gone(
                    "the client left before it had said who it is (\(reason.clientWords))"
                )
            case .bytes(let bytes) where Self.beginsTLS(bytes) && transport.channelBinding == nil:
                return refuse(AccessWords.noTLS)
            case .bytes(let bytes):
                if let verdict = answer(handshake.receive(bytes)) { return verdict }
            case .wouldBlock:
                return nil
            }
        }
    }

    /// Refuses the client in words.
    public func refuse(_ words: String) -> Verdict {
        send(Greeting.refused(words))
        return .refused(words)
    }

    /// Whether a client's first bytes are a TLS handshake's; neither a greeting nor RSP begins with a 22.
    private static func beginsTLS(_ bytes: [UInt8]) -> Bool {
        bytes.starts(with: [22, 3])
    }

    private mutating func answer(_ first: ServerHandshake.Outcome) -> Verdict? {
        var outcome = first
        while case .reply(let line) = outcome {
            send(line)
            outcome = handshake.receive([])
        }
        switch outcome {
        case .undecided, .reply:
            return nil
        case .plainClient where role == .debuggingClient:
            send(Greeting.plainRefusal(AccessWords.noStub))
            return .refused("a plain RSP client, or none of ours")
        case .plainClient(let bytes):
            return .client(Client(stream: PrefixedTransport(bytes, before: transport)))
        case .client(let name, let rest):
            return welcome(name, rest)
        case .provenClient(let name, let signature, let rest):
            return welcome(name, rest, signature)
        case .refused(let words):
            return refuse(words)
        case .wrongPassword:
            send(Greeting.refused(AccessWords.wrongPassword))
            return .wrongPassword("wrong password")
        case .unproven:
            return .refused("the client gives no password")
        case .plainClientRefused:
            send(Greeting.plainRefusal(AccessWords.plainClient))
            return .refused("a plain RSP client, which cannot give the password")
        }
    }

    private func welcome(_ name: String, _ rest: [UInt8], _ signature: String? = nil) -> Verdict {
        let process = Files.ownProcess
        send(Greeting.accepted(program: program, processID: process, signature: signature))
        return .client(
            Client(
                name: name,
                isReadOnly: handshake.usedAlternative,
                stream: PrefixedTransport(rest, before: transport)
            )
        )
    }

    /// A line is shorter than any send buffer of a fresh connection.
    private func send(_ line: [UInt8]) {
        _ = transport.write(line[...])
        transport.flush()
    }
}

/// What refused clients are told.
public enum AccessWords {
    /// To a client of ours whose proof is wrong.
    static let wrongPassword =
        "\(Greeting.passwordErrorCode): wrong password; give the one that the server was started"
        + " with (capital and small letters differ)"
    /// To a plain RSP client.
    static let plainClient =
        "this server wants a password, which this debugger cannot give by itself; connect it through"
        + " dbgbridge with password= in its connection string"

    /// To a plain RSP client of a debugging server.
    static let noStub =
        "this is a debugging server, which speaks no RSP: join its session with cdb -remote"

    /// To a client that takes its time.
    public static let tooSlow = "the client did not finish its greeting in time"

    /// To a client that begins with a TLS handshake.
    static let noTLS =
        "this server speaks no TLS: write tcp: for ssl:, npipe: for spipe:, or no proto="

    /// What a refusal looks like whose client has not been looked at.
    public static func refusal(_ words: String) -> [UInt8] {
        Greeting.refusedForAnyone(words)
    }

    /// To a client that has to wait after wrong passwords.
    public static func tooManyFailures(from peer: String, seconds: Int) -> String {
        "\(Greeting.passwordErrorCode): too many wrong passwords from \(peer); try again in"
            + " \(seconds) s"
    }
}

extension EndReason {
    /// For the log.
    fileprivate var clientWords: String {
        switch self {
        case .closed: "closed"
        case .failed(let words): words
        }
    }
}
