public import Foundation
internal import Glibc
internal import LinuxSystem

/// Starts a program with its output in a pipe; its signals are as a shell leaves them.
///
/// - Parameter arguments: as for env(1): changes of the environment, the program, its arguments.
public func spawn(_ arguments: [String]) throws -> (process: Int32, output: FileHandle) {
    let pipe = try ProgramLauncher.makePipe()
    let process = try ProgramLauncher.start(
        "/usr/bin/env",
        arguments: arguments,
        descriptors: [OwnedDescriptor(open("/dev/null", O_RDONLY)), pipe.write, pipe.write],
        newSession: false
    )
    let output = fcntl(pipe.read.number, F_DUPFD_CLOEXEC, 3)
    return (process, FileHandle(fileDescriptor: output, closeOnDealloc: true))
}
