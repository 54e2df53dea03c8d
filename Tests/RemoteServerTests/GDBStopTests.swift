import Foundation
import Testing

/// What stops a program and what does not: the stock gdb without any setting on real processes.
@Suite(.serialized) struct GDBStopTests {
    private func start(_ server: FixtureServer, _ arguments: String = "") -> [String] {
        [
            "target extended-remote :\(server.port)", "set remote exec-file \(Program.stops.path)",
            "break main", "run \(arguments)", "delete",
        ]
    }

    @Test("system calls are caught by name and number at entry and return, all of them too")
    func systemCalls() throws {
        let server = try FixtureServer()
        let output = try gdb(
            start(server, "calls") + [
                "catch syscall getppid", "continue", "print $orig_rax", "continue",
                "print (int)$rax == getppid_of_self", "delete", "catch syscall 39 102", "continue",
                "continue", "continue", "continue", "delete", "catch syscall", "continue",
                "continue",
                "delete", "continue",
            ],
            program: Program.stops.path
        )
        #expect(output.contains("(call to syscall getppid)"))
        #expect(output.contains("(returned from syscall getppid)"))
        #expect(output.contains("= 110\n"))
        #expect(output.contains("(call to syscall getpid)"))
        #expect(output.contains("(returned from syscall getpid)"))
        #expect(output.contains("(call to syscall getuid)"))
        #expect(output.contains("(returned from syscall getuid)"))
        #expect(output.contains("(call to syscall getgid)"))
        #expect(output.contains("exited with code 05"))
    }

    @Test("a caught exec, a thread in a caught call, and a detach between entry and return")
    func systemCallsInThreads() throws {
        let server = try FixtureServer()
        let lab = try RunningLab()
        let output = try gdb([
            "target extended-remote :\(server.port)", "attach \(lab.id)",
            "catch syscall clock_nanosleep", "continue", "continue", "continue", "detach",
        ])
        #expect(output.contains("(call to syscall clock_nanosleep)"))
        try lab.expectUntouched()
    }

    @Test("conditions are evaluated by the server: the client hears of the one stop that counts")
    func conditions() throws {
        let server = try FixtureServer()
        let started = Date()
        let output = try gdb(
            start(server, "loop 20000") + [
                "break hot if n == 19990 && (n & 1) == 0 && word[2] == 99", "set debug remote 1",
                "continue", "set debug remote 0", "print n", "delete", "continue",
            ],
            program: Program.stops.path
        )
        #expect(output.contains("= 19990\n"))
        #expect(output.contains(";X"))
        // One stop, not twenty thousand.
        #expect(output.components(separatedBy: "Packet received: T05").count - 1 == 1)
        #expect(output.contains("exited with code 05"))
        #expect(Date().timeIntervalSince(started) < 60)
    }

    @Test("conditions in many threads: every hit is judged, none is missed")
    func conditionsInThreads() throws {
        let server = try FixtureServer()
        let output = try gdb(
            start(server, "threads 8 300") + [
                "break hot if n == -1", "continue",
            ],
            program: Program.stops.path
        )
        #expect(output.contains("exited with code 05"))
        let counted = try gdb(
            start(server, "threads 8 100") + [
                "break hot if n % 50 == 49", "ignore 2 15", "continue", "info breakpoints",
                "delete",
                "continue",
            ],
            program: Program.stops.path
        )
        #expect(counted.contains("breakpoint already hit 16 times"))
        #expect(counted.contains("exited with code 05"))
    }

    @Test("a condition that cannot be evaluated stops, and gdb says why")
    func failingCondition() throws {
        let server = try FixtureServer()
        let output = try gdb(
            start(server, "loop 3") + ["break hot if *(int *)n == 5", "continue", "print n"],
            program: Program.stops.path
        )
        #expect(
            output.contains("Error in testing condition") || output.contains("Cannot access memory")
        )
        #expect(output.contains("= 0\n"))
    }

    @Test("a hardware breakpoint's condition is evaluated by the server too")
    func hardwareCondition() throws {
        let server = try FixtureServer()
        let output = try gdb(
            start(server, "loop 500") + [
                "hbreak hot if n == 400", "set debug remote 1", "continue", "set debug remote 0",
                "print n", "delete", "continue",
            ],
            program: Program.stops.path
        )
        #expect(output.contains("= 400\n"))
        #expect(output.components(separatedBy: "Packet received: T05").count - 1 == 1)
        #expect(output.contains("exited with code 05"))
    }

    @Test("dprintf of the agent's style writes without stopping the program")
    func agentPrintf() throws {
        let server = try FixtureServer()
        let output = try gdb(
            start(server, "loop 5") + [
                "set dprintf-style agent",
                "dprintf hot,\"hot %d %5x %s\\n\", n, n + 16, word", "set debug remote 1",
                "continue", "set debug remote 0",
            ],
            program: Program.stops.path
        )
        for n in 0..<5 { #expect(output.contains("hot \(n)    1\(n) abcdef")) }
        #expect(output.contains("cmds:"))
        #expect(!output.contains("Packet received: T05"))
        #expect(output.contains("exited with code 05"))
    }

    @Test("the details of a signal can be read and changed, and outlast a called function")
    func signalDetails() throws {
        let server = try FixtureServer()
        let output = try gdb(
            start(server, "signal") + [
                "continue", "print $_siginfo.si_signo",
                "print $_siginfo._sifields._rt.si_sigval.sival_int",
                "print twice(21)", "print $_siginfo._sifields._rt.si_sigval.sival_int",
                "set var $_siginfo._sifields._rt.si_sigval.sival_int = 99", "continue",
            ],
            program: Program.stops.path
        )
        #expect(output.contains("received signal SIGUSR1"))
        #expect(output.contains("$1 = 10\n"))
        #expect(output.contains("$2 = 77\n"))
        #expect(output.contains("$3 = 42\n"))
        #expect(output.contains("$4 = 77\n"))
        // The handler ends the program with the value that it was given.
        #expect(output.contains("exited with code 0143"))
    }

    @Test("a called function that takes a signal is stopped in it, or goes on where it is passed")
    func calledFunctionTakesSignal() throws {
        let server = try FixtureServer()
        let output = try gdb(
            start(server, "loop 3") + [
                "print raising(5)", "backtrace 8", "continue", "print $pc != 0",
                "handle SIGUSR2 nostop noprint pass", "print raising(6)", "print taken",
                "set unwindonsignal on", "handle SIGUSR2 stop print pass", "print raising(7)",
                "backtrace 1", "delete", "signal 0",
            ],
            program: Program.stops.path
        )
        #expect(
            output.contains(
                "The program being debugged was signaled while in a function called from GDB"
            )
        )
        #expect(output.contains("<function called from gdb>"))
        #expect(output.contains("= 6\n"))
        #expect(output.contains("GDB has restored the context to what it was before the call"))
        #expect(output.contains("main ("))
        #expect(output.contains("exited with code 05"))
    }

    @Test("signals are passed without a stop, stopped at, or kept from the program as gdb is told")
    func passedSignals() throws {
        let server = try FixtureServer()
        let passed = try gdb(
            start(server, "raise 2000") + [
                "set debug remote 1", "handle SIGUSR2 nostop noprint pass", "continue",
                "set debug remote 0",
            ],
            program: Program.stops.path
        )
        #expect(passed.contains("QPassSignals:"))
        #expect(!passed.contains("Packet received: T"))
        #expect(passed.contains("exited with code 06"))
        let dropped = try gdb(
            start(server, "raise 3") + ["handle SIGUSR2 nostop noprint nopass", "continue"],
            program: Program.stops.path
        )
        #expect(dropped.contains("exited with code 07"))
    }

    @Test("when the only thread that runs ends while others stand, gdb is told so")
    func noneResumed() throws {
        let server = try FixtureServer()
        let output = try gdb(
            start(server, "threads 3 1") + [
                "break hot", "continue", "delete", "set scheduler-locking on", "continue",
                "info threads", "thread 1", "set scheduler-locking off", "continue",
            ],
            program: Program.stops.path
        )
        #expect(output.contains("No unwaited-for children left."))
        #expect(output.contains("exited with code 05"))
    }
}
