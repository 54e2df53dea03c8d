import Foundation
import Glibc
import Testing

/// A program that a server started, by the pid in the server's log.
struct StartedProgram {
    let processID: Int32

    init(of server: RunningProgram) throws {
        try server.wait(for: "started process", in: \.errors)
        let match = try #require(server.errors.firstMatch(of: /started process (\d+)/))
        processID = try #require(Int32(match.output.1))
    }

    func status(_ key: String) -> String {
        let text = (try? String(contentsOfFile: "/proc/\(processID)/status", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("\(key):") }
        return line.map { $0.dropFirst(key.count + 1).trimmingCharacters(in: .whitespaces) } ?? ""
    }

    func end() {
        kill(processID, SIGKILL)
    }

    /// Waits until the kernel shows a state, `T` or `S`.
    func wait(forState state: String) throws {
        let deadline = Date(timeIntervalSinceNow: RunningProgram.patienceSeconds)
        while !status("State").hasPrefix(state) {
            try #require(Date() < deadline, "\(status("State"))")
        }
    }
}

@Suite("dbgsrv -c, -cs, -pc, -x: programs that the server starts")
struct CreationTests {
    private static let pipe = "npipe:pipe=box"
    private static let client = "npipe:server=localhost,pipe=box"

    private func serve(_ lab: Lab, _ arguments: [String]) throws -> RunningProgram {
        try lab.start("dbgsrv", ["-v", "-t", Self.pipe] + arguments)
    }

    @Test(
        "-c starts a program in a session of its own, running, untraced, and it outlives the server"
    )
    func running() throws {
        let lab = try Lab()
        let server = try serve(lab, ["-c", "sleep", "300"])
        let program = try StartedProgram(of: server)
        defer { program.end() }
        try program.wait(forState: "S")
        #expect(program.status("TracerPid") == "0")
        #expect(getsid(program.processID) == program.processID)
        let folder = "/proc/\(program.processID)"
        let input = try FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/fd/0")
        #expect(input == "/dev/null")
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder)/fd").count == 3)
        let cdb = try lab.run(
            "cdb",
            ["-premote", Self.client, "-p", "\(program.processID)", "-c", "|;qd"]
        )
        #expect(cdb.status == 0 && cdb.output.contains("/sleep"), "\(cdb)")
        // Not waitForExit: the program has the server's output, and keeps it.
        server.signal(SIGTERM)
        let deadline = Date(timeIntervalSinceNow: RunningProgram.patienceSeconds)
        while server.isRunning { try #require(Date() < deadline) }
        try program.wait(forState: "S")
    }

    @Test(
        "several words are kept as they are: quotes, backslashes, UTF-8, what is no UTF-8, nothing"
    )
    func severalWords() throws {
        let lab = try Lab()
        let line = """
            exec \(Lab.program("dbgsrv")) -v -t \(Self.pipe) -c /bin/sh -c \
            'printf "%s|" "$@" | od -An -v -tx1 | tr -d " \\n"; echo' x \
            'a "b"' "c'd" 'e\\f' 'grüße' "$(printf '\\377\\376')" '' -t -v '$HOME *'
            """
        let server = try lab.startOther("/bin/sh", ["-c", line])
        let expected: [[UInt8]] = [
            Array("a \"b\"".utf8), Array("c'd".utf8), Array("e\\f".utf8), Array("grüße".utf8),
            [0xff, 0xfe], [], Array("-t".utf8), Array("-v".utf8), Array("$HOME *".utf8),
        ]
        let bytes = expected.flatMap { $0 + [UInt8(ascii: "|")] }
        let hex = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        try server.wait(for: hex + "\n")
    }

    @Test("one single word with spaces is split as a shell would")
    func oneWord() throws {
        let lab = try Lab()
        let line = #"/usr/bin/printf '[%s]\n' "a \"b\" \c" d\ e '' $HOME>x"#
        let server = try serve(lab, ["-c", line])
        try server.wait(for: "[a \"b\" \\c]\n[d e]\n[]\n[$HOME>x]\n")
    }

    @Test(
        "-cs leaves the program before its first instruction; cdb -pb lets it run",
        arguments: [["-pb"], ["-pr", "-c", "g"]]
    )
    func suspended(options: [String]) throws {
        let lab = try Lab()
        let worker = try lab.compile("Demo/worker.c", as: "worker")
        let server = try serve(lab, ["-cs", worker, "2", "/dev/stdout"])
        let program = try StartedProgram(of: server)
        defer { program.end() }
        #expect(server.errors.contains("stopped before its first instruction: \(worker) 2"))
        #expect(program.status("State").hasPrefix("T"))
        #expect(program.status("TracerPid") == "0")
        #expect(server.output.isEmpty)
        let arguments = ["-premote", Self.client] + options + ["-p", "\(program.processID)"]
        let cdb = try lab.start("cdb", arguments)
        try server.wait(for: "\n")
        cdb.signal(SIGINT)
        try cdb.wait(for: "Break instruction")
        cdb.type("qd\n")
        #expect(try cdb.waitForExit() == 0, "\(cdb.output)")
        server.forgetOutput()
        try server.wait(for: "\n")
    }

    @Test("~*m sets a suspended program going otherwise, and ~ shows the suspend count")
    func resumed() throws {
        let lab = try Lab()
        let worker = try lab.compile("Demo/worker.c", as: "worker")
        let server = try serve(lab, ["-cs", worker, "1", "/dev/stdout"])
        let program = try StartedProgram(of: server)
        defer { program.end() }
        let cdb = try lab.start("cdb", ["-premote", Self.client, "-p", "\(program.processID)"])
        try cdb.wait(for: "is suspended (SIGSTOP): ~*m, then g, lets it run")
        cdb.type("~\n~0n\n~\n~*m\n~*m\n~\n.echo third\n")
        try cdb.wait(for: "third")
        let counts = cdb.output.matches(of: /Suspend: (\d)/).map { String($0.output.1) }
        #expect(counts == ["2", "3", "1"], "\(cdb.output)")
        #expect(server.output.isEmpty)
        cdb.type("g\n")
        try server.wait(for: "\n")
        cdb.signal(SIGINT)
        cdb.type(".echo stands\nqd\n")
        try cdb.wait(for: "stands")
        #expect(try cdb.waitForExit() == 0, "\(cdb.output)")
    }

    // EXT-4
    @Test("a suspended program that is only looked at stays suspended")
    func staysSuspended() throws {
        let lab = try Lab()
        let server = try serve(lab, ["-cs", "/bin/sh", "-c", "echo it runs; exec sleep 300"])
        let program = try StartedProgram(of: server)
        defer { program.end() }
        let cdb = try lab.run(
            "cdb",
            ["-premote", Self.client, "-p", "\(program.processID)", "-c", "r;qd"]
        )
        #expect(cdb.status == 0 && cdb.output.contains("rip="), "\(cdb)")
        try program.wait(forState: "T")
        let client = try PacketClient(lab, "box")
        _ = try client.ask("qSupported:multiprocess+")
        let process = String(program.processID, radix: 16)
        #expect(try client.ask("vAttach;\(process)").hasPrefix("T11"))
        #expect(try client.ask("D;\(process)") == "OK")
        let output = try lab.gdb([
            "target extended-remote \(lab.folder)/run/pipes/box",
            "attach \(program.processID)", "detach",
        ])
        #expect(output.contains("SIGSTOP") || output.contains("_start"), "\(output)")
        try program.wait(forState: "T")
        #expect(!server.output.contains("it runs"))
        // What job control does by itself still works.
        kill(program.processID, SIGCONT)
        try server.wait(for: "it runs\n")
    }

    @Test(
        "what cannot be started ends the server before it serves, and leaves nothing behind",
        arguments: [
            (["/no/such/program"], "cannot run /no/such/program: No such file or directory"),
            (["no-such-program", "x"], "there is no such program in the folders of PATH"),
            (["/tmp"], "cannot run /tmp: it is a folder"),
            (["/etc/passwd"], "cannot run /etc/passwd: it is not executable"),
            (["not-elf"], "not-elf: Exec format error"),
        ]
    )
    func missing(words: [String], message: String) throws {
        let lab = try Lab()
        var words = words
        if words == ["not-elf"] {
            words = ["\(lab.folder)/not-elf"]
            try Data([0, 1, 2, 3]).write(to: URL(fileURLWithPath: words[0]))
            chmod(words[0], 0o755)
        }
        for option in ["-c", "-cs"] {
            let result = try lab.run("dbgsrv", ["-t", Self.pipe, option] + words)
            #expect(result.status == 2, "\(option): \(result)")
            #expect(result.errors.contains(message), "\(option): \(result.errors)")
            #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
            let socket = "\(lab.folder)/run/pipes/box"
            #expect(!FileManager.default.fileExists(atPath: socket))
        }
    }

    @Test("a transport that cannot be had starts no program")
    func noTransport() throws {
        let lab = try Lab()
        _ = try lab.startServer(Self.pipe)
        let mark = "\(lab.folder)/mark"
        let result = try lab.run("dbgsrv", ["-t", Self.pipe, "-c", "touch", mark])
        #expect(result.status == 2 && result.errors.contains("in use"), "\(result)")
        #expect(!FileManager.default.fileExists(atPath: mark))
    }

    @Test(
        "cdb -cimp starts what stands behind -pc, once for every client, its options not dbgsrv's"
    )
    func implicit() throws {
        let lab = try Lab()
        let server = try serve(lab, ["-pc", "/bin/sleep", "300.5", "-x", "-t", "é"])
        try server.wait(for: "listening on", in: \.errors)
        for _ in 0..<2 {
            let cdb = try lab.run("cdb", ["-premote", Self.client, "-cimp", "-c", "|;k;q"])
            #expect(cdb.status == 0, "\(cdb)")
            #expect(cdb.output.contains("create\tname: /"), "\(cdb.output)")
            #expect(cdb.output.contains("CommandLine: /"), "\(cdb.output)")
        }
        try server.wait(for: "audit: kill", in: \.errors)
        let audit = server.errors.matches(of: /audit: create (.*)/).map { String($0.output.1) }
        #expect(audit == Array(repeating: "/bin/sleep 300.5 -x -t é", count: 2))
    }

    @Test("cdb -cimp without -pc says so")
    func noImplicit() throws {
        let lab = try Lab()
        _ = try lab.startServer(Self.pipe)
        let cdb = try lab.run("cdb", ["-premote", Self.client, "-cimp"])
        #expect(cdb.status == 3, "\(cdb)")
        #expect(cdb.errors.contains("no implicit command line; it is given by dbgsrv -pc"))
    }

    @Test(
        "-x ignores what follows, and -pc does not read it as options",
        arguments: [["-x", "-t", "-nonsense", "-c"], ["-pc", "-nonsense", "-c"]]
    )
    func ignored(rest: [String]) throws {
        let lab = try Lab()
        let server = try serve(lab, rest)
        try server.wait(for: "listening on", in: \.errors)
        #expect(!server.errors.contains("started process"))
    }
}
