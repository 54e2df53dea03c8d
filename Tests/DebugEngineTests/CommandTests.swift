import Commands
import DebugEngine
import DebugTarget
import Testing

@Suite("Commands over a scripted target")
struct CommandTests {
    @Test("r shows three registers to a line, flags in words, segments")
    func registers() throws {
        let bench = try CommandBench()
        for (name, value) in [
            ("rbx", 0x10), ("rcx", 0x7ffb_7ecc_d2c4), ("eflags", 0x246), ("cs", 0x33), ("ss", 0x2b),
            ("r14", 0x7ffb_7ed5_48f0),
        ] as [(String, UInt64)] {
            bench.target.set(name, value)
        }
        let lines = bench.run("r").split(separator: "\n").map(String.init)
        #expect(
            lines[0] == "rax=0000000000000000 rbx=0000000000000010 rcx=00007ffb7eccd2c4"
        )
        #expect(
            lines[3] == " r8=0000000000000000  r9=0000000000000000 r10=0000000000000000"
        )
        #expect(lines[5] == "r14=00007ffb7ed548f0 r15=0000000000000000")
        #expect(lines[6] == "iopl=0         nv up ei pl zr na pe nc")
        #expect(
            lines[7]
                == "cs=0033  ss=002b  ds=0000  es=0000  fs=0000  gs=0000             efl=00000246"
        )
    }

    @Test("Single registers and their parts are shown and changed")
    func singleRegisters() throws {
        let bench = try CommandBench()
        #expect(bench.run("r rax=12345678abcdef01") == "")
        #expect(bench.run("r rax") == "rax=12345678abcdef01\n")
        #expect(bench.run("r eax, ax, al") == "eax=abcdef01 ax=ef01 al=01\n")
        #expect(bench.run("r al=ff") == "")
        #expect(bench.run("r rax") == "rax=12345678abcdefff\n")
        #expect(bench.run("r eax=1") == "")
        #expect(bench.run("r rax") == "rax=0000000000000001\n")
        #expect(bench.run("r $t1=5;r $t1") == "$t1=0000000000000005\n")
        #expect(bench.run("r nosuch").contains("Bad register error at 'nosuch'"))
    }

    @Test("? evaluates, .formats shows all formats")
    func evaluation() throws {
        let bench = try CommandBench()
        #expect(
            bench.run("? 00007ffc`0f180771")
                == "Evaluate expression: 140720561719153 = 00007ffc`0f180771\n"
        )
        #expect(bench.run("? -1") == "Evaluate expression: -1 = ffffffff`ffffffff\n")
        #expect(
            bench.run(".formats 1c407e62") == """
                Evaluate expression:
                  Hex:     00000000`1c407e62
                  Decimal: 473988706
                  Octal:   0000000000003420077142
                  Binary:  00000000 00000000 00000000 00000000 00011100 01000000 01111110 01100010
                  Chars:   .....@~b
                  Time:    Mon Jan 07 23:31:46 1985
                  Float:   low 6.36908e-022 high 0
                  Double:  2.34182e-315

                """
        )
    }

    @Test("Threads are listed with their numbers, marks and names")
    func threads() throws {
        let bench = try CommandBench()
        #expect(
            bench.run("~") == """
                .  0  Id: 722c.722c Suspend: 1 Unfrozen "main"
                   1  Id: 722c.722d Suspend: 1 Unfrozen "worker"

                """
        )
        _ = bench.run("~1s")
        #expect(bench.session.prompt == "0:001> ")
        #expect(bench.run("~").hasPrefix("#  0"))
        _ = bench.run("~0f")
        #expect(bench.run("~").contains("Frozen  "))
        #expect(bench.run("~7s").contains("Illegal thread error in '~7s'"))
        #expect(bench.run("~~[722d]").contains("722c.722d"))
        #expect(bench.run("|") == ".  0\tid: 722c\tattach\tname: \n")
    }

    @Test("A prefix carries a command out for a thread and comes back")
    func prefixes() throws {
        let bench = try CommandBench()
        #expect(bench.run("~1 r rax") == "rax=0000000000000000\n")
        #expect(bench.session.prompt == "0:000> ")
        let all = bench.run("~* e .echo x").split(separator: "\n", omittingEmptySubsequences: false)
        #expect(all.filter { $0 == "x" }.count == 2)
    }

    @Test("Breakpoints are listed, disabled, enabled, cleared, redefined")
    func breakpointList() throws {
        let bench = try CommandBench()
        #expect(bench.run("bp 7fffffffe200 3 \"k;g\"") == "")
        #expect(
            bench.run("bl")
                == " 0 e 00007fff`ffffe200    0003 (0003)  0:**** 7fffffffe200 \"k;g\"\n"
        )
        _ = bench.run("bd 0")
        #expect(bench.run("bl").hasPrefix(" 0 d 00007fff`ffffe200"))
        _ = bench.run("be *")
        #expect(bench.run("bp0 7fffffffe300") == "breakpoint 0 redefined\n")
        #expect(
            bench.run("bp mod!f")
                == "Bp expression 'mod!f' could not be resolved, adding deferred bp\n"
        )
        #expect(bench.run("bl 1") == " 1 eu                      0001 (0001) (mod!f)\n")
        #expect(bench.run("bc 5").contains("Breakpoint 5 does not exist"))
        _ = bench.run("bc *")
        #expect(bench.run("bl") == "")
    }

    @Test("ba checks access, size and alignment")
    func dataBreakpoints() throws {
        let bench = try CommandBench()
        #expect(bench.run("ba w4 7fffffffe200") == "")
        #expect(bench.run("bl").contains("00007fff`ffffe200 w 4"))
        #expect(bench.run("ba w3 7fffffffe200").contains("1, 2, 4 or 8"))
        #expect(bench.run("ba w8 7fffffffe204").contains("must be aligned"))
        #expect(bench.run("ba x4 7fffffffe200").contains("Access is e"))
        #expect(bench.run("ba e4 7fffffffe200").contains("execution breakpoint is 1"))
    }

    @Test("A breakpoint is planted when the target runs, counts its passes and stops")
    func breakpointHit() throws {
        let bench = try CommandBench()
        let address = TargetAddress(0x7fff_ffff_e200)
        let thread = ThreadID(ScriptedTarget.process, 0x722d)
        _ = bench.run("bp 7fffffffe200 2")
        #expect(bench.target.inserted.isEmpty)
        bench.target.events = [
            .stopped(thread, .breakpoint(address)), .stopped(thread, .stepped),
            .stopped(thread, .breakpoint(address)),
        ]
        let output = bench.run("g")
        #expect(output.hasPrefix("Breakpoint 0 hit\n00007fff`ffffe200:\n"))
        #expect(bench.target.inserted == [Breakpoint(.software, at: address)])
        #expect(bench.session.prompt == "0:001> ")
        // Over the breakpoint: the one thread alone, then all.
        #expect(bench.target.resumed[1] == [ResumeAction(.thread(thread), .step)])
        #expect(bench.target.resumed[2] == [ResumeAction(.all, .run)])
    }

    @Test("A condition that is 0 goes on without a word")
    func condition() throws {
        let bench = try CommandBench()
        let address = TargetAddress(0x7fff_ffff_e200)
        let thread = ThreadID(ScriptedTarget.process, 0x722c)
        _ = bench.run("bp /w \"@rax == 5\" 7fffffffe200")
        bench.target.events = [
            .stopped(thread, .breakpoint(address)), .stopped(thread, .stepped),
            .exited(ScriptedTarget.process, status: 3),
        ]
        #expect(bench.run("g") == "(722c.722c): Exit process 0:722c, code 3\n")
        #expect(bench.session.prompt == "NoTarget> ")
        #expect(bench.run("g").contains("No runnable debuggees error in 'g'"))
    }

    @Test("A breakpoint's command that goes on ten thousand times does not nest")
    func goingOn() throws {
        let bench = try CommandBench()
        let address = TargetAddress(0x7fff_ffff_e200)
        let thread = ThreadID(ScriptedTarget.process, 0x722c)
        _ = bench.run("bp 7fffffffe200 \".echo x;g\"")
        for _ in 0..<10_000 {
            bench.target.events += [
                .stopped(thread, .breakpoint(address)), .stopped(thread, .stepped),
            ]
        }
        bench.target.events.append(.exited(ScriptedTarget.process, status: 0))
        let lines = bench.run("g").split(separator: "\n")
        #expect(lines.filter { $0 == "x" }.count == 10_000)
        #expect(lines.count == 10_001)
    }

    @Test("Signals have the words of their Windows counterparts, and go to the program with g")
    func signals() throws {
        let bench = try CommandBench()
        let thread = ThreadID(ScriptedTarget.process, 0x722c)
        bench.target.events = [.stopped(thread, .signal(Signal(11)))]
        #expect(
            bench.run("g").hasPrefix(
                "(722c.722c): Access violation - code c0000005 (first chance)\n"
            )
        )
        #expect(
            bench.run(".lastevent").hasPrefix(
                "Last event: 722c.722c: Access violation - code c0000005 (first chance)\n"
            )
        )
        bench.target.events = [.stopped(thread, .signal(Signal(10)))]
        #expect(bench.run("g").contains("Signal SIGUSR1"))
        #expect(
            bench.target.resumed.last == [
                ResumeAction(.thread(thread), .run, signal: Signal(11)), ResumeAction(.all, .run),
            ]
        )
        bench.target.events = [.terminated(ScriptedTarget.process, Signal(9))]
        #expect(bench.run("gh").contains("killed by SIGKILL"))
        #expect(bench.target.resumed.last == [ResumeAction(.all, .run)])
    }

    @Test("Ctrl+C that meets a stop of which nobody hears breaks in all the same")
    func crossedInterrupt() throws {
        let bench = try CommandBench()
        bench.target.interruptsMeet = [.threadCreated, .threadCreated]
        #expect(bench.run("g").contains("Break instruction exception"))
        #expect(bench.target.interruptCount == 1)
    }

    @Test("Ctrl+C at the running target breaks in")
    func breakIn() throws {
        let bench = try CommandBench()
        #expect(
            bench.run("g").hasPrefix(
                "(722c.722c): Break instruction exception - code 80000003 (first chance)\n"
            )
        )
    }

    @Test("Errors name the command, with a caret under it")
    func errors() throws {
        let bench = try CommandBench()
        #expect(bench.run("foo") == "       ^ Syntax error in 'foo'\n")
        #expect(bench.run("? nosuch") == "Couldn't resolve error at 'nosuch'\n")
        #expect(bench.run(".lastevnt").contains("did you mean .lastevent?"))
        #expect(bench.run("q x").contains("Extra character error in 'q x'"))
        #expect(bench.run(".attach 0").contains("Range error"))
        #expect(bench.run("$$<nosuch").contains("Command file nosuch cannot be read"))
    }

    @Test("Lines split at semicolons outside quotes and braces; comments end them")
    func splitting() throws {
        let bench = try CommandBench()
        #expect(bench.run(".echo a;.echo b") == "a\nb\n")
        #expect(bench.run(".echo \"a;b\";.echo c") == "a;b\nc\n")
        #expect(bench.run("* .echo a;.echo b") == "")
        #expect(bench.run("$$ note;.echo b") == "b\n")
        bench.scripts["two"] = [".echo one", ".echo two"]
        #expect(bench.run("$$<two") == "one\ntwo\n")
        bench.scripts["loop"] = ["$$<loop"]
        #expect(bench.run("$$<loop").contains("nest deeper"))
    }

    @Test("An empty line repeats the last")
    func repeating() throws {
        let bench = try CommandBench()
        #expect(bench.run("") == "")
        _ = bench.run(".echo a")
        #expect(bench.run("") == "a\n")
    }

    @Test("Every command answers .help, and none traps on bare or odd operands")
    func allCommands() throws {
        let help = try CommandBench().run(".help")
        let names = help.split(separator: "\n").compactMap { line -> String? in
            guard line.hasPrefix("   ") else { return nil }
            return line.split(whereSeparator: { $0 == " " || $0 == "," || $0 == "[" }).first
                .map(String.init)
        }
        #expect(names.count > 60)
        for name in names where name.contains(where: \.isLetter) {
            let clean = String(name.prefix { $0 != "{" })
            for operand in ["", " 0", " *", " zzz", " \"", " L", " 1 2 3", " =", " @", " /x", " ;"]
            {
                for isAttached in [true, false] {
                    let bench = try CommandBench(attached: isAttached)
                    _ = bench.run(clean + operand)
                }
            }
        }
    }

    @Test("q, qd and .detach end the session as they should")
    func quitting() throws {
        let bench = try CommandBench()
        _ = bench.run("q")
        #expect(bench.interpreter.quitRequest == .quit)
        let other = try CommandBench()
        #expect(other.run(".detach") == "Detached\n")
        #expect(other.target.processes.isEmpty && !other.target.isKilled)
        _ = other.run("qd")
        #expect(other.interpreter.quitRequest == .detach)
    }

    @Test("Source options have the original's words")
    func sourceOptions() throws {
        let bench = try CommandBench()
        #expect(
            bench.run("l+t") == """
                Source options are 3:
                     1/t - Step/trace by source line
                     2/l - List source line for LN and prompt

                """
        )
        #expect(bench.run("l-*") == "Source options are 0:\n    None\n")
        #expect(bench.run("l+x").contains("Syntax error"))
    }
}
