import Foundation
import LinuxSystem

/// Runs a program to its end and collects what it says.
func runProgram(
    _ program: String,
    _ arguments: [String],
    environment: [String: String] = [:]
) throws -> (status: Int32?, output: String) {
    let (process, said) = try startProgram(program, arguments, environment)
    var bytes: [UInt8] = []
    while let more = try said.read(maximum: 65_536), !more.isEmpty { bytes += more }
    return (ProgramLauncher.waitForEnd(of: process), String(decoding: bytes, as: UTF8.self))
}

/// Only the program keeps the pipe's other end, so that its end is the end of what it says.
private func startProgram(
    _ program: String,
    _ arguments: [String],
    _ environment: [String: String]
) throws -> (process: Int32, said: OwnedDescriptor) {
    let pipe = try ProgramLauncher.makePipe()
    let null = try openFile("/dev/null", flags: O_RDWR)
    let changes = environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    let process = try ProgramLauncher.start(
        "/usr/bin/env",
        arguments: changes + [program] + arguments,
        descriptors: [null, pipe.write, pipe.write],
        newSession: false
    )
    return (process, pipe.read)
}

/// `dbgcom` beside the tests.
let dbgcomPath: String = {
    let own = ProgramLauncher.ownPath ?? ""
    return own.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" } + "/dbgcom"
}()
