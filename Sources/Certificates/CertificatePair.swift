internal import LinuxSystem
internal import TLSEngine

/// A new certificate and its key in a folder.
public struct CertificatePair {
    /// What it is called.
    public let name: String
    /// The folder it lies in.
    public let folder: CertificateFolder
    /// The certificate's file, which anybody may have.
    public let certificateFile: String
    /// The key's file, which nobody else may read.
    public let keyFile: String
    /// The certificate's digests.
    public let sha1: [UInt8]
    /// The certificate's digests.
    public let sha256: [UInt8]
    /// When it ceases to hold.
    public let validUntil: String
    /// The host names and addresses in it.
    public let hosts: [String]

    /// Makes a pair; what is there already is never overwritten.
    public static func make(
        _ name: String,
        in folder: CertificateFolder
    ) throws(CertificateError) -> CertificatePair {
        guard name.isCertificateName else {
            throw CertificateError(
                "'\(name)' cannot be a certificate's name: it has 1–\(NewCertificate.nameBytesMax)"
                    + " letters, digits, dots, hyphens and underscores, and begins with a letter or a"
                    + " digit"
            )
        }
        guard Thumbprint.bytes(of: name) == nil else {
            throw CertificateError("'\(name)' would be taken for a thumbprint; give another name")
        }
        let certificateFile = "\(folder.path)/\(name).pem"
        let keyFile = "\(folder.path)/\(name).key"
        for file in [certificateFile, keyFile] where Files.exists(file) {
            throw CertificateError(
                "\(file) exists already and is not overwritten; give another name, or remove it"
            )
        }
        try makeFolder(folder)
        let hosts = hostNames()
        let made = NewCertificate(name: name, hosts: hosts, addresses: ["127.0.0.1", "::1"])
        try write(made.keyPEM, to: keyFile, mode: 0o600)
        do {
            try write(made.certificate.pem, to: certificateFile, mode: 0o644)
        } catch {
            try? Files.remove(keyFile)
            throw error
        }
        return CertificatePair(
            name: name,
            folder: folder,
            certificateFile: certificateFile,
            keyFile: keyFile,
            sha1: made.certificate.sha1,
            sha256: made.certificate.sha256,
            validUntil: made.certificate.validUntil,
            hosts: hosts + ["127.0.0.1", "::1"]
        )
    }

    /// What this machine is called: its name, the name before the first dot, localhost.
    private static func hostNames() -> [String] {
        let full = hostName().lowercased()
        let short = full.split(separator: ".").first.map(String.init) ?? full
        var names: [String] = []
        for name in [full, short, "localhost"] where name.isHostName && !names.contains(name) {
            names.append(name)
        }
        return names
    }

    private static func makeFolder(_ folder: CertificateFolder) throws(CertificateError) {
        do {
            // The user's is nobody else's affair; the machine's certificates are for all to see.
            try makeFolders(folder.path, permissions: folder == .user ? 0o700 : 0o755)
        } catch {
            throw CertificateError("\(folder.path) cannot be made: \(error.reason)")
        }
    }

    private static func write(
        _ bytes: [UInt8],
        to path: String,
        mode: UInt32
    ) throws(CertificateError) {
        do {
            let file = try Files.open(path, flags: [.writeOnly, .create, .exclusive], mode: mode)
            var rest = bytes[...]
            while !rest.isEmpty { rest = rest.dropFirst(try file.write(rest)) }
        } catch {
            throw CertificateError("\(path) cannot be written: \(error.reason)")
        }
    }
}

extension String {
    /// Whether it can be a file's and a certificate's name.
    var isCertificateName: Bool {
        let isFirstGood = first.map { $0.isASCII && ($0.isLetter || $0.isNumber) } ?? false
        return isFirstGood && utf8.count <= NewCertificate.nameBytesMax
            && allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || ".-_".contains($0)) }
    }

    fileprivate var isHostName: Bool {
        !isEmpty && allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || ".-".contains($0)) }
    }
}
