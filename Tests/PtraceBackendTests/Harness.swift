import DebugTarget
import Foundation
import Glibc
import LinuxSystem
import PtraceBackend
import TestPrograms
import Testing

/// Runs a body on a thread of its own: ptrace ties a debuggee to the thread that traces it.
func onTracerThread<Answer: Sendable>(
    _ body: @escaping @Sendable (PtraceTarget) throws -> Answer
) async throws -> Answer {
    try await withCheckedThrowingContinuation { continuation in
        let thread = Thread { continuation.resume(with: Result { try traced(body) }) }
        thread.stackSize = 8 << 20
        thread.start()
    }
}

private func traced<Answer>(_ body: (PtraceTarget) throws -> Answer) throws -> Answer {
    let target = try PtraceTarget()
    defer {
        for process in target.processes {
            if target.wasLaunched(process) {
                try? target.kill(process)
            } else {
                try? target.detach(from: process)
            }
        }
    }
    return try body(target)
}

/// A file of counters that a program shares with the test.
final class Progress: @unchecked Sendable {
    // SAFETY: the mapping is written by the other process; reads here are of aligned words.
    let path: String
    private let words: UnsafeMutablePointer<Int>

    init() throws {
        path = "\(Programs.folder)/progress.\(UUID().uuidString)"
        try Data(count: 4096).write(to: URL(fileURLWithPath: path))
        let file = open(path, O_RDWR)
        defer { close(file) }
        let mapping = mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
        words = try #require(mapping).assumingMemoryBound(to: Int.self)
    }

    deinit {
        munmap(words, 4096)
        unlink(path)
    }

    subscript(index: Int) -> Int {
        get { words[index] }
        set { words[index] = newValue }
    }

    struct Stuck: Error, CustomStringConvertible {
        var description: String
    }

    /// Waits until a counter has gone up by that much; a program that stands fails the test.
    func waitForMore(_ count: Int = 3, counter: Int = 0) throws {
        try waitUntil(words[counter] + count, counter: counter)
    }

    /// Waits until a counter has reached a value.
    func waitUntil(_ goal: Int, counter: Int = 0) throws {
        let deadline = Date().addingTimeInterval(20)
        while words[counter] < goal {
            guard Date() < deadline else {
                throw Stuck(description: "the program does not go on: \(words[counter]) of \(goal)")
            }
            usleep(1000)
        }
    }
}

/// A program that runs by itself, to be attached to.
///
/// It is no child of the test runner: a tracer does not hear of the end of a program that another thread
/// of its own process has waited for.
final class RunningProgram {
    let id: ProcessID
    let progress: Progress

    init(_ name: String, _ arguments: [String] = []) throws {
        progress = try Progress()
        let program = try Programs.path(name)
        let line = "\"$@\" >/dev/null 2>&1 </dev/null & echo $!"
        let output = try run("/bin/sh", ["-c", line, "sh", program, progress.path] + arguments)
        id = ProcessID(try #require(Int32(output.dropLast())))
        try progress.waitForMore()
    }

    func signal(_ number: Int32) {
        kill(id.rawValue, number)
    }

    /// Checks that the program runs without a tracer, as if nothing had happened.
    func expectUntouched(sourceLocation: SourceLocation = #_sourceLocation) throws {
        #expect(status("TracerPid") == "0", sourceLocation: sourceLocation)
        try progress.waitForMore(5)
    }

    /// A line of /proc/PID/status.
    func status(_ key: String) -> String? { processStatus(id, key) }

    deinit { kill(id.rawValue, SIGKILL) }
}

func processStatus(_ process: ProcessID, _ key: String) -> String? {
    guard let text = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8) else {
        return nil
    }
    let line = text.split(separator: "\n").first { $0.hasPrefix(key + ":") }
    return line?.split(separator: "\t").dropFirst().first.map { String($0) }
}

/// Memory as it really is, trap instructions included.
func rawMemory(_ process: ProcessID, _ address: TargetAddress, _ count: Int) throws -> [UInt8] {
    let file = try #require(FileHandle(forReadingAtPath: "/proc/\(process)/mem"))
    try file.seek(toOffset: address.rawValue)
    return [UInt8](try file.read(upToCount: count) ?? Data())
}

extension PtraceTarget {
    /// Starts one of the test programs.
    func start(_ name: String, _ arguments: [String] = []) throws -> ThreadID {
        try launch(LaunchRequest(arguments: [try Programs.path(name)] + arguments))
    }

    /// Resumes everything and waits for what happens.
    func go(_ actions: [ResumeAction] = [ResumeAction(.all, .run)]) throws -> TargetEvent {
        try resume(actions)
        return try #require(try waitForEvent())
    }

    /// Resumes everything and waits for what happens; a program that hangs fails the test.
    func goWithin(seconds: Double = 30) throws -> TargetEvent {
        try resume([ResumeAction(.all, .run)])
        let deadline = Date().addingTimeInterval(seconds)
        while Date() < deadline {
            if let event = try nextEvent() { return event }
        }
        throw Progress.Stuck(description: "nothing has happened in \(seconds) s")
    }

    /// Serves the running program until a counter has reached a value; nothing may be reported.
    func serve(_ progress: Progress, until goal: Int, counter: Int = 0) throws {
        let deadline = Date().addingTimeInterval(30)
        while progress[counter] < goal {
            if let event = try nextEvent() {
                throw Progress.Stuck(description: "\(event) was reported")
            }
            guard Date() < deadline else {
                throw Progress.Stuck(description: "\(progress[counter]) of \(goal)")
            }
        }
    }

    /// Where a symbol of the program lies in the process's memory.
    func address(of symbol: String, in process: ProcessID) throws -> TargetAddress {
        let path = try executablePath(of: process)
        let output = try run("/usr/bin/nm", [path])
        let line = try #require(
            output.split(separator: "\n").first { $0.hasSuffix(" \(symbol)") },
            "no symbol \(symbol) in \(path)"
        )
        let offset = try #require(UInt64(line.split(separator: " ")[0], radix: 16))
        let base = try #require(memoryRegions(of: process).first { $0.name == path })
        return base.range.lowerBound + offset
    }

    func counter(of thread: ThreadID) throws -> TargetAddress {
        try value("rip", of: thread).map { TargetAddress($0) } ?? TargetAddress(0)
    }

    func value(_ register: String, of thread: ThreadID) throws -> UInt64? {
        let description = try targetDescription(of: thread.process)
        let named = try #require(description.register(named: register))
        return try registers(of: thread).value(of: named)
    }
}

/// Runs a program to its end and gives what it wrote.
///
/// Foundation's `Process` is of no use here: it waits until nobody has its pipe any more, and what is
/// started in the background inherits that.
@discardableResult
func run(_ program: String, _ arguments: [String]) throws -> String {
    let (process, output) = try spawn([program] + arguments)
    let text = String(decoding: output.readDataToEndOfFile(), as: UTF8.self)
    waitpid(process, nil, 0)
    return text
}
