internal import COpenSSL

/// A certificate that signs itself, with its key, as `dbgsrv --new-certificate` makes it.
public struct NewCertificate {
    /// How long it holds, in days.
    public static let validDays = 730
    /// How much before now it begins, in seconds: the clocks of a lab differ.
    static let leadSeconds = 86_400
    /// The longest common name (RFC 5280, ub-common-name).
    public static let nameBytesMax = 64

    /// The certificate.
    public let certificate: Certificate
    private let key: PrivateKey

    /// The key as a PEM text.
    public var keyPEM: [UInt8] { key.pem }

    /// Makes a key on P-256 and a certificate for servers and clients.
    ///
    /// - Parameters:
    ///   - name: the subject's common name, 1–64 bytes.
    ///   - hosts: host names that clients may know the machine by.
    ///   - addresses: IP addresses, as text.
    public init(name: String, hosts: [String], addresses: [String]) {
        precondition((1...Self.nameBytesMax).contains(name.utf8.count), "the name was checked")
        guard let key = copenssl_new_p256_key(), let certificate = X509_new() else {
            preconditionFailure("libcrypto makes keys on P-256")
        }
        self.key = PrivateKey(owning: key)
        self.certificate = Certificate(owning: certificate)
        X509_set_version(certificate, 2)
        Self.setSerialNumber(certificate)
        X509_gmtime_adj(X509_getm_notBefore(certificate), -Self.leadSeconds)
        X509_gmtime_adj(X509_getm_notAfter(certificate), Self.validDays * 86_400)
        X509_set_pubkey(certificate, key)
        let subject = X509_get_subject_name(certificate)
        X509_NAME_add_entry_by_NID(
            subject,
            NID_commonName,
            MBSTRING_UTF8,
            Array(name.utf8),
            Int32(name.utf8.count),
            -1,
            0
        )
        X509_set_issuer_name(certificate, subject)
        let names = hosts.map { "DNS:\($0)" } + addresses.map { "IP:\($0)" }
        Self.addExtension(certificate, NID_basic_constraints, "critical,CA:FALSE")
        Self.addExtension(certificate, NID_key_usage, "critical,digitalSignature")
        Self.addExtension(certificate, NID_ext_key_usage, "serverAuth,clientAuth")
        Self.addExtension(certificate, NID_subject_key_identifier, "hash")
        if !names.isEmpty {
            Self.addExtension(certificate, NID_subject_alt_name, names.joined(separator: ","))
        }
        precondition(X509_sign(certificate, key, EVP_sha256()) > 0, "libcrypto has ECDSA")
    }

    /// 127 random bits, as RFC 5280, section 4.1.2.2, allows and asks for.
    private static func setSerialNumber(_ certificate: OpaquePointer) {
        var bytes = Cryptography.randomBytes(16)
        bytes[0] &= 0x7f
        let number = BN_bin2bn(bytes, Int32(bytes.count), nil)
        defer { BN_free(number) }
        BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate))
    }

    private static func addExtension(_ certificate: OpaquePointer, _ kind: Int32, _ value: String) {
        var context = v3_ext_ctx()
        X509V3_set_ctx(&context, certificate, certificate, nil, nil, 0)
        let made = X509V3_EXT_conf_nid(nil, &context, kind, value)
        precondition(made != nil, "the extension '\(value)' is well-formed")
        X509_add_ext(certificate, made, -1)
        X509_EXTENSION_free(made)
    }
}
