import Foundation
import Glibc
import LinuxSystem
import Testing

@Suite("Passwords")
struct PasswordTests {
    private let password = "rabbit7X"

    private func startServer(_ lab: Lab, _ password: String) throws -> (RunningProgram, Int) {
        let server = try lab.startServer("tcp:port=0,password=\(password)")
        let match = try #require(server.errors.firstMatch(of: /tcp:Port=(\d+)/))
        return (server, try #require(Int(match.output.1)))
    }

    private func attach(
        _ lab: Lab,
        _ transport: String,
        _ debuggee: Debuggee
    ) throws -> (status: Int32, output: String, errors: String) {
        try lab.run("cdb", ["-premote", transport, "-p", "\(debuggee.processID)", "-c", "r;qd"])
    }

    @Test("over tcp: the right one gets in, the wrong one and none are told, and nobody sees it")
    func overTCP() throws {
        let lab = try Lab()
        let debuggee = try Debuggee(in: lab)
        let (server, port) = try startServer(lab, password)
        let place = "tcp:server=localhost,port=\(port)"
        let right = try attach(lab, "\(place),password=\(password)", debuggee)
        #expect(right.status == 0 && right.output.contains("rip="), "\(right)")
        let wrong = try attach(lab, "\(place),password=Rabbit7X", debuggee)
        #expect(wrong.status == 2, "\(wrong)")
        #expect(wrong.errors.contains("Error 0x80004005"), "\(wrong)")
        #expect(wrong.errors.contains("wrong password"), "\(wrong)")
        let none = try attach(lab, place, debuggee)
        #expect(none.status == 2 && none.errors.contains("the server wants a password"), "\(none)")
        server.forgetOutput()
        for text in [server.errors, wrong.errors, right.output, none.errors] {
            #expect(!text.localizedCaseInsensitiveContains(password), "\(text)")
        }
        #expect(server.errors.contains("Password=*"), "\(server.errors)")
        try debuggee.expectRunsFree()
    }

    @Test("over a pipe and over a serial channel it is the same")
    func overOthers() throws {
        let lab = try Lab()
        let debuggee = try Debuggee(in: lab)
        _ = try lab.startServer("npipe:pipe=rabbit,password=\(password)")
        let line = try SerialLine(.socat, in: lab)
        _ = try lab.startServer(line.labChannel(7) + ",password=\(password)")
        for place in ["npipe:server=localhost,pipe=rabbit", line.deskChannel(7)] {
            let right = try attach(lab, "\(place),password=\(password)", debuggee)
            #expect(right.status == 0 && right.output.contains("rip="), "\(right)")
            let wrong = try attach(lab, "\(place),password=x", debuggee)
            #expect(wrong.status == 2 && wrong.errors.contains("Error 0x80004005"), "\(wrong)")
            let none = try attach(lab, place, debuggee)
            #expect(none.errors.contains("the server wants a password"), "\(none)")
        }
    }

    @Test(
        "SES-9: inside TLS too, where the proof is bound to the session; and through a relay that has the TLS"
    )
    func insideTLS() throws {
        let secure = try SecureLab()
        let lab = secure.lab
        let debuggee = try Debuggee(in: lab)
        let (_, port) = try secure.startServer("proto=tls1,certuser=lab,password=\(password)")
        let place = secure.client(port)
        let right = try attach(lab, "\(place),password=\(password)", debuggee)
        #expect(right.status == 0 && right.output.contains("rip="), "\(right)")
        let wrong = try attach(lab, "\(place),password=no", debuggee)
        #expect(wrong.status == 2 && wrong.errors.contains("Error 0x80004005"), "\(wrong)")
        // The bridge speaks TLS; the password is a matter between cdb and the server.
        let bridge = try lab.start("dbgbridge", ["-c", place, "-s", "npipe:pipe=relay"])
        try bridge.wait(for: "listening on", in: \.errors)
        let relayed = "npipe:server=localhost,pipe=relay"
        let through = try attach(lab, "\(relayed),password=\(password)", debuggee)
        #expect(through.status == 0 && through.output.contains("rip="), "\(through)")
    }

    @Test(
        "gdb alone is told in its own protocol; through dbgbridge, which has the password, it debugs"
    )
    func stockDebugger() throws {
        let lab = try Lab()
        let debuggee = try Debuggee(in: lab)
        let (_, port) = try startServer(lab, password)
        let alone = try lab.gdb(["target extended-remote localhost:\(port)"])
        #expect(alone.contains("this server wants a password"), "\(alone)")
        #expect(alone.contains("dbgbridge"), "\(alone)")
        let bridge = "\(Lab.program("dbgbridge")) -c tcp:server=localhost,port=\(port)"
        let through = try lab.gdb(
            [
                "set sysroot /", "target extended-remote | \(bridge),password=\(password) -s stdio",
                "attach \(debuggee.processID)", "bt", "detach",
            ],
            program: debuggee.path
        )
        #expect(through.contains("main (argc="), "\(through)")
        let wrong = try lab.gdb(["target extended-remote | \(bridge),password=x -s stdio"])
        #expect(wrong.contains("Error 0x80004005"), "\(wrong)")
    }

    @Test("a bridge may have a password of its own, and relays that of a server untouched")
    func bridges() throws {
        let lab = try Lab()
        let debuggee = try Debuggee(in: lab)
        let (_, port) = try startServer(lab, password)
        for (server, own) in [(",password=\(password)", ",password=bridge1"), ("", "")] {
            let bridge = try lab.start(
                "dbgbridge",
                ["-c", "tcp:server=localhost,port=\(port)\(server)", "-s", "tcp:port=0\(own)"]
            )
            let text = try bridge.wait(for: "\n", in: \.errors)
            let place = try #require(text.firstMatch(of: /tcp:Port=(\d+)/)).output.1
            let client = own.isEmpty ? password : "bridge1"
            let through = "tcp:server=localhost,port=\(place)"
            let right = try attach(lab, "\(through),password=\(client)", debuggee)
            #expect(right.status == 0 && right.output.contains("rip="), "\(right)")
            let wrong = try attach(lab, "\(through),password=zzz", debuggee)
            #expect(wrong.errors.contains("Error 0x80004005"), "\(wrong)")
        }
    }

    @Test("a file and a variable give it on both sides; a file that others may read is refused")
    func elsewhere() throws {
        let lab = try Lab()
        let debuggee = try Debuggee(in: lab)
        let path = "\(lab.folder)/secret"
        let long = "a longer one, with spaces and signs!"
        try "\(long)\r\nsecond line\n".write(toFile: path, atomically: true, encoding: .utf8)
        chmod(path, 0o600)
        let (server, port) = try startServer(lab, "@file:\(path)")
        let place = "tcp:server=localhost,port=\(port)"
        let result = try ProgramTests.run(
            Lab.program("cdb"),
            [
                "-premote", "\(place),password=@env:LAB_SECRET", "-p", "\(debuggee.processID)",
                "-c", "r;qd",
            ],
            environment: lab.environment.merging(["LAB_SECRET": long]) { $1 }
        )
        #expect(result.status == 0 && result.output.contains("rip="), "\(result)")
        #expect(server.isRunning)
        chmod(path, 0o644)
        let open = try lab.run("dbgsrv", ["-t", "tcp:port=0,password=@file:\(path)"])
        #expect(open.status == 2 && open.errors.contains("chmod 600"), "\(open)")
        let unset = try attach(lab, "\(place),password=@env:NOT_SET", debuggee)
        #expect(unset.status == 2 && unset.errors.contains("NOT_SET"), "\(unset)")
    }

    @Test("it is in no process list: not the server's, not its sessions'")
    func processLists() throws {
        let lab = try Lab()
        let debuggee = try Debuggee(in: lab)
        let (server, port) = try startServer(lab, password)
        let cdb = try lab.start(
            "cdb",
            [
                "-premote", "tcp:server=localhost,port=\(port),password=\(password)", "-p",
                "\(debuggee.processID)",
            ]
        )
        try cdb.wait(for: "> ")
        try server.wait(for: "the client is cdb", in: \.errors)
        let session = try #require(
            server.errors.firstMatch(of: /session process (\d+)/).flatMap { Int32($0.output.1) }
        )
        for process in [server.processID, session, cdb.processID] {
            for file in ["cmdline", "environ"] {
                let text = try #require(fileText("/proc/\(process)/\(file)"))
                #expect(!text.contains(password), "\(process) \(file)")
            }
        }
        let line = try #require(fileText("/proc/\(server.processID)/cmdline"))
        #expect(line.contains("password=********"), "\(line)")
        // A session has the keys, and the connection string without its password.
        for line in try #require(fileText("/proc/\(session)/maps", maximum: 1 << 20))
            .split(separator: "\n") where line.contains("rw-p") && line.contains("[heap]")
        {
            let ends = line.prefix { $0 != " " }.split(separator: "-")
            let (low, high) = (UInt64(ends[0], radix: 16) ?? 0, UInt64(ends[1], radix: 16) ?? 0)
            let memory = try openFile("/proc/\(session)/mem", flags: O_RDONLY)
            let bytes = try Files.read(memory, count: Int(high - low), at: low)
            #expect(Data(bytes).range(of: Data(password.utf8)) == nil)
        }
    }

    @Test("SES-13, SES-15: wrong ones make their sender wait, and nobody else")
    func backOff() throws {
        let lab = try Lab()
        let debuggee = try Debuggee(in: lab)
        let (_, port) = try startServer(lab, password)
        let here = "tcp:server=127.0.0.1,port=\(port)"
        let elsewhere = "tcp:server=::1,port=\(port)"
        for _ in 0..<5 {
            let wrong = try attach(lab, "\(here),password=no", debuggee)
            #expect(wrong.status == 2 && wrong.errors.contains("Error 0x80004005"), "\(wrong)")
        }
        // Some of the five were wrong, the others had to wait already; the right one waits like them.
        let early = try attach(lab, "\(here),password=\(password)", debuggee)
        #expect(early.errors.contains("try again in"), "\(early)")
        let plain = try RawClient(port: port)
        plain.say("+$qSupported#37")
        #expect(try plain.everything().contains("+$E.Error 0x80004005: too many wrong passwords"))
        let other = try attach(lab, "\(elsewhere),password=\(password)", debuggee)
        #expect(other.status == 0 && other.output.contains("rip="), "\(other)")
        var late = early
        let deadline = Date(timeIntervalSinceNow: 60)
        while late.status != 0, Date() < deadline {
            late = try attach(lab, "\(here),password=\(password)", debuggee)
        }
        #expect(late.output.contains("rip="), "\(late)")
    }

    @Test("cdb at a terminal asks for it, without echo, and so does password=@ask")
    func terminal() throws {
        let lab = try Lab()
        let debuggee = try Debuggee(in: lab)
        let (_, port) = try startServer(lab, password)
        let place = "tcp:server=localhost,port=\(port)"
        for transport in [place, "\(place),password=@ask"] {
            let screen = try Screen(
                "/usr/bin/env",
                lab.environment.map { "\($0.key)=\($0.value)" } + [
                    Lab.program("cdb"), "-premote", transport, "-p", "\(debuggee.processID)",
                    "-c", "r;qd",
                ]
            )
            try screen.wait(for: "password: ")
            screen.type("rabX\u{7f}bit7X\r")
            try screen.wait(for: "rip=")
            try screen.wait(for: "quit:")
            #expect(!screen.text.contains("bit7X"), "\(screen.text)")
            #expect(screen.waitForExit() == 0)
        }
        let cancelled = try Screen(
            "/usr/bin/env",
            lab.environment.map { "\($0.key)=\($0.value)" }
                + [Lab.program("cdb"), "-premote", place, "-p", "\(debuggee.processID)"]
        )
        try cancelled.wait(for: "password: ")
        cancelled.type("\u{3}")
        try cancelled.wait(for: "the server wants a password")
        #expect(cancelled.waitForExit() == 2)
    }

    @Test("a server that everybody on the network can use says so, once, and what to write instead")
    func warning() throws {
        let lab = try Lab()
        let server = try lab.start("dbgsrv", ["-t", "tcp:port=0"])
        let text = try server.wait(for: "npipe:pipe=NAME", in: \.errors)
        #expect(text.contains("listening on tcp:Port="), "\(text)")
        #expect(text.contains("neither a password nor TLS"), "\(text)")
        #expect(text.components(separatedBy: "WARNING").count == 2, "\(text)")
        for quiet in ["tcp:port=0,password=abc", "npipe:pipe=abc"] {
            let server = try lab.startServer(quiet)
            #expect(!server.errors.contains("WARNING"), "\(server.errors)")
        }
    }
}
