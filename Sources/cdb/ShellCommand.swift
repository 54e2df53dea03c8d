import DebugEngine
import Glibc
import LinuxSystem

/// Runs a command of the shell for `.shell`, with nothing to read and with its output in our hands.
enum ShellCommand {
    /// How much output is taken, in bytes.
    private static let outputBytesMax = 16 << 20
    /// How often Ctrl+C is looked for, in milliseconds.
    private static let lookMilliseconds = 100

    /// Our end of its output ends when all of its writers are gone.
    private static func start(_ line: String) throws -> (process: Int32, output: OwnedDescriptor) {
        let (reading, writing) = try ProgramLauncher.makePipe()
        let process = try ProgramLauncher.start(
            "/bin/sh",
            arguments: ["-c", line],
            descriptors: [try openFile("/dev/null", flags: O_RDONLY), writing, writing],
            newSession: true
        )
        return (process, reading)
    }

    static func run(_ line: String, isInterrupted: () -> Bool) throws -> String {
        let (process, reading) = try start(line)
        var bytes: [UInt8] = []
        defer {
            // Whoever still writes is told by SIGPIPE; the shell itself is gone or is ended here.
            ProgramLauncher.signalGroup(process, SIGKILL)
            ProgramLauncher.waitForEnd(of: process)
        }
        while bytes.count < outputBytesMax {
            if isInterrupted() { throw EngineError(.userInterrupt, ".shell") }
            var requests = [PollRequest(reading.number)]
            guard
                try pollDescriptors(&requests, timeoutMilliseconds: lookMilliseconds)
            else { continue }
            guard let part = try reading.read(maximum: 65_536) else { continue }
            if part.isEmpty { break }
            bytes += part
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
