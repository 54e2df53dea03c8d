public import DebugEngine
internal import DebugTarget

/// What commands need of the program beyond the session: logs, scripts, the server at the other
/// end.
public protocol CommandEnvironment: AnyObject {
    /// The version line, without newline.
    var versionText: String { get }
    /// The command line the program was started with.
    var commandLine: String { get }
    /// What the target is, for `version` and `||`: `Live user mode: <tcp host:port>`.
    var systemText: String { get }
    /// Starts a log file and gives its full name.
    func openLog(_ path: String, appending: Bool) throws -> String
    /// Ends the log and gives its name; nil when there is none.
    func closeLog() -> String?
    /// The log's name; nil when there is none.
    var logName: String? { get }
    /// Tells the process server to end.
    func endProcessServer() throws
    /// The lines of a script; nil when it cannot be read.
    func scriptLines(_ path: String) -> [String]?
    /// The session as others can join it; nil where it cannot be shared.
    var debuggingServer: (any DebuggingServer)? { get }
    /// The local time and offset, for `.lastevent` and `.echotime`.
    var timeText: String { get }
    /// Lets time go by.
    func pause(milliseconds: Int)
    /// A variable of the debugger's environment.
    func variable(_ name: String) -> String?
    /// Writes a file on the client's machine, new or at its end.
    func writeFile(_ path: String, _ bytes: [UInt8], appending: Bool) throws
    /// Runs a command line in the client's shell and gives what it printed.
    func runShell(_ line: String) throws -> String
    /// The names in a folder of this machine, those of folders with a slash.
    func fileNames(inFolder path: String) -> [String]
    /// Clears the terminal, where there is one.
    func clearScreen()
    /// The local time as a part of a file's name, `2026-11-21_22-25-03`.
    var fileTimeText: String { get }
    /// Makes the file of a dump; one that is there already is an error, unless it is to be overwritten.
    func createDumpFile(_ path: String, overwriting: Bool) throws -> any DumpFile
}

extension CommandEnvironment {
    /// Nobody can join.
    public var debuggingServer: (any DebuggingServer)? { nil }
    /// No time goes by.
    public func pause(milliseconds: Int) {}
    /// None is known.
    public func variable(_ name: String) -> String? { nil }
    /// There are no files to be written.
    public func writeFile(_ path: String, _ bytes: [UInt8], appending: Bool) throws {
        throw EngineError.sentence("This debugger writes no files")
    }
    /// There are no files.
    public func fileNames(inFolder path: String) -> [String] { [] }
    /// There is no terminal.
    public func clearScreen() {}
    /// There is no shell.
    public func runShell(_ line: String) throws -> String {
        throw EngineError.sentence("This debugger has no shell")
    }
    /// No time.
    public var fileTimeText: String { "" }
    /// There are no files.
    public func createDumpFile(_ path: String, overwriting: Bool) throws -> any DumpFile {
        throw EngineError.sentence("Files cannot be written here")
    }
}

/// How a session is to end.
public enum QuitRequest: Sendable, Equatable {
    /// `q`: end what was started, let go of what was attached to when `-pd` says so.
    case quit
    /// `qd`: let everything run on.
    case detach
    /// `.endpsrv`: the process server is gone, and its hold on processes with it.
    case serverEnded
}

/// Carries out command lines.
public final class CommandInterpreter {
    /// How deep scripts and command strings may nest.
    static let depthMax = 32

    /// The session.
    public let session: DebugSession
    /// The program around.
    public let environment: any CommandEnvironment
    /// Set once a command wants the session to end.
    public internal(set) var quitRequest: QuitRequest?
    /// Whether the line that is carried out comes from a debugging client.
    public var isForClient = false
    /// What an empty line repeats; of a shared session each participant has their own.
    public var repetition: String {
        get { lastLine }
        set { lastLine = newValue }
    }
    /// Whether the last line had an error.
    public private(set) var lastLineFailed = false

    let table = CommandTable.standard
    /// Where the next `d` and `u` go on.
    var dump = DumpState()
    var nextDisassembly: UInt64?
    /// Where the next `a` goes on.
    var nextAssembly: UInt64?
    /// The command that takes the next line.
    var lineInput: LineInput?
    /// What `e` enters: the last `e` with a letter.
    var lastEntry = "eb"
    /// What is carried out whenever the target has stopped (`.pcmd`).
    var promptCommand: String?
    private var isInPromptCommand = false
    /// What `.push` has put aside, the last one last.
    var savedStates: [SavedState] = []
    /// What `.holdmem` keeps.
    var heldMemory: [HeldMemory] = []
    var nextSourceLine: (file: String, line: Int)?
    /// What Enter repeats, when it is not the line itself.
    var repeatText: String?
    /// Processes to attach to or start at the next execution command.
    var pending: [PendingProcess] = []
    private var lastLine = ""
    private var depth = 0
    /// The command being carried out, which an error is about.
    private var currentPiece = ""
    private var executionCount = 0
    private var deferred: (() throws -> StopReport)?
    var startedPending = false
    /// Whether what `.attach` attaches to is to run when job control has stopped it.
    var resumesAttached = false
    /// The folder that `.create` starts programs in; nil for the server's own.
    var startFolder: String?
    /// The script that is carried out after `.restart` too (`-cfr`).
    public var restartScript: String?
    /// The word that lifts the lock against `q`.
    var quitLock: String?
    /// Words that stand for texts.
    var aliases = AliasTable()
    /// Set by `z`: the line is carried out once more.
    var repeatsLine = false
    /// What an error that goes through several blocks is about.
    private var outermostPiece = ""

    /// An interpreter for a session.
    public init(session: DebugSession, environment: any CommandEnvironment) {
        self.session = session
        self.environment = environment
        session.clock = { [unowned environment] in environment.timeText }
    }

    var output: any OutputSink { session.output }

    /// Carries out a line; an empty one repeats the last.
    public func execute(_ line: String) {
        lastLineFailed = false
        if let lineInput { return give(line, toWaiting: lineInput) }
        let text = CommandText.trim(line)
        guard !text.isEmpty else {
            if !lastLine.isEmpty { carryOut(lastLine) }
            return
        }
        repeatText = nil
        aliases.arguments = []
        lastLine = text
        carryOut(text)
        if let repeatText { lastLine = repeatText }
    }

    /// Forgets what Enter repeats.
    public func forgetLastLine() {
        lastLine = ""
    }

    private func carryOut(_ line: String) {
        do {
            try run(line)
        } catch {
            lastLineFailed = true
            report(error, in: place(of: error, line))
        }
    }

    private func give(_ line: String, toWaiting input: LineInput) {
        do {
            currentPiece = line
            try give(line, to: input)
        } catch {
            lastLineFailed = true
            report(error, in: line)
        }
    }

    /// The text that an error is shown with: where it happened, or what was interrupted as a whole.
    private func place(of error: any Error, _ line: String) -> String {
        if let error = error as? EngineError, error.kind == .userInterrupt, !outermostPiece.isEmpty
        {
            return outermostPiece
        }
        return currentPiece.isEmpty ? line : currentPiece
    }

    /// Says what went wrong in a block that goes on all the same.
    func reportCurrent(_ error: any Error) {
        report(error, in: currentPiece)
    }

    /// Whether nothing more is to be carried out of this line.
    var isStopping: Bool { quitRequest != nil || deferred != nil }

    /// Carries out the commands of a line, in order, until one fails.
    func run(_ line: String) throws {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthMax else {
            throw EngineError.sentence("Commands nest deeper than \(Self.depthMax) levels")
        }
        let pieces = ScriptText.statements(try aliases.expand(line)) {
            table.find(String($0))?.command.takesRestOfLine ?? false
        }
        var turn = 0
        repeat {
            repeatsLine = false
            for piece in pieces {
                if depth == 1 { outermostPiece = piece }
                currentPiece = piece
                try runOne(piece)
                if isStopping || repeatsLine { break }
            }
            turn += 1
            if repeatsLine {
                if session.host.takeInterrupt() { throw EngineError(.userInterrupt, "") }
                output.line("redo [\(turn)] \(line)")
            }
        } while repeatsLine && !isStopping
    }

    private func runOne(_ text: String) throws {
        if text.first == "*" { return }
        if text.first == "~" { return try runThreadCommand(text) }
        if text.first == "|", !text.hasPrefix("||") { return try runProcessCommand(text) }
        try runPlain(text, thread: nil)
    }

    func runPlain(_ text: String, thread: ThreadState?) throws {
        guard let found = table.find(text) else { throw unknown(text) }
        var call = CommandCall(
            interpreter: self,
            name: found.name,
            suffix: found.suffix,
            rest: found.rest,
            prefixThread: thread
        )
        try found.command.run(&call)
    }

    private func unknown(_ text: String) -> EngineError {
        let word = String(text.prefix { $0 != " " })
        guard let near = table.nearest(to: word) else { return EngineError(.syntax, text) }
        return .sentence("Syntax error in '\(word)'; did you mean \(near)?")
    }

    /// Says what went wrong, in CDB's look.
    private func report(_ error: any Error, in line: String) {
        guard let error = error as? EngineError else {
            let words = error is BlockExit ? "There is nothing to leave here" : nil
            return output.line(words ?? session.describe(error), .error)
        }
        switch error.kind {
        case .sentence:
            output.line(error.text, .error)
        case .unresolved, .memoryAccess, .badRegister:
            output.line("\(error.kind.rawValue) error at '\(error.text)'", .error)
        case .expression:
            output.line("\(caret(error, line))\(error.detail) in '\(line)'", .error)
        case .syntax, .extraCharacters, .operand, .range, .illegalThread, .noDebuggee,
            .notSupported, .userInterrupt:
            output.line("\(caret(error, line))\(error.kind.rawValue) error in '\(line)'", .error)
        }
    }

    /// Spaces and a caret under the place of the error, as it stands behind the prompt.
    private func caret(_ error: EngineError, _ line: String) -> String {
        var column = line.count
        if !error.text.isEmpty, line.hasSuffix(error.text) { column -= error.text.count }
        let width = prompt.count + max(column, 0)
        return String(repeating: " ", count: width) + "^ "
    }

    // MARK: - Execution

    /// Carries out something that lets the target run, then what its breakpoints want, and shows
    /// where it stopped.
    ///
    /// Inside a breakpoint's command the running is put off until the command has returned, so that
    /// a breakpoint which goes on a million times does not nest a million deep.
    func execute(
        showing: Bool = true,
        registers: Bool = false,
        _ body: @escaping () throws -> StopReport
    ) throws {
        executionCount += 1
        nextDisassembly = nil
        nextSourceLine = nil
        dump.forgetPosition()
        if isInBreakpointCommand {
            deferred = body
            return
        }
        var next: (() throws -> StopReport)? = body
        while let current = next {
            next = nil
            let report = try current()
            if report.commands.isEmpty || quitRequest != nil {
                if showing || !report.lines.isEmpty || report.isExit {
                    session.show(report, withRegisters: registers)
                    try runPromptCommand()
                }
                return
            }
            next = try runBreakpointCommands(report)
        }
    }

    /// Carries out what `.pcmd` has set; what that lets run does not carry it out again.
    private func runPromptCommand() throws {
        guard let promptCommand, !isInPromptCommand, session.currentThread != nil else { return }
        isInPromptCommand = true
        defer { isInPromptCommand = false }
        try run(promptCommand)
    }

    private var isInBreakpointCommand = false

    /// Runs breakpoints' commands; what they want to run afterwards is handed back.
    private func runBreakpointCommands(
        _ report: StopReport
    ) throws -> (() throws -> StopReport)? {
        isInBreakpointCommand = true
        deferred = nil
        defer {
            isInBreakpointCommand = false
            deferred = nil
        }
        for command in report.commands {
            do {
                try run(command)
            } catch {
                self.report(error, in: command)
            }
            if let deferred { return deferred }
        }
        if quitRequest == nil {
            session.show(report)
            isInBreakpointCommand = false
            try runPromptCommand()
        }
        return nil
    }
}
