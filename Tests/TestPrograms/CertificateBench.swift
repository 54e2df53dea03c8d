internal import Foundation
internal import Glibc
internal import LinuxSystem

/// Makes certificates of every kind with the openssl program, independently of the code under test.
public final class CertificateBench {
    /// Where they are made: NAME.pem and NAME.key.
    public let folder: String

    /// What openssl had to say when it failed.
    public struct Failure: Error, CustomStringConvertible {
        /// Its output.
        public let description: String
    }

    /// Works in a folder, which is made where there is none.
    public init(in folder: String) throws {
        self.folder = folder
        let work = "\(folder)/openssl"
        try FileManager.default.createDirectory(atPath: work, withIntermediateDirectories: true)
        try "".write(toFile: "\(work)/index.txt", atomically: true, encoding: .utf8)
        let configuration = """
            [ca]
            default_ca = bench
            [bench]
            database = \(work)/index.txt
            new_certs_dir = \(work)
            rand_serial = yes
            unique_subject = no
            default_md = sha256
            policy = any
            [any]
            commonName = supplied
            [req]
            distinguished_name = none
            [none]
            """
        try configuration.write(toFile: "\(work)/ca.conf", atomically: true, encoding: .utf8)
    }

    /// Makes a certificate and its key.
    ///
    /// - Parameters:
    ///   - name: the file's name and, unless another is given, the subject's.
    ///   - days: from which day on and until which it holds, counted from today.
    ///   - extensions: lines of an extension file.
    ///   - authority: who signs it; nil for itself.
    ///   - newKey: arguments of `openssl req` that choose the key.
    public func make(
        _ name: String,
        commonName: String? = nil,
        days: ClosedRange<Int> = -1...30,
        extensions: [String] = ["extendedKeyUsage=serverAuth,clientAuth"],
        authority: String? = nil,
        newKey: [String] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    ) throws {
        let work = "\(folder)/openssl"
        let lines = extensions.joined(separator: "\n") + "\n"
        try lines.write(toFile: "\(work)/\(name).ext", atomically: true, encoding: .utf8)
        try openssl(
            ["req", "-new", "-utf8", "-config", "\(work)/ca.conf"] + newKey + [
                "-nodes", "-keyout", "\(folder)/\(name).key", "-out", "\(work)/\(name).csr",
                "-subj", "/CN=\(commonName ?? name)",
            ]
        )
        chmod("\(folder)/\(name).key", 0o600)
        let signer =
            authority.map { ["-cert", "\(folder)/\($0).pem", "-keyfile", "\(folder)/\($0).key"] }
            ?? ["-selfsign", "-keyfile", "\(folder)/\(name).key"]
        try openssl(
            ["ca", "-batch", "-notext", "-config", "\(work)/ca.conf"] + signer + [
                "-in", "\(work)/\(name).csr", "-out", "\(folder)/\(name).pem",
                "-startdate", date(days.lowerBound), "-enddate", date(days.upperBound),
                "-extfile", "\(work)/\(name).ext",
            ]
        )
    }

    /// Makes a certificate that vouches for others.
    public func makeAuthority(_ name: String) throws {
        try make(
            name,
            extensions: [
                "basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign",
            ]
        )
    }

    /// The thumbprint as openssl prints it, `AB:38:…`.
    public func thumbprint(_ name: String, _ digest: String = "sha256") throws -> String {
        let line = try openssl(
            ["x509", "-in", "\(folder)/\(name).pem", "-noout", "-fingerprint", "-\(digest)"]
        )
        return line.split(separator: "=").last.map { $0.trimmingCharacters(in: .newlines) } ?? ""
    }

    /// The file of a certificate.
    public func certificate(_ name: String) -> String { "\(folder)/\(name).pem" }

    /// The file of a key.
    public func key(_ name: String) -> String { "\(folder)/\(name).key" }

    /// YYYYMMDDHHMMSSZ.
    private func date(_ day: Int) -> String {
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.timeZone = TimeZone(identifier: "UTC")
        format.dateFormat = "yyyyMMddHHmmss'Z'"
        return format.string(from: Date(timeIntervalSinceNow: Double(day) * 86_400))
    }

    @discardableResult
    private func openssl(_ arguments: [String]) throws -> String {
        let (process, output) = try spawn(["openssl"] + arguments)
        let text = String(decoding: output.readDataToEndOfFile(), as: UTF8.self)
        guard ProgramLauncher.waitForEnd(of: process) == 0 else {
            throw Failure(description: "openssl \(arguments.joined(separator: " ")): \(text)")
        }
        return text
    }
}
