import Foundation
import Testing

@Suite("Options of cdb on this machine")
struct CommandLineSessionTests {
    @Test("-xe and its kin set filters before anything runs; -x alone is -xd av")
    func events() throws {
        let text = try cdb("g;q", "thread", options: ["-xe", "ct"])
        #expect(text.contains("): Create thread 1:"), "\(text)")
        #expect(
            try cdb("sx;q", "", options: ["-x"]).contains("av - Access violation - second-chance")
        )
    }

    @Test("-pv looks at a process, lets nothing run, and the process runs on")
    func lookingOnly() throws {
        let program = try PipedProcess(Breakage.path, ["wait"])
        let result = try runToEnd(["-pv", "-p", "\(program.id)", "-c", "k 1;g;q"])
        #expect(result.text.contains("Child-SP"), "\(result.text)")
        #expect(result.text.contains("process execution cannot be monitored."))
        #expect(kill(program.id, 0) == 0)
        let status = try String(contentsOfFile: "/proc/\(program.id)/status", encoding: .utf8)
        #expect(status.contains("TracerPid:\t0\n"))
    }

    @Test("What Linux has no way for is refused with the reason")
    func impossible() throws {
        for option in ["-pvr"] {
            let result = try runToEnd([option, "-p", "1"])
            #expect(result.status == 1 && result.text.contains("on Linux"), "\(result)")
        }
    }

    @Test("-ee chooses the language of expressions that do not say which they are in")
    func evaluator() throws {
        for (option, number) in [("masm", "16"), ("c++", "10"), ("C++", "10")] {
            let result = try runToEnd(["-ee", option, "-c", ".expr;? 10;q", Breakage.path])
            #expect(
                result.status == 0 && result.text.contains("expression: \(number) ="),
                "\(result)"
            )
            let isC = option != "masm"
            #expect(result.text.contains("Current expression evaluator: \(isC ? "C++" : "MASM")"))
        }
        let wrong = try runToEnd(["-ee", "basic", Breakage.path])
        #expect(wrong.status == 1 && wrong.text.contains("masm or c++"), "\(wrong)")
    }

    @Test("-psn attaches to the main process of a unit, or says that there is none")
    func unit() throws {
        let none = try runToEnd(["-psn", "nosuchunit", "-c", "q"])
        #expect(none.status == 3 && none.text.contains("no unit nosuchunit.service"), "\(none)")
    }

    @Test("-psn finds a unit, of a template too, and of its processes the main one")
    func runningUnit() throws {
        // A control group's files as systemd has them, in a mount namespace of their own.
        let script = """
            mount -t tmpfs none /sys/fs/cgroup || exit 77
            sleep 1000 & main=$!
            for unit in sample.service 'system-my\\x2dunit.slice/my-unit@one.service'; do
                mkdir -p "/sys/fs/cgroup/system.slice/$unit"
                echo $main > "/sys/fs/cgroup/system.slice/$unit/cgroup.procs"
            done
            for unit in sample sample.service my-unit@one; do
                "$0" -psn $unit -pd -c 'q' | grep "Break instruction" || exit 1
            done
            grep State /proc/$main/status
            kill $main
            """
        let shell = try PipedProcess("/usr/bin/unshare", ["-m", "sh", "-c", script, Cdb.path])
        let ended = try shell.finish()
        if ended.status == 77 || ended.text.contains("unshare failed") {
            return print("not run: no mounts are allowed here: \(ended.text)")
        }
        #expect(ended.status == 0, "\(ended)")
        let breaks = ended.text.split(separator: "\n").filter { $0.contains("Break instruction") }
        #expect(breaks.count == 3 && ended.text.contains("S (sleeping)"), "\(ended.text)")
    }

    @Test("-cfr is carried out again after .restart")
    func repeatedScript() throws {
        let script = Debuggee.folder + "/repeated"
        try ".echo from the script\n".write(toFile: script, atomically: true, encoding: .utf8)
        let text = try cdb(".restart;q", "", options: ["-cfr", script])
        #expect(text.components(separatedBy: "from the script\n").count == 3, "\(text)")
        let once = try cdb(".restart;q", "", options: ["-cf", script])
        #expect(once.components(separatedBy: "from the script\n").count == 2)
    }

    @Test("A program's output goes to standard output, errors of cdb do not")
    func programOutput() throws {
        let line = "'\(Cdb.path)' -g -G '\(Breakage.path)' print 2>/dev/null"
        let text = try PipedProcess("/bin/sh", ["-c", line]).finish().text
        #expect(text.contains("printed 2\n"), "\(text)")
    }

    @Test("--json tells of stops, modules and output, a line of JSON each")
    func eventStream() throws {
        let file = Debuggee.folder + "/events-\(getpid())"
        _ = try cdb("bp twice;g;q", "calls", options: ["--json", file])
        let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
        let events = try lines.map { line in
            try #require(
                JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
                "\(line)"
            )
        }
        let names = events.compactMap { $0["event"] as? String }
        #expect(names.first == "start" && names.last == "end")
        #expect(names.contains("module-loaded") && names.contains("output"))
        let stop = try #require(events.last { $0["event"] as? String == "stop" })
        #expect(stop["reason"] as? String == "breakpoint")
        #expect(stop["breakpoints"] as? [Int] == [0])
        #expect(stop["line"] as? Int == Breakage.line("int twice"))
        #expect((stop["symbol"] as? String)?.hasPrefix("breakage!twice") == true)
    }

    @Test(".shell runs a command; -noshell, .noshell and a shared session forbid it")
    func shell() throws {
        #expect(try cdb(".shell echo $((40+2))", "").contains("42\n.shell: Process exited\n"))
        // .server takes its whole line, so the shell command stands on the next.
        let script = Debuggee.folder + "/shared"
        try ".server npipe:pipe=shelltest\n.shell echo $((40+2))\n"
            .write(toFile: script, atomically: true, encoding: .utf8)
        for text in [
            try cdb(".shell echo $((40+2))", "", options: ["-noshell"]),
            try cdb(".noshell;.shell echo $((40+2))", ""),
            try cdb("q", "", options: ["-cf", script]),
        ] {
            #expect(text.contains("Shell commands are forbidden"), "\(text)")
            #expect(!text.contains("42\n"))
        }
    }
}
