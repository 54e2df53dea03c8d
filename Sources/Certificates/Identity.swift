internal import LinuxSystem
public import TLSEngine

extension CertificateFolder {
    /// A certificate with its key, checked for a purpose: what a server shows, or a client that has to.
    public func identity(
        _ name: String,
        for purpose: Certificate.Purpose
    ) throws(CertificateError) -> TLSIdentity {
        let found = try certificate(name)
        try Self.check(found, for: purpose)
        let (key, file) = try Self.key(for: found)
        guard found.certificate.belongs(to: key) else {
            throw CertificateError(
                "\(file): the private key in it belongs to another certificate than the one in"
                    + " \(found.file); put the right key there or make a new pair"
            )
        }
        let identity = TLSIdentity(chain: found.chain, key: key)
        if let weakness = identity.weakness {
            throw CertificateError(
                "\(found.file): the certificate is too weak for TLS (\(weakness)); make another with a"
                    + " key on P-256 or an RSA key of 2048 bits at least"
            )
        }
        return identity
    }

    private static func check(
        _ found: FoundCertificate,
        for purpose: Certificate.Purpose
    ) throws(CertificateError) {
        let certificate = found.certificate
        switch certificate.validity {
        case .valid:
            break
        case .expired:
            throw CertificateError(
                "\(found.file): the certificate expired on \(certificate.validUntil);"
                    + " make another (dbgsrv --new-certificate NAME)"
            )
        case .notYet:
            throw CertificateError(
                "\(found.file): the certificate holds only from \(certificate.validFrom) on;"
                    + " is this machine's clock right?"
            )
        }
        guard certificate.allows(purpose) else {
            let word = purpose == .server ? "server" : "client"
            throw CertificateError(
                "\(found.file): the certificate does not allow \(word) authentication; it needs"
                    + " \(word)Auth among its extended key usages, or none of them, and"
                    + " digitalSignature among its key usages"
            )
        }
    }

    /// The key beside a certificate: in the same file, or in one that ends in `.key` instead.
    private static func key(
        for found: FoundCertificate
    ) throws(CertificateError) -> (PrivateKey, String) {
        if let key = try PEMFile(found.file).privateKey() { return (key, found.file) }
        let beside = keyFile(beside: found.file)
        guard Files.exists(beside) else {
            throw CertificateError(
                "\(found.file) has no private key, and there is none in \(beside); a server needs"
                    + " the key too, a client that only checks the server does not"
            )
        }
        guard let key = try PEMFile(beside).privateKey() else {
            throw CertificateError(
                "\(beside): there is no private key in it (a PEM file has a line"
                    + " -----BEGIN PRIVATE KEY-----)"
            )
        }
        return (key, beside)
    }

    /// `lab.key` for `lab.pem`.
    static func keyFile(beside file: String) -> String {
        let endings = [".pem", ".crt", ".cer"]
        guard let ending = endings.first(where: { file.hasSuffix($0) }) else {
            return file + ".key"
        }
        return file.dropLast(ending.count) + ".key"
    }

    /// The thumbprint of the certificate that a client demands: of the one in the folder, or the one written.
    public func thumbprint(_ name: String) throws(CertificateError) -> [UInt8] {
        if let bytes = Thumbprint.bytes(of: name) { return bytes }
        return try certificate(name).certificate.sha256
    }

    /// Certificates whose holders, and those they vouch for, are trusted.
    public func authorities(_ name: String) throws(CertificateError) -> [Certificate] {
        try certificate(name).chain
    }
}
