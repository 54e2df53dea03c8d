import Foundation
import Glibc
import Testing

@Suite("dbgsrv: the rest of the line, the log, the list of options")
struct ServerBasicsTests {
    @Test("behind -x anything may stand")
    func ignoredRest() throws {
        let lab = try Lab()
        let server = try lab.start(
            "dbgsrv",
            ["-v", "-t", "npipe:pipe=rabbit", "-x", "-t", "nonsense", "--what", "\u{1}é"]
        )
        try server.wait(for: "listening on npipe:Pipe=rabbit", in: \.errors)
        server.signal(SIGTERM)
        #expect(try server.waitForExit() == 0)
        #expect(try lab.run("dbgsrv", ["-x", "-t", "tcp:port=0"]).errors.contains("-t is missing"))
    }

    @Test("--log writes to a file what -v would say, at its end, and says nothing else")
    func logFile() throws {
        let lab = try Lab()
        let path = "\(lab.folder)/log"
        try "before\n".write(toFile: path, atomically: true, encoding: .utf8)
        let server = try lab.start("dbgsrv", ["--log", path, "-t", "npipe:pipe=rabbit"])
        let deadline = Date(timeIntervalSinceNow: 60)
        var text = ""
        while !text.contains("listening on"), Date() < deadline {
            text = try String(contentsOfFile: path, encoding: .utf8)
        }
        #expect(text.hasPrefix("before\n"))
        #expect(text.contains("listening on npipe:Pipe=rabbit"))
        server.signal(SIGTERM)
        #expect(try server.waitForExit() == 0)
        #expect(server.output.isEmpty && server.errors.isEmpty)
    }

    @Test(
        "docs/compatibility.md has every option that the help lists",
        arguments: ["dbgsrv", "cdb"]
    )
    func listed(program: String) throws {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("docs/compatibility.md")
        let rows = try String(contentsOf: path, encoding: .utf8).split(separator: "\n")
            .filter { $0.hasPrefix("| `") }.joined(separator: "\n")
        let help = try Lab().run(program, ["-?"])
        #expect(help.status == 0)
        for option in help.output.matches(of: /^ +(--?[a-zA-Z?-]+)/.anchorsMatchLineEndings()) {
            let name = option.output.1
            let isThere = rows.contains("`\(name)`") || rows.contains("`\(name) ")
            #expect(isThere, "\(program) \(name)")
        }
    }
}
