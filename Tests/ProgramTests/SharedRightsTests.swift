import Foundation
import Glibc
import LinuxSystem
import Testing

@Suite("Who may do what in a shared session")
struct SharedRightsTests {
    @Test("a second password lets its owners look; a wrong one is refused, later and later")
    func passwords() throws {
        let shared = try SharedLab("tcp:port=0,password=secret1,readonly-password=secret2")
        #expect(!shared.server.output.contains("secret"))
        let transport = "tcp:server=localhost,port=\(try shared.port())"
        let typist = try shared.join(through: transport + ",password=secret1")
        let onlooker = try shared.join(through: transport + ",password=secret2")
        #expect(onlooker.output.contains("you take part read-only"))
        try onlooker.type("r rip", until: "You take part read-only: commands are not carried out")
        try typist.type(".echo for all", until: "for all\n")
        try onlooker.wait(for: "0:000> .echo for all\nfor all\n")
        try typist.type(".clients", until: ", read-only\n")
        typist.type("g\n")
        try onlooker.wait(for: "> g\n")
        onlooker.signal(SIGINT)
        typist.signal(SIGINT)
        try onlooker.wait(for: "Break instruction exception")
        for _ in 1...4 {
            let wrong = try shared.lab.run("cdb", ["-remote", transport + ",password=wrong"])
            #expect(wrong.status == 2 && wrong.errors.contains("Error 0x80004005"), "\(wrong)")
        }
        let late = try shared.lab.run("cdb", ["-remote", transport + ",password=wrong"])
        #expect(late.errors.contains("too many wrong passwords"), "\(late)")
        let none = try shared.lab.run("cdb", ["-remote", transport])
        #expect(none.status == 2, "\(none)")
        for file in ["cmdline", "environ"] {
            let path = "/proc/\(try shared.hub())/\(file)"
            let text = try String(contentsOfFile: path, encoding: .utf8)
            #expect(!text.contains("secret"), "\(path)")
        }
    }

    @Test("readonly: nobody types who comes that way")
    func everybodyLooks() throws {
        let shared = try SharedLab("npipe:pipe=rabbit,readonly")
        let client = try shared.join(through: "npipe:server=localhost,pipe=rabbit")
        try client.type("qq", until: "You take part read-only")
        try shared.type(".echo still here", until: "still here")
        try client.wait(for: "still here")
        try shared.type(
            ".server tcp:port=0,readonly-password=secret2",
            until: "readonly-password goes with password="
        )
        let dbgsrv = try shared.lab.run("dbgsrv", ["-t", "tcp:port=0,readonly"])
        #expect(dbgsrv.status == 2 && dbgsrv.errors.contains("dbgsrv --read-only"), "\(dbgsrv)")
    }

    @Test("the owner mutes, hands over and drops; clients cannot")
    func owner() throws {
        let shared = try SharedLab()
        let one = try shared.join()
        let two = try shared.join()
        try one.type(".mute 2", until: ".mute is for the server's own console")
        try shared.type(".mute 2", until: ", read-only\n")
        try two.wait(for: "The owner of the session has muted you")
        try two.type(".echo heard", until: "commands are not carried out")
        try shared.type(".unmute 2", until: "0:000> ")
        try two.wait(for: "lets you type again")
        try two.type(".echo heard", until: "heard\n")
        try shared.type(".handover 2", until: ", read-only\n")
        try two.wait(for: "The session is yours")
        try one.type(".echo heard", until: "commands are not carried out")
        try shared.type(".handover *", until: "0:000> ")
        try one.type(".echo again", until: "again\n")
        try shared.type(".drop 2", until: "0:000> ")
        #expect(try two.waitForExit() == 0)
        #expect(two.output.contains("the owner of the session has ended your part in it"))
        try shared.type(".drop 2", until: "there is no client 2")
        try one.type(".echo on", until: "on\n")
    }

    @Test("the session's log says who came and who typed what, and when")
    func journal() throws {
        let lab = try Lab()
        let path = "\(lab.folder)/who.log"
        let shared = try SharedLab(options: ["-sharelog", path], lab: lab)
        let client = try shared.join()
        try client.type(".echo one", until: "one\n")
        try shared.type(".echo two", until: "two\n")
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let time = #"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"#
        for line in [
            #"\S+\\\w+ \(tcp \S+\) connected at .*"#, #"\S+\\\w+ \(tcp \S+\) 0:000> \.echo one"#,
            #"console 0:000> \.echo two"#,
        ] {
            #expect(try text.contains(Regex("(?m)^\(time) \(line)$")), "\(line): \(text)")
        }
        try client.type(".sharelog /tmp/other", until: "is for the server's own console")
    }
}

@Suite("What hostile clients do to a shared session: nothing")
struct SharedHostilityTests {
    private static let greeting = "DBGSRV 1 debugging-client cdb/0.1\n"
    /// Three lines of history, no session, no offset, users `a` on `b`.
    private static let join: [UInt8] =
        [1, 0, 24] + [3, 0, 0, 0] + [UInt8](repeating: 0, count: 8)
        + [UInt8](repeating: 255, count: 8) + [1, 97, 1, 98]

    @Test("garbage, floods, oversized lines and silence end or hold up their own connection only")
    func hostility() throws {
        let shared = try SharedLab("npipe:pipe=rabbit")
        let path = "\(shared.lab.folder)/run/pipes/rabbit"
        let honest = try shared.join(through: "npipe:server=localhost,pipe=rabbit")
        let silent = try (0..<20).map { _ in try RawClient(pipe: path) }
        for bytes in [
            [UInt8](repeating: 0xff, count: 4096), Array("GET / HTTP/1.1\r\n\r\n".utf8),
            Array("DBGSRV 1 \(String(repeating: "x", count: 5000))\n".utf8),
            Array(Self.greeting.utf8) + [99, 0, 0], Array(Self.greeting.utf8) + [2, 0, 1, 0x6b],
            Array(Self.greeting.utf8) + Self.join + Self.join,
            Array(Self.greeting.utf8) + Self.join + [17, 0, 0],
        ] {
            let client = try RawClient(pipe: path)
            client.say(bytes: bytes)
            _ = try client.everything()
        }
        let flood = try RawClient(pipe: path)
        flood.say(bytes: Array(Self.greeting.utf8) + Self.join)
        _ = try flood.heard("connected at")
        let commands = (0..<2_000).flatMap { _ -> [UInt8] in [2, 0, 7] + Array(".echo x".utf8) }
        let questions = (0..<2_000).flatMap { _ -> [UInt8] in [4, 0, 3, 0, 0, 0x2e] }
        let interrupts = (0..<2_000).flatMap { _ -> [UInt8] in [3, 0, 0] }
        for bytes in [commands, questions, interrupts] { flood.say(bytes: bytes) }
        let long = try RawClient(pipe: path)
        long.say(bytes: Array(Self.greeting.utf8) + Self.join + [2, 255, 255])
        for _ in 0..<64 { long.say(bytes: [UInt8](repeating: 0x41, count: 65_536)) }
        try honest.type(".echo alive", until: "alive\n")
        try shared.type(".echo alive too", until: "alive too\n")
        withExtendedLifetime((silent, flood, long)) {}
        let status = try String(contentsOfFile: "/proc/\(try shared.hub())/status", encoding: .utf8)
        let peak = try #require(status.firstMatch(of: /VmHWM:\s+(\d+) kB/))
        #expect(try #require(Int(peak.output.1)) < 96 * 1024, "\(peak.output.0)")
    }

    @Test("what a client calls itself, and what it types, moves nobody's cursor")
    func forgery() throws {
        let shared = try SharedLab("npipe:pipe=rabbit")
        let client = try RawClient(pipe: "\(shared.lab.folder)/run/pipes/rabbit")
        let name: [UInt8] = [0x1b, 0x5b, 0x32, 0x4a, 0x0a, 0x61]
        client.say(
            bytes: Array(Self.greeting.utf8) + [1, 0, 34] + Self.join[3..<23] + [6] + name + [6]
                + name
        )
        client.say(bytes: [2, 0, 13] + Array(".echo a\nq\u{1b}[2J".utf8))
        try shared.server.wait(for: "] 0:000> .echo aq[2J\naq[2J\n")
        #expect(!shared.server.output.contains("\u{1b}"))
        #expect(shared.server.output.contains("[2Ja\\[2Ja (npipe rabbit"))
    }
}
