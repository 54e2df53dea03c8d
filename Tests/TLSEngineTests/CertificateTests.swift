import TestPrograms
import Testing

@testable import TLSEngine

@Suite("Certificates")
struct CertificateTests {
    @Test("names, digests and dates are those that openssl prints (TLS-6, TLS-7)")
    func facts() throws {
        let scratch = try Scratch()
        try scratch.bench.make("lab", commonName: "Labor 7, Süd")
        let certificate = try #require(try scratch.certificates("lab").first)
        #expect(certificate.commonName == "Labor 7, Süd")
        for (digest, bytes) in [("sha1", certificate.sha1), ("sha256", certificate.sha256)] {
            let printed = try scratch.bench.thumbprint("lab", digest)
            #expect(hexText(bytes) == printed.lowercased().filter { $0 != ":" })
        }
        #expect(certificate.validity == .valid)
        #expect(certificate.validUntil.firstMatch(of: /^20\d\d-\d\d-\d\d \d\d:\d\d UTC$/) != nil)
    }

    @Test(
        "a certificate of our own making is in date, for servers and clients, and openssl likes it (TLS-9)"
    )
    func ownMaking() throws {
        let identity = try ownIdentity("lab")
        let certificate = identity.chain[0]
        #expect(certificate.commonName == "lab")
        #expect(certificate.validity == .valid)
        #expect(certificate.allows(.server) && certificate.allows(.client))
        #expect(certificate.belongs(to: identity.key))
        #expect(!certificate.belongs(to: try ownIdentity("lab").key))
        let again = try #require(try Certificate.list(pem: certificate.pem).first)
        #expect(again.sha256 == certificate.sha256)
    }

    @Test("damage, absence and passphrases are told apart (TLS-8)")
    func damage() throws {
        let identity = try ownIdentity()
        let text = String(decoding: identity.chain[0].pem, as: UTF8.self)
        let cut = Array(text.prefix(text.count / 2).utf8)
        #expect(throws: PEMError.damaged) { try Certificate.list(pem: cut) }
        let bad = Array(text.replacing("MII", with: "AAA", maxReplacements: 1).utf8)
        #expect(throws: PEMError.damaged) { try Certificate.list(pem: bad) }
        #expect(throws: PEMError.missing) { try Certificate.list(pem: Array("hello\n".utf8)) }
        #expect(throws: PEMError.missing) { try Certificate.list(pem: []) }
        #expect(throws: PEMError.missing) { try PrivateKey(pem: Array(text.utf8)) }
        let key = String(decoding: identity.key.pem, as: UTF8.self)
        let badKey = Array(key.replacing("MI", with: "AA", maxReplacements: 1).utf8)
        #expect(throws: PEMError.damaged) { try PrivateKey(pem: badKey) }
    }
}
