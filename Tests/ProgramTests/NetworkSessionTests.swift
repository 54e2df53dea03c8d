import Foundation
import Glibc
import Testing

@Suite("Sessions over TCP with the stock gdb, no special settings")
struct NetworkSessionTests {
    private func target(_ port: Int) -> String { "target extended-remote 127.0.0.1:\(port)" }

    @Test("info os processes lists the machine's processes")
    func processList() throws {
        let lab = try Lab()
        let (_, port) = try lab.startTCPServer()
        let debuggee = try Debuggee(in: lab, named: "listed")
        let output = try lab.gdb([target(port), "info os processes"])
        #expect(output.contains("\(debuggee.processID)"), "\(output)")
        #expect(output.contains("/listed 4 /dev/stdout"), "\(output)")
    }

    @Test("run with arguments, breakpoints, finish, registers and memory, kill")
    func runProgram() throws {
        let lab = try Lab()
        let (_, port) = try lab.startTCPServer()
        let program = try lab.compile("Demo/worker.c", as: "worker")
        let output = try lab.gdb(
            [
                target(port), "set remote exec-file \(program)", "break store",
                "run 1 '\(lab.folder)/a file'", "up 3", "print argc", "print argv[2]",
                "info registers rip",
                "frame 0", "finish", "stepi", "set variable rounds = 40", "print rounds",
                "delete", "watch rounds", "continue", "info threads", "kill",
            ],
            program: program
        )
        #expect(output.contains("Breakpoint 1, store"), "\(output)")
        #expect(output.contains("= 3\n"), "\(output)")
        #expect(output.contains("\"\(lab.folder)/a file\""), "\(output)")
        #expect(output.contains("Value returned is"), "\(output)")
        #expect(output.contains("= 40"), "\(output)")
        #expect(output.contains("Hardware watchpoint"), "\(output)")
        #expect(output.contains("New value = 41"), "\(output)")
        #expect(output.contains("killed"), "\(output)")
    }

    @Test("several clients at once, each its own session")
    func severalClients() throws {
        let lab = try Lab()
        let (_, port) = try lab.startTCPServer()
        let debuggees = try (0..<3).map { try Debuggee(in: lab, named: "worker\($0)") }
        let gdbs = try debuggees.map { debuggee in
            let commands = [
                target(port), "attach \(debuggee.processID)", "break store", "continue", "bt 2",
                "detach",
            ]
            let arguments = lab.gdbArguments(commands, program: debuggee.path)
            return try lab.startOther("/usr/bin/gdb", arguments)
        }
        for (gdb, debuggee) in zip(gdbs, debuggees) {
            #expect(try gdb.waitForExit() == 0)
            #expect(gdb.output.contains("hit Breakpoint 1, store"), "\(gdb.output)")
            try debuggee.expectRunsFree()
        }
    }

    @Test("a client killed in mid-session leaves nothing stopped and no breakpoint in memory")
    func clientKilled() throws {
        let lab = try Lab()
        let (server, port) = try lab.startTCPServer()
        let debuggee = try Debuggee(in: lab)
        let code = try debuggee.code()
        let commands = [
            target(port), "attach \(debuggee.processID)", "break store", "break measure",
            "continue", "echo here\\n", "set confirm off", "shell cat",
        ]
        let gdb = try lab.startOther(
            "/usr/bin/gdb",
            lab.gdbArguments(commands, program: debuggee.path)
        )
        try gdb.wait(for: "here")
        gdb.signal(SIGKILL)
        try server.wait(for: "session ended", in: \.errors)
        #expect(try debuggee.code() == code)
        try debuggee.expectRunsFree()
    }

    @Test("what a session started is killed when its client vanishes")
    func launchedProgramEnds() throws {
        let lab = try Lab()
        let (server, port) = try lab.startTCPServer()
        let program = try lab.compile("Demo/worker.c", as: "worker")
        let commands = [
            target(port), "set remote exec-file \(program)", "break store", "run",
            "info inferiors", "shell cat",
        ]
        let gdb = try lab.startOther("/usr/bin/gdb", lab.gdbArguments(commands, program: program))
        try gdb.wait(for: "process ")
        let number = try #require(gdb.output.firstMatch(of: /process (\d+)/)).output.1
        gdb.signal(SIGKILL)
        try server.wait(for: "session ended", in: \.errors)
        #expect(kill(try #require(Int32(number)), 0) == -1 && errno == ESRCH)
    }

    @Test("SIGTERM to the server lets every debuggee run on")
    func serverEnded() throws {
        let lab = try Lab()
        let (server, port) = try lab.startTCPServer()
        let debuggee = try Debuggee(in: lab)
        let code = try debuggee.code()
        let transport = "tcp:server=127.0.0.1,port=\(port)"
        let cdb = try lab.start("cdb", ["-premote", transport, "-p", "\(debuggee.processID)"])
        try cdb.wait(for: "> ")
        cdb.type("bp worker!store\ng\n")
        try cdb.wait(for: "hit")
        server.signal(SIGTERM)
        #expect(try server.waitForExit() == 0)
        #expect(try debuggee.code() == code)
        try debuggee.expectRunsFree()
    }

    @Test(".endpsrv ends the process server")
    func endServer() throws {
        let lab = try Lab()
        let (server, port) = try lab.startTCPServer()
        let debuggee = try Debuggee(in: lab)
        let transport = "tcp:server=127.0.0.1,port=\(port)"
        let result = try lab.run(
            "cdb",
            ["-premote", transport, "-p", "\(debuggee.processID)", "-c", ".endpsrv;qd"]
        )
        #expect(try server.waitForExit() == 0, "\(result)")
        try debuggee.expectRunsFree()
    }

    @Test("bytes that are no protocol end only their own connection")
    func hostileBytes() throws {
        let lab = try Lab()
        let (server, port) = try lab.startTCPServer()
        let noise = [
            "GET / HTTP/1.0\r\n\r\n", "DBGSRV 99 smart-client x\n", "DBGSRV", "$#00$zz#",
            "\u{3}\u{3}\u{3}", "$" + String(repeating: "A", count: 300_000),
            "$vFile:pread:ffffffffffffffff,ffffffffffffffff,ffffffffffffffff#00",
        ]
        for text in noise {
            let bridge = try lab.start(
                "dbgbridge",
                ["-c", "tcp:server=127.0.0.1,port=\(port)", "-s", "stdio"]
            )
            bridge.type(text)
            bridge.closeInput()
            _ = try bridge.waitForExit()
        }
        let output = try lab.gdb([target(port), "info os processes"])
        #expect(output.contains("dbgsrv"), "\(output)")
        #expect(server.isRunning)
    }
}
