import Testing

@testable import TLSEngine

@Suite("Digests and keys")
struct CryptographyTests {
    private func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    @Test("SHA-256 of FIPS 180-4's examples")
    func digest() {
        #expect(
            hex(Cryptography.sha256(Array("abc".utf8)))
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        )
        #expect(
            hex(Cryptography.sha256([]))
                == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        )
    }

    @Test("HMAC of RFC 4231's second case, and with an empty key")
    func messageCode() {
        let code = Cryptography.hmacSHA256(
            key: Array("Jefe".utf8),
            Array("what do ya want for nothing?".utf8)
        )
        #expect(hex(code) == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        #expect(
            hex(Cryptography.hmacSHA256(key: [], []))
                == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"
        )
    }

    @Test("PBKDF2 of RFC 7914, section 11")
    func derivation() {
        let key = Cryptography.pbkdf2(
            password: Array("passwd".utf8),
            salt: Array("salt".utf8),
            iterations: 1
        )
        #expect(hex(key) == "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc")
    }

    @Test("Equal secrets are equal, others are not")
    func comparison() {
        #expect(Cryptography.areEqual([1, 2, 3], [1, 2, 3]))
        #expect(!Cryptography.areEqual([1, 2, 3], [1, 2, 4]))
        #expect(!Cryptography.areEqual([1, 2, 3], [1, 2]))
        #expect(Cryptography.randomBytes(16) != Cryptography.randomBytes(16))
    }
}
