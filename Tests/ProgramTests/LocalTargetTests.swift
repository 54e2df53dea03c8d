import Foundation
import Glibc
import Testing

@Suite("Debugging on this machine, and through standard input and output")
struct LocalTargetTests {
    @Test("cdb starts a program of this machine, and its own server ends with it")
    func program() throws {
        let lab = try Lab()
        let steps = try lab.compile("Demo/steps.c", as: "steps")
        let result = try lab.run("cdb", ["-c", "bp main;g;k;q", steps, "one"])
        #expect(result.status == 0)
        #expect(result.output.contains("CommandLine: \(steps) one"))
        #expect(result.output.contains("Breakpoint 0 hit"))
        #expect(result.output.contains("steps!main+"))
        #expect(result.errors.isEmpty, "\(result.errors)")
    }

    @Test("cdb attaches to a process of this machine and lets it go, even when it is killed itself")
    func attached() throws {
        let lab = try Lab()
        let debuggee = try Debuggee(in: lab)
        let id = "\(debuggee.processID)"
        let code = try debuggee.code()
        let result = try lab.run("cdb", ["-p", id, "-c", "bp worker;~*k;qd"])
        #expect(result.output.contains("worker!"), "\(result)")
        try debuggee.expectRunsFree()
        let cdb = try lab.start("cdb", ["-p", id, "-c", "bm worker!*;g"])
        try cdb.wait(for: "Breakpoint")
        #expect(try debuggee.status("TracerPid") != "0")
        kill(cdb.processID, SIGKILL)
        try debuggee.waitUntilUntraced()
        try debuggee.expectRunsFree()
        #expect(try debuggee.code() == code)
    }

    @Test("a program that is not there, and no target at all, are said in one sentence")
    func mistakes() throws {
        let lab = try Lab()
        let absent = try lab.run("cdb", ["/no/such/program"])
        #expect(absent.status == 3)
        #expect(absent.errors.contains("/no/such/program"))
        let nothing = try lab.run("cdb", ["-g"])
        #expect(nothing.status == 1)
        #expect(nothing.errors.contains("name a program, -p PID or -pn Name"))
        let implicit = try lab.run("cdb", ["-cimp"])
        #expect(implicit.status == 1)
        #expect(implicit.errors.contains("-premote"))
    }

    @Test("gdb debugs through dbgsrv --stdio, as its child and through ssh")
    func standardStreams() throws {
        let lab = try Lab()
        let ssh = try LoopbackSSH(in: lab)
        let steps = try lab.compile("Demo/steps.c", as: "steps")
        let server = Lab.program("dbgsrv")
        for command in [
            "\(server) --stdio", "ssh -F \(ssh.configuration) labbox \(server) --stdio",
        ] {
            let output = try lab.gdb(
                [
                    "target extended-remote | \(command)", "set remote exec-file \(steps)",
                    "break main", "run", "backtrace", "x/2000xb $sp - 2000", "kill",
                ],
                program: steps
            )
            #expect(output.contains("#0  main"), "\(output)")
            #expect(output.contains("killed]"), "\(output)")
        }
    }

    @Test(
        "dbgsrv --stdio: what a program writes goes to standard error and not between the packets"
    )
    func programOutput() throws {
        let lab = try Lab()
        let output = try lab.gdb([
            "target extended-remote | \(Lab.program("dbgsrv")) --stdio",
            "set remote exec-file /bin/echo", "run hello from here",
        ])
        #expect(output.contains("hello from here"), "\(output)")
        #expect(output.contains("exited normally"), "\(output)")
        #expect(!output.contains("Ignoring packet error"))
    }

    @Test("dbgsrv --stdio ends with its client, takes no second transport and no terminal")
    func standardStreamsEnd() throws {
        let lab = try Lab()
        let alone = try lab.run("dbgsrv", ["--stdio"])
        #expect(alone.status == 0 && alone.output.isEmpty && alone.errors.isEmpty, "\(alone)")
        let both = try lab.run("dbgsrv", ["--stdio", "-t", "tcp:port=0"])
        #expect(both.status == 1 && both.errors.contains("choose one"), "\(both)")
        let screen = try ProgramTests.run(
            "/usr/bin/script",
            ["-qec", "\(Lab.program("dbgsrv")) --stdio", "/dev/null"]
        )
        #expect(screen.status == 1 && screen.output.contains("are a terminal"), "\(screen)")
    }
}
