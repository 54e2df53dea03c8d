import Foundation
import LinuxSystem

/// A computer that the tests have commands run on: this one, one that ssh reaches, or a guest.
protocol Machine: AnyObject {
    /// What the table calls it.
    var name: String { get }
    /// Runs a script of /bin/sh to its end; what it leaves running has its output redirected.
    func run(_ script: String, seconds: Int) throws -> ProgramOutput
}

struct MachineFailure: Error, CustomStringConvertible {
    let description: String
}

extension Machine {
    /// Runs a script that has to end with status 0, and gives its output.
    @discardableResult
    func require(_ script: String, seconds: Int = 60) throws -> String {
        let result = try run(script, seconds: seconds)
        guard result.isSuccess else {
            throw MachineFailure(
                description: "\(name): \(script): \(result.ending as Any): \(result.text)"
            )
        }
        return result.text
    }

    /// Runs a script, whatever its status, and gives its output.
    func output(_ script: String, seconds: Int = 60) throws -> String {
        try run(script, seconds: seconds).text
    }

    /// Waits until a script ends with status 0.
    func wait(for script: String, seconds: Int = 60) throws {
        let end = "$(( $(date +%s) + \(seconds) ))"
        let loop = "end=\(end); until { \(script); } >/tmp/rig-wait 2>&1; do "
        let late = "[ $(date +%s) -lt $end ] || { cat /tmp/rig-wait; exit 1; }"
        try require(loop + late + "; sleep 0.1; done", seconds: seconds + 10)
    }

    /// Starts a program that goes on; it is known by a name of the caller's, and so is its log.
    func start(_ name: String, _ command: String) throws {
        let log = "/tmp/rig-\(name).log"
        try require(
            "rm -f \(log); setsid nohup \(command) >\(log) 2>&1 </dev/null & echo $! >/tmp/rig-\(name).pid"
        )
    }

    /// Ends a program that was started under that name.
    func stop(_ name: String) {
        let file = "/tmp/rig-\(name).pid"
        let script =
            "[ -e \(file) ] || exit 0; pid=$(cat \(file)); kill $pid 2>/dev/null; "
            + "for i in $(seq 100); do kill -0 $pid 2>/dev/null || break; sleep 0.05; done; rm -f \(file)"
        _ = try? run(script, seconds: 30)
    }

    /// The log of a program that was started under that name.
    func log(_ name: String) -> String {
        (try? output("cat /tmp/rig-\(name).log")) ?? ""
    }
}

/// This machine.
final class LocalMachine: Machine {
    let name = "here"
    let environment: [String]

    /// A machine whose programs get these changes of the environment.
    init(environment: [String: String] = [:]) {
        self.environment = environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    }

    func run(_ script: String, seconds: Int) throws -> ProgramOutput {
        try ProgramOutput.run(
            "/usr/bin/env",
            environment + ["/bin/sh", "-c", script],
            milliseconds: seconds * 1000
        )
    }
}

/// A machine that ssh reaches without a question.
final class RemoteMachine: Machine {
    let name: String
    private let destination: String

    init(name: String, destination: String) {
        self.name = name
        self.destination = destination
    }

    func run(_ script: String, seconds: Int) throws -> ProgramOutput {
        try ProgramOutput.run(
            "/usr/bin/ssh",
            ["-o", "BatchMode=yes", destination, script],
            milliseconds: seconds * 1000
        )
    }
}
