internal import LinuxSystem
public import TLSEngine

/// Where certificates lie: PEM files in a folder of the user and in one of the machine.
public enum CertificateFolder: Sendable, Equatable {
    /// `certuser=`.
    case user
    /// `machuser=`.
    case machine

    /// The environment variables that move the folders.
    public static let userVariable = "DBGSRV_CERTIFICATES"
    /// See `userVariable`.
    public static let machineVariable = "DBGSRV_MACHINE_CERTIFICATES"

    /// How many files of a folder are looked at.
    static let filesMax = 1_000
    /// The longest file that is read, in bytes.
    static let fileBytesMax = 262_144

    /// The folder's path: `$XDG_CONFIG_HOME/dbgsrv/certificates` or `~/.config/dbgsrv/certificates`, and
    /// `/etc/dbgsrv/certificates`.
    public var path: String {
        switch self {
        case .user:
            if let given = environmentValue(Self.userVariable) { return given }
            if let configuration = environmentValue("XDG_CONFIG_HOME") {
                return configuration + "/dbgsrv/certificates"
            }
            return (environmentValue("HOME") ?? "/root") + "/.config/dbgsrv/certificates"
        case .machine:
            return environmentValue(Self.machineVariable) ?? "/etc/dbgsrv/certificates"
        }
    }

    /// The parameter that names a certificate of this folder.
    public var parameter: String { self == .user ? "certuser" : "machuser" }

    /// The files that hold certificates, by name.
    var files: [String] {
        folderEntries(path)
            .filter { name in ["pem", "crt", "cer"].contains { name.hasSuffix(".\($0)") } }
            .prefix(Self.filesMax)
            .map { path + "/" + $0 }
    }
}

/// A certificate and the file it was found in.
public struct FoundCertificate {
    /// The certificate, then those behind it in the file.
    public let chain: [Certificate]
    /// The file.
    public let file: String

    /// The certificate.
    public var certificate: Certificate { chain[0] }
}

extension CertificateFolder {
    /// Finds a certificate by its file's name, its subject's common name or its thumbprint; a name with a
    /// slash is a path.
    public func certificate(_ name: String) throws(CertificateError) -> FoundCertificate {
        if name.contains("/") { return try Self.read(name) }
        if let thumbprint = Thumbprint.bytes(of: name) {
            guard let found = find(thumbprint: thumbprint) else { throw missing(name) }
            return found
        }
        for ending in ["", ".pem", ".crt", ".cer"] where Files.exists("\(path)/\(name)\(ending)") {
            return try Self.read("\(path)/\(name)\(ending)")
        }
        return try find(commonName: name)
    }

    /// Whether there is a certificate of that name.
    public func has(_ name: String) -> Bool {
        (try? certificate(known: name)) != nil
    }

    private func find(thumbprint: [UInt8]) -> FoundCertificate? {
        readable.first { found in
            let digest =
                thumbprint.count == 20 ? found.certificate.sha1 : found.certificate.sha256
            return digest == thumbprint
        }
    }

    private func find(commonName name: String) throws(CertificateError) -> FoundCertificate {
        let found = readable.filter { $0.certificate.commonName == name }
        guard let first = found.first else { throw missing(name) }
        guard found.allSatisfy({ $0.certificate.sha256 == first.certificate.sha256 }) else {
            throw CertificateError(
                "\(parameter): several certificates are called '\(name)':"
                    + " \(found.map(\.file).joined(separator: ", ")); write the file's name or the"
                    + " thumbprint"
            )
        }
        return first
    }

    /// What can be read; damage matters only in the file that is meant.
    private var readable: [FoundCertificate] {
        files.compactMap { try? Self.read($0) }
    }

    private func missing(_ name: String) -> CertificateError {
        let other: CertificateFolder = self == .user ? .machine : .user
        let isThere = other.has(name)
        let remedy =
            isThere
            ? "there is one in \(other.path): write \(other.parameter)=\(name)"
            : "dbgsrv --new-certificate \(name.isCertificateName ? name : "NAME") makes one, and a"
                + " client's folder takes a copy of its .pem file"
        return CertificateError(
            "\(parameter): there is no certificate '\(name)' in \(path); \(remedy)"
        )
    }

    /// Whether the other folder has it, without going round in circles.
    private func certificate(known name: String) throws(CertificateError) -> FoundCertificate? {
        if let thumbprint = Thumbprint.bytes(of: name) { return find(thumbprint: thumbprint) }
        for ending in ["", ".pem", ".crt", ".cer"] where Files.exists("\(path)/\(name)\(ending)") {
            return try Self.read("\(path)/\(name)\(ending)")
        }
        return readable.first { $0.certificate.commonName == name }
    }

    /// The certificates of a file.
    static func read(_ file: String) throws(CertificateError) -> FoundCertificate {
        let content = try PEMFile(file)
        do {
            return FoundCertificate(chain: try Certificate.list(pem: content.bytes), file: file)
        } catch {
            switch error {
            case .missing, .encrypted:
                throw CertificateError(
                    "\(file): there is no certificate in it (a PEM file has a line"
                        + " -----BEGIN CERTIFICATE-----)"
                )
            case .damaged:
                throw CertificateError(
                    "\(file): the certificate in it is damaged; copy it again or make another"
                )
            }
        }
    }
}
