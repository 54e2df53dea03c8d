import Foundation
import Glibc
import Testing

@Suite("Sessions with the stock lldb, no special settings", .serialized)
struct LLDBSessionTests {
    @Test(
        "platform mode: attach, threads, breakpoints, steps, variables, registers, memory, detach"
    )
    func attach() throws {
        let lab = try Lab()
        let (_, port) = try lab.startTCPServer()
        let steps = try RunningSteps(in: lab)
        let output = try lab.lldb(
            lab.lldbPlatform(port) + [
                "file \(steps.path)", "process attach -p \(steps.processID)", "thread list",
                "breakpoint set --name leaf", "continue", "bt", "frame variable",
                "register read rip rsp ymm0", "register write rax 0x1234", "register read rax",
                "next", "step", "finish", "up", "breakpoint delete -f",
                "breakpoint set --file steps.c --line 24", "continue",
                "memory read --count 6 --format c &text", "memory write &text 0x53",
                "memory read --count 6 --format c &text", "thread step-inst", "detach",
            ]
        )
        let comment = Comment(rawValue: output.text)
        #expect(output.contains("stop reason = signal SIGSTOP"), comment)
        #expect(output.contains("name = 'worker-2'"), comment)
        #expect(output.contains("stop reason = breakpoint 1.1"), comment)
        #expect(output.contains("steps`middle(x="), comment)
        #expect(output.contains("(double) x = "), comment)
        #expect(output.contains("rax = 0x0000000000001234"), comment)
        #expect(output.contains("ymm0 = {0x"), comment)
        #expect(output.contains("stop reason = step over"), comment)
        #expect(output.contains("stop reason = step in"), comment)
        #expect(output.contains("Return value: (double)"), comment)
        #expect(output.contains("stop reason = breakpoint 2.1"), comment)
        #expect(output.contains("steps\\0"), comment)
        #expect(output.contains("Steps\\0"), comment)
        #expect(output.contains("stop reason = instruction step into"), comment)
        #expect(output.contains("Process \(steps.processID) detached"), comment)
        try steps.expectRunsFree(comment)
    }

    @Test("expressions: arithmetic, a call of the program's function, a string, a variable set")
    func expressions() throws {
        let lab = try Lab()
        let (_, port) = try lab.startTCPServer()
        let steps = try RunningSteps(in: lab)
        let output = try lab.lldb(
            lab.lldbPlatform(port) + [
                "file \(steps.path)", "process attach -p \(steps.processID)",
                "breakpoint set --name middle", "continue", "expression add(20, 22)",
                "expression x + 1000", "expression leaf(21)", "expression watched = 99",
                "expression watched", "expression (int)strlen(text)", "bt", "detach",
            ]
        )
        let comment = Comment(rawValue: output.text)
        #expect(output.contains("(int) $0 = 42"), comment)
        #expect(output.contains("= 42\n"), comment)
        #expect(output.contains("= 99\n"), comment)
        #expect(output.contains("(int) $5 = 5"), comment)
        #expect(!output.contains("error:"), comment)
        try steps.expectRunsFree(comment)
    }

    @Test("a watchpoint stops where the variable is written, with its old and new value")
    func watchpoint() throws {
        let lab = try Lab()
        let (_, port) = try lab.startTCPServer()
        let steps = try RunningSteps(in: lab)
        let output = try lab.lldb(
            lab.lldbPlatform(port) + [
                "file \(steps.path)", "process attach -p \(steps.processID)",
                "watchpoint set variable watched", "continue", "bt 1", "continue",
                "watchpoint list", "watchpoint delete -f", "detach",
            ]
        )
        let comment = Comment(rawValue: output.text)
        #expect(output.contains("type = w"), comment)
        #expect(output.contains("Watchpoint 1 hit:"), comment)
        #expect(output.contains("stop reason = watchpoint 1"), comment)
        #expect(output.contains("steps`leaf"), comment)
        let hits = output.text.components(separatedBy: "Watchpoint 1 hit:").count - 1
        #expect(hits == 2, comment)
        try steps.expectRunsFree(comment)
    }

    @Test("launch through the platform: sent there, arguments, output, breakpoint, exit status")
    func launch() throws {
        let lab = try Lab()
        let (_, port) = try lab.startTCPServer()
        let program = try lab.compileSteps()
        let output = try lab.lldb(
            lab.lldbPlatform(port) + [
                "file \(program)", "breakpoint set --name middle", "run 2 'two words'", "bt",
                "frame select 1", "frame variable argc", "continue", "continue",
            ]
        )
        let comment = Comment(rawValue: output.text)
        #expect(output.contains("started 2 two words"), comment)
        #expect(output.contains("stop reason = breakpoint 1.1"), comment)
        #expect(output.contains("steps`middle(x=0.5)"), comment)
        #expect(output.contains("(int) argc = 3"), comment)
        #expect(output.contains("exited with status = 7"), comment)
        #expect(FileManager.default.fileExists(atPath: program), "lldb removed the program")
    }

    @Test("kill ends a launched program; what it reads is what is typed or in a file")
    func killAndInput() throws {
        let lab = try Lab()
        let (_, port) = try lab.startTCPServer()
        let program = try lab.compileSteps()
        try "from a file\n".write(toFile: "\(lab.folder)/input", atomically: true, encoding: .utf8)
        let output = try lab.lldb(
            lab.lldbPlatform(port) + [
                "file \(program)", "breakpoint set --name middle",
                "process launch -i \(lab.folder)/input -o \(lab.folder)/output -- 1 read", "kill",
                "process launch -i \(lab.folder)/input -- 1 read", "continue",
            ]
        )
        let comment = Comment(rawValue: output.text)
        #expect(output.contains("exited with status = 9"), comment)
        #expect(output.contains("read from a file"), comment)
        #expect(output.contains("exited with status = 7"), comment)
        let written = try String(contentsOfFile: "\(lab.folder)/output", encoding: .utf8)
        #expect(written.contains("started 1 read"), comment)
    }

    @Test("signals: stopped at, named as lldb names them, passed on or kept")
    func signals() throws {
        let lab = try Lab()
        let (_, port) = try lab.startTCPServer()
        let program = try lab.compileSteps()
        // In batch mode lldb ends at a signal.
        let output = try lab.lldb(
            lab.lldbPlatform(port) + [
                "file \(program)", "breakpoint set --name middle", "run 1 signal", "continue",
                "expression handled", "kill",
                "breakpoint set --name main", "run 1 signal",
                "process handle -p false -s true SIGUSR1", "continue", "continue",
                "expression handled", "kill", "quit",
            ],
            isBatch: false
        )
        let comment = Comment(rawValue: output.text)
        #expect(output.contains("stop reason = signal SIGUSR1"), comment)
        #expect(output.contains("$0 = 1"), comment)
        #expect(output.contains("$1 = 0"), comment)
    }

    @Test("a program that forks and one that executes another are followed")
    func forkAndExec() throws {
        let lab = try Lab()
        let (_, port) = try lab.startTCPServer()
        let program = try lab.compileSteps()
        let output = try lab.lldb(
            lab.lldbPlatform(port) + [
                "file \(program)", "breakpoint set --name leaf", "run 1 fork", "bt", "continue",
                "run 1 exec", "continue", "frame select 2", "frame variable argc", "continue",
                "continue",
            ]
        )
        let comment = Comment(rawValue: output.text)
        #expect(output.contains("started 1 fork"), comment)
        #expect(output.contains("stop reason = exec"), comment)
        #expect(output.contains("started 2 executed"), comment)
        let exits = output.text.components(separatedBy: "exited with status = 7").count - 1
        #expect(exits == 2, comment)
    }

    @Test("the platform: process list, attach by name, files, folders, commands")
    func platform() throws {
        let lab = try Lab()
        let (_, port) = try lab.startTCPServer()
        let path = try lab.compile("Demo/steps.c", as: "stepsbyname")
        let steps = try lab.startOther(path, ["0"])
        try steps.wait(for: "\n")
        try "some text\n".write(toFile: "\(lab.folder)/here", atomically: true, encoding: .utf8)
        let output = try lab.lldb(
            lab.lldbPlatform(port) + [
                "platform status", "platform process list --name stepsbyname",
                "platform process info \(steps.processID)",
                "platform put-file \(lab.folder)/here \(lab.folder)/there",
                "platform get-file \(lab.folder)/there \(lab.folder)/back",
                "platform get-size \(lab.folder)/there", "platform mkdir \(lab.folder)/made",
                "platform shell cat \(lab.folder)/there; exit 3",
                "process attach --name stepsbyname", "detach",
            ]
        )
        let comment = Comment(rawValue: output.text)
        #expect(output.contains("Triple: x86_64-pc-linux-gnu"), comment)
        #expect(output.contains("1 matching process"), comment)
        #expect(output.contains("\(steps.processID) "), comment)
        #expect(output.contains("File size of \(lab.folder)/there (remote): 10"), comment)
        let back = try String(contentsOfFile: "\(lab.folder)/back", encoding: .utf8)
        #expect(back == "some text\n", comment)
        #expect(output.contains("some text\n"), comment)
        #expect(output.contains("\n3\n") || output.contains("status 3"), comment)
        var isFolder: ObjCBool = false
        let isThere = FileManager.default.fileExists(
            atPath: "\(lab.folder)/made",
            isDirectory: &isFolder
        )
        #expect(isThere && isFolder.boolValue, comment)
        #expect(output.contains("Process \(steps.processID) stopped"), comment)
        #expect(output.contains("Process \(steps.processID) detached"), comment)
    }

    @Test("without the platform: gdb-remote at the prompt, then attach, interrupt, detach")
    func plainConnection() throws {
        let lab = try Lab()
        let (_, port) = try lab.startTCPServer()
        let steps = try RunningSteps(in: lab)
        let lldb = try lab.startOther("/usr/bin/lldb", ["--no-lldbinit"])
        lldb.type("log enable -f \(lab.folder)/lldb.log gdb-remote packets\n")
        lldb.type("gdb-remote 127.0.0.1:\(port)\n")
        try waitUntilConnected("\(lab.folder)/lldb.log")
        lldb.type("process attach -p \(steps.processID)\n")
        try lldb.wait(for: "stop reason = signal SIGSTOP")
        lldb.type("breakpoint set --name leaf\ncontinue\n")
        try lldb.wait(for: "stop reason = breakpoint 1.1")
        lldb.type("bt\n")
        try lldb.wait(for: "steps`main")
        lldb.type("breakpoint delete -f\ncontinue\n")
        try lldb.wait(for: "resuming")
        lldb.forgetOutput()
        try interrupt(lldb)
        lldb.type("detach\nquit\n")
        #expect(try lldb.waitForExit() == 0, "\(lldb.output)\(lldb.errors)")
        try steps.expectRunsFree(Comment(rawValue: lldb.output + lldb.errors))
    }

    /// Interrupts the process: lldb says "resuming" before it takes it for running, and refuses until then.
    private func interrupt(_ lldb: RunningProgram) throws {
        let (stopped, refused) = ("stop reason = signal SIGSTOP", "Process is not running")
        repeat {
            lldb.forgetErrors()
            lldb.type("process interrupt\n")
            try lldb.wait(until: { $0.output.contains(stopped) || $0.errors.contains(refused) })
        } while !lldb.output.contains(stopped)
    }

    /// Waits until lldb has asked for a process for the last time: what is typed before may be taken for
    /// input of the process that is not there yet.
    private func waitUntilConnected(_ log: String) throws {
        let deadline = Date().addingTimeInterval(RunningProgram.patienceSeconds)
        var count = 0
        while count < 2, Date() < deadline {
            let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
            count = text.components(separatedBy: "send packet: $qProcessInfo#").count - 1
            usleep(50_000)
        }
        try #require(count >= 2, "lldb does not connect")
    }

    @Test("lldb and gdb debug two programs of one server at the same time")
    func besideGDB() throws {
        let lab = try Lab()
        let (_, port) = try lab.startTCPServer()
        let steps = try RunningSteps(in: lab)
        let debuggee = try Debuggee(in: lab)
        let gdb = try lab.startOther(
            "/usr/bin/gdb",
            lab.gdbArguments(
                [
                    "target extended-remote 127.0.0.1:\(port)", "attach \(debuggee.processID)",
                    "break store", "continue", "echo here\\n", "shell cat", "bt", "detach",
                ],
                program: debuggee.path
            )
        )
        try gdb.wait(for: "here")
        // gdb's session stands at its breakpoint all the while.
        let output = try lab.lldb(
            lab.lldbPlatform(port) + [
                "file \(steps.path)", "process attach -p \(steps.processID)",
                "breakpoint set --name leaf", "continue", "bt", "detach",
            ]
        )
        let comment = Comment(rawValue: output.text)
        #expect(output.contains("stop reason = breakpoint 1.1"), comment)
        try steps.expectRunsFree(comment)
        gdb.closeInput()
        #expect(try gdb.waitForExit() == 0)
        #expect(gdb.output.contains("in measure (sensor="), "\(gdb.output)")
        try debuggee.expectRunsFree()
    }

    @Test("lldb killed in mid-session leaves what it attached to running without a breakpoint")
    func killed() throws {
        let lab = try Lab()
        let (server, port) = try lab.startTCPServer()
        let steps = try RunningSteps(in: lab)
        let lldb = try lab.startOther(
            "/usr/bin/lldb",
            lab.lldbArguments(
                lab.lldbPlatform(port) + [
                    "file \(steps.path)", "process attach -p \(steps.processID)",
                    "breakpoint set --name leaf", "continue", "platform shell sleep 50",
                ]
            )
        )
        try lldb.wait(for: "stop reason = breakpoint 1.1")
        lldb.signal(SIGKILL)
        try server.wait(for: "session ended", in: \.errors)
        try steps.expectRunsFree(Comment(rawValue: lldb.output))
    }

    @Test("over a serial channel, through dbgbridge: attach, breakpoint, stepping, expression")
    func overASerialLine() throws {
        let lab = try Lab()
        let line = try SerialLine(.socat, in: lab)
        let steps = try RunningSteps(in: lab)
        _ = try lab.startServer(line.labChannel(7))
        let bridge = try lab.start("dbgbridge", ["-c", line.deskChannel(7), "-s", "tcp:port=0"])
        try bridge.wait(for: "listening on", in: \.errors)
        let name = bridge.errors.firstMatch(of: /tcp:Port=(\d+)/)
        let match = try #require(name, "\(bridge.errors)")
        let port = try #require(Int(match.output.1))
        let output = try lab.lldb(
            lab.lldbPlatform(port) + [
                "file \(steps.path)", "process attach -p \(steps.processID)", "thread list",
                "breakpoint set --name leaf", "continue", "bt", "next", "finish",
                "expression add(2, 3)", "detach",
            ]
        )
        let comment = Comment(rawValue: output.text + bridge.errors)
        #expect(output.contains("name = 'worker-2'"), comment)
        #expect(output.contains("stop reason = breakpoint 1.1"), comment)
        #expect(output.contains("steps`main"), comment)
        #expect(output.contains("stop reason = step over"), comment)
        #expect(output.contains("Return value: (double)"), comment)
        #expect(output.contains("= 5\n"), comment)
        try steps.expectRunsFree(comment)
    }

    @Test("the same script says the same with lldb's own server")
    func besideItsOwnServer() throws {
        let lab = try Lab()
        let (_, port) = try lab.startTCPServer()
        let steps = try RunningSteps(in: lab)
        let script = [
            "file \(steps.path)", "process attach -p \(steps.processID)", "thread list",
            "breakpoint set --name leaf", "continue", "bt 3", "frame variable", "next", "step",
            "finish", "expression add(2, 3)", "breakpoint delete -f",
            "watchpoint set variable watched", "continue", "watchpoint delete -f", "thread list",
            "detach",
        ]
        let ours = try lab.lldb(lab.lldbPlatform(port) + script)
        try steps.expectRunsFree(Comment(rawValue: ours.text))
        guard let theirs = try ownServersTranscript(of: script, in: lab, port % 20_000 + 40_000)
        else {
            print("not compared: lldb's own server does not attach on this machine")
            return
        }
        let comment = Comment(rawValue: "ours:\n\(ours)\ntheirs:\n\(theirs)")
        let left = comparable(ours, steps.path)
        let right = comparable(theirs, steps.path)
        #expect(left == right, comment)
    }

    /// What lldb says with its own server, which now and then names no port to its client ("invalid host:port").
    private func ownServersTranscript(
        of script: [String],
        in lab: Lab,
        _ firstPort: Int
    ) throws -> LLDBTranscript? {
        for port in firstPort..<(firstPort + 3) {
            let own = try lab.startOther(
                "/bin/sh",
                [
                    "-c",
                    "cd \(lab.folder) && exec /usr/bin/lldb-server platform --server"
                        + " --listen 127.0.0.1:\(port) </dev/null >server.log 2>&1",
                ]
            )
            defer { own.signal(SIGTERM) }
            let transcript = try lab.lldb(lab.lldbPlatform(port) + script)
            if transcript.contains("detached") { return transcript }
        }
        return nil
    }

    /// From the attach on, without values that a running program changes.
    private func comparable(_ transcript: LLDBTranscript, _ program: String) -> [Substring] {
        let text = transcript.normalised(program)
        let start = text.range(of: "(lldb) process attach")?.lowerBound ?? text.startIndex
        return text[start...].split(separator: "\n").filter { line in
            let changes = ["= N.5", "value: ", "$0 = ", "clock_nanosleep", "x = "]
            return !changes.contains { line.contains($0) }
        }
    }
}
