import Foundation
import Testing

@Suite("A session that saves turns of the line")
struct FewTurnsTests {
    /// What a session showed, and how many times it waited for the server.
    private func session(
        _ lab: Lab,
        _ commands: String,
        _ program: [String],
        saving: Bool
    ) throws -> (output: String, turns: Int, resumes: Int) {
        let log = "\(lab.folder)/packets-\(saving)"
        lab.variables["DBGSRV_PACKET_LOG"] = log
        lab.variables["DBGSRV_SAVE_TURNS"] = saving ? "1" : "0"
        let result = try lab.run(
            "cdb",
            ["-premote", "npipe:server=localhost,pipe=target", "-lines", "-c", commands] + program
        )
        #expect(result.status == 0, "\(result)")
        let lines = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
        var turns = 0
        for (line, next) in zip(lines, lines.dropFirst())
        where line.contains(" -> ") && next.contains(" <- ") { turns += 1 }
        return (result.output, turns, lines.count { $0.contains(" -> vCont;") })
    }

    /// What differs from run to run whoever asks: numbers of processes and of threads.
    private func comparable(_ text: String) -> String {
        text.replacing(/\b[0-9a-f]+\.[0-9a-f]+\b/, with: "PID.TID")
    }

    @Test("EXT-11: shows what one without shows, and waits a quarter less often at least")
    func sameAnswers() throws {
        let lab = try Lab()
        _ = try lab.startServer("npipe:pipe=target")
        let steps = try lab.compile("Demo/steps.c", as: "steps")
        let commands =
            "bp main;g;k;r;dv;t;t;p;k;dv;bl;p;p;t;r rip;dps @rsp L8;ed @rsp-100 12345678;dd @rsp-100 L4;r rax=5;r rax;gu;k;t;k;q"
        let saving = try session(lab, commands, [steps, "2"], saving: true)
        let plain = try session(lab, commands, [steps, "2"], saving: false)
        #expect(comparable(saving.output) == comparable(plain.output))
        #expect(saving.output.contains("steps!main"))
        #expect(saving.turns * 4 < plain.turns * 3, "\(saving.turns) and \(plain.turns)")
    }

    @Test("stacks of threads that run on between two looks are never old ones")
    func threads() throws {
        let lab = try Lab()
        _ = try lab.startServer("npipe:pipe=target")
        let worker = try lab.compile("Demo/worker.c", as: "worker")
        let commands = "bp worker!store;g;~*k;g;~*k;dv;gu;~*k;bc *;q"
        for saving in [true, false] {
            let shown = try session(lab, commands, [worker, "3"], saving: saving)
            #expect(shown.output.matches(of: /Breakpoint 0 hit/).count >= 2)
            // Whoever stopped stands in store, with its callers, each time.
            #expect(
                shown.output.matches(of: /worker!store.*\n.*worker!measure.*\n.*worker!run_sensor/)
                    .count >= 2
            )
        }
    }

    @Test("a step into a call, over one and out of one costs no stop of the threads beside it")
    func crowd() throws {
        let lab = try Lab()
        _ = try lab.startServer("npipe:pipe=target")
        let crowd = try lab.compile("Demo/crowd.c", as: "crowd")
        let commands = "bp crowd!busy;g;bc *;l+t;t;gu;t;t;gu;p;p;q"
        let shown = try session(lab, commands, [crowd, "6"], saving: true)
        #expect(shown.output.matches(of: /crowd!leaf\+/).count == 2, "\(shown.output)")
        #expect(shown.output.matches(of: /crowd!busy\+/).count >= 4, "\(shown.output)")
        // The module events of the start are among them.
        #expect(shown.resumes <= 20, "\(shown.resumes) resumes: \(shown.output)")
    }
}
