import Foundation
import Glibc
import TLSEngine
import TestPrograms
import Testing

@testable import Certificates

/// The environment is the process's: one test at a time moves the folders.
@Suite("Looking certificates up", .serialized)
struct CertificateFolderTests {
    private let bench: CertificateBench
    private let machine: CertificateBench

    init() throws {
        let place = "/tmp/dbgsrv-certificates-\(getpid())"
        try? FileManager.default.removeItem(atPath: place)
        bench = try CertificateBench(in: place + "/user")
        machine = try CertificateBench(in: place + "/machine")
        setenv(CertificateFolder.userVariable, bench.folder, 1)
        setenv(CertificateFolder.machineVariable, machine.folder, 1)
    }

    private func failure(_ name: String, _ folder: CertificateFolder = .user) -> String {
        do {
            _ = try folder.identity(name, for: .server)
            return "accepted"
        } catch {
            return error.description
        }
    }

    private func text(_ path: String) throws -> String {
        try String(contentsOfFile: path, encoding: .utf8)
    }

    private func write(_ text: String, to path: String, mode: mode_t = 0o600) throws {
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        chmod(path, mode)
    }

    @Test(
        "by file name, subject, SHA-1 and SHA-256, in the folder that the parameter names (TLS-6, TLS-7)"
    )
    func lookup() throws {
        try bench.make("lab", commonName: "Lab Seven")
        try machine.make("rack")
        for name in [
            "lab", "lab.pem", "Lab Seven", try bench.thumbprint("lab", "sha1"),
            try bench.thumbprint("lab", "sha256"), bench.certificate("lab"),
            try bench.thumbprint("lab", "sha1").lowercased().replacing(":", with: " "),
        ] {
            #expect(failure(name) == "accepted", "\(name)")
        }
        #expect(failure("rack", .machine) == "accepted")
        #expect(failure("rack").contains("write machuser=rack"), "\(failure("rack"))")
        #expect(failure("bogus").contains("--new-certificate bogus makes one"))
        let thumbprint = String(repeating: "ab", count: 20)
        #expect(failure(thumbprint).contains("there is no certificate '\(thumbprint)'"))
        try bench.make("other", commonName: "Lab Seven")
        #expect(failure("Lab Seven").contains("several certificates are called 'Lab Seven'"))
    }

    @Test(
        "what is wrong with a server's certificate has its own sentence, with file and remedy (TLS-8)"
    )
    func sentences() throws {
        try bench.make("lab")
        try bench.make("old", days: -30 ... -2)
        try bench.make("new", days: 2...30)
        try bench.make("mail", extensions: ["extendedKeyUsage=emailProtection"])
        try bench.make("any", extensions: ["subjectAltName=DNS:x"])
        try bench.make("lost")
        try FileManager.default.removeItem(atPath: bench.key("lost"))
        try bench.make("open")
        chmod(bench.key("open"), 0o644)
        try bench.make("mixed")
        try write(try text(bench.key("lab")), to: bench.key("mixed"))
        try bench.make("cut")
        let whole = try text(bench.certificate("cut"))
        try write(String(whole.prefix(whole.count / 2)), to: bench.certificate("cut"))
        try bench.make("cutkey")
        try write(
            try text(bench.key("cutkey")).replacing("MI", with: "AA", maxReplacements: 1),
            to: bench.key("cutkey")
        )
        try write("nothing\n", to: bench.certificate("empty"))
        #expect(failure("lab") == "accepted")
        #expect(failure("any") == "accepted")
        for (name, key) in [("rsa", "rsa:2048"), ("weak", "rsa:1024"), ("edwards", "ed25519")] {
            try bench.make(name, newKey: ["-newkey", key])
        }
        #expect(failure("rsa") == "accepted" && failure("edwards") == "accepted")
        #expect(
            failure("weak").contains("too weak for TLS (ee key too small)"),
            "\(failure("weak"))"
        )
        for (name, words) in [
            ("old", "the certificate expired on 20"), ("new", "holds only from 20"),
            ("mail", "does not allow server authentication"),
            ("lost", "there is none in \(bench.key("lost"))"),
            ("open", "'chmod 600 \(bench.key("open"))' mends that"),
            ("mixed", "belongs to another certificate"),
            ("cut", "the certificate in it is damaged"),
            ("cutkey", "the private key in it is damaged"),
            ("empty", "there is no certificate in it"),
        ] {
            let said = failure(name)
            #expect(said.contains(words) && said.contains(bench.folder), "\(name): \(said)")
        }
    }

    @Test(
        "a key may lie in the certificate's file, and then that file is the owner's alone (TLS-8)"
    )
    func keyInTheSameFile() throws {
        try bench.make("one")
        let both = try text(bench.certificate("one")) + text(bench.key("one"))
        try FileManager.default.removeItem(atPath: bench.key("one"))
        try write(both, to: bench.certificate("one"))
        #expect(failure("one") == "accepted")
        chmod(bench.certificate("one"), 0o640)
        #expect(failure("one").contains("chmod 600"))
    }

    @Test("a key under a passphrase is named, and nobody is asked for it (TLS-8)")
    func passphrase() throws {
        try bench.make("safe")
        let (process, output) = try spawn([
            "openssl", "pkcs8", "-topk8", "-in", bench.key("safe"), "-passout", "pass:secret",
            "-out", bench.key("safe") + ".new",
        ])
        _ = output.readDataToEndOfFile()
        waitpid(process, nil, 0)
        try write(try text(bench.key("safe") + ".new"), to: bench.key("safe"))
        #expect(failure("safe").contains("protected by a passphrase"), "\(failure("safe"))")
    }

    @Test(
        "a new pair is usable at once, its key is the owner's, and nothing is overwritten (TLS-9)"
    )
    func newPair() throws {
        umask(0)
        defer { umask(0o022) }
        let pair = try CertificatePair.make("fresh", in: .user)
        var status = stat()
        #expect(stat(pair.keyFile, &status) == 0 && status.st_mode & 0o777 == 0o600)
        #expect(failure("fresh") == "accepted")
        #expect(try CertificateFolder.user.thumbprint("fresh") == pair.sha256)
        #expect(throws: CertificateError.self) { try CertificatePair.make("fresh", in: .user) }
        let key = try text(pair.keyFile)
        try FileManager.default.removeItem(atPath: pair.certificateFile)
        #expect(throws: CertificateError.self) { try CertificatePair.make("fresh", in: .user) }
        #expect(try text(pair.keyFile) == key)
        #expect(!FileManager.default.fileExists(atPath: pair.certificateFile))
        let machinePair = try CertificatePair.make("fresh", in: .machine)
        #expect(machinePair.certificateFile.hasPrefix(machine.folder))
    }

    @Test("names that are paths, options or thumbprints are refused (TLS-9)")
    func badNames() {
        for name in [
            "", "-x", "../lab", "a/b", "lab 7", ".hidden", String(repeating: "a", count: 65),
            String(repeating: "ab", count: 20), "lab\n", "läb",
        ] {
            #expect(throws: CertificateError.self, "\(name)") {
                try CertificatePair.make(name, in: .user)
            }
        }
    }

    @Test("a client's folder needs no key, and a thumbprint needs no folder (TLS-10)")
    func clients() throws {
        try bench.make("lab")
        try FileManager.default.removeItem(atPath: bench.key("lab"))
        let bytes = try CertificateFolder.user.thumbprint("lab")
        #expect(bytes.count == 32)
        #expect(
            try CertificateFolder.user.thumbprint(String(repeating: "ab", count: 32)).count == 32
        )
        #expect(throws: CertificateError.self) { try CertificateFolder.user.thumbprint("nobody") }
    }
}
