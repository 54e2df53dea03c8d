internal import LinuxSystem
internal import TLSEngine

/// A PEM file's bytes, with who may read them.
struct PEMFile {
    let path: String
    let bytes: [UInt8]
    private let status: FileAttributes

    init(_ path: String) throws(CertificateError) {
        self.path = path
        do {
            let file = try Files.open(path, flags: [], mode: 0)
            status = try FileAttributes(of: file)
            guard status.kind == .file else {
                throw CertificateError("\(path) is no file")
            }
            bytes = try Files.read(file, count: CertificateFolder.fileBytesMax, at: 0)
        } catch let error as SystemError {
            throw CertificateError("\(path) cannot be read: \(error.reason)")
        } catch let error as CertificateError {
            throw error
        } catch {
            throw CertificateError("\(path) cannot be read: \(error)")
        }
    }

    /// The private key in the file; nil when there is none.
    func privateKey() throws(CertificateError) -> PrivateKey? {
        let key: PrivateKey
        do {
            key = try PrivateKey(pem: bytes)
        } catch {
            switch error {
            case .missing:
                return nil
            case .damaged:
                throw CertificateError(
                    "\(path): the private key in it is damaged; copy it again or make another"
                )
            case .encrypted:
                throw CertificateError(
                    "\(path): the private key is protected by a passphrase, which nobody is there to"
                        + " type; 'openssl pkey -in \(path) -out NEW.key' takes it off"
                )
            }
        }
        try checkThatOnlyTheOwnerReads()
        return key
    }

    private func checkThatOnlyTheOwnerReads() throws(CertificateError) {
        guard status.permissions & 0o077 == 0 else {
            throw CertificateError(
                "\(path): others than its owner may read or write the private key in it;"
                    + " 'chmod 600 \(path)' mends that (and if it has been so for long, make a new one)"
            )
        }
        let user = effectiveUserID
        guard status.owner == user || status.owner == 0 else {
            throw CertificateError(
                "\(path): the private key in it belongs to the user \(userName(status.owner));"
                    + " 'chown \(userName(user)) \(path)' mends that"
            )
        }
    }
}
