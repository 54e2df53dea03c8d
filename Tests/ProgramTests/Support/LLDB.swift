import Foundation
import Testing

/// What the stock lldb said to a list of commands.
struct LLDBTranscript: CustomStringConvertible {
    let text: String

    var description: String { text }

    func contains(_ part: String) -> Bool { text.contains(part) }

    /// The transcript without what differs from run to run: addresses, process ids, folders.
    func normalised(_ program: String) -> String {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { String($0) }
        lines.removeAll { $0.contains("log enable") || $0.contains("platform connect") }
        return lines.joined(separator: "\n")
            .replacing(/0x[0-9a-f]+/, with: "0xN")
            .replacing(/Process \d+/, with: "Process N")
            .replacing(/tid = \d+/, with: "tid = N")
            .replacing(/-p \d+/, with: "-p N")
            .replacing(/x=\d+\.5/, with: "x=N.5")
            .replacing(program, with: "PROGRAM")
    }
}

extension Lab {
    /// Where the programs to be debugged are: lldb removes a file of a program's name from the platform's
    /// working folder, so that must be another one.
    func compileSteps() throws -> String { try compile("Demo/steps.c", as: "steps") }

    /// Runs the stock lldb in batch mode, without anybody's configuration.
    func lldb(_ commands: [String], isBatch: Bool = true) throws -> LLDBTranscript {
        let result = try ProgramTests.run(
            "/usr/bin/lldb",
            lldbArguments(commands, isBatch: isBatch),
            environment: environment
        )
        return LLDBTranscript(text: result.output + result.errors)
    }

    func lldbArguments(_ commands: [String], isBatch: Bool = true) -> [String] {
        let log = ["log enable -f \(folder)/lldb.log gdb-remote packets"]
        return ["--no-lldbinit"] + (isBatch ? ["-b"] : [])
            + (log + commands).flatMap { ["-o", $0] }
    }

    /// What connects lldb to the platform of a server.
    func lldbPlatform(_ port: Int) -> [String] {
        ["platform select remote-linux", "platform connect connect://127.0.0.1:\(port)"]
    }
}

/// `steps`, running by itself.
struct RunningSteps {
    let program: RunningProgram
    let path: String

    init(in lab: Lab, _ arguments: [String] = ["0"]) throws {
        path = try lab.compileSteps()
        program = try lab.startOther(path, arguments)
        try program.wait(for: "\n")
    }

    var processID: Int32 { program.processID }

    /// Fails unless the program makes progress and nobody traces it.
    func expectRunsFree(_ comment: Comment) throws {
        program.forgetOutput()
        try program.wait(for: "\n")
        let text = try String(contentsOfFile: "/proc/\(processID)/status", encoding: .utf8)
        #expect(text.contains("TracerPid:\t0\n"), comment)
    }
}
