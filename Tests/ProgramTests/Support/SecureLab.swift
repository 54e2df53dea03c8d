import Foundation
import Glibc
import TestPrograms
import Testing

/// Certificates for a lab, and servers that show them.
struct SecureLab {
    let lab: Lab
    let bench: CertificateBench

    /// A lab whose folder of certificates has a pair of the name `lab`.
    init() throws {
        lab = try Lab()
        bench = try CertificateBench(in: "\(lab.folder)/certificates")
        try bench.make(
            "lab",
            extensions: [
                "extendedKeyUsage=serverAuth", "subjectAltName=DNS:localhost,IP:127.0.0.1",
            ]
        )
    }

    /// Starts a process server on a free port.
    func startServer(
        _ parameters: String = "proto=tls1,certuser=lab"
    ) throws -> (server: RunningProgram, port: Int) {
        let server = try lab.startServer("ssl:\(parameters),port=0")
        let text = server.errors
        let match = try #require(text.firstMatch(of: /ssl:.*Port=(\d+)/), "\(text)")
        return (server, try #require(Int(match.output.1)))
    }

    /// The connection string of a client that demands the certificate `lab`.
    func client(_ port: Int, _ parameters: String = "proto=tls1,certuser=lab") -> String {
        "ssl:\(parameters),server=localhost,port=\(port)"
    }

    /// Runs cdb on a program that does not matter, to its end.
    func cdb(_ transport: String) throws -> (status: Int32, output: String, errors: String) {
        try lab.run("cdb", ["-premote", transport, "-c", "q", "/usr/bin/sleep", "100"])
    }

    /// Runs `openssl s_client` against a port with nothing to say.
    func openssl(_ port: Int, _ arguments: [String]) throws -> String {
        let result = try run(
            "/usr/bin/openssl",
            ["s_client", "-connect", "127.0.0.1:\(port)"] + arguments,
            environment: lab.environment
        )
        return result.output + result.errors
    }
}

/// A TCP connection of a test's own.
final class RawConnection {
    let descriptor: Int32

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let answer = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, size)
            }
        }
        try #require(answer == 0, "connect: \(errno)")
    }

    deinit { close(descriptor) }

    func send(_ bytes: [UInt8]) {
        _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    /// What comes until the end, at most for the patience of tests.
    func readToEnd() -> [UInt8] {
        var limit = timeval(tv_sec: Int(RunningProgram.patienceSeconds), tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while case let count = recv(descriptor, &buffer, buffer.count, 0), count > 0 {
            all += buffer.prefix(count)
        }
        return all
    }
}

extension RunningProgram {
    /// The session processes that its log tells of and that still are there, zombies too; not the one that stands
    /// by for the next client (`SessionStarter`).
    var children: [Int32] {
        forgetOutput()
        let path = "/proc/\(processID)/task/\(processID)/children"
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        let sessions = Set(
            errors.matches(of: /session process (\d+)/).compactMap { Int32($0.output.1) }
        )
        return text.split(separator: " ").compactMap { Int32($0) }.filter(sessions.contains)
    }

    /// How many descriptors it has open, but for the line of the process that stands by.
    var descriptorCount: Int {
        let path = "/proc/\(processID)"
        let all = (try? FileManager.default.contentsOfDirectory(atPath: path + "/fd").count) ?? -1
        let list = path + "/task/\(processID)/children"
        let processes = (try? String(contentsOfFile: list, encoding: .utf8)) ?? ""
        let ready = processes.split(separator: " ").compactMap { Int32($0) }.count(where: standsBy)
        return all - ready
    }

    /// Waits until no session process is left, which the log tells of.
    func waitForSessions(ended count: Int) throws {
        let deadline = Date(timeIntervalSinceNow: Self.patienceSeconds)
        while errors.split(separator: "\n").filter({ $0.contains("session ended") }).count < count {
            try #require(Date() < deadline, "\(errors)")
            forgetOutput()
        }
        #expect(children.isEmpty, "\(children)")
    }
}

/// Whether a process of a server's has nothing yet where a session has its connection: it waits for a client.
func standsBy(_ process: Int32) -> Bool {
    let path = "/proc/\(process)/fd/3"
    return (try? FileManager.default.destinationOfSymbolicLink(atPath: path)) == "/dev/null"
}
