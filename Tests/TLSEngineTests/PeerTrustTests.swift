import TestPrograms
import Testing

@testable import TLSEngine

@Suite("Whom a TLS connection takes for its peer")
struct PeerTrustTests {
    private func words(
        server: TLSIdentity,
        trust: PeerTrust
    ) -> (client: String, server: String) {
        let pair = EnginePair(
            client: TLSConfiguration(trust: trust),
            server: TLSConfiguration(trust: .anybody, identity: server)
        )
        pair.shakeHands()
        return pair.words
    }

    @Test("a pin takes its certificate by either thumbprint, and no other (TLS-10)")
    func pins() throws {
        let identity = try ownIdentity()
        let certificate = identity.chain[0]
        for thumbprint in [certificate.sha1, certificate.sha256] {
            #expect(words(server: identity, trust: .pinned(thumbprint)).client == "done")
            // The same name, another key.
            let said = words(server: try ownIdentity(), trust: .pinned(thumbprint))
            #expect(said.client.contains("another certificate than the one demanded"), "\(said)")
            #expect(said.client.contains(hexText(thumbprint)), "\(said)")
            #expect(said.server.contains("does not accept the certificate"), "\(said)")
        }
    }

    @Test("a pinned certificate must be in date and for servers (TLS-10)")
    func pinnedButUnfit() throws {
        let scratch = try Scratch()
        try scratch.bench.make("old", days: -30 ... -2)
        try scratch.bench.make("new", days: 2...30)
        try scratch.bench.make("mail", extensions: ["extendedKeyUsage=emailProtection"])
        for (name, expected) in [
            ("old", "(old) expired on 20"), ("new", "holds only from 20"),
            ("mail", "does not allow server authentication"),
        ] {
            let identity = try scratch.identity(name)
            let said = words(server: identity, trust: .pinned(identity.chain[0].sha256))
            #expect(said.client.contains(expected), "\(said)")
        }
    }

    @Test("an authority vouches for a host by name and by address (TLS-11)")
    func authorities() throws {
        let scratch = try Scratch()
        try scratch.bench.makeAuthority("root")
        try scratch.bench.makeAuthority("stranger")
        try scratch.bench.make(
            "lab",
            extensions: ["extendedKeyUsage=serverAuth", "subjectAltName=DNS:lab7,IP:127.0.0.1"],
            authority: "root"
        )
        let identity = try scratch.identity("lab")
        let root = try scratch.certificates("root")
        for host in ["lab7", "127.0.0.1"] {
            let said = words(server: identity, trust: .authorities(root, host: host))
            #expect(said.client == "done", "\(said)")
        }
        let elsewhere = words(server: identity, trust: .authorities(root, host: "lab8"))
        #expect(elsewhere.client.contains("is not for the host 'lab8'"), "\(elsewhere)")
        let stranger = try scratch.certificates("stranger")
        let unknown = words(server: identity, trust: .authorities(stranger, host: "lab7"))
        #expect(unknown.client.contains("no authority that is trusted here"), "\(unknown)")
        #expect(unknown.server.contains("trusts nobody who vouches"), "\(unknown)")
        // The machine's authorities know nothing of it.
        let system = words(server: identity, trust: .systemAuthorities(host: "lab7"))
        #expect(system.client.contains("no authority that is trusted here"), "\(system)")
    }

    @Test("a certificate that signs itself is its own authority (TLS-11)")
    func selfSigned() throws {
        let identity = try ownIdentity()
        for (host, isGood) in [("lab7", true), ("127.0.0.1", true), ("lab8", false)] {
            let trust = PeerTrust.authorities(identity.chain, host: host)
            #expect((words(server: identity, trust: trust).client == "done") == isGood)
        }
    }

    @Test("a server can demand a certificate of its clients (TLS-12)")
    func clientCertificates() throws {
        let scratch = try Scratch()
        try scratch.bench.makeAuthority("root")
        try scratch.bench.make("anna", authority: "root")
        try scratch.bench.make("otto")
        try scratch.bench.make(
            "web",
            extensions: ["extendedKeyUsage=serverAuth"],
            authority: "root"
        )
        let server = try ownIdentity()
        let root = try scratch.certificates("root")
        let anna = try scratch.identity("anna")
        for demanded in [PeerTrust.authorities(root, host: nil), .pinned(anna.chain[0].sha256)] {
            for (name, expected) in [
                ("anna", "done"), ("otto", "client's certificate"), ("web", "client"),
                (nil, "shows no certificate, and this server demands one"),
            ] as [(String?, String)] {
                let client = TLSConfiguration(
                    trust: .pinned(server.chain[0].sha256),
                    identity: try name.map { try scratch.identity($0) }
                )
                let pair = EnginePair(
                    client: client,
                    server: TLSConfiguration(trust: demanded, identity: server)
                )
                pair.shakeHands()
                let isRight = pair.words.server.contains(expected) || expected != "done"
                #expect(
                    isRight && (pair.serverProgress == .done) == (name == "anna"),
                    "\(pair.words)"
                )
                guard name == nil else { continue }
                // On TLS 1.3 the client is done before it hears of the refusal.
                #expect(pair.words.server.contains(expected), "\(pair.words)")
                guard case .failed(let words) = pair.client.read(maximum: 10) else {
                    Issue.record("the client was not told")
                    continue
                }
                #expect(words.contains("name yours with clientcert="), "\(words)")
            }
        }
    }
}
