import DebugTarget
import Foundation
import PtraceBackend
import Testing

// One after the other: each test is several busy threads.
@Suite(.serialized) struct LaunchTests {
    /// What the program was started with, line by line.
    private static func show(_ change: @Sendable (inout LaunchRequest) -> Void) async throws
        -> [String]
    {
        let file = "\(Programs.folder)/show.\(UUID().uuidString)"
        var request = LaunchRequest(
            arguments: [try Programs.path("show")],
            environment: [EnvironmentChange(name: "SHOW_TO", value: file)]
        )
        change(&request)
        let wanted = request
        try await onTracerThread { target in
            let thread = try target.launch(wanted)
            #expect(try target.go() == .exited(thread.process, status: 0))
        }
        let text = try String(contentsOfFile: file, encoding: .utf8)
        return text.split(separator: "\n").map { String($0) }
    }

    static let awkward = ["a b", "", "d'e\"f", "$HOME", "*", "\\n", "ü"]

    @Test("arguments are kept exactly, through the shell too", arguments: [false, true])
    func arguments(usesShell: Bool) async throws {
        let lines = try await Self.show { request in
            request.arguments += Self.awkward
            request.usesShell = usesShell
        }
        #expect(Array(lines.prefix(Self.awkward.count)) == Self.awkward.map { "arg \($0)" })
    }

    @Test("environment and working directory are as asked for, and nothing of ours is inherited")
    func surroundings() async throws {
        let lines = try await Self.show { request in
            request.environment += [
                EnvironmentChange(name: "SHOW_SET", value: "x=y z"),
                EnvironmentChange(name: "HOME", value: nil),
            ]
            request.workingDirectory = "/usr/lib"
        }
        #expect(
            lines == [
                "cwd /usr/lib", "set x=y z", "unset (none)", "group 1", "blocked 0", "files 0",
                "stdin 0",
            ]
        )
    }

    @Test("the shell's redirections work")
    func redirection() async throws {
        let file = "\(Programs.folder)/out.\(UUID().uuidString)"
        try await onTracerThread { target in
            let thread = try target.launch(
                LaunchRequest(arguments: ["echo", "one  two", ">\(file)"], usesShell: true)
            )
            #expect(try target.go() == .exited(thread.process, status: 0))
        }
        #expect(try String(contentsOfFile: file, encoding: .utf8) == "one  two\n")
    }

    @Test("a launched program stands at its first instruction, with addresses that repeat")
    func firstInstruction() async throws {
        let counters = try await onTracerThread { target in
            try (0..<2).map { _ in
                let thread = try target.start("steps")
                let counter = try target.counter(of: thread)
                let regions = try target.memoryRegions(of: thread.process)
                let region = regions.first { $0.range.contains(counter) }
                #expect(region?.name.contains("ld-linux") == true)
                #expect(try target.modules(of: thread.process).isEmpty)
                try target.kill(thread.process)
                return counter
            }
        }
        #expect(counters[0] == counters[1])
    }

    struct Refusal: Sendable {
        var arguments: [String]
        var directory: String?
        var message: String
    }

    static let refusals = [
        Refusal(
            arguments: ["/nonexistent/x"],
            message: "cannot run /nonexistent/x: No such file or directory"
        ),
        Refusal(arguments: ["/usr/lib"], message: "cannot run /usr/lib: it is a folder"),
        Refusal(
            arguments: ["/etc/passwd"],
            message: "cannot run /etc/passwd: it is not executable"
        ),
        Refusal(arguments: [], message: "no program was named"),
        Refusal(
            arguments: ["/bin/true"],
            directory: "/nonexistent",
            message: "cannot run /bin/true in /nonexistent: No such file or directory"
        ),
    ]

    @Test("a program that cannot be run is refused with the reason", arguments: refusals)
    func refusal(_ refusal: Refusal) async throws {
        let message = try await onTracerThread { target -> String in
            let request = LaunchRequest(
                arguments: refusal.arguments,
                workingDirectory: refusal.directory
            )
            let error = #expect(throws: TargetError.self) { _ = try target.launch(request) }
            #expect(target.processes.isEmpty)
            return error?.message ?? ""
        }
        #expect(message == refusal.message)
    }

    @Test("a name that is not in PATH is refused with the folders that were searched")
    func notInPath() async throws {
        try await onTracerThread { target in
            let request = LaunchRequest(
                arguments: ["no-such-program"],
                environment: [EnvironmentChange(name: "PATH", value: "/bin:/usr/lib")]
            )
            let error = #expect(throws: TargetError.self) { _ = try target.launch(request) }
            #expect(error?.code == .cannotRun)
            #expect(error?.message.contains("(/bin:/usr/lib)") == true)
        }
    }

    @Test("a text file without an interpreter line is refused by exec itself")
    func execFailure() async throws {
        let path = "\(Programs.folder)/text.\(UUID().uuidString)"
        // By another process: a child that other tests fork now would keep the file open for writing.
        _ = try run("/bin/sh", ["-c", "echo no program >\(path); chmod +x \(path)"])
        try await onTracerThread { target in
            let request = LaunchRequest(arguments: [path])
            let error = #expect(throws: TargetError.self) { _ = try target.launch(request) }
            #expect(error?.message == "cannot run \(path): Exec format error")
        }
    }

    @Test("a killed program is gone at once and for good")
    func killing() async throws {
        try await onTracerThread { target in
            let thread = try target.start("steps")
            try target.kill(thread.process)
            #expect(target.processes.isEmpty)
            #expect(processStatus(thread.process, "State") == nil)
        }
    }
}
