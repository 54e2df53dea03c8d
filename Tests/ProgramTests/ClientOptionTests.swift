import Foundation
import Testing

@Suite("Options of cdb")
struct ClientOptionTests {
    private let transport = "npipe:server=localhost,pipe=rabbit"

    private func lab() throws -> Lab {
        let lab = try Lab()
        _ = try lab.startServer("npipe:pipe=rabbit")
        return lab
    }

    @Test(
        "-pn attaches by name; -cf reads commands from a file; -logo and -loga keep what was said"
    )
    func nameScriptAndLogs() throws {
        let lab = try lab()
        let debuggee = try Debuggee(in: lab, named: "unmistakable")
        let script = "\(lab.folder)/script"
        let log = "\(lab.folder)/log"
        try "k\nqd\n".write(toFile: script, atomically: true, encoding: .utf8)
        for option in ["-logo", "-loga"] {
            let result = try lab.run(
                "cdb",
                ["-premote", transport, "-pn", "unmistakable", "-cf", script, option, log]
            )
            #expect(result.status == 0 && result.output.contains("unmistakable!"), "\(result)")
        }
        let text = try String(contentsOfFile: log, encoding: .utf8)
        #expect(text.components(separatedBy: "Child-SP").count == 3, "\(text)")
        try debuggee.expectRunsFree()
        let nobody = try lab.run("cdb", ["-premote", transport, "-pn", "nobody-is-called-so"])
        #expect(nobody.status == 3, "\(nobody)")
    }

    @Test("q ends what was attached to, unless -pd was given")
    func detachAtEnd() throws {
        let lab = try lab()
        let debuggee = try Debuggee(in: lab)
        let arguments = ["-premote", transport, "-p", "\(debuggee.processID)", "-c", "q"]
        #expect(try lab.run("cdb", ["-pd"] + arguments).status == 0)
        try debuggee.expectRunsFree()
        #expect(try lab.run("cdb", arguments).status == 0)
        #expect(try debuggee.program.waitForExit() != 0)
    }

    @Test("-g and -G pass over the first stop and the last, so that a program just runs")
    func passedStops() throws {
        let lab = try lab()
        let result = try lab.run("cdb", ["-premote", transport, "-g", "-G", "/bin/true"])
        #expect(result.status == 0, "\(result)")
        #expect(!result.output.contains("0:000>"), "\(result.output)")
    }

    @Test("the environment's search paths count, and with -sins they do not")
    func environmentPaths() throws {
        let lab = try Lab()
        lab.variables["_NT_SYMBOL_PATH"] = "/some/symbols"
        let with = try lab.run("cdb", ["-y", "/own", "-c", "q", "/usr/bin/true"])
        #expect(with.output.contains("Symbol search path is: /own;/some/symbols\n"), "\(with)")
        let without = try lab.run("cdb", ["-sins", "-y", "/own", "-c", "q", "/usr/bin/true"])
        #expect(without.output.contains("Symbol search path is: /own\n"), "\(without)")
    }
}
