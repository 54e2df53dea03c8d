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
        gdb.type("print *sample\nprint *sample\n")
        try gdb.wait(for: "no answer for", in: \.errors)
        line.program.signal(SIGCONT)
        gdb.type("print *sample\ndetach\nquit\n")
        #expect(try gdb.waitForExit() == 0)
        let after = gdb.output
        for number in 2...4 {
            #expect(after.contains("$\(number) = \(sample)"), "\(after) \(gdb.errors)")
        }
        #expect(gdb.errors.contains("answers again, after"), "\(gdb.errors)")
        #expect(!after.contains("Ignoring packet error"), "\(after)")
        try debuggee.expectRunsFree()
    }
}
