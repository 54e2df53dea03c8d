/// The client's side: looks at the first bytes that a server sends.
public struct ClientHandshake: Sendable {
    /// What the bytes so far mean.
    public enum Outcome: Sendable, Equatable {
        /// Not enough bytes to tell.
        case undecided
        /// A plain stub (gdbserver, QEMU): the bytes are already RSP.
        case plainStub([UInt8])
        /// A process server of ours; RSP goes on with `rest`.
        case accepted(server: String, rest: [UInt8])
        /// Send this line and go on receiving.
        case reply([UInt8])
        /// The server wants a password: `answer(with:)`, if nothing was sent behind the greeting, or a new
        /// connection.
        case passwordAsked
        /// The server refused, or speaks another version; words for the user.
        case refused(String)
    }

    private var reader = GreetingReader()
    private var proof: ScramClient?
    private var isProved = false

    /// Starts at the connection's first byte.
    ///
    /// - Parameter proof: where there is a password, the client's side of its proof, which the greeting opened.
    public init(proof: ScramClient? = nil) {
        self.proof = proof
    }

    /// Opens the proof after `.passwordAsked`.
    ///
    /// - Returns: the line to send.
    public mutating func answer(with proof: ScramClient) -> [UInt8] {
        self.proof = proof
        return Greeting.proof(proof.first)
    }

    /// Takes bytes; after any outcome but `.undecided`, `.reply` and `.passwordAsked` the handshake is over.
    public mutating func receive(_ bytes: [UInt8]) -> Outcome {
        switch reader.receive(bytes) {
        case .undecided:
            return .undecided
        case .somethingElse(let bytes):
            guard proof == nil else {
                return .refused(
                    "the far end is no dbgsrv and cannot prove that it knows the password;"
                        + " without password= it is taken as it is"
                )
            }
            return .plainStub(bytes)
        case .tooLong:
            return .refused("the server's greeting is too long to be one")
        case .line(let text, let rest):
            return outcome(ofLine: text, rest: rest)
        }
    }

    private mutating func outcome(ofLine line: String, rest: [UInt8]) -> Outcome {
        let words = line.split(separator: " ", maxSplits: 3).map(String.init)
        guard words.count >= 3, words[0] == Greeting.magic else {
            return .refused("the server's answer is no greeting of dbgsrv's protocol")
        }
        let tail = words.count > 3 ? words[3] : ""
        switch words[2] {
        case "ok":
            return accepted(tail, rest)
        case "error":
            return .refused(tail)
        case "password" where proof == nil:
            reader = GreetingReader(rest)
            return .passwordAsked
        case "scram" where proof != nil && !isProved:
            return prove(tail, rest)
        default:
            return .refused("the server's answer '\(words[2])' is not known to this version")
        }
    }

    private mutating func prove(_ challenge: String, _ rest: [UInt8]) -> Outcome {
        guard let answer = try? proof?.prove(challenge) else {
            return .refused("the server's question for the password is damaged")
        }
        isProved = true
        reader = GreetingReader(rest)
        return .reply(Greeting.proof(answer))
    }

    private mutating func accepted(_ tail: String, _ rest: [UInt8]) -> Outcome {
        let words = tail.split(separator: " ")
        let (signatures, others) = (
            words.filter { $0.hasPrefix(Greeting.proofWord) },
            words.filter { !$0.hasPrefix(Greeting.proofWord) }
        )
        let server = others.joined(separator: " ")
        guard proof != nil else { return .accepted(server: server, rest: rest) }
        guard isProved, let signature = signatures.first else {
            return .refused(
                "the server asks for no password, so it cannot prove that it is the right one;"
                    + " leave password= out if that is as it should be"
            )
        }
        do {
            try proof?.check(String(signature.dropFirst(Greeting.proofWord.count)))
        } catch {
            return .refused(
                "\(Greeting.passwordErrorCode): the server does not know the password that it"
                    + " asks for; it is not the one that it seems to be"
            )
        }
        return .accepted(server: server, rest: rest)
    }
}
