internal import COpenSSL

/// Why a PEM text gives no certificate or key.
public enum PEMError: Error, Sendable, Equatable {
    /// There is none in it.
    case missing
    /// There is one, but it cannot be read.
    case damaged
    /// It is protected by a passphrase.
    case encrypted
}

/// An X.509 certificate (RFC 5280).
public final class Certificate {
    /// X509*, owned.
    let pointer: OpaquePointer

    init(owning pointer: OpaquePointer) {
        self.pointer = pointer
    }

    deinit { X509_free(pointer) }

    /// Every certificate of a PEM text (RFC 7468), in its order.
    ///
    /// - Throws: `missing` when there is none, `damaged` when one of them cannot be read.
    public static func list(pem: [UInt8]) throws(PEMError) -> [Certificate] {
        ERR_clear_error()
        defer { ERR_clear_error() }
        var list: [Certificate] = []
        let isDamaged = withReadableBuffer(pem) { source in
            while let pointer = PEM_read_bio_X509(source, nil, nil, nil) {
                list.append(Certificate(owning: pointer))
            }
            return !hasReachedTheEnd
        }
        if isDamaged { throw .damaged }
        if list.isEmpty { throw .missing }
        return list
    }

    /// SHA-1 of the certificate: what Windows calls its thumbprint.
    public var sha1: [UInt8] { digest(EVP_sha1()) }

    /// SHA-256 of the certificate.
    public var sha256: [UInt8] { digest(EVP_sha256()) }

    private func digest(_ kind: OpaquePointer?) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        precondition(X509_digest(pointer, kind, &bytes, &count) == 1, "libcrypto has digests")
        return Array(bytes.prefix(Int(count)))
    }

    /// The subject's common name, empty when it has none.
    public var commonName: String {
        guard let name = X509_get_subject_name(pointer),
            case let index = X509_NAME_get_index_by_NID(name, NID_commonName, -1), index >= 0,
            let text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, index))
        else { return "" }
        var bytes: UnsafeMutablePointer<UInt8>?
        let count = ASN1_STRING_to_UTF8(&bytes, text)
        defer { CRYPTO_free(bytes, nil, 0) }
        guard count > 0 else { return "" }
        return String(decoding: UnsafeBufferPointer(start: bytes, count: Int(count)), as: UTF8.self)
    }

    /// What the clock says to the certificate.
    public enum Validity: Sendable, Equatable {
        /// It is in date.
        case valid
        /// Its time comes.
        case notYet
        /// Its time is over.
        case expired
    }

    /// Whether it is in date now.
    public var validity: Validity {
        if X509_cmp_time(X509_get0_notBefore(pointer), nil) > 0 { return .notYet }
        return X509_cmp_time(X509_get0_notAfter(pointer), nil) < 0 ? .expired : .valid
    }

    /// When it begins to hold, `2026-11-21 15:54 UTC`.
    public var validFrom: String { text(of: X509_get0_notBefore(pointer)) }

    /// When it ceases to hold.
    public var validUntil: String { text(of: X509_get0_notAfter(pointer)) }

    private func text(of time: UnsafePointer<ASN1_TIME>?) -> String {
        // YYYYMMDDHHMMSSZ
        guard let long = ASN1_TIME_to_generalizedtime(time, nil) else { return "?" }
        defer { ASN1_STRING_free(long) }
        let bytes = UnsafeBufferPointer(
            start: ASN1_STRING_get0_data(long),
            count: Int(ASN1_STRING_length(long))
        )
        guard bytes.count >= 12 else { return "?" }
        let digits = bytes.map { String(UnicodeScalar($0)) }
        func field(_ range: Range<Int>) -> String { digits[range].joined() }
        return
            "\(field(0..<4))-\(field(4..<6))-\(field(6..<8)) \(field(8..<10)):\(field(10..<12)) UTC"
    }

    /// What a certificate is shown for.
    public enum Purpose: Sendable {
        /// A TLS server shows it.
        case server
        /// A TLS client shows it.
        case client
    }

    /// Whether its extended key usage, where it has one, and its key usage allow a purpose.
    public func allows(_ purpose: Purpose) -> Bool {
        let wanted = (purpose == .server ? XKU_SSL_SERVER : XKU_SSL_CLIENT) | XKU_ANYEKU
        return X509_get_extended_key_usage(pointer) & UInt32(wanted) != 0
            && X509_get_key_usage(pointer) & UInt32(KU_DIGITAL_SIGNATURE) != 0
    }

    /// Whether a key is this certificate's.
    public func belongs(to key: PrivateKey) -> Bool {
        defer { ERR_clear_error() }
        return X509_check_private_key(pointer, key.pointer) == 1
    }

    /// The certificate as a PEM text.
    public var pem: [UInt8] {
        guard let text = collectedOutput({ PEM_write_bio_X509($0, pointer) == 1 }) else {
            preconditionFailure("a certificate can be written to memory")
        }
        return text
    }
}

/// A private key.
public final class PrivateKey {
    /// EVP_PKEY*, owned.
    let pointer: OpaquePointer

    init(owning pointer: OpaquePointer) {
        self.pointer = pointer
    }

    deinit { EVP_PKEY_free(pointer) }

    /// The first private key of a PEM text.
    public init(pem: [UInt8]) throws(PEMError) {
        // OpenSSL's decoders do not tell "there is none" from "there is a bad one".
        guard pem.contains(text: "PRIVATE KEY-----") else { throw .missing }
        ERR_clear_error()
        defer { ERR_clear_error() }
        var wasAsked = false
        let key = withReadableBuffer(pem) { source in
            // Without a callback of ours, OpenSSL would ask the terminal for a passphrase.
            PEM_read_bio_PrivateKey(source, nil, refusePassphrase, &wasAsked)
        }
        guard let key else { throw wasAsked ? .encrypted : .damaged }
        pointer = key
    }

    /// The key as a PEM text (PKCS #8, RFC 5958), without a passphrase.
    var pem: [UInt8] {
        let text = collectedOutput {
            PEM_write_bio_PrivateKey($0, pointer, nil, nil, 0, nil, nil) == 1
        }
        guard let text else { preconditionFailure("a key can be written to memory") }
        return text
    }
}

extension [UInt8] {
    fileprivate func contains(text: String) -> Bool {
        let words = Array(text.utf8)
        guard count >= words.count else { return false }
        return (0...(count - words.count)).contains { self[$0...].starts(with: words) }
    }
}

/// Whether the last PEM call failed only because there was nothing more to read.
private var hasReachedTheEnd: Bool {
    let error = ERR_peek_last_error()
    return copenssl_library(error) == ERR_LIB_PEM
        && copenssl_reason(error) == PEM_R_NO_START_LINE
}

private func refusePassphrase(
    _ buffer: UnsafeMutablePointer<CChar>?,
    _ size: Int32,
    _ isForWriting: Int32,
    _ wasAsked: UnsafeMutableRawPointer?
) -> Int32 {
    wasAsked?.assumingMemoryBound(to: Bool.self).pointee = true
    return -1
}
