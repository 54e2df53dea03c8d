// The messages of SCRAM (RFC 5802, section 7), as text. None holds a space or a line end, so each fits into a
// line of the greeting as one word.
//
//     client-first   n,,n=dbgsrv,r=NONCE             or   p=tls-exporter,,n=dbgsrv,r=NONCE
//     server-first   r=NONCE+,s=SALT,i=ITERATIONS
//     client-final   c=BASE64(header and binding),r=NONCE+,p=PROOF
//     server-final   v=SIGNATURE

/// Splits `x=value,y=value`; nil when a piece is no such pair.
private func attributes(_ text: Substring) -> [(name: Character, value: Substring)]? {
    var list: [(name: Character, value: Substring)] = []
    for piece in text.split(separator: ",", omittingEmptySubsequences: false) {
        guard let name = piece.first, name.isASCII, name.isLetter,
            piece.dropFirst().first == "="
        else { return nil }
        list.append((name, piece.dropFirst(2)))
    }
    return list
}

/// Whether a text can be a nonce or a part of one: visible ASCII without a comma.
func isScramNonce(_ text: some StringProtocol) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { (0x21...0x7e).contains($0) && $0 != 0x2c }
}

/// The client's first message.
struct ScramClientFirst: Sendable, Equatable {
    /// What the client says of channel binding (`gs2-cbind-flag`).
    enum Binding: Sendable, Equatable {
        /// `n`: it has none.
        case none
        /// `y`: it has one, and believes that the server has none.
        case unused
        /// `p=NAME`: it uses this one.
        case used(String)
    }

    var binding: Binding
    /// Everything behind the header, as it was written: it is signed.
    var bare: String
    var nonce: String

    /// The message's part before `bare`.
    var header: String {
        switch binding {
        case .none: "n,,"
        case .unused: "y,,"
        case .used(let name): "p=\(name),,"
        }
    }

    var text: String { header + bare }

    init(name: String, nonce: String, binding: Binding) {
        self.binding = binding
        self.nonce = nonce
        bare = "n=\(name),r=\(nonce)"
    }

    /// - Returns: nil for what is no such message, or asks for an extension or another identity.
    init?(_ text: String) {
        let parts = text.split(separator: ",", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[1].isEmpty else { return nil }
        switch parts[0] {
        case "n": binding = .none
        case "y": binding = .unused
        default:
            guard parts[0].hasPrefix("p="), isScramNonce(parts[0]) else { return nil }
            binding = .used(String(parts[0].dropFirst(2)))
        }
        guard let list = attributes(parts[2]), list.count >= 2, list[0].name == "n",
            list[1].name == "r", isScramNonce(list[1].value)
        else { return nil }
        bare = String(parts[2])
        nonce = String(list[1].value)
    }
}

/// The server's first message.
struct ScramServerFirst: Sendable, Equatable {
    /// How many rounds a client does for a server: fewer are too weak (RFC 7677, section 4), more a way to
    /// keep it busy.
    static let iterationsRange = 4096...4_000_000
    /// The longest salt, in bytes.
    static let saltBytesMax = 64

    var nonce: String
    var salt: [UInt8]
    var iterations: Int

    var text: String { "r=\(nonce),s=\(Base64.encode(salt)),i=\(iterations)" }

    init(nonce: String, salt: [UInt8], iterations: Int) {
        self.nonce = nonce
        self.salt = salt
        self.iterations = iterations
    }

    init?(_ text: String) {
        guard let list = attributes(text[...]), list.count >= 3,
            list[0].name == "r", isScramNonce(list[0].value),
            list[1].name == "s", let salt = Base64.decode(list[1].value), !salt.isEmpty,
            salt.count <= Self.saltBytesMax,
            list[2].name == "i", let iterations = Int(list[2].value),
            Self.iterationsRange.contains(iterations)
        else { return nil }
        self.init(nonce: String(list[0].value), salt: salt, iterations: iterations)
    }
}

/// The client's second message.
struct ScramClientFinal: Sendable, Equatable {
    var channelBinding: [UInt8]
    var nonce: String
    var proof: [UInt8]
    /// The message without the proof, as it was written: it is signed.
    var withoutProof: String

    var text: String { "\(withoutProof),p=\(Base64.encode(proof))" }

    init(channelBinding: [UInt8], nonce: String) {
        self.channelBinding = channelBinding
        self.nonce = nonce
        proof = []
        withoutProof = "c=\(Base64.encode(channelBinding)),r=\(nonce)"
    }

    init?(_ text: String) {
        guard let list = attributes(text[...]), list.count >= 3,
            list[0].name == "c", let binding = Base64.decode(list[0].value),
            list[1].name == "r", isScramNonce(list[1].value),
            let last = list.last, last.name == "p", let proof = Base64.decode(last.value),
            let comma = text.lastIndex(of: ",")
        else { return nil }
        channelBinding = binding
        nonce = String(list[1].value)
        self.proof = proof
        withoutProof = String(text[..<comma])
    }
}

/// The server's second message, when it takes the client.
struct ScramServerFinal: Sendable, Equatable {
    var signature: [UInt8]

    var text: String { "v=\(Base64.encode(signature))" }

    init(signature: [UInt8]) {
        self.signature = signature
    }

    init?(_ text: String) {
        guard let first = attributes(text[...])?.first, first.name == "v",
            let signature = Base64.decode(first.value)
        else { return nil }
        self.signature = signature
    }
}
