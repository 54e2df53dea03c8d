import Foundation
import Glibc
import LinuxSystem
import Testing

@testable import dbgsrv

@Suite("dbgsrv's log")
struct ServerLogTests {
    @Test("a record of the journal's native protocol: fields, and a length where a value has lines")
    func record() {
        let record = JournalRecord(
            message: "hello",
            priority: 5,
            program: "dbgsrv",
            fields: [.init("DBGSRV_PEER", "a\nb")]
        )
        let expected =
            "MESSAGE=hello\nPRIORITY=5\nSYSLOG_IDENTIFIER=dbgsrv\nDBGSRV_PEER\n"
            + "\u{3}\0\0\0\0\0\0\0a\nb\n"
        #expect(record.bytes == Array(expected.utf8))
    }

    /// Datagrams at a path, as the journal takes them.
    private final class Journal {
        let descriptor: Int32

        init(_ path: String) throws {
            descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
            let bound = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            try #require(bound == 0)
        }

        deinit { close(descriptor) }

        /// Waits for the record whose text holds those words.
        func record(with words: String) throws -> [String] {
            let deadline = Date(timeIntervalSinceNow: RunningProgram.patienceSeconds)
            while Date() < deadline {
                var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                guard poll(&entry, 1, 1_000) > 0 else { continue }
                var buffer = [UInt8](repeating: 0, count: 65_536)
                let count = recv(descriptor, &buffer, buffer.count, 0)
                let text = String(decoding: buffer[..<max(count, 0)], as: UTF8.self)
                if text.contains(words) { return text.split(separator: "\n").map(String.init) }
            }
            throw RunningProgram.Timeout(description: "no record with \(words)")
        }
    }

    @Test("--log journal sends records with priority, identifier, peer and what an audit is about")
    func journal() throws {
        let lab = try Lab()
        let path = "\(lab.folder)/journal"
        let journal = try Journal(path)
        let debuggee = try Debuggee(in: lab)
        let server = try lab.startOther(
            "/usr/bin/env",
            [
                "DBGSRV_JOURNAL_SOCKET=\(path)", Lab.program("dbgsrv"), "--log", "journal", "-t",
                "npipe:pipe=box",
            ]
        )
        let first = try journal.record(with: "listening on")
        #expect(first.contains("PRIORITY=6") && first.contains("SYSLOG_IDENTIFIER=dbgsrv"))
        let cdb = try lab.run(
            "cdb",
            [
                "-premote", "npipe:server=localhost,pipe=box", "-p", "\(debuggee.processID)", "-c",
                "qd",
            ]
        )
        #expect(cdb.status == 0)
        let audit = try journal.record(with: "audit: attach")
        #expect(audit.contains("PRIORITY=5") && audit.contains("DBGSRV_AUDIT=attach"), "\(audit)")
        #expect(audit.contains("DBGSRV_PROCESS=\(debuggee.processID)"), "\(audit)")
        #expect(audit.contains("DBGSRV_USER=\(geteuid())"), "\(audit)")
        #expect(audit.contains { $0.hasPrefix("DBGSRV_PEER=npipe box (pid ") }, "\(audit)")
        server.signal(SIGTERM)
        #expect(try server.waitForExit() == 0)
        #expect(server.errors.isEmpty)
    }

    @Test("without a journal, --log journal is an error")
    func noJournal() throws {
        let lab = try Lab()
        let result = try run(
            "/usr/bin/env",
            [
                "DBGSRV_JOURNAL_SOCKET=\(lab.folder)/none", Lab.program("dbgsrv"), "--log",
                "journal", "-t", "npipe:pipe=box",
            ],
            environment: lab.environment
        )
        #expect(result.status == 2 && result.errors.contains("\(lab.folder)/none"), "\(result)")
    }

    @Test("where standard error is the journal's stream, lines begin with their level")
    func stream() throws {
        let lab = try Lab()
        let file = "\(lab.folder)/stream"
        let line = """
            exec 2>\(file); JOURNAL_STREAM=$(stat -c %d:%i \(file)); export JOURNAL_STREAM
            exec \(Lab.program("dbgsrv")) -v -t npipe:pipe=box
            """
        let server = try lab.startOther("/bin/sh", ["-c", line])
        let deadline = Date(timeIntervalSinceNow: RunningProgram.patienceSeconds)
        func text() -> String { (try? String(contentsOfFile: file, encoding: .utf8)) ?? "" }
        while !text().contains("listening") { try #require(Date() < deadline) }
        #expect(text().hasPrefix("<6>listening on npipe:Pipe=box\n"), "\(text())")
        server.signal(SIGTERM)
        #expect(try server.waitForExit() == 0)
    }

    @Test("what a client says never writes a line of its own, or to a terminal")
    func forgery() throws {
        let lab = try Lab()
        let server = try lab.startServer("npipe:pipe=box")
        let client = try PacketClient(lab, "box")
        let name = "/tmp/\u{1b}[2J\nFORGED audit: all is well\u{9b}\u{202e}"
        let hex = name.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        _ = try client.ask("vFile:open:\(hex),0,0")
        _ = try client.ask("vRun;\(hex)")
        try server.wait(for: "audit: create", in: \.errors)
        let text = server.errors
        #expect(text.contains("audit: read-file /tmp/\\x1b[2J\\x0aFORGED"), "\(text)")
        #expect(text.contains("\\x9b\\u{202e}"), "\(text)")
        #expect(!text.contains("\u{1b}") && !text.contains("\nFORGED"), "\(text)")
    }

    @Test(
        "attach, create, kill, reading and writing files and memory are audited, the first write once"
    )
    func audit() throws {
        let lab = try Lab()
        let debuggee = try Debuggee(in: lab)
        let server = try lab.startServer("npipe:pipe=box")
        let file = "\(lab.folder)/copied"
        let text = try lab.gdb(
            [
                "target extended-remote \(lab.folder)/run/pipes/box",
                "attach \(debuggee.processID)", "set var $r11 = 7", "set var $r11 = 8",
                "remote get /etc/hostname \(lab.folder)/got", "remote put /etc/hostname \(file)",
                "detach", "set remote exec-file /bin/true", "set startup-with-shell off",
                "starti", "kill",
            ],
            program: debuggee.path
        )
        let log = server.errors
        for words in [
            "audit: attach process \(debuggee.processID) \(debuggee.path)",
            "audit: write-memory process \(debuggee.processID)", "audit: read-file /etc/hostname",
            "audit: write-file \(file)", "audit: create /bin/true", "audit: kill process",
        ] {
            try server.wait(for: words, in: \.errors)
        }
        #expect(server.errors.matches(of: /audit: write-memory/).count == 1, "\(log) \(text)")
        #expect(server.errors.contains("npipe box (pid "), "\(log)")
        #expect(server.errors.contains(" (user \(userName(geteuid()))): audit:"), "\(log)")
    }
}
