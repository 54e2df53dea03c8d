import Foundation
import Testing

/// Sessions made from seeds over a program whose memory changes behind the debugger's back, with everything that saves
/// turns and without: each answer must be the same. More seeds: `SAME_ANSWERS_SEEDS=100`.
@Suite("What saves turns changes no answer")
struct SameAnswersTests {
    private static let seeds =
        0..<UInt64(
            ProcessInfo.processInfo.environment["SAME_ANSWERS_SEEDS"].flatMap { UInt64($0) } ?? 3
        )
    private static let length = 40

    /// Commands that look, write, and go on, in an order that the seed decides.
    private func session(_ seed: UInt64, from commands: [String]) -> [String] {
        var state = seed &* 0x9e37_79b9_7f4a_7c15 | 1
        return (0..<Self.length).map { _ in
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return commands[Int(state % UInt64(commands.count))]
        }
    }

    private static let gdbCommands = [
        "continue", "continue", "continue", "next", "next", "stepi", "finish", "bt", "info locals",
        "p table", "p signals", "p local", "x/6xb generated", "x/i generated", "x/2xg $rbp",
        "p $rip", "p generated()", "set var table[7] = 99", "p table[7]", "set var $rax = 7",
        "p $rax", "thread apply 2 p table[1]", "thread 1", "info registers rsp rbp", "x/2i $pc",
        "tbreak run", "p *outside >= 0", "p $_siginfo.si_signo", "up", "x/100xb &table[3]", "p run",
        "watch signals", "delete", "break round_done", "set *(int *)((char *)generated + 1) = 77",
        "p round_done(1, 2)",
    ]

    private static let cdbCommands = [
        "g", "g", "g", "p", "p", "gu", "k", "dv", "dd restless!table L10",
        "dd restless!signals L1", "db poi(restless!generated) L6", "dps @rbp L2", "r rip",
        "ed restless!table+1c 63", "r rax=7", "r rax", "~0s", "u @rip L2", "bl",
        "bp restless!run", "bc *", "bp restless!round_done",
        "ed poi(restless!generated)+1 4d", "db restless!table+13 L40",
    ]

    /// What differs from run to run whoever asks.
    private func comparable(_ text: String) -> [Substring] {
        text.replacing(/(process|LWP) [0-9]+/, with: "NUMBER")
            .replacing(/Thread 0x[0-9a-f]+ \(LWP \d+\)|Thread [0-9.]+/, with: "Thread")
            .replacing(/\b[0-9a-f]+\.[0-9a-f]+\b/, with: "PID.TID")
            .split(separator: "\n")
    }

    private func begun() throws -> (lab: Lab, program: String) {
        let lab = try Lab()
        let flags = ["-g", "-O0", "-pthread"]
        return (lab, try lab.compile("Demo/restless.c", as: "restless", flags: flags))
    }

    @Test(
        "gdb through a bridge that answers, one that does not, and beside gdbserver",
        arguments: seeds
    )
    func gdb(seed: UInt64) throws {
        let (lab, program) = try begun()
        _ = try lab.startServer("npipe:pipe=target")
        let port = try freePort()
        let stub = try lab.startOther("/usr/bin/gdbserver", ["--multi", "127.0.0.1:\(port)"])
        try stub.wait(for: "Listening on port", in: \.errors)
        let bridge = "\(Lab.program("dbgbridge")) -s stdio -c"
        let ours = "npipe:server=localhost,pipe=target"
        let targets = [
            "\(bridge) \(ours)", "\(bridge) \(ours) --plain",
            "\(bridge) tcp:server=127.0.0.1,port=\(port)",
        ]
        let commands = session(seed, from: Self.gdbCommands)
        let answers = try targets.map { target in
            try lab.gdb(
                [
                    "set sysroot /", "set width 0", "set environment LD_BIND_NOW 1",
                    "target extended-remote | \(target)", "file \(program)",
                    "set remote exec-file \(program)", "handle SIGUSR1 nostop noprint",
                    "break round_done", "run",
                ] + commands.flatMap { ["echo > \($0)\\n", $0] } + ["kill"]
            )
        }
        #expect(answers[0].contains("hit Breakpoint 1, round_done (round=0"), "\(answers[0])")
        #expect(comparable(answers[0]) == comparable(answers[1]))
        // gdbserver describes registers in its own order and its stops in its own words: what is asked of values is the same.
        #expect(values(answers[0]) == values(answers[2]))
    }

    /// What `p` and `x` have shown.
    private func values(_ text: String) -> [Substring] {
        text.split(separator: "\n").filter { $0.hasPrefix("$") || $0.hasPrefix("0x") }
    }

    @Test("cdb with everything on and off", arguments: seeds)
    func cdb(seed: UInt64) throws {
        let (lab, program) = try begun()
        _ = try lab.startServer("npipe:pipe=target")
        let commands = session(seed, from: Self.cdbCommands).flatMap { [".echo \($0)", $0] }
        let script = (["sxd 10", "bp restless!round_done", "g"] + commands + ["q"]).joined(
            separator: ";"
        )
        let answers = try ["1", "0"].map { saving in
            lab.variables["DBGSRV_SAVE_TURNS"] = saving
            return try lab.run(
                "cdb",
                ["-premote", "npipe:server=localhost,pipe=target", "-lines", "-c", script, program]
            ).output
        }
        #expect(answers[0].contains("restless!round_done"), "\(answers[0])")
        #expect(comparable(answers[0]) == comparable(answers[1]))
    }

    @Test(
        "what another process changes is seen by gdb through a bridge while the program stands"
    )
    func outside() throws {
        let (lab, program) = try begun()
        _ = try lab.startServer("npipe:pipe=target")
        let bridge = "\(Lab.program("dbgbridge")) -s stdio -c npipe:server=localhost,pipe=target"
        let pause = "shell sleep 0.1"
        let gdb = try lab.gdb(
            [
                "set sysroot /", "target extended-remote | \(bridge)", "file \(program)",
                "set remote exec-file \(program)", "break round_done", "handle SIGUSR1 nostop",
                "run", "p *outside", pause, "p *outside", pause, "p *outside", "kill",
            ]
        )
        let seen = gdb.matches(of: /\$\d+ = (\d+)/).compactMap { Int($0.output.1) }
        #expect(seen.count == 3 && seen == seen.sorted() && Set(seen).count == 3, "\(gdb)")
    }

    @Test("what another process changes is seen by cdb while the program stands")
    func outsideOfCdb() throws {
        let (lab, program) = try begun()
        _ = try lab.startServer("npipe:pipe=target")
        let cdb = try lab.start(
            "cdb",
            [
                "-premote", "npipe:server=localhost,pipe=target", "-c", "g restless!round_done",
                program,
            ]
        )
        try cdb.wait(for: "Signal SIGUSR1")
        var seen: Set<Substring> = []
        for _ in 0..<1000 where seen.count < 3 {
            cdb.forgetOutput()
            cdb.type("? poi(poi(restless!outside))\n")
            let shown = try cdb.wait(for: " = 0000")
            shown.firstMatch(of: /expression: (\d+)/).map { _ = seen.insert($0.output.1) }
        }
        #expect(seen.count == 3)
        cdb.type("q\n")
        #expect(try cdb.waitForExit() == 0)
    }
}
