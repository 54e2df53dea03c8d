import Foundation
import Glibc
import Testing

/// `Tests/Demo/worker.c`, running, with what the kernel says of it.
struct Debuggee {
    let program: RunningProgram
    let path: String

    /// Compiles the worker into the lab's folder under a name of its own and starts it.
    init(in lab: Lab, threads: Int = 4, named name: String = "worker") throws {
        path = try lab.compile("Demo/worker.c", as: name)
        program = try lab.startOther(path, ["\(threads)", "/dev/stdout"])
        try program.wait(for: "\n")
    }

    var processID: Int32 { program.processID }

    /// One line of /proc/PID/status.
    func status(_ key: String) throws -> String {
        let text = try String(contentsOfFile: "/proc/\(processID)/status", encoding: .utf8)
        let line = text.split(separator: "\n").first { $0.hasPrefix("\(key):") }
        return line.map { $0.dropFirst(key.count + 1).trimmingCharacters(in: .whitespaces) } ?? ""
    }

    /// Waits until nobody traces it.
    func waitUntilUntraced() throws {
        let deadline = Date(timeIntervalSinceNow: RunningProgram.patienceSeconds)
        while try status("TracerPid") != "0" { try #require(Date() < deadline) }
    }

    /// Fails unless the program makes progress and nobody traces it.
    func expectRunsFree(_ comment: Comment? = nil) throws {
        program.forgetOutput()
        try program.wait(for: "\n")
        #expect(try status("TracerPid") == "0", comment)
        for task in try FileManager.default.contentsOfDirectory(
            atPath: "/proc/\(processID)/task"
        ) {
            let text = try String(
                contentsOfFile: "/proc/\(processID)/task/\(task)/status",
                encoding: .utf8
            )
            let state = text.split(separator: "\n").first { $0.hasPrefix("State:") } ?? ""
            #expect(!state.contains("stopped"), "thread \(task): \(state)")
        }
    }

    /// The program's code as it lies in memory: everything mapped executable from its own file.
    func code() throws -> [UInt8] {
        let maps = try String(contentsOfFile: "/proc/\(processID)/maps", encoding: .utf8)
        let memory = open("/proc/\(processID)/mem", O_RDONLY | O_CLOEXEC)
        try #require(memory >= 0)
        defer { close(memory) }
        var code: [UInt8] = []
        for line in maps.split(separator: "\n") where line.hasSuffix(path) {
            let fields = line.split(separator: " ")
            guard fields[1].contains("x") else { continue }
            let ends = fields[0].split(separator: "-").compactMap { UInt64($0, radix: 16) }
            var bytes = [UInt8](repeating: 0, count: Int(ends[1] - ends[0]))
            let count = pread(memory, &bytes, bytes.count, off_t(ends[0]))
            try #require(count == bytes.count)
            code += bytes
        }
        try #require(!code.isEmpty)
        return code
    }
}
