import Foundation
import Testing

/// Non-stop mode and several processes at once, as the stock gdb uses them.
@Suite(.serialized) struct GDBNonStopTests {
    @Test(
        "non-stop: one thread stands at a breakpoint while another runs, and is stopped by itself"
    )
    func nonStop() throws {
        let server = try FixtureServer()
        let output = try gdb(
            [
                "set non-stop on", "target extended-remote :\(server.port)",
                "set remote exec-file \(Program.stops.path)", "break main", "run pair", "break hot",
                "continue", "info threads", "print n", "next", "continue", "thread 2", "interrupt",
                "thread 1", "continue", "info threads", "thread 2", "backtrace", "continue &",
                "kill",
            ],
            program: Program.stops.path
        )
        let lists = output.components(separatedBy: "  Id   Target Id").dropFirst()
        #expect(lists.count == 2)
        #expect(lists.first?.contains("\"stops\" (running)") == true)
        // Which of the two stopped first is the machine's business.
        #expect(lists.last?.contains("2    Thread") == true)
        #expect(output.components(separatedBy: "hit Breakpoint 2, hot").count - 1 >= 2)
        #expect(output.contains("Thread 2 \"stops\" stopped."))
        #expect(output.contains("idle (unused=0x0)"))
        #expect(output.contains("[Inferior 1 (process"))
    }

    @Test("non-stop: a process is attached to and let go of while its threads run")
    func nonStopAttach() throws {
        let server = try FixtureServer()
        let lab = try RunningLab()
        for _ in 0..<3 {
            let output = try gdb([
                "set non-stop on", "target extended-remote :\(server.port)", "attach \(lab.id)",
                "info threads", "break leaf", "detach",
            ])
            #expect(output.contains("\"worker-18\""))
            #expect(output.contains("detached"))
            try lab.expectUntouched()
        }
    }

    @Test("non-stop: a program is run to its end through a breakpoint that every thread hits")
    func nonStopRun() throws {
        let server = try FixtureServer()
        let output = try gdb(
            [
                "set non-stop on", "target extended-remote :\(server.port)",
                "set remote exec-file \(Program.stops.path)", "break main", "run threads 6 20",
                "delete", "break hot if n == 1000", "continue",
            ],
            program: Program.stops.path
        )
        #expect(output.contains("Breakpoint 1, main"))
        #expect(output.contains("exited with code 05"))
    }

    @Test("both sides of a fork are followed, one after the other and at once")
    func bothSides() throws {
        let server = try FixtureServer()
        let start = [
            "target extended-remote :\(server.port)",
            "set remote exec-file \(Program.stops.path)", "break main",
        ]
        let both = try gdb(
            start + [
                "run fork", "delete", "set detach-on-fork off", "set schedule-multiple on",
                "break hot", "catch fork", "continue", "info inferiors", "continue", "print n",
                "info inferiors", "delete", "continue", "inferior 1", "set detach-on-fork on",
                "continue",
            ],
            program: Program.stops.path
        )
        #expect(both.contains("Catchpoint 3 (forked process"))
        #expect(both.contains("[New inferior 2"))
        #expect(both.contains("= 100\n"))
        #expect(both.contains("[Inferior 2 (process"))
        #expect(both.contains("exited with code 024"))
        #expect(both.contains("exited with code 05"))
        let child = try gdb(
            start + [
                "run fork", "delete", "set follow-fork-mode child", "break hot", "continue",
                "print n", "continue",
            ],
            program: Program.stops.path
        )
        #expect(child.contains("= 100\n"))
        #expect(child.contains("exited with code 024"))
        let parent = try gdb(
            start + [
                "run fork", "delete", "set follow-fork-mode parent", "break hot", "continue",
                "print n", "delete", "continue",
            ],
            program: Program.stops.path
        )
        #expect(parent.contains("= 0\n"))
        #expect(parent.contains("exited with code 05"))
    }
}
