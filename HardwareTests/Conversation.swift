import Foundation
import Glibc
import LinuxSystem

/// A program of this machine that a test talks with.
final class Conversation {
    private let process: Int32
    private let input: OwnedDescriptor
    private let output: OwnedDescriptor
    private(set) var text = ""
    private var hasEnded = false

    /// Starts a line of /bin/sh with changes of the environment.
    init(_ line: String, environment: [String]) throws {
        let input = try ProgramLauncher.makePipe()
        let output = try ProgramLauncher.makePipe()
        process = try ProgramLauncher.start(
            "/usr/bin/env",
            arguments: environment + ["/bin/sh", "-c", "exec \(line)"],
            descriptors: [input.read, output.write, output.write],
            newSession: true
        )
        self.input = input.write
        self.output = output.read
        try self.output.setNonBlocking()
    }

    deinit {
        if !hasEnded {
            kill(process, SIGKILL)
            ProgramLauncher.waitForEnd(of: process)
        }
    }

    /// Types a line.
    func type(_ line: String) throws {
        _ = try input.write(Array((line + "\n").utf8)[...])
    }

    /// Waits for words that come after those of the last wait, and gives what came up to them.
    @discardableResult
    func wait(for words: String, seconds: Int = 60) throws -> String {
        let end = monotonicNanoseconds() + UInt64(seconds) * 1_000_000_000
        while true {
            if let range = text.range(of: words) {
                let said = String(text[..<range.upperBound])
                text.removeSubrange(..<range.upperBound)
                return said
            }
            guard try collect(until: end) else {
                throw MachineFailure(description: "'\(words)' did not come; what came: \(text)")
            }
        }
    }

    /// Waits for its end; its status, and what it said since the last wait.
    func waitForEnd(seconds: Int = 60) throws -> (status: Int32?, text: String) {
        let end = monotonicNanoseconds() + UInt64(seconds) * 1_000_000_000
        while try collect(until: end) {}
        guard monotonicNanoseconds() < end else {
            throw MachineFailure(description: "it does not end; what came: \(text)")
        }
        hasEnded = true
        return (ProgramLauncher.waitForEnd(of: process), text)
    }

    /// Whether more has come; false at the end of its output or of the time.
    private func collect(until end: UInt64) throws -> Bool {
        while monotonicNanoseconds() < end {
            var requests = [PollRequest(output.number)]
            try pollDescriptors(&requests, untilMonotonicNanoseconds: end)
            guard let portion = try output.read(maximum: 65_536) else { continue }
            text += String(decoding: portion, as: UTF8.self)
            return !portion.isEmpty
        }
        return false
    }
}

extension LocalMachine {
    /// Starts a program that a test talks with.
    func converse(_ line: String) throws -> Conversation {
        try Conversation(line, environment: environment)
    }
}
