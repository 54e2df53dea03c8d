/// The server's side: looks at the first bytes of a connection.
public struct ServerHandshake: Sendable {
    /// What the bytes so far mean.
    public enum Outcome: Sendable, Equatable {
        /// Not enough bytes to tell.
        case undecided
        /// A plain RSP client; the bytes are its first.
        case plainClient([UInt8])
        /// A client of ours: answer with `Greeting.accepted`, then RSP follows, beginning with `rest`.
        case client(program: String, rest: [UInt8])
        /// The same of a client that has proved that it knows the password; the answer carries `signature`.
        case provenClient(program: String, signature: String, rest: [UInt8])
        /// Send this line and call `receive` again, with no bytes at first: some may wait already.
        case reply([UInt8])
        /// Answer with `Greeting.refused` of these words, then close.
        case refused(String)
        /// The client's proof is wrong: refuse it, and count that.
        case wrongPassword
        /// There is a password and the client, which has been told, does not prove it: close.
        case unproven
        /// There is a password and this is a plain RSP client with its first packet: answer that with an
        /// error, then close.
        case plainClientRefused
    }

    private enum State {
        case greeting
        case asked(program: String)
        case challenged(program: String)
    }

    /// How many bytes of a plain client's first packet are looked at before it is refused in any case.
    static let plainPacketBytesMax = 4096

    private var reader = GreetingReader()
    private let role: Greeting.Role
    private var proof: ScramServer?
    private var state = State.greeting

    /// Starts at the connection's first byte.
    ///
    /// - Parameters:
    ///   - role: what clients of this server are.
    ///   - proof: where there is a password, the server's side of its proof.
    public init(role: Greeting.Role = .smartClient, proof: ScramServer? = nil) {
        self.role = role
        self.proof = proof
    }

    /// Whether the client has proved the second password, where there are two.
    public var usedAlternative: Bool { proof?.usedAlternative ?? false }

    /// Takes bytes; after any outcome but `.undecided` and `.reply` the handshake is over.
    public mutating func receive(_ bytes: [UInt8]) -> Outcome {
        switch reader.receive(bytes) {
        case .undecided: .undecided
        case .somethingElse(let bytes): outcome(ofNoGreeting: bytes)
        case .tooLong: .refused("the greeting is longer than \(Greeting.lineBytesMax) bytes")
        case .line(let text, let rest): outcome(ofLine: text, rest: rest)
        }
    }

    private func outcome(ofNoGreeting bytes: [UInt8]) -> Outcome {
        guard case .greeting = state else { return .unproven }
        guard proof != nil else { return .plainClient(bytes) }
        // A client takes an answer to its first packet, none before.
        let isComplete = hasWholePacket(bytes) || bytes.count >= Self.plainPacketBytesMax
        return isComplete ? .plainClientRefused : .undecided
    }

    private func hasWholePacket(_ bytes: [UInt8]) -> Bool {
        guard let start = bytes.firstIndex(of: UInt8(ascii: "$")),
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "#"))
        else { return false }
        return bytes.count > end + 2
    }

    private mutating func outcome(ofLine line: String, rest: [UInt8]) -> Outcome {
        let words = line.split(separator: " ").map(String.init)
        guard words.count >= 4, words[0] == Greeting.magic else {
            return .refused("this is no greeting of dbgsrv's protocol")
        }
        guard words[1] == "\(Greeting.version)" else {
            return .refused(
                "the client speaks version \(words[1]) of the remoting protocol,"
                    + " this server version \(Greeting.version)"
            )
        }
        switch state {
        case .greeting: return outcome(ofGreeting: words, rest)
        case .asked(let program):
            guard words[2] == "scram" else { return .unproven }
            return challenge(program, words[3], rest)
        case .challenged(let program):
            guard words[2] == "scram" else { return .unproven }
            return check(program, words[3], rest)
        }
    }

    private mutating func outcome(ofGreeting words: [String], _ rest: [UInt8]) -> Outcome {
        guard words[2] == role.rawValue else { return .refused(role.refusal(of: words[2])) }
        guard proof != nil else { return .client(program: words[3], rest: rest) }
        if let word = words.dropFirst(4).first(where: { $0.hasPrefix(Greeting.proofWord) }) {
            return challenge(words[3], String(word.dropFirst(Greeting.proofWord.count)), rest)
        }
        state = .asked(program: words[3])
        reader = GreetingReader(rest)
        return .reply(Greeting.passwordAsked)
    }

    private mutating func challenge(
        _ program: String,
        _ message: String,
        _ rest: [UInt8]
    ) -> Outcome {
        do {
            guard let answer = try proof?.challenge(message) else { return .unproven }
            state = .challenged(program: program)
            reader = GreetingReader(rest)
            return .reply(Greeting.proof(answer))
        } catch {
            return outcome(of: error)
        }
    }

    private mutating func check(
        _ program: String,
        _ message: String,
        _ rest: [UInt8]
    ) -> Outcome {
        do {
            guard let signature = try proof?.check(message) else { return .unproven }
            return .provenClient(program: program, signature: signature, rest: rest)
        } catch {
            return outcome(of: error)
        }
    }

    private func outcome(of error: ScramError) -> Outcome {
        switch error {
        case .wrongPassword:
            .wrongPassword
        case .malformed:
            .refused("the client's proof of the password is damaged")
        case .otherChannel:
            .refused(
                "the client's proof is for another TLS session than this one: something stands"
                    + " between client and server"
            )
        }
    }
}
