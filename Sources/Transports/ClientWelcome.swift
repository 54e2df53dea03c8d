public import ByteTransport
public import LinuxSystem
internal import SessionProtocol

/// What a client turned out to be.
public enum ClientWelcome {
    /// RSP follows on the stream; the name is the client's own, nil for a plain RSP client.
    case client(name: String?, any ByteTransport)
    /// It did not know the password; words for the log.
    case wrongPassword(String)
    /// It was refused, vanished or kept silent; words for the log.
    case refused(String)
    /// A signal asks for the end.
    case endRequested
}

/// Reads a connection's first bytes and answers a greeting.
public struct ClientReception {
    /// How long a new client may take until it is greeted, in seconds, when nothing else is said.
    public static let defaultSeconds = 60

    private let transport: any ByteTransport
    private let access: ServerAccess
    private let program: String
    private let processID: Int32
    private let endSignals: SignalDescriptor
    private let deadline: UInt64
    private var handshake: ServerHandshake

    /// - Parameters:
    ///   - transport: a fresh connection.
    ///   - access: what clients have to prove.
    ///   - program: the name and version of this program, "dbgsrv/0.1".
    ///   - seconds: how long the whole may take.
    ///   - endSignals: end the wait.
    public init(
        _ transport: any ByteTransport,
        access: ServerAccess,
        program: String,
        seconds: Int,
        endSignals: SignalDescriptor
    ) {
        self.transport = transport
        self.access = access
        self.program = program
        self.endSignals = endSignals
        processID = Files.ownProcess
        deadline = monotonicNanoseconds() + UInt64(seconds) * 1_000_000_000
        handshake = ServerHandshake(
            proof: access.credentials.map {
                PasswordProof.server($0, channelBinding: transport.channelBinding)
            }
        )
    }

    /// Runs until the client is known or gone, a signal comes or the time is up.
    public mutating func run() throws(SystemError) -> ClientWelcome {
        while true {
            guard monotonicNanoseconds() < deadline else {
                return try refuse("the client did not finish its greeting in time")
            }
            switch transport.read(maximum: 4096) {
            case .ended(let reason):
                return .refused(
                    "the client left before it had said who it is (\(reason.clientWords))"
                )
            case .bytes(let bytes) where Self.beginsTLS(bytes) && transport.channelBinding == nil:
                return try refuse(AccessWords.noTLS)
            case .bytes(let bytes):
                if let welcome = try answer(handshake.receive(bytes)) { return welcome }
            case .wouldBlock:
                if try wait(until: deadline) { return .endRequested }
            }
        }
    }

    /// Whether a client's first bytes are a TLS handshake's; neither a greeting nor RSP begins with a 22.
    private static func beginsTLS(_ bytes: [UInt8]) -> Bool {
        bytes.starts(with: [22, 3])
    }

    /// - Returns: whether a signal asks for the end.
    private func wait(until limit: UInt64) throws(SystemError) -> Bool {
        var requests = [PollRequest(transport.descriptor), PollRequest(endSignals.number)]
        try pollDescriptors(
            &requests,
            untilMonotonicNanoseconds: transport.hasBufferedInput ? 0 : limit
        )
        return requests[1].isReadable && endSignals.next() != nil
    }

    private mutating func answer(
        _ first: ServerHandshake.Outcome
    ) throws(SystemError) -> ClientWelcome? {
        var outcome = first
        while case .reply(let line) = outcome {
            send(line)
            outcome = handshake.receive([])
        }
        switch outcome {
        case .undecided, .reply:
            return nil
        case .plainClient(let bytes):
            return .client(name: nil, PrefixedTransport(bytes, before: transport))
        case .client(let name, let rest):
            send(Greeting.accepted(program: program, processID: processID))
            return .client(name: name, PrefixedTransport(rest, before: transport))
        case .provenClient(let name, let signature, let rest):
            send(
                Greeting.accepted(program: program, processID: processID, signature: signature)
            )
            return .client(name: name, PrefixedTransport(rest, before: transport))
        case .refused(let words):
            return try refuse(words)
        case .wrongPassword:
            send(Greeting.refused(AccessWords.wrongPassword))
            try farewell()
            return .wrongPassword("wrong password")
        case .unproven:
            try farewell()
            return .refused("the client gives no password")
        case .plainClientRefused:
            send(Greeting.plainRefusal(AccessWords.plainClient))
            try farewell()
            return .refused("a plain RSP client, which cannot give the password")
        }
    }

    private func refuse(_ words: String) throws(SystemError) -> ClientWelcome {
        send(Greeting.refused(words))
        try farewell()
        return .refused(words)
    }

    /// A line is shorter than any send buffer of a fresh connection.
    private func send(_ line: [UInt8]) {
        _ = transport.write(line[...])
        transport.flush()
    }

    private func farewell() throws(SystemError) {
        try Farewell.say(on: transport, endSignals)
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
