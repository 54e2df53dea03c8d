import Foundation
import LinuxSystem

/// A program that runs beside a test and ends with it.
final class Helper {
    private let process = Process()
    private let input = Pipe()

    init(_ program: String, _ arguments: [String]) throws {
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program] + arguments
        process.standardInput = input
        process.standardOutput = FileHandle.nullDevice
        try process.run()
    }

    deinit {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    var processID: Int32 { process.processIdentifier }

    /// Waits until somebody has a lock on the file.
    func waitUntilLocked(_ path: String) throws {
        let status = try FileAttributes(path: path)
        while DescriptorHolder.ofLock(on: status) == nil {
            guard process.isRunning else { throw SystemError("flock", path, errorNumber: 0) }
            usleep(2000)
        }
    }
}
