import DebugEngine
import DebugTarget
import Testing

@Suite("Events and their filters")
struct EventCommandTests {
    private static let thread = ThreadID(ScriptedTarget.process, 0x722c)

    @Test("sx lists the events, then the signals, then the rest, in CDB's columns")
    func list() throws {
        let bench = try CommandBench()
        let lines = bench.run("sx").split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines[0] == "  ct - Create thread - ignore")
        #expect(lines.contains(" epr - Exit process - break"))
        #expect(lines.contains("  av - Access violation - break - not handled"))
        #expect(lines.contains(" cce - Control-C exception - break - handled"))
        #expect(lines.contains("   * - Other signal - break - not handled"))
    }

    @Test("A signal stops, is told of, or passes, as its filter says")
    func reactions() throws {
        let bench = try CommandBench()
        _ = bench.run("sxn usr1")
        bench.target.events = [
            .stopped(Self.thread, .signal(Signal(10))), .stopped(Self.thread, .signal(Signal(12))),
        ]
        let told = bench.run("g")
        #expect(
            told.hasPrefix("(722c.722c): Signal SIGUSR1 - code 0000000a (first chance)\n(722c.")
        )
        #expect(told.contains("Signal SIGUSR2"))
        // What was told of was delivered all the same.
        let resumed = try #require(bench.target.resumed.last?.first)
        #expect(resumed.signal == Signal(10))
        _ = bench.run("sxi usr1;sxi usr2")
        bench.target.events = [
            .stopped(Self.thread, .signal(Signal(10))), .exited(ScriptedTarget.process, status: 0),
        ]
        #expect(bench.run("g") == "(722c.722c): Exit process 0:722c, code 0\n")
    }

    @Test(
        "A handled signal is not delivered by g, by gn it is, and gh drops one that is not handled"
    )
    func handling() throws {
        let bench = try CommandBench()
        func signalOf(_ command: String, _ number: Int32) -> Signal? {
            bench.target.events = [.stopped(Self.thread, .signal(Signal(number)))]
            _ = bench.run("g")
            bench.target.events = [.stopped(Self.thread, .signal(Signal(30)))]
            _ = bench.run(command)
            return bench.target.resumed.last?.first?.signal
        }
        #expect(signalOf("g", 10) == Signal(10))
        #expect(signalOf("gh", 10) == nil)
        _ = bench.run("sxe -h usr1")
        #expect(signalOf("g", 10) == nil)
        #expect(signalOf("gn", 10) == Signal(10))
        #expect(signalOf("g", 2) == nil, "Ctrl+C of the program is the debugger's")
    }

    @Test("A filter's command is carried out when it stops")
    func commands() throws {
        let bench = try CommandBench()
        _ = bench.run("sxe -c \".echo here\" usr1")
        #expect(bench.run("sx").contains("       Command: \".echo here\"\n"))
        bench.target.events = [.stopped(Self.thread, .signal(Signal(10)))]
        #expect(bench.run("g").contains("here\n"))
        _ = bench.run("sx- -c \"\" usr1")
        #expect(!bench.run("sx").contains("Command:"))
    }

    @Test("What cannot be had, or is no event, is said")
    func refusals() throws {
        let bench = try CommandBench()
        #expect(bench.run("sxe nosuch").contains("There is no event nosuch"))
        #expect(bench.run("sxe sys").contains("cannot stop at system calls"))
        #expect(bench.run("sxe ct").contains("does not tell of threads"))
        #expect(bench.run("sxe vcpp").contains("does not happen on Linux"))
        #expect(bench.run("sxe").contains("Operand error"))
        #expect(bench.run("sxe 0n34") == "")
        #expect(bench.run("sx").contains("sig34 - Signal 34 - break"))
        #expect(bench.run("sxr") == "sx state reset to defaults\n")
        #expect(!bench.run("sx").contains("sig34"))
    }

    @Test(".eventlog has the events in order")
    func eventLog() throws {
        let bench = try CommandBench()
        bench.target.events = [.stopped(Self.thread, .signal(Signal(11)))]
        _ = bench.run("g")
        #expect(
            bench.run(".eventlog") == """
                722c.722c: Break instruction exception - code 80000003 (first chance)
                722c.722c: Access violation - code c0000005 (first chance)
                Last event: 722c.722c: Access violation - code c0000005 (first chance)

                """
        )
    }

    @Test("Breakpoints get other numbers, commands and conditions")
    func breakpointEdits() throws {
        let bench = try CommandBench()
        _ = bench.run("bp 7fffffffe200;br 0 5;bs 5 \"k\"")
        #expect(
            bench.run("bl") == " 5 e 00007fff`ffffe200    0001 (0001)  0:**** 7fffffffe200 \"k\"\n"
        )
        _ = bench.run("bsc 5 @rax==1 \"r\"")
        #expect(bench.run(".bpcmds") == "bp5 /w \"@rax==1\" 0x00007fff`ffffe200 \"r\";\n")
        #expect(bench.run("br 7 8").contains("Breakpoint 7 does not exist"))
        _ = bench.run("bp7 /1 /c 5 7fffffffe300 3")
        #expect(bench.run(".bpcmds").contains("bp7 /1 /c 5 0x00007fff`ffffe300 0x3 ;"))
        #expect(bench.run("br 5 7").contains("Breakpoint 7 already exists"))
    }
}
