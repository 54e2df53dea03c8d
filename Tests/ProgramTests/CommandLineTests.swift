import Foundation
import Glibc
import Testing

@Suite("Command lines: what is wrong is one clear sentence")
struct CommandLineTests {
    @Test(
        "a malformed transport names the parameter, what it was and what would be right",
        arguments: [
            ("com:port=com2,baud=9600,channel=255", "channel must be 0–254, but was '255'"),
            ("com:port=com2,baud=9600", "channel= is missing"),
            ("com:port=com2,buad=9600,channel=1", "did you mean baud?"),
            ("tcp:port=99999", "port must be 1–65535"),
            ("tcp", "names no transport"),
            ("ssl:proto=tls1,certuser=lab,port=1", "there is no certificate 'lab'"),
            ("npipe:pipe=a b", "has no spaces"), ("npipe:pipe=..", "which is no name"),
            ("npipe:pipe=%q", "'%q' is no format code"),
            ("spipe:proto=tls1,certuser=lab,pipe=rabbit", "there is no certificate 'lab'"),
        ]
    )
    func badTransport(transport: String, words: String) throws {
        let lab = try Lab()
        let result = try lab.run("dbgsrv", ["-t", transport])
        #expect(result.status != 0)
        #expect(result.output.isEmpty)
        #expect(result.errors.contains(words), "\(result.errors)")
        #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
    }

    @Test(
        "a wrong option is named",
        arguments: [
            ([], "-t is missing"),
            (["-t"], "-t has no value"),
            (["-T", "tcp:port=0"], "there is no option '-T'; did you mean -t?"),
            (["--lgo", "x"], "did you mean --log?"),
            (["-c", "sleep"], "-t is missing"),
        ]
    )
    func badOption(arguments: [String], words: String) throws {
        let lab = try Lab()
        let result = try lab.run("dbgsrv", arguments)
        #expect(result.status == 1)
        #expect(result.errors.contains(words), "\(result.errors)")
    }

    @Test("a port that is not there, that is no terminal, or that is not ours to open")
    func badPorts() throws {
        let lab = try Lab()
        let file = "\(lab.folder)/plain"
        try Data().write(to: URL(fileURLWithPath: file))
        for (port, words) in [
            ("\(lab.folder)/absent", "absent"), (file, "plain"), ("com0", "com0"),
            ("zebra", "zebra"),
        ] {
            let result = try lab.run("dbgsrv", ["-t", "com:port=\(port),baud=9600,channel=1"])
            #expect(result.status == 2, "\(port): \(result)")
            #expect(result.errors.contains(words), "\(result.errors)")
            #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
        }
    }

    @Test("a port that another program holds: its name and process id are said")
    func busyPort() throws {
        let lab = try Lab()
        let line = try SerialLine(.socat, in: lab)
        let holder = open(line.lab, O_RDWR | O_NOCTTY | O_CLOEXEC)
        try #require(holder >= 0 && flock(holder, LOCK_EX | LOCK_NB) == 0)
        defer { close(holder) }
        let result = try lab.run("dbgsrv", ["-t", line.labChannel(1)])
        #expect(result.status == 2)
        #expect(result.errors.contains("\(getpid())"), "\(result.errors)")
    }

    @Test("a TCP port in use is said, and a range finds the next free one")
    func portInUse() throws {
        let lab = try Lab()
        let (_, port) = try lab.startTCPServer()
        let result = try lab.run("dbgsrv", ["-t", "tcp:port=\(port)"])
        #expect(result.status == 2)
        #expect(result.errors.contains("\(port)") && result.errors.contains("in use"))

        let last = min(port + 20, 65_535)
        let next = try lab.startServer("tcp:port=\(port):\(last)")
        let chosen = try #require(next.errors.firstMatch(of: /Port=(\d+):(\d+)/))
        #expect(try #require(Int(chosen.output.1)) > port)
        #expect(Int(chosen.output.2) == last)
    }

    @Test("dbgsrv says nothing when it succeeds, and SIGTERM ends it with status 0")
    func silence() throws {
        let lab = try Lab()
        let log = "\(lab.folder)/log"
        let server = try lab.start("dbgsrv", ["-t", "npipe:pipe=quiet", "--log", log])
        while (try? String(contentsOfFile: log, encoding: .utf8))?.contains("listening") != true {
            try #require(server.isRunning)
        }
        server.signal(SIGTERM)
        #expect(try server.waitForExit() == 0)
        #expect(server.output.isEmpty)
        #expect(server.errors.isEmpty)
    }

    @Test("signals that whoever started dbgsrv ignores, as nohup does, do not end it")
    func ignoredSignals() throws {
        let lab = try Lab()
        let line = "trap '' INT HUP; exec \(Lab.program("dbgsrv")) -v -t tcp:port=0"
        let server = try lab.startOther("/bin/sh", ["-c", line])
        try server.wait(for: "listening on", in: \.errors)
        server.signal(SIGINT)
        server.signal(SIGHUP)
        server.signal(SIGTERM)
        #expect(try server.waitForExit() == 0)
        #expect(server.errors.contains("ending: signal 15"), "\(server.errors)")
    }

    @Test("help and version go to standard output")
    func help() throws {
        let lab = try Lab()
        for program in ["dbgsrv", "dbgbridge", "cdb"] {
            let help = try lab.run(program, ["-?"])
            #expect(help.status == 0 && help.output.contains("com:port="), "\(program): \(help)")
        }
        let version = try lab.run("dbgsrv", ["--version"])
        #expect(version.output.hasPrefix("dbgsrv/"))
    }

    @Test(
        "dbgbridge names what is wrong",
        arguments: [
            ([], 1, "-c is missing"),
            (["-c", "com:port=2,baud=9600,channel=1"], 1, "-s is missing"),
            (["-c", "com:port=2,baud=x,channel=1", "-s", "stdio"], 1, "baud must be"),
            (["-c", "tcp:server=127.0.0.1,port=1", "-s", "stdio"], 2, "Connection refused"),
        ] as [([String], Int32, String)]
    )
    func bridgeMistakes(arguments: [String], status: Int32, words: String) throws {
        let lab = try Lab()
        let result = try lab.run("dbgbridge", arguments)
        #expect(result.status == status)
        #expect(result.errors.contains(words), "\(result.errors)")
    }

    @Test("cdb names what is wrong with its target")
    func cdbMistakes() throws {
        let lab = try Lab()
        let (_, port) = try lab.startTCPServer()
        let transport = "tcp:server=127.0.0.1,port=\(port)"
        let nobody = try lab.run("cdb", ["-premote", transport, "-p", "4194304"])
        #expect(nobody.status == 3, "\(nobody)")
        #expect((nobody.output + nobody.errors).contains("4194304"), "\(nobody)")

        let absent = try lab.run("cdb", ["-premote", transport, "/no/such/program"])
        #expect(absent.status == 3, "\(absent)")
        #expect((absent.output + absent.errors).contains("/no/such/program"), "\(absent)")

        let malformed = try lab.run("cdb", ["-premote", "com:port=2,baud=9600,channel=255"])
        #expect(malformed.status == 1, "\(malformed)")
        #expect(malformed.output.isEmpty && malformed.errors.contains("0–254"), "\(malformed)")

        let refused = try lab.run("cdb", ["-premote", "tcp:server=127.0.0.1,port=1", "-p", "1"])
        #expect(refused.status == 2, "\(refused)")
        #expect(refused.errors.contains("Connection refused"), "\(refused)")
    }

    @Test("a process that is traced already: the tracer is named")
    func tracedAlready() throws {
        let lab = try Lab()
        let debuggee = try Debuggee(in: lab)
        let (_, port) = try lab.startTCPServer()
        let transport = "tcp:server=127.0.0.1,port=\(port)"
        let arguments = ["-premote", transport, "-p", "\(debuggee.processID)"]
        let first = try lab.start("cdb", arguments)
        try first.wait(for: "> ")
        let tracer = try debuggee.status("TracerPid")
        let second = try lab.run("cdb", arguments)
        #expect(second.status == 3, "\(second)")
        #expect((second.output + second.errors).contains(tracer), "\(second)")
        first.type("qd\n")
        #expect(try first.waitForExit() == 0)
        try debuggee.expectRunsFree()
    }
}
