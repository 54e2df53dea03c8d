import Foundation
import Testing

@Suite("Commands on real programs")
struct CommandSessionTests {
    @Test("wt tells calls, depths and counts in CDB's columns")
    func watchTrace() throws {
        let text = try cdb("bp twice;g;wt;q", "calls")
        #expect(
            text.contains(
                """
                    3     0 [  0] breakage!twice
                   10     0 [  1]   breakage!leaf
                    6    10 [  0] breakage!twice
                   10     0 [  1]   breakage!leaf
                    8    20 [  0] breakage!twice

                28 instructions were executed in 28 events (0 from other threads)

                Function Name                               Invocations MinInst MaxInst AvgInst
                breakage!leaf                                         2      10      10      10
                breakage!twice                                        1       8       8       8

                0 system calls were executed

                """
            ),
            "\(text)"
        )
    }

    @Test("A condition that the target can judge filters there, and the same stops come")
    func conditions() throws {
        // Five thousand stops that do not count, which would take a minute over round trips.
        let text = try cdb("bp /w \"dwo(counter) == 0n100\" leaf;g;dd counter L1;bl;q", "many")
        #expect(text.contains("Breakpoint 0 hit"), "\(text)")
        #expect(text.contains("  00000064"))
        #expect(text.contains("     Match condition: \"dwo(counter) == 0n100\"\n"))
        let never = try cdb("bp /w \"dwo(counter) == 0n99999\" leaf;g;q", "many")
        #expect(never.contains("code 7"), "\(never)")
    }

    @Test("A breakpoint's command may be a block that goes on, and depth limits count")
    func breakpointBlocks() throws {
        let block =
            "bp leaf \".if (dwo(counter) < 6) { gc } .else { .printf \\\"at %d\\\\n\\\", dwo(counter) }\""
        let text = try cdb(block + ";g;q", "calls")
        #expect(text.contains("at 6\n"), "\(text)")
        let shallow = try cdb("bp /c 2 leaf;g;q", "calls")
        #expect(!shallow.contains("Breakpoint 0 hit"), "\(shallow)")
    }

    @Test("!analyze says in words why a program died")
    func analysis() throws {
        let cases: [(String, [String])] = [
            ("null", ["SIGSEGV", "It tried to write to 00000000`00000008.", "null pointer"]),
            (
                "assert",
                ["SIGABRT", "Assertion `argc == 5' failed.", "An assertion of the program"]
            ),
            ("double", ["free(): double free", "malloc found its heap damaged"]),
            ("deep", ["The stack has overflowed", "breakage!deep is on it", "recursion"]),
            ("divide", ["an integer was divided by zero (FPE_INTDIV)"]),
            ("readonly", ["SEGV_ACCERR", "readable, not writable"]),
        ]
        for (mode, sentences) in cases {
            let text = try cdb("g;!analyze -v;q", mode)
            for sentence in sentences { #expect(text.contains(sentence), "\(mode): \(text)") }
            #expect(text.contains("FAILURE_BUCKET_ID:  SIG"))
        }
        let text = try cdb("g;!analyze -v;q", "null")
        let line = Breakage.line("\"null\"")
        #expect(text.contains("FAULTING_SOURCE_LINE:  \(Breakage.path).c @ \(line)"))
        #expect(text.contains(">\(String(repeating: " ", count: 5 - "\(line)".count))\(line): "))
        #expect(text.contains("                argc = 0n2\n"))
    }

    @Test("Filters of modules, threads, forks and system calls stop where they should")
    func filters() throws {
        let module = try cdb("sxe ld:libc;g;q", "print")
        #expect(module.contains("libc.so.6\nld_linux_x86_64_so!"), "\(module)")
        let thread = try cdb("sxe ct;sxn et;g;k 1;g;q", "thread")
        #expect(thread.contains("): Create thread 1:"), "\(thread)")
        #expect(thread.contains("): Exit thread 1:"))
        let fork = try cdb("sxe cpr;g;|;g;q", "fork", options: ["-o"])
        #expect(fork.contains("): Create process 1:"), "\(fork)")
        #expect(fork.contains("\tchild\tname: \(Breakage.path)"))
        let calls = try cdb("sxe sys:write;g;g;q", "print")
        #expect(calls.contains("): Enter system call write (1)"), "\(calls)")
        #expect(calls.contains("): Leave system call write (1) = 0xa"))
    }

    @Test("sxd stops only when the program would die")
    func secondChance() throws {
        let survived = try cdb("sxd av;g;q", "handled")
        #expect(survived.contains("Access violation - code c0000005 (first chance)\n("))
        #expect(survived.contains("code 7"))
        let died = try cdb("sxd av;g;q", "null")
        #expect(died.contains("Access violation - code c0000005 (!!! second chance !!!)\n"))
    }

    @Test("!heap finds the block whose header was overwritten, !gle errno, !handle open files")
    func processFacts() throws {
        let heap = try cdb("g;!heap;q", "overrun")
        #expect(heap.contains("(main arena)"), "\(heap)")
        #expect(heap.contains("CORRUPT: the block at "))
        let error = try cdb("g;!gle;!handle;!runaway 7;.ttime;!address @rsp;q", "errno")
        #expect(error.contains("LastErrorValue: (errno) 0x9 (9) - EBADF: "), "\(error)")
        #expect(error.contains("3 Handles"))
        #expect(error.contains(" User Mode Time\n  Thread       Time\n   0:"))
        #expect(error.contains("Usage:                  Stack\n"))
    }

    @Test("!locks tells who waits for whom, and that a circle is a deadlock")
    func deadlock() throws {
        let cdb = try Cdb.start([Breakage.path, "deadlock"])
        try cdb.expect("0:000> ")
        var found = ""
        // The main thread stops with a signal again and again; soon both others wait.
        for _ in 0..<100 where !found.contains("DEADLOCK") {
            try cdb.send("gh;!locks")
            found = try cdb.expect("of them wait\n")
        }
        #expect(found.contains("DEADLOCK: ~1 waits for ~2 waits for ~1\n"), "\(found)")
        #expect(found.contains(" waits for the mutex at "))
        #expect(found.contains("    held by thread ~2 ("))
        try cdb.send("q")
        #expect(try cdb.finish().status == 0)
    }

    @Test("Memory is written to files and read from them, mapped, searched and shown in all forms")
    func memory() throws {
        let file = Debuggee.folder + "/memory"
        let commands = [
            "bp twice", "g", ".writemem \(file) text L10", "eb text 41 42",
            ".readmem \(file) text L10",
            "da text", "s -[1]a text L20 \"world\"", "s -sa text L20", "dyb text L1",
            ".dvalloc 1000",
            "dda @rsp L1", "kc 2", "uf /c twice", "q",
        ]
        let text = try cdb(commands.joined(separator: ";"), "calls")
        #expect(try Data(contentsOf: URL(fileURLWithPath: file)).count == 16)
        #expect(text.contains("  \"hello world\"\n"), "\(text)")
        #expect(text.contains("  01101000 "))
        #expect(text.contains("Allocated 1000 bytes starting at "))
        #expect(text.contains("Call Site\nbreakage!twice\nbreakage!main\n"))
        #expect(text.components(separatedBy: "    call to breakage!leaf (").count == 3)
    }
}
