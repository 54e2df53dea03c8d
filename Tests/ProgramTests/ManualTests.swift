import Foundation
import Testing

@Suite("What dbgcom says about itself")
struct ManualTests {
    static let commands = [
        "list", "watch", "stats", "doctor", "loopback", "bench", "connect", "serve", "cable",
    ]

    private var manual: URL { manual(of: "dbgcom") }

    private func manual(of program: String) -> URL {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("docs/man/\(program).1")
    }

    @Test("the manuals are well-formed", arguments: ["dbgcom", "dbgsrv", "cdb", "dbgbridge"])
    func lint(program: String) throws {
        let path = manual(of: program).path
        let lint = try run("/usr/bin/mandoc", ["-T", "lint", "-W", "warning", path])
        #expect(lint.status == 0, "\(lint)")
        #expect(lint.output.isEmpty, "\(lint.output)")
    }

    @Test("the manuals know every option that the help has", arguments: ["dbgsrv", "cdb"])
    func options(program: String) throws {
        let text = try String(contentsOf: manual(of: program), encoding: .utf8)
            .replacing("\\-", with: "-")
        let lab = try Lab()
        let help = try lab.run(program, ["-?"])
        #expect(help.status == 0)
        for option in help.output.matches(of: /^ +(--?[a-zA-Z-]+)/.anchorsMatchLineEndings()) {
            #expect(text.contains(option.output.1), "\(program) \(option.output.1)")
        }
    }

    @Test("the manual knows every command and every option", arguments: commands)
    func complete(command: String) throws {
        let text = try String(contentsOf: manual, encoding: .utf8)
        let plain = text.replacing("\\-", with: "-")
        #expect(plain.contains("\n.SS \(command)\n"))
        let lab = try Lab()
        let help = try lab.run("dbgcom", ["help", command])
        #expect(help.status == 0)
        for option in help.output.matches(of: /^  (?:-., )?(--[a-z-]+)/.anchorsMatchLineEndings()) {
            guard option.output.1 != "--help", option.output.1 != "--version" else { continue }
            #expect(plain.contains(option.output.1), "\(command) \(option.output.1)")
        }
    }

    @Test(
        "help has an example of every command",
        arguments: commands
    )
    func examples(command: String) throws {
        let lab = try Lab()
        let help = try lab.run("dbgcom", ["help", command])
        #expect(help.output.contains("  dbgcom \(command)"), "\(help.output)")
    }

    @Test("completions are made for each shell", arguments: ["bash", "zsh", "fish"])
    func completions(shell: String) throws {
        let lab = try Lab()
        let script = try lab.run("dbgcom", ["--generate-completion-script", shell])
        #expect(script.status == 0)
        for command in Self.commands { #expect(script.output.contains(command)) }
        if shell == "bash" {
            let file = "\(lab.folder)/completion"
            try script.output.write(toFile: file, atomically: true, encoding: .utf8)
            let check = try ProgramTests.run("/bin/bash", ["-n", file])
            #expect(check.status == 0, "\(check)")
        }
    }

    @Test("a wrong command line is told from a failure by its status")
    func usage() throws {
        let lab = try Lab()
        for arguments in [
            ["connect", "com2"], ["connect", "com2", "255"], ["serve", "com2", "1", "--session"],
            ["cable", "--cut-every", "1"], ["bench"], ["stats", "com2", "--interval", "0"],
            ["connect", "com2", "1", "--listen", "udp:5"], ["doctor", "com2", "--baud", "1"],
        ] {
            let result = try lab.run("dbgcom", arguments)
            #expect(result.status == 64, "\(arguments): \(result)")
            #expect(result.errors.contains("Usage: dbgcom"), "\(result.errors)")
        }
    }
}
