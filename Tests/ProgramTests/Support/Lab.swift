import Foundation
import Glibc
import Testing

/// A folder of its own with everything a test needs: programs, a cable, debuggees; all gone at the end.
final class Lab {
    let folder: String
    private var programs: [RunningProgram] = []
    /// What is added to the environment of programs that are started from now on.
    var variables: [String: String] = [:]

    init() throws {
        var template = Array("/tmp/dbgsrv-test-XXXXXX".utf8CString)
        folder = try #require(
            mkdtemp(&template).map { String(cString: $0) },
            "no temporary folder"
        )
    }

    deinit {
        for program in programs.reversed() {
            program.closeInput()
            program.signal(SIGTERM)
        }
        for program in programs.reversed() { _ = try? program.waitForExit() }
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// The folder that holds the programs under test: beside the test bundle.
    static let products: String = {
        let bundle = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
        return ((bundle ?? "") as NSString).deletingLastPathComponent
    }()

    static func program(_ name: String) -> String { "\(products)/\(name)" }

    /// Sockets and locks of this lab's brokers stay in its folder; brokers end soon after their last user.
    var environment: [String: String] {
        let usual = [
            "DBGSRV_RUNTIME_DIR": "\(folder)/run", "XDG_CACHE_HOME": "\(folder)/cache",
            "HOME": folder, "DBGSRV_CERTIFICATES": "\(folder)/certificates",
            "DBGSRV_MACHINE_CERTIFICATES": "\(folder)/machine-certificates",
            "DBGSRV_BROKER_IDLE_SECONDS": "2",
        ]
        return usual.merging(variables) { $1 }
    }

    /// Starts one of our programs; it is ended with the lab.
    func start(_ name: String, _ arguments: [String]) throws -> RunningProgram {
        try startOther(Self.program(name), arguments)
    }

    /// Starts any program; it is ended with the lab.
    func startOther(_ path: String, _ arguments: [String]) throws -> RunningProgram {
        let program = try RunningProgram(path, arguments, environment: environment)
        programs.append(program)
        return program
    }

    /// Runs one of our programs to its end.
    func run(
        _ name: String,
        _ arguments: [String]
    ) throws -> (status: Int32, output: String, errors: String) {
        try ProgramTests.run(Self.program(name), arguments, environment: environment)
    }

    /// Runs gdb without anybody's configuration.
    func gdb(_ commands: [String], program: String? = nil) throws -> String {
        let arguments = gdbArguments(commands, program: program)
        let result = try ProgramTests.run("/usr/bin/gdb", arguments, environment: environment)
        return result.output + result.errors
    }

    func gdbArguments(_ commands: [String], program: String? = nil) -> [String] {
        ["-nx", "-q", "-batch"] + commands.flatMap { ["-ex", $0] } + (program.map { [$0] } ?? [])
    }

    /// Compiles a C program of Tests/ into the lab's folder.
    func compile(_ source: String, as name: String, flags: [String] = ["-g", "-O0"]) throws
        -> String
    {
        let tests = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let output = "\(folder)/\(name)"
        let path = tests.appendingPathComponent(source).path
        let arguments = flags + ["-o", output, path, "-lm", "-lpthread"]
        let result = try ProgramTests.run("/usr/bin/gcc", arguments)
        try #require(result.status == 0, "\(result.errors)")
        return output
    }
}
