import Foundation
import Glibc
import LinuxSystem

/// A program that a test started, with its output as it comes.
final class RunningProgram {
    struct Timeout: Error, CustomStringConvertible {
        let description: String
    }

    /// How long anything may take on a busy machine before the test gives up, in seconds.
    static let patienceSeconds = 90.0

    private let outputEnd: OwnedDescriptor
    private let errorEnd: OwnedDescriptor
    private var inputEnd: OwnedDescriptor?
    private var ended = [false, false]
    private var exitStatus: Int32?
    private(set) var output = ""
    private(set) var errors = ""
    let name: String
    let processID: Int32

    /// Starts a program with our environment and these changes; its signals are as a shell leaves them.
    init(_ path: String, _ arguments: [String] = [], environment: [String: String] = [:]) throws {
        name = path.split(separator: "/").last.map(String.init) ?? path
        let input = try ProgramLauncher.makePipe()
        let output = try ProgramLauncher.makePipe()
        let errors = try ProgramLauncher.makePipe()
        let changes = environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        processID = try ProgramLauncher.start(
            "/usr/bin/env",
            arguments: changes + [path] + arguments,
            descriptors: [input.read, output.write, errors.write],
            newSession: false
        )
        inputEnd = input.write
        outputEnd = output.read
        errorEnd = errors.read
        try outputEnd.setNonBlocking()
        try errorEnd.setNonBlocking()
    }

    deinit {
        if isRunning {
            kill(processID, SIGKILL)
            ProgramLauncher.waitForEnd(of: processID)
        }
    }

    var isRunning: Bool {
        guard exitStatus == nil else { return false }
        var status: Int32 = 0
        if waitpid(processID, &status, WNOHANG) == processID { exitStatus = decoded(status) }
        return exitStatus == nil
    }

    private func decoded(_ status: Int32) -> Int32 {
        status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
    }

    /// Types into its standard input.
    func type(_ text: String) {
        guard let inputEnd else { return }
        _ = try? inputEnd.write(Array(text.utf8)[...])
    }

    func closeInput() {
        inputEnd = nil
    }

    func signal(_ number: Int32) {
        if isRunning { kill(processID, number) }
    }

    /// Waits until the output (or the errors) hold the text, beginning at `offset` characters.
    @discardableResult
    func wait(for text: String, in stream: KeyPath<RunningProgram, String> = \.output) throws
        -> String
    {
        try wait("'\(text)'") { $0[keyPath: stream].contains(text) }
        return self[keyPath: stream]
    }

    /// Waits until what has come is enough.
    func wait(
        _ what: String = "what was awaited",
        until isEnough: (RunningProgram) -> Bool
    ) throws {
        let deadline = Date(timeIntervalSinceNow: Self.patienceSeconds)
        while !isEnough(self) {
            guard collect(until: deadline) else {
                throw Timeout(
                    description: "\(name): \(what) did not come; output: \(output)"
                        + " errors: \(errors)"
                )
            }
        }
    }

    /// Forgets the output so far, what waits in the pipe too, so that the next wait is for something new.
    func forgetOutput() {
        while collect(until: Date(timeIntervalSinceNow: 5), waiting: false) {}
        output = ""
    }

    /// Forgets the errors so far.
    func forgetErrors() {
        while collect(until: Date(timeIntervalSinceNow: 5), waiting: false) {}
        errors = ""
    }

    /// Waits for its end and collects the rest of the output.
    func waitForExit() throws -> Int32 {
        let deadline = Date(timeIntervalSinceNow: Self.patienceSeconds)
        while collect(until: deadline) {}
        guard Date() < deadline else {
            throw Timeout(
                description: "\(name) does not end; output: \(output) errors: \(errors)"
            )
        }
        if let exitStatus { return exitStatus }
        var status: Int32 = 0
        while waitpid(processID, &status, 0) < 0, errno == EINTR {}
        exitStatus = decoded(status)
        return decoded(status)
    }

    /// Reads what there is, waiting for it; false when both streams have ended or time is up.
    private func collect(until deadline: Date, waiting: Bool = true) -> Bool {
        var entries = [outputEnd, errorEnd].map { end in
            pollfd(fd: end.number, events: Int16(POLLIN), revents: 0)
        }
        for index in entries.indices where ended[index] { entries[index].fd = -1 }
        let left = deadline.timeIntervalSinceNow
        guard left > 0, ended.contains(false) else { return false }
        guard poll(&entries, 2, waiting ? Int32(left * 1000) + 1 : 0) > 0 else { return false }
        for index in entries.indices where entries[index].revents != 0 {
            var buffer = [UInt8](repeating: 0, count: 65_536)
            let count = read(entries[index].fd, &buffer, buffer.count)
            if count > 0 {
                let text = String(decoding: buffer[..<count], as: UTF8.self)
                if index == 0 { output += text } else { errors += text }
            } else if count == 0 || errno != EAGAIN {
                ended[index] = true
            }
        }
        return true
    }
}

/// Runs a program to its end.
func run(
    _ path: String,
    _ arguments: [String],
    environment: [String: String] = [:]
) throws -> (status: Int32, output: String, errors: String) {
    let program = try RunningProgram(path, arguments, environment: environment)
    program.closeInput()
    let status = try program.waitForExit()
    return (status, program.output, program.errors)
}
