import Glibc
import Testing

@Suite("A line that falls silent while somebody debugs through it")
struct LineOutageTests {
    @Test("gdb, which gives up after seconds, waits, is told why and goes on with right values")
    func gdbWaits() throws {
        let lab = try Lab()
        let line = try SerialLine(.cable, in: lab)
        let debuggee = try Debuggee(in: lab)
        _ = try lab.startServer(line.labChannel(3))
        let gdb = try lab.startOther(
            "/usr/bin/gdb",
            ["-nx", "-q", "-ex", "set sysroot /", "-ex", "set remotetimeout 1", debuggee.path]
        )
        gdb.type("\(line.gdbTarget(3))\nattach \(debuggee.processID)\nbreak store\ncontinue\n")
        try gdb.wait(for: "hit Breakpoint 1, store")
        gdb.type("set stack-cache off\nset code-cache off\necho \\none:\\n\nprint *sample\n")
        let before = try gdb.wait(for: "unit = \"degC")
        let sample = try #require(before.firstMatch(of: /\$1 = (\{.*)/)?.output.1)

        line.program.signal(SIGSTOP)
        // The bridge knows the sample by now; of what is elsewhere it knows nothing.
        gdb.type("print *sample\nprint rounds\n")
        try gdb.wait(for: "no answer for", in: \.errors)
        line.program.signal(SIGCONT)
        gdb.type("print *sample\nprint rounds\ndetach\nquit\n")
        #expect(try gdb.waitForExit() == 0)
        let after = gdb.output
        for number in [2, 4] {
            #expect(after.contains("$\(number) = \(sample)"), "\(after) \(gdb.errors)")
        }
        let rounds = try #require(after.firstMatch(of: /\$3 = (\d+)\n/)?.output.1, "\(after)")
        #expect(after.contains("$5 = \(rounds)\n"), "\(after)")
        #expect(gdb.errors.contains("answers again, after"), "\(gdb.errors)")
        #expect(!after.contains("Ignoring packet error"), "\(after)")
        try debuggee.expectRunsFree()
    }

    @Test("cdb says that the line is down and up again, while the target runs and while it waits")
    func cdbTells() throws {
        let lab = try Lab()
        let line = try SerialLine(.cable, in: lab)
        let debuggee = try Debuggee(in: lab)
        _ = try lab.startServer(line.labChannel(3))
        let cdb = try lab.start(
            "cdb",
            ["-premote", line.deskChannel(3), "-p", "\(debuggee.processID)"]
        )
        try cdb.wait(for: "> ")
        line.program.signal(SIGSTOP)
        // What no stop has brought along.
        cdb.type("db worker!main\n")
        try cdb.wait(for: "the line is down: the far end does not answer; Ctrl+C gives")
        line.program.signal(SIGCONT)
        try cdb.wait(for: "the line is up again")

        cdb.forgetOutput()
        debuggee.program.forgetOutput()
        cdb.type("g\n")
        try debuggee.program.wait(for: "\n")
        line.program.signal(SIGSTOP)
        try cdb.wait(for: "the line is down")
        cdb.signal(SIGINT)
        try cdb.wait(for: "the target has not stopped for")
        line.program.signal(SIGCONT)
        try cdb.wait(for: "the line is up again")
        cdb.type("qd\n")
        #expect(try cdb.waitForExit() == 0)
        try debuggee.expectRunsFree()
    }
}
