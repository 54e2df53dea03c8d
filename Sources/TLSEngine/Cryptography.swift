internal import COpenSSL

// The digests that SCRAM-SHA-256 (RFC 5802, RFC 7677) is made of, from libcrypto.

/// Digests, keys and random bytes.
public enum Cryptography {
    /// How many bytes a SHA-256 digest has.
    public static let digestBytes = 32

    /// SHA-256 of bytes (FIPS 180-4).
    public static func sha256(_ bytes: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: digestBytes)
        precondition(
            EVP_Digest(bytes, bytes.count, &digest, nil, EVP_sha256(), nil) == 1,
            "libcrypto has SHA-256"
        )
        return digest
    }

    /// HMAC with SHA-256 (RFC 2104).
    public static func hmacSHA256(key: [UInt8], _ bytes: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: digestBytes)
        // An empty array may have no address, and HMAC takes a missing key for "the one before".
        let secret = key.isEmpty ? [0] : key
        let result = HMAC(
            EVP_sha256(),
            secret,
            Int32(key.count),
            bytes,
            bytes.count,
            &digest,
            nil
        )
        precondition(result != nil, "libcrypto has HMAC")
        return digest
    }

    /// PBKDF2 with HMAC-SHA-256 (RFC 8018, section 5.2), one digest long: SCRAM's `Hi`.
    public static func pbkdf2(password: [UInt8], salt: [UInt8], iterations: Int) -> [UInt8] {
        precondition(iterations > 0, "PBKDF2 takes one round at least")
        var key = [UInt8](repeating: 0, count: digestBytes)
        let result = password.withUnsafeBytes { (bytes: UnsafeRawBufferPointer) in
            PKCS5_PBKDF2_HMAC(
                bytes.assumingMemoryBound(to: CChar.self).baseAddress,
                Int32(bytes.count),
                salt,
                Int32(salt.count),
                Int32(clamping: iterations),
                EVP_sha256(),
                Int32(digestBytes),
                &key
            )
        }
        precondition(result == 1, "libcrypto has PBKDF2")
        return key
    }

    /// Random bytes that nobody can guess.
    public static func randomBytes(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        precondition(RAND_bytes(&bytes, Int32(count)) == 1, "the kernel has random numbers")
        return bytes
    }

    /// Whether two secrets are the same, in a time that does not tell where they differ.
    public static func areEqual(_ one: [UInt8], _ other: [UInt8]) -> Bool {
        one.count == other.count && CRYPTO_memcmp(one, other, one.count) == 0
    }
}
