// SCRAM-SHA-256 (RFC 5802, RFC 7677): both sides prove that they know a password, and neither the password nor
// anything that could be used in its place goes over the line. With the bytes of a TLS session mixed in
// (SCRAM-SHA-256-PLUS with `tls-exporter`, RFC 9266) the proof is good for that one TLS session only, so nobody
// can stand between the two.

/// What SCRAM is made of.
public protocol ScramPrimitives: Sendable {
    /// SHA-256.
    func sha256(_ bytes: [UInt8]) -> [UInt8]
    /// HMAC with SHA-256.
    func hmacSHA256(key: [UInt8], _ bytes: [UInt8]) -> [UInt8]
    /// PBKDF2 with HMAC-SHA-256, one digest long.
    func pbkdf2(password: [UInt8], salt: [UInt8], iterations: Int) -> [UInt8]
    /// Comparison in a time that does not tell where the two differ.
    func areEqual(_ one: [UInt8], _ other: [UInt8]) -> Bool
}

/// Bytes that both ends of one TLS session share and nobody else has.
public struct ChannelBinding: Sendable, Equatable {
    /// The kind that `tls-exporter` (RFC 9266) is.
    public static let exporterName = "tls-exporter"

    /// The registered name.
    public var name: String
    /// The bytes.
    public var bytes: [UInt8]

    /// The bytes of a TLS session's exporter.
    public init(exporter bytes: [UInt8]) {
        name = Self.exporterName
        self.bytes = bytes
    }
}

/// What a server keeps of a password: enough to check a proof, not to make one.
public struct ScramCredentials: Sendable, Equatable {
    /// How many rounds of PBKDF2 new credentials take: a tenth of a second for whoever tries a password.
    public static let defaultIterations = 65_536
    /// How long a salt is, in bytes.
    public static let saltBytes = 16

    let salt: [UInt8]
    let iterations: Int
    let storedKey: [UInt8]
    let serverKey: [UInt8]

    /// Derives the keys of a password.
    public init(
        password: [UInt8],
        salt: [UInt8],
        iterations: Int = ScramCredentials.defaultIterations,
        primitives: any ScramPrimitives
    ) {
        let keys = ScramKeys(
            password: password,
            salt: salt,
            iterations: iterations,
            primitives: primitives
        )
        self.salt = salt
        self.iterations = iterations
        storedKey = keys.stored
        serverKey = keys.server
    }

    /// One word, for a pipe to another process of the same user.
    public var encoded: String {
        let parts = [salt, storedKey, serverKey].map(Base64.encode)
        return (["\(iterations)"] + parts).joined(separator: ",")
    }

    /// Reads what `encoded` wrote.
    public init?(encoded: String) {
        let parts = encoded.split(separator: ",")
        guard parts.count == 4, let iterations = Int(parts[0]),
            let salt = Base64.decode(parts[1]), let storedKey = Base64.decode(parts[2]),
            let serverKey = Base64.decode(parts[3])
        else { return nil }
        self.iterations = iterations
        self.salt = salt
        self.storedKey = storedKey
        self.serverKey = serverKey
    }
}

/// Why a proof came to nothing.
public enum ScramError: Error, Sendable, Equatable {
    /// A message that is none, or not of this exchange.
    case malformed
    /// The two ends do not agree on the TLS session between them.
    case otherChannel
    /// The proof is wrong.
    case wrongPassword
}

/// The keys of a password (RFC 5802, section 3).
private struct ScramKeys {
    let client: [UInt8]
    let stored: [UInt8]
    let server: [UInt8]

    init(password: [UInt8], salt: [UInt8], iterations: Int, primitives: any ScramPrimitives) {
        let salted = primitives.pbkdf2(password: password, salt: salt, iterations: iterations)
        client = primitives.hmacSHA256(key: salted, Array("Client Key".utf8))
        stored = primitives.sha256(client)
        server = primitives.hmacSHA256(key: salted, Array("Server Key".utf8))
    }
}

private func exclusiveOr(_ one: [UInt8], _ other: [UInt8]) -> [UInt8] {
    zip(one, other).map { $0 ^ $1 }
}

/// The side that proves itself first.
public struct ScramClient: Sendable {
    private enum State {
        case started
        case proved(signature: [UInt8])
        case finished
    }

    private let password: [UInt8]
    private let binding: ChannelBinding?
    private let primitives: any ScramPrimitives
    private let opening: ScramClientFirst
    private var state = State.started

    /// Begins an exchange.
    ///
    /// - Parameters:
    ///   - password: its bytes, visible ASCII (what SASLprep leaves as it is).
    ///   - nonce: visible ASCII without commas that was never used before and that nobody can guess.
    ///   - binding: of the TLS session beneath, where there is one.
    ///   - name: the user's; a server of ours has only one password and passes over it.
    public init(
        password: [UInt8],
        nonce: String,
        binding: ChannelBinding? = nil,
        primitives: any ScramPrimitives,
        name: String = "dbgsrv"
    ) {
        precondition(isScramNonce(nonce), "a nonce is visible ASCII without commas")
        self.password = password
        self.binding = binding
        self.primitives = primitives
        opening = ScramClientFirst(
            name: name,
            nonce: nonce,
            binding: binding.map { .used($0.name) } ?? .none
        )
    }

    /// The first message.
    public var first: String { opening.text }

    /// Answers the server's first message with the second of its own.
    public mutating func prove(_ serverFirst: String) throws(ScramError) -> String {
        guard case .started = state, let challenge = ScramServerFirst(serverFirst),
            challenge.nonce.hasPrefix(opening.nonce), challenge.nonce != opening.nonce
        else { throw .malformed }
        var answer = ScramClientFinal(
            channelBinding: Array(opening.header.utf8) + (binding?.bytes ?? []),
            nonce: challenge.nonce
        )
        let signed = Array("\(opening.bare),\(serverFirst),\(answer.withoutProof)".utf8)
        let keys = ScramKeys(
            password: password,
            salt: challenge.salt,
            iterations: challenge.iterations,
            primitives: primitives
        )
        answer.proof = exclusiveOr(
            keys.client,
            primitives.hmacSHA256(key: keys.stored, signed)
        )
        state = .proved(signature: primitives.hmacSHA256(key: keys.server, signed))
        return answer.text
    }

    /// Checks that the server knows the password too.
    ///
    /// - Throws: `.wrongPassword` when it does not.
    public mutating func check(_ serverFinal: String) throws(ScramError) {
        guard case .proved(let signature) = state, let final = ScramServerFinal(serverFinal)
        else { throw .malformed }
        state = .finished
        guard primitives.areEqual(final.signature, signature) else { throw .wrongPassword }
    }
}

/// The side that checks, and then proves itself.
public struct ScramServer: Sendable {
    private enum State {
        case started
        case challenged(opening: ScramClientFirst, challenge: ScramServerFirst)
        case finished
    }

    private let credentials: ScramCredentials
    private let alternative: ScramCredentials?
    private let nonce: String
    private let binding: ChannelBinding?
    private let primitives: any ScramPrimitives
    private var state = State.started
    /// Whether the client has proved the other password.
    public private(set) var usedAlternative = false

    /// Begins an exchange.
    ///
    /// - Parameters:
    ///   - alternative: another password that is as good, with the same salt.
    ///   - nonce: as with the client.
    ///   - binding: of the TLS session beneath, where there is one.
    public init(
        credentials: ScramCredentials,
        alternative: ScramCredentials? = nil,
        nonce: String,
        binding: ChannelBinding? = nil,
        primitives: any ScramPrimitives
    ) {
        precondition(isScramNonce(nonce), "a nonce is visible ASCII without commas")
        precondition(
            alternative.map { $0.salt == credentials.salt } ?? true,
            "the salt is sent before it is known which password the client has"
        )
        self.credentials = credentials
        self.alternative = alternative
        self.nonce = nonce
        self.binding = binding
        self.primitives = primitives
    }

    /// Answers the client's first message.
    ///
    /// A client without binding is taken on TLS as well: one that reaches us through a relay has none, and one
    /// that has TLS itself always binds, which it signs, so that nobody between can take that away.
    public mutating func challenge(_ clientFirst: String) throws(ScramError) -> String {
        guard case .started = state, let opening = ScramClientFirst(clientFirst) else {
            throw .malformed
        }
        switch opening.binding {
        case .none: break
        case .unused: guard binding == nil else { throw .otherChannel }
        case .used(let name): guard binding?.name == name else { throw .otherChannel }
        }
        let challenge = ScramServerFirst(
            nonce: opening.nonce + nonce,
            salt: credentials.salt,
            iterations: credentials.iterations
        )
        state = .challenged(opening: opening, challenge: challenge)
        return challenge.text
    }

    /// Checks the client's proof and answers with the server's own.
    public mutating func check(_ clientFinal: String) throws(ScramError) -> String {
        guard case .challenged(let opening, let challenge) = state,
            let final = ScramClientFinal(clientFinal), final.nonce == challenge.nonce
        else { throw .malformed }
        state = .finished
        var bound = Array(opening.header.utf8)
        if case .used = opening.binding { bound += binding?.bytes ?? [] }
        guard primitives.areEqual(final.channelBinding, bound) else { throw .otherChannel }
        let signed = Array("\(opening.bare),\(challenge.text),\(final.withoutProof)".utf8)
        let isFirst = proves(final.proof, signed, credentials)
        let isSecond = alternative.map { proves(final.proof, signed, $0) } ?? false
        guard isFirst || isSecond else { throw .wrongPassword }
        usedAlternative = !isFirst
        let proved = isFirst ? credentials : alternative ?? credentials
        return ScramServerFinal(
            signature: primitives.hmacSHA256(key: proved.serverKey, signed)
        ).text
    }

    private func proves(_ proof: [UInt8], _ signed: [UInt8], _ keys: ScramCredentials) -> Bool {
        let signature = primitives.hmacSHA256(key: keys.storedKey, signed)
        guard proof.count == signature.count else { return false }
        let clientKey = exclusiveOr(proof, signature)
        return primitives.areEqual(primitives.sha256(clientKey), keys.storedKey)
    }
}
