import Foundation
import Testing

/// Programs of 32 bits, and registers that not every processor has: the stock gdb without any setting.
@Suite(.serialized) struct GDBRegisterTests {
    private func start(_ server: FixtureServer, _ arguments: String) -> [String] {
        [
            "target extended-remote :\(server.port)",
            "set remote exec-file \(Program.stops32.path)", "break main", "run \(arguments)",
            "delete",
        ]
    }

    @Test(
        "a program of 32 bits: registers, conditions, steps, modules, watchpoints, calls, system calls"
    )
    func narrow() throws {
        let server = try FixtureServer()
        let output = try gdb(
            start(server, "loop 200") + [
                "print sizeof(void *)", "print $cs", "break hot if n == 150", "continue",
                "backtrace", "info sharedlibrary", "print twice(21)", "print $edx = 0x12345678",
                "print/x $edx", "print $xmm3.v4_int32[2] = 7", "print $xmm3.v4_int32",
                "print $st0 = 2.5", "print $st0", "watch sum", "continue", "delete", "stepi",
                "finish",
                "catch syscall exit_group", "continue", "print $orig_eax", "continue",
            ],
            program: Program.stops32.path
        )
        #expect(output.contains("$1 = 4\n"))
        #expect(output.contains("$2 = 35\n"))
        #expect(output.contains("hot (n=150)"))
        #expect(output.contains("main (argc=3, argv="))
        #expect(output.contains("ld-linux.so.2"))
        #expect(output.contains("libc.so.6"))
        #expect(output.contains("= 42\n"))
        #expect(output.contains("= 0x12345678\n"))
        #expect(output.contains("= {0, 0, 7, 0}"))
        #expect(output.contains("= 2.5\n"))
        #expect(output.contains("Hardware watchpoint 3: sum"))
        #expect(output.contains("New value = 11325"))
        #expect(output.contains("Value returned is"))
        #expect(output.contains("(call to syscall exit_group)"))
        #expect(output.contains("= 252\n"))
        #expect(output.contains("exited with code 05"))
    }

    @Test("a program of 32 bits: threads, signals with their details, and attaching")
    func narrowThreads() throws {
        let server = try FixtureServer()
        let threads = try gdb(
            start(server, "threads 6 40") + ["break hot if n == -1", "continue"],
            program: Program.stops32.path
        )
        #expect(threads.contains("exited with code 05"))
        let signal = try gdb(
            start(server, "signal") + [
                "continue", "print $_siginfo.si_signo",
                "print $_siginfo._sifields._rt.si_sigval.sival_int", "print twice(21)",
                "set var $_siginfo._sifields._rt.si_sigval.sival_int = 99", "continue",
            ],
            program: Program.stops32.path
        )
        #expect(signal.contains("= 10\n"))
        #expect(signal.contains("= 77\n"))
        #expect(signal.contains("exited with code 0143"))
        let idle = try shell("\(Program.stops32.path) wait >/dev/null 2>&1 </dev/null & echo $!")
        let id = try #require(pid_t(idle.dropLast()))
        defer { kill(id, SIGKILL) }
        let attached = try gdb([
            "target extended-remote :\(server.port)", "attach \(id)", "info threads",
            "print (int)twice(4)", "print $eip != 0", "detach",
        ])
        #expect(attached.contains("= 8\n"))
        #expect(attached.contains("detached"))
    }

    @Test("an exec from 64 to 32 bits and back changes the registers")
    func widthsChange() throws {
        let server = try FixtureServer()
        let output = try gdb([
            "target extended-remote :\(server.port)",
            "set remote exec-file \(Program.stops.path)", "file \(Program.stops.path)",
            "catch exec", "run exec \(Program.stops32.path) exec \(Program.stops.path)",
            "print sizeof(void *)", "print $eip != 0", "continue", "print sizeof(void *)",
            "print $rip != 0", "delete", "continue",
        ])
        #expect(output.contains("is executing new program: \(Program.stops32.path)"))
        #expect(output.contains("is executing new program: \(Program.stops.path)"))
        #expect(output.contains("$1 = 4\n"))
        #expect(output.contains("$2 = 1\n"))
        #expect(output.contains("$3 = 8\n"))
        #expect(output.contains("$4 = 1\n"))
        #expect(output.contains("exited with code 05"))
    }

    @Test("the registers of AVX and AVX-512 are read and written where the processor has them")
    func wideVectors() throws {
        let flags = try String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
        guard flags.contains(" avx512f ") else {
            print("not tested: this processor has no AVX-512")
            return
        }
        let server = try FixtureServer()
        let output = try gdb(
            [
                "target extended-remote :\(server.port)",
                "set remote exec-file \(Program.wide.path)", "run",
                "print/x $ymm3.v8_int32", "print/x $zmm3.v16_int32", "print/x $zmm17.v16_int32",
                "print/x $k3", "print/x $xmm17.v4_int32", "print/x $ymm17.v4_int64",
                "print $zmm17.v8_int64[7] = 0x5566", "print $k3 = 0x4321",
                "print $ymm3.v4_int64[3] = 0x77", "print/x $zmm17.v8_int64[0]", "continue",
            ],
            program: Program.wide.path
        )
        #expect(output.contains("$1 = {0x11223344, 0x11223344, "))
        #expect(output.contains("$2 = {0x11223344 <repeats 16 times>}"))
        #expect(output.contains("$3 = {0x11223344 <repeats 16 times>}"))
        #expect(output.contains("$4 = 0x1234\n"))
        #expect(output.contains("$5 = {0x11223344, 0x11223344, 0x11223344, 0x11223344}"))
        // The program has looked at what was written, and nothing else has changed.
        #expect(output.contains("exited with code 052"))
    }
}
