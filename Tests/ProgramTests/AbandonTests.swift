import Glibc
import Testing

@Suite("Processes that a debugger leaves standing")
struct AbandonTests {
    private func state(of debuggee: Debuggee) throws -> String { try debuggee.status("State") }

    @Test(".abandon leaves all threads standing; -pe takes the process over, and g lets it run")
    func abandoned() throws {
        let lab = try Lab()
        let debuggee = try Debuggee(in: lab)
        let id = "\(debuggee.processID)"
        let result = try lab.run("cdb", ["-p", id, "-c", "bp work;.abandon;q"])
        #expect(result.output.contains("Abandoned\n"), "\(result)")
        #expect(try state(of: debuggee) == "T (stopped)")
        #expect(try debuggee.status("TracerPid") == "0")
        let next = try lab.start("cdb", ["-pe", "-p", id, "-pd"])
        try next.wait(for: "0:000> ")
        next.type("g\n")
        debuggee.program.forgetOutput()
        try debuggee.program.wait(for: "\n")
        next.signal(SIGINT)
        next.type("q\n")
        #expect(try next.waitForExit() == 0)
        try debuggee.expectRunsFree()
    }

    @Test("where a process stands for a signal, .abandon keeps that from it, and /n is refused")
    func withSignal() throws {
        let lab = try Lab()
        let debuggee = try Debuggee(in: lab)
        let cdb = try lab.start("cdb", ["-p", "\(debuggee.processID)"])
        try cdb.wait(for: "0:000> ")
        cdb.type(".echo runs;g\n")
        try cdb.wait(for: "runs\n")
        debuggee.program.signal(SIGUSR1)
        try cdb.wait(for: "(first chance)")
        cdb.type(".abandon /n\n")
        try cdb.wait(for: "gn delivers it first")
        cdb.type(".abandon\n")
        try cdb.wait(for: "Abandoned\n")
        cdb.type("q\n")
        #expect(try cdb.waitForExit() == 0)
        #expect(try state(of: debuggee) == "T (stopped)")
        kill(debuggee.processID, SIGCONT)
        try debuggee.expectRunsFree()
    }
}
