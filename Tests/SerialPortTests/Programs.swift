import Foundation
import LinuxSystem
import TestPrograms

/// Runs a program to its end and collects what it says.
func runProgram(
    _ program: String,
    _ arguments: [String],
    environment: [String: String] = [:]
) throws -> (status: Int32?, output: String) {
    let changes = environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    let (process, output) = try spawn(changes + [program] + arguments)
    let text = String(decoding: output.readDataToEndOfFile(), as: UTF8.self)
    return (ProgramLauncher.waitForEnd(of: process), text)
}

/// `dbgcom` beside the tests.
let dbgcomPath: String = {
    let own = ProgramLauncher.ownPath ?? ""
    return own.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" } + "/dbgcom"
}()
