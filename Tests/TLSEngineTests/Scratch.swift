import Foundation
import TestPrograms

@testable import TLSEngine

/// Certificates in a folder that goes with it.
final class Scratch {
    let bench: CertificateBench

    init() throws {
        let folder = "/tmp/dbgsrv-tls-\(UUID().uuidString)"
        bench = try CertificateBench(in: folder)
    }

    deinit { try? FileManager.default.removeItem(atPath: bench.folder) }

    func certificates(_ name: String) throws -> [Certificate] {
        try Certificate.list(pem: bytes(bench.certificate(name)))
    }

    func identity(_ name: String) throws -> TLSIdentity {
        TLSIdentity(
            chain: try certificates(name),
            key: try PrivateKey(pem: bytes(bench.key(name)))
        )
    }

    private func bytes(_ file: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))
    }
}

/// A certificate of our own making with its key.
func ownIdentity(_ name: String = "lab") throws -> TLSIdentity {
    let made = NewCertificate(name: name, hosts: ["lab7", "localhost"], addresses: ["127.0.0.1"])
    return TLSIdentity(chain: [made.certificate], key: try PrivateKey(pem: made.keyPEM))
}
