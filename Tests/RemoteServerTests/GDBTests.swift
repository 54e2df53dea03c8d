import Foundation
import Testing

/// The stock gdb without any setting, over a real socket, on real processes.
@Suite(.serialized) struct GDBTests {
    @Test("run with arguments, breakpoint, backtrace, threads, next, step, finish, exit status")
    func run() throws {
        let server = try FixtureServer()
        let output = try gdb(
            [
                "target extended-remote :\(server.port)", "set remote exec-file \(Lab.program)",
                "break middle", "run 2 'with space'", "backtrace", "info threads", "next", "step",
                "delete", "break leaf", "continue", "finish", "delete", "continue",
            ],
            program: Lab.program
        )
        #expect(output.contains("hit Breakpoint 1, middle (x=0.5)"))
        #expect(output.contains("in main (argc=3, argv="))
        // A thread has the program's name until it has given itself one.
        let threads = output.components(separatedBy: "\"worker-").count - 1
        let unnamed = output.components(separatedBy: "\"lab\"").count - 1
        #expect(threads + unnamed >= 20)
        #expect(output.contains("return y + 1;"))
        #expect(output.contains("hit Breakpoint 2, leaf (x=1.5)"))
        #expect(output.contains("Value returned is $1 = 3"))
        #expect(output.contains("exited with code 07"))
    }

    @Test("attach to a process of 20 threads found by info os, read and write, detach")
    func attach() throws {
        let server = try FixtureServer()
        let lab = try RunningLab()
        let output = try gdb([
            "target extended-remote :\(server.port)", "info os processes", "attach \(lab.id)",
            "info threads", "break leaf", "continue", "info registers rip", "print/x $sp != 0",
            "print x", "print $xmm0.v2_double[0]", "set var x = 40.25", "print x * 2",
            "print table", "set var table[1] = 200", "print table", "p $rax = 0x1234",
            "p/x $rax", "print $_siginfo.si_signo", "info sharedlibrary",
            "info proc exe", "delete", "call leaf(5.5)", "detach",
        ])
        let row = output.split(separator: "\n").first {
            $0.hasPrefix("\(lab.id) ") && $0.contains(Lab.program)
        }
        #expect(row != nil, "info os processes")
        #expect(output.components(separatedBy: "\"worker-").count - 1 == 19)
        #expect(output.contains("hit Breakpoint 1, leaf"))
        #expect(output.contains("= 80.5"))
        #expect(output.contains("= \"\\001\\310\\003\\004\"") || output.contains("\\310"))
        #expect(output.contains("= 0x1234"))
        #expect(output.contains("= 11\n"))
        #expect(output.contains("= 5\n"))
        #expect(output.contains("libc.so.6"))
        #expect(output.contains("exe = '\(Lab.program)'"))
        #expect(output.contains("detached"))
        try lab.expectUntouched()
    }

    @Test("Ctrl-C stops a running program, and it goes on after detaching")
    func interrupt() throws {
        let server = try FixtureServer()
        let lab = try RunningLab()
        let output = try gdb([
            "target extended-remote :\(server.port)", "attach \(lab.id)", interruptWhenRunning,
            "continue", "backtrace 1", "print watched >= 0", "detach",
        ])
        #expect(output.contains("received signal SIGINT"))
        #expect(output.contains("$1 = 1"))
        try lab.expectUntouched()
    }

    @Test("hardware watchpoints and breakpoints, and what the processor cannot do")
    func watchpoints() throws {
        let server = try FixtureServer()
        let output = try gdb(
            [
                "target extended-remote :\(server.port)", "set remote exec-file \(Lab.program)",
                "break main", "run 5", "watch watched", "continue", "continue", "delete",
                "awatch watched", "continue", "delete", "hbreak leaf", "continue", "delete",
                "rwatch watched", "continue", "kill",
            ],
            program: Lab.program
        )
        #expect(output.contains("Hardware watchpoint 2: watched"))
        #expect(output.contains("New value = 1"))
        #expect(output.contains("Hardware access (read/write) watchpoint 3: watched"))
        #expect(output.contains("hit Breakpoint 4, leaf") || output.contains("Hardware assisted"))
        #expect(output.contains("[Inferior 1 (process"))
    }

    @Test("signals are stopped at, passed, dropped and delivered as gdb is told")
    func signals() throws {
        let server = try FixtureServer()
        let lab = try RunningLab()
        let output = try gdb([
            "target extended-remote :\(server.port)", "attach \(lab.id)",
            "shell kill -USR1 \(lab.id)", "continue", "signal 0 &", "interrupt", "print handled",
        ])
        #expect(output.contains("received signal SIGUSR1"))
        let passed = try gdb([
            "target extended-remote :\(server.port)", "attach \(lab.id)",
            "handle SIGUSR1 nostop noprint pass", "shell kill -USR1 \(lab.id)",
            "watch handled", "continue", "backtrace", "delete", "detach",
        ])
        #expect(passed.contains("Hardware watchpoint"))
        #expect(passed.contains("New value ="))
        #expect(passed.contains("<signal handler called>"))
        try lab.expectUntouched()
    }

    @Test("disconnecting lets go, and the same process can be had again")
    func reconnect() throws {
        let server = try FixtureServer()
        let lab = try RunningLab()
        for _ in 0..<2 {
            let output = try gdb([
                "target extended-remote :\(server.port)", "attach \(lab.id)", "break leaf",
                "continue", "disconnect",
            ])
            #expect(output.contains("hit Breakpoint 1, leaf"))
            try lab.expectUntouched()
        }
        let output = try gdb([
            "target extended-remote :\(server.port)", "attach \(lab.id)", "kill",
            "target extended-remote :\(server.port)", "info threads",
        ])
        #expect(output.contains("killed"))
        #expect(output.contains("No threads."))
        while lab.status("State").map({ !$0.hasPrefix("Z") }) ?? false { usleep(1000) }
    }

    @Test("two clients debug two processes at once")
    func twoClients() throws {
        let server = try FixtureServer()
        let labs = [try RunningLab(), try RunningLab()]
        // Files of their own: two programs' words mix in one pipe.
        let line = labs.map { lab in
            "timeout 100 gdb -nx -batch -ex 'target extended-remote :\(server.port)' "
                + "-ex 'attach \(lab.id)' -ex 'break leaf' -ex continue -ex continue "
                + "-ex 'print \(lab.id) + 0' -ex detach </dev/null >\(Lab.folder)/\(lab.id).out 2>&1 &"
        }
        let files = labs.map { "\(Lab.folder)/\($0.id).out" }.joined(separator: " ")
        let output = try shell(line.joined(separator: "\n") + "\nwait; cat \(files)")
        for lab in labs {
            #expect(output.contains("= \(lab.id)\n"))
            try lab.expectUntouched()
        }
        #expect(output.components(separatedBy: "hit Breakpoint 1, leaf").count - 1 == 4)
    }

    @Test("a client that is killed leaves nothing behind, whatever it was doing")
    func killedClient() throws {
        let server = try FixtureServer()
        let lab = try RunningLab()
        let suicide = "python import os; os.kill(os.getpid(), 9)"
        let whileRunning = """
            python import threading, os; gdb.events.cont.connect(lambda e: \
            threading.Timer(0.2, lambda: os.kill(os.getpid(), 9)).start())
            """
        let scripts = [
            ["break leaf", "continue", suicide],
            ["hbreak leaf", "watch watched", "continue", suicide],
            ["break leaf if x > 1e9", whileRunning, "continue"],
        ]
        for script in scripts {
            _ = try gdb(
                ["target extended-remote :\(server.port)", "attach \(lab.id)"] + script
            )
            try lab.expectUntouched()
        }
    }

    @Test("an exec and a fork are followed as gdb is told")
    func forkAndExec() throws {
        let server = try FixtureServer()
        let shell = "/bin/sh"
        let followed = try gdb(
            [
                "target extended-remote :\(server.port)", "set remote exec-file \(shell)",
                "set follow-fork-mode child", "catch exec",
                "run -c '/bin/true; exit 4'", "continue",
            ],
            program: shell
        )
        #expect(followed.contains("(exec'd"))
        #expect(followed.contains("exited normally"))
        let parent = try gdb(
            [
                "target extended-remote :\(server.port)", "set remote exec-file \(shell)",
                "run -c '/bin/true; exit 4'",
            ],
            program: shell
        )
        #expect(parent.contains("exited with code 04"))
    }

    @Test("a serial link's short answers carry whole files all the same")
    func serialProfile() throws {
        let server = try FixtureServer(["--serial"])
        let copy = "\(Lab.folder)/copy"
        _ = try gdb([
            "target extended-remote :\(server.port)", "remote get \(Lab.program) \(copy)",
            "remote put \(Lab.program) \(copy).2", "remote put \(Lab.program) \(copy).3",
            "remote delete \(copy).3",
        ])
        #expect(try shell("cmp \(copy).2 \(Lab.program)") == "")
        #expect(!FileManager.default.fileExists(atPath: copy + ".3"))
        #expect(try shell("cmp \(copy) \(Lab.program)") == "")
    }

    @Test("monitor help lists commands, and monitor exit ends the server")
    func monitor() throws {
        let server = try FixtureServer()
        let output = try gdb([
            "target extended-remote :\(server.port)", "monitor help", "monitor exit",
        ])
        #expect(output.contains("ends the process server"))
        var status: Int32 = 0
        #expect(waitpid(server.process, &status, 0) == server.process)
    }
}
