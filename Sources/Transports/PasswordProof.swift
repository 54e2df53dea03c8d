internal import SessionProtocol
internal import TLSEngine

/// SCRAM with libcrypto and fresh nonces.
enum PasswordProof {
    /// How many random bytes a nonce has.
    static let nonceBytes = 18

    /// The client's side for one connection.
    static func client(_ password: [UInt8], channelBinding: [UInt8]?) -> ScramClient {
        ScramClient(
            password: password,
            nonce: nonce(),
            binding: channelBinding.map(ChannelBinding.init(exporter:)),
            primitives: LibcryptoPrimitives()
        )
    }

    /// The server's side for one connection.
    static func server(
        _ credentials: ScramCredentials,
        alternative: ScramCredentials? = nil,
        channelBinding: [UInt8]?
    ) -> ScramServer {
        ScramServer(
            credentials: credentials,
            alternative: alternative,
            nonce: nonce(),
            binding: channelBinding.map(ChannelBinding.init(exporter:)),
            primitives: LibcryptoPrimitives()
        )
    }

    /// What a server keeps of its passwords.
    static func credentials(_ passwords: [[UInt8]]) -> [ScramCredentials] {
        let salt = Cryptography.randomBytes(ScramCredentials.saltBytes)
        return passwords.map {
            ScramCredentials(password: $0, salt: salt, primitives: LibcryptoPrimitives())
        }
    }

    private static func nonce() -> String {
        Cryptography.randomBytes(nonceBytes).map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }
}

private struct LibcryptoPrimitives: ScramPrimitives {
    func sha256(_ bytes: [UInt8]) -> [UInt8] {
        Cryptography.sha256(bytes)
    }

    func hmacSHA256(key: [UInt8], _ bytes: [UInt8]) -> [UInt8] {
        Cryptography.hmacSHA256(key: key, bytes)
    }

    func pbkdf2(password: [UInt8], salt: [UInt8], iterations: Int) -> [UInt8] {
        Cryptography.pbkdf2(password: password, salt: salt, iterations: iterations)
    }

    func areEqual(_ one: [UInt8], _ other: [UInt8]) -> Bool {
        Cryptography.areEqual(one, other)
    }
}
