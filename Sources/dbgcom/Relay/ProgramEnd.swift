import Glibc
import LinuxSystem

/// What to start for a connection.
struct ProgramToStart {
    /// The program and its arguments.
    var words: [String]
    /// Whether it gets a terminal.
    var onTerminal: Bool
}

/// A program started for a connection, on pipes or on a pseudo-terminal of its own.
///
/// Its errors go where ours go, on a terminal to that. When it has ended, what it wrote is still passed on, but
/// nothing is awaited from children that it left behind with its output.
final class ProgramEnd: RelayEnd {
    let processID: Int32
    private var input: OwnedDescriptor?
    private var output: OwnedDescriptor?
    private let terminal: PseudoTerminal?
    private(set) var ending: ProgramLauncher.Ending?

    /// Starts it; env(1) finds it in PATH and says so when it cannot, with status 127.
    init(_ program: ProgramToStart, terminalName: String) throws {
        if program.onTerminal {
            let made = try PseudoTerminal()
            try made.master.setNonBlocking()
            var settings = try TerminalSettings(of: made.master)
            settings.makeBreakInterrupt()
            try settings.apply(to: made.master)
            terminal = made
            processID = try ProgramLauncher.start(
                Self.env,
                arguments: ["TERM=\(terminalName.isEmpty ? "dumb" : terminalName)"] + program.words,
                onTerminal: made.path
            )
            (input, output) = (made.master, made.master)
        } else {
            terminal = nil
            let toProgram = try ProgramLauncher.makePipe()
            let fromProgram = try ProgramLauncher.makePipe()
            processID = try ProgramLauncher.start(
                Self.env,
                arguments: program.words,
                descriptors: [
                    toProgram.read, fromProgram.write, OwnedDescriptor(duplicating: STDERR_FILENO),
                ],
                newSession: true
            )
            try toProgram.write.setNonBlocking()
            try fromProgram.read.setNonBlocking()
            (input, output) = (toProgram.write, fromProgram.read)
        }
    }

    private static let env = "/usr/bin/env"

    deinit { close() }

    var inputDescriptor: Int32 { output?.number ?? -1 }
    var outputDescriptor: Int32 { input?.number ?? -1 }
    var hasNews: Bool { ending != nil && terminal == nil }

    /// Looks whether the program has ended.
    func checkEnding() {
        if ending == nil { ending = ProgramLauncher.ending(of: processID) }
    }

    /// A terminal is hung up by the kernel when the program ends, and read empty first; a pipe may be held open by
    /// what the program left behind.
    func read(maximum: Int) throws -> [UInt8]? {
        guard let output else { return [] }
        do {
            let bytes = try output.read(maximum: maximum)
            return bytes == nil && ending != nil && terminal == nil ? [] : bytes
        } catch {
            guard error.errorNumber == EIO else { throw error }
            return []
        }
    }

    func write(_ bytes: ArraySlice<UInt8>) throws -> Int {
        guard let input else { throw ReaderHasLeft() }
        return try input.give(bytes)
    }

    /// Closes the program's input; on a terminal that is its end-of-file character.
    func finishWriting() {
        if let terminal { _ = try? terminal.master.write([Self.endOfFile]) }
        input = nil
    }

    private static let endOfFile: UInt8 = 4

    /// Gives the terminal a size.
    func resize(_ size: WindowSize) {
        if let terminal { size.apply(to: terminal.master) }
    }

    /// On a terminal what its settings say, at first an interrupt; without one an interrupt.
    func sendBreak(milliseconds: Int) {
        if let terminal { terminal.receiveBreak() } else { signal(SIGINT) }
    }

    /// Sends a signal to the program and what it started.
    func signal(_ number: Int32) {
        if ending == nil { ProgramLauncher.signalGroup(processID, number) }
    }

    /// Hangs up: a program whose connection is gone is told by SIGHUP, as by a modem.
    func close() {
        guard input != nil || output != nil else { return }
        signal(SIGHUP)
        signal(SIGCONT)
        (input, output) = (nil, nil)
    }
}
