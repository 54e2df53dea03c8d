import Foundation
import Testing

@Suite("gdb and lldb through a bridge that answers")
struct BridgedAnswersTests {
    /// What gdb showed, and how many times the bridge waited for the server.
    private func gdb(
        _ lab: Lab,
        _ commands: [String],
        isPlain: Bool
    ) throws -> (output: String, turns: Int) {
        let log = "\(lab.folder)/bridge-\(isPlain)"
        lab.variables["DBGSRV_PACKET_LOG"] = log
        let bridge = "\(Lab.program("dbgbridge")) -c npipe:server=localhost,pipe=target"
        let target = "target extended-remote | \(bridge)\(isPlain ? " --plain" : "") -s stdio"
        let output = try lab.gdb([target] + commands)
        let lines = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
        var turns = 0
        for (line, next) in zip(lines, lines.dropFirst())
        where line.contains(" -> ") && next.contains(" <- ") { turns += 1 }
        return (output, turns)
    }

    /// Without numbers of processes, and without the columns that are as wide as they are long.
    private func comparable(_ text: String) -> String {
        text.replacing(/(process|Thread|LWP) [0-9.]+/, with: "NUMBER").replacing(#/ +/#, with: " ")
    }

    @Test("gdb shows what it shows without it, with a third of the turns at most")
    func sameAnswers() throws {
        let lab = try Lab()
        _ = try lab.startServer("npipe:pipe=target")
        let steps = try lab.compile("Demo/steps.c", as: "steps")
        let commands = [
            // What the dynamic linker does at a first call, gdb steps through instruction by instruction.
            "set environment LD_BIND_NOW 1", "set sysroot /", "file \(steps)",
            "set remote exec-file \(steps)",
            "break main", "run 3", "bt",
            "info registers rip rsp", "next", "step", "info locals", "bt", "stepi", "info threads",
            "x/64xb $sp", "set var $rax=5", "p $rax", "finish", "p (int)getpid() > 0", "next",
            "break main if 1 == 2", "x/4i $pc", "p $_siginfo.si_signo", "kill",
        ]
        let answered = try gdb(lab, commands, isPlain: false)
        let plain = try gdb(lab, commands, isPlain: true)
        #expect(comparable(answered.output) == comparable(plain.output))
        #expect(answered.output.contains("Breakpoint 1, main"), "\(answered.output)")
        #expect(answered.turns * 3 <= plain.turns, "\(answered.turns) and \(plain.turns)")
    }
}
