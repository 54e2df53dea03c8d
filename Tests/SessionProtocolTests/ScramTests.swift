import Testing
import TLSEngine

@testable import SessionProtocol

/// libcrypto's primitives, as the programs use them.
struct TestPrimitives: ScramPrimitives {
    func sha256(_ bytes: [UInt8]) -> [UInt8] { Cryptography.sha256(bytes) }

    func hmacSHA256(key: [UInt8], _ bytes: [UInt8]) -> [UInt8] {
        Cryptography.hmacSHA256(key: key, bytes)
    }

    func pbkdf2(password: [UInt8], salt: [UInt8], iterations: Int) -> [UInt8] {
        Cryptography.pbkdf2(password: password, salt: salt, iterations: iterations)
    }

    func areEqual(_ one: [UInt8], _ other: [UInt8]) -> Bool { Cryptography.areEqual(one, other) }
}

@Suite("SCRAM-SHA-256")
struct ScramTests {
    // RFC 7677, section 3.
    private let clientNonce = "rOprNGfwEbeRWgbNEkqO"
    private let serverNonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    private let clientFirst = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    private let serverFirst =
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    private let clientFinal =
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        + "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    private let serverFinal = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

    private func client(
        _ password: String = "pencil",
        binding: ChannelBinding? = nil
    ) -> ScramClient {
        ScramClient(
            password: Array(password.utf8),
            nonce: clientNonce,
            binding: binding,
            primitives: TestPrimitives(),
            name: "user"
        )
    }

    private func server(
        _ password: String = "pencil",
        binding: ChannelBinding? = nil
    ) throws -> ScramServer {
        ScramServer(
            credentials: ScramCredentials(
                password: Array(password.utf8),
                salt: try #require(Base64.decode("W22ZaJ0SNY7soEsUEjb6gQ==")),
                iterations: 4096,
                primitives: TestPrimitives()
            ),
            nonce: serverNonce,
            binding: binding,
            primitives: TestPrimitives()
        )
    }

    @Test("SES-8: both sides speak the example of RFC 7677 to the letter")
    func example() throws {
        var client = client()
        var server = try server()
        #expect(client.first == clientFirst)
        #expect(try server.challenge(clientFirst) == serverFirst)
        #expect(try client.prove(serverFirst) == clientFinal)
        #expect(try server.check(clientFinal) == serverFinal)
        try client.check(serverFinal)
    }

    @Test("SES-8: a wrong password is noticed by the server, a server without it by the client")
    func wrongPassword() throws {
        var wrong = client("pencils")
        var server = try server()
        let challenge = try server.challenge(wrong.first)
        let final = try wrong.prove(challenge)
        #expect(throws: ScramError.wrongPassword) { _ = try server.check(final) }
        var client = client()
        _ = try client.prove(serverFirst)
        let forged = "v=" + Base64.encode([UInt8](repeating: 7, count: 32))
        #expect(throws: ScramError.wrongPassword) { try client.check(forged) }
    }

    @Test("SES-9: with a TLS session's bytes the proof is for that session only")
    func binding() throws {
        let here = ChannelBinding(exporter: [UInt8](repeating: 1, count: 32))
        let elsewhere = ChannelBinding(exporter: [UInt8](repeating: 2, count: 32))
        func prove(_ one: ChannelBinding?, _ other: ChannelBinding?) throws {
            var client = client(binding: one)
            var server = try server(binding: other)
            let final = try client.prove(try server.challenge(client.first))
            try client.check(try server.check(final))
        }
        try prove(here, here)
        #expect(client(binding: here).first.hasPrefix("p=tls-exporter,,n="))
        // Somebody between the two has a TLS session with each; or takes TLS off on the way.
        #expect(throws: ScramError.otherChannel) { try prove(here, elsewhere) }
        #expect(throws: ScramError.otherChannel) { try prove(here, nil) }
        // A client without TLS, through a relay that has it.
        try prove(nil, here)
        // A client that has TLS and was made to believe that the server has no binding.
        var another = try server(binding: here)
        #expect(throws: ScramError.otherChannel) { _ = try another.challenge("y,,n=user,r=abc") }
    }

    @Test("SES-9: a header that was changed on the way is noticed")
    func strippedBinding() throws {
        let here = ChannelBinding(exporter: [UInt8](repeating: 1, count: 32))
        var client = client(binding: here)
        var server = try server(binding: here)
        // The one between says `n` to the server in the client's name.
        let challenge = try server.challenge("n,,n=user,r=\(clientNonce)")
        let final = try client.prove(challenge)
        #expect(throws: ScramError.otherChannel) { _ = try server.check(final) }
    }

    @Test("keys go through a pipe as one word and come out the same")
    func encodedCredentials() throws {
        let credentials = ScramCredentials(
            password: Array("pencil".utf8),
            salt: [1, 2, 3],
            iterations: 4096,
            primitives: TestPrimitives()
        )
        #expect(ScramCredentials(encoded: credentials.encoded) == credentials)
        #expect(!credentials.encoded.contains(" ") && !credentials.encoded.contains("pencil"))
        for text in ["", "1,2", "x,AA==,AA==,AA==", "4096,A,AA==,AA=="] {
            #expect(ScramCredentials(encoded: text) == nil)
        }
    }

    @Test(
        "SES-10: messages that are none are refused without a trap",
        arguments: [
            "", ",", ",,", "n,,", "n,,n=user", "n,,r=abc", "n,,n=user,r=", "n,a=x,n=user,r=abc",
            "q,,n=user,r=abc", "p=,,n=user,r=abc", "n,,n=user,r=a\u{e4}c", "n,,m=x,n=user,r=abc",
            "p=tls-unique,,n=user,r=abc",
        ]
    )
    func badOpening(text: String) throws {
        var server = try server()
        #expect(throws: ScramError.self) { _ = try server.challenge(text) }
    }

    @Test(
        "SES-10: a challenge with another nonce, a weak or endless count or no salt is refused",
        arguments: [
            "", "r=rOprNGfwEbeRWgbNEkqO,s=AAAA,i=4096", "r=other,s=AAAA,i=4096",
            "r=rOprNGfwEbeRWgbNEkqOx,s=AAAA,i=4095", "r=rOprNGfwEbeRWgbNEkqOx,s=AAAA,i=4000001",
            "r=rOprNGfwEbeRWgbNEkqOx,s=,i=4096", "r=rOprNGfwEbeRWgbNEkqOx,s=A,i=4096",
            "r=rOprNGfwEbeRWgbNEkqOx,i=4096,s=AAAA", "r=rOprNGfwEbeRWgbNEkqOx,s=AAAA,i=-1",
            "m=x,r=rOprNGfwEbeRWgbNEkqOx,s=AAAA,i=4096",
        ]
    )
    func badChallenge(text: String) {
        var client = client()
        #expect(throws: ScramError.malformed) { _ = try client.prove(text) }
    }

    @Test(
        "SES-10: a proof that is cut, of another exchange or said before its time is refused",
        arguments: [
            "", "c=biws", "c=biws,r=abc,p=AAAA", "c=biws,r=,p=AAAA", "p=AAAA,c=biws,r=abc",
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=",
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=AAAA",
            "c=eSws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=AAAA",
        ]
    )
    func badProof(text: String) throws {
        var server = try server()
        #expect(throws: ScramError.self) { _ = try server.check(text) }
        _ = try server.challenge(clientFirst)
        #expect(throws: ScramError.self) { _ = try server.check(text) }
    }

    @Test("each proof may be tried once")
    func onlyOnce() throws {
        var server = try server()
        _ = try server.challenge(clientFirst)
        #expect(throws: ScramError.malformed) { _ = try server.challenge(clientFirst) }
        _ = try server.check(clientFinal)
        #expect(throws: ScramError.malformed) { _ = try server.check(clientFinal) }
    }

    @Test("Base64 of RFC 4648, section 10; other texts are none")
    func base64() {
        let vectors = [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
        ]
        for (plain, text) in vectors {
            #expect(Base64.encode(Array(plain.utf8)) == text)
            #expect(Base64.decode(text) == Array(plain.utf8))
        }
        for text in ["Z", "Zg", "Zg=", "Zh==", "Zg==Zg==", "====", "Zm9*", "Zm9v\n", "=AAA"] {
            #expect(Base64.decode(text) == nil, "\(text)")
        }
    }
}
