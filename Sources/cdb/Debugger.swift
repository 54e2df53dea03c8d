import ByteTransport
import Commands
import Console
import CoreBackend
import DebugEngine
import DebugTarget
import LinuxSystem
import RemoteClient

/// How the program ended, for the shell.
enum ExitCode: Int32 {
    case success = 0
    case usage = 1
    case connection = 2
    case target = 3
}

/// One run of the debugger: from the connection to the last prompt.
final class Debugger {
    private let options: Options
    private let arguments: [String]
    private let console: ConsoleOutput
    private let output: ProgramOutput
    private let host: ProgramHost
    private let files: LocalFiles
    private let share: SessionShare
    private var events: EventStream?

    init(options: Options, arguments: [String]) {
        self.options = options
        self.arguments = arguments
        console = ConsoleOutput(isSilent: options.isConsoleSilent)
        files = LocalFiles()
        share = SessionShare(console: console)
        output = ProgramOutput(console: console, share: share, isVerbose: options.isVerbose)
        host = ProgramHost(
            output: output,
            files: files,
            share: share,
            isSilent: options.isConsoleSilent
        )
    }

    func run() -> ExitCode {
        if let path = options.logPath {
            do {
                try console.openLog(path, appending: options.appendsLog)
                output.line("Opened log file '\(path)'")
            } catch {
                printError("cdb: \(error)\n")
                return .usage
            }
        }
        if let place = options.eventStreamPath {
            do {
                events = try EventStream(place)
            } catch {
                printError("cdb: --json \(place): \(error)\n")
                return .usage
            }
            output.events = events
            events?.emit(
                "start",
                [
                    ("version", .text(Product.version)),
                    ("command_line", .text(arguments.joined(separator: " "))),
                ]
            )
        }
        output.line()
        output.line(Product.banner)
        output.line()
        if let server = options.server {
            do {
                if let path = options.journalPath { try share.openJournal(path) }
                for line in try share.ask(.serve(server)) { output.line(line) }
            } catch {
                printError("cdb: -server \(server.split(separator: ":")[0]): \(words(of: error))\n")
                return .connection
            }
        }
        let code = debug()
        events?.emit("end", [("exit_code", .number(Int64(code.rawValue)))])
        share.end(
            code == .success ? "the debugger has ended the session" : "the debugger has failed"
        )
        return code
    }

    private func words(of error: any Error) -> String {
        (error as? EngineError)?.text ?? "\(error)"
    }

    private func debug() -> ExitCode {
        if case .dumps(let paths) = options.debuggee { return debugDumps(paths) }
        if case .kernel(let text) = options.debuggee { return debugKernel(text) }
        let remote: RemoteTarget
        do {
            remote = try connect()
        } catch {
            printError("cdb: \(error.message)\n")
            return .connection
        }
        defer { remote.close() }
        let session = makeSession(remote)
        respectLine(of: remote, session)
        guard begin(session, remote) else { return .target }
        return runPrompt(session, remote)
    }

    private func respectLine(of remote: RemoteTarget, _ session: DebugSession) {
        guard case .serial(let baudRate) = remote.lineKind else { return }
        session.isLineSlow = true
        // What the line carries in about a minute.
        session.automaticFetchBytesMax = UInt64(max(baudRate, 0)) / 10 * 60
    }

    /// `-k`: a kernel, which is not started, attached to or ended.
    private func debugKernel(_ text: String) -> ExitCode {
        do {
            try host.takeInterrupts()
            let opening = KernelOpening(text, host: host, output: output)
            let remote = try opening.connect()
            defer { remote.close() }
            host.remote = remote
            guard let thread = remote.initialThread else {
                _ = fail(["cdb: \(remote.peerName) has no kernel that stands"])
                return .target
            }
            let session = makeSession(remote)
            respectLine(of: remote, session)
            output.line("Kernel Debugger connection established.")
            showPaths(session)
            session.show(try session.adoptKernel(thread, image: options.namedImage))
            return runPrompt(session, remote)
        } catch let error as ConnectionFailure {
            printError("cdb: \(error.message)\n")
            return .connection
        } catch {
            _ = fail(["cdb: \((error as? TargetError)?.message ?? words(of: error))"])
            return .target
        }
    }

    /// `-z`: what can be said of core files, and nothing that runs.
    private func debugDumps(_ paths: [String]) -> ExitCode {
        let cores = CoreTarget()
        let session = makeSession(cores)
        session.paths.program = options.namedImage
        cores.fileCandidates = { [unowned session] path in
            session.isProgramOfDump(path)
                ? [session.paths.program].compactMap { $0 }
                    + session.paths.imageCandidates(for: path)
                : session.paths.imageCandidates(for: path)
        }
        do {
            try host.takeInterrupts()
            for path in paths {
                output.line()
                output.line("Loading Dump File [\(path)]")
                let report = try session.openDump(path)
                showPaths(session)
                session.show(report)
            }
        } catch {
            _ = fail(["cdb: \(session.describe(error))"])
            return .target
        }
        return runPrompt(session, nil)
    }

    private func connect() throws(ConnectionFailure) -> RemoteTarget {
        let text = options.premote
        let transport = if let text { try openTransport(text) } else { try LocalServer.open() }
        do {
            try host.takeInterrupts()
        } catch {
            throw ConnectionFailure(message: "\(error)")
        }
        let remote = try openTarget(
            text ?? "",
            transport,
            interrupts: host,
            documents: files,
            breakInSeconds: options.breakInSeconds
        )
        host.remote = remote
        return remote
    }

    private func makeSession(_ target: any DebugTarget) -> DebugSession {
        let session = DebugSession(target: target, host: host)
        let takesEnvironment = !options.ignoresEnvironmentPaths
        func path(_ option: String?, _ variable: String) -> [String] {
            SearchPaths.split(option ?? "")
                + SearchPaths.split(takesEnvironment ? environmentValue(variable) ?? "" : "")
        }
        session.paths.symbols = path(options.symbolPath, "_NT_SYMBOL_PATH")
        session.paths.images = path(options.imagePath, "_NT_EXECUTABLE_IMAGE_PATH")
        session.paths.sources = path(options.sourcePath, "_NT_SOURCE_PATH")
        session.followsChildren = options.followsChildren
        session.looksOnly = options.looksOnly
        if options.skipsFinalStop, let index = session.filters.index(named: "epr") {
            session.filters[index].reaction = .ignore
        }
        events?.observe(session)
        if options.isVerbose { session.outputMask.insert(.verbose) }
        if options.stepsByLine { session.sourceOptions.insert(.step) }
        return session
    }

    // MARK: - The beginning

    /// Attaches or starts; false when that failed, which has been said.
    private func begin(_ session: DebugSession, _ remote: RemoteTarget) -> Bool {
        do {
            let report = try firstStop(session, remote)
            guard let report else {
                return fail(["cdb: nothing to debug: name a program, -p PID, -pn Name or -cimp"])
            }
            endSuspension(session)
            if options.skipsInitialStop || options.attachesWithoutBreak { return true }
            session.show(report)
            return true
        } catch let error as TargetError {
            if case .process(let id) = options.debuggee {
                return fail(AttachFailure.lines(id, error))
            }
            return fail(["cdb: \(error.message)"])
        } catch {
            return fail(["cdb: \(session.describe(error))"])
        }
    }

    /// Says why there is nothing to debug: on standard error, as with every failure to start, and
    /// in the log.
    private func fail(_ lines: [String]) -> Bool {
        for line in lines {
            printError(line + "\n")
            console.logOnly(line + "\n")
        }
        return false
    }

    private func firstStop(
        _ session: DebugSession,
        _ remote: RemoteTarget
    ) throws -> StopReport? {
        switch options.debuggee {
        case .program(let words):
            output.line("CommandLine: \(words.joined(separator: " "))")
            showPaths(session)
            return try session.launch(LaunchRequest(arguments: words))
        case .process(let id):
            output.line("*** wait with pending attach")
            showPaths(session)
            return try session.attach(to: ProcessID(id))
        case .processName(let name):
            let id = try process(named: name, remote)
            output.line("*** wait with pending attach")
            showPaths(session)
            return try session.attach(to: id)
        case .unit(let name):
            let id = try session.mainProcess(ofUnit: name)
            output.line("*** wait with pending attach")
            showPaths(session)
            return try session.attach(to: id)
        case .implicit:
            let report = try session.launchImplicitly()
            output.line("CommandLine: \(session.currentProcess?.executablePath ?? "")")
            showPaths(session)
            return report
        case .dumps, .kernel: return nil
        case .none:
            guard let thread = remote.initialThread else { return nil }
            showPaths(session)
            return try session.adoptExisting(thread)
        }
    }

    /// What stood by job control when it was attached to: set going where that is wanted, or shown.
    private func endSuspension(_ session: DebugSession) {
        for process in session.processes where process.isSuspended {
            if options.resumesSuspended || options.attachesWithoutBreak {
                session.endSuspension(of: process)
            } else {
                output.line(
                    "Process \(process.id) is suspended (SIGSTOP): ~*m, then g, lets it run"
                )
            }
        }
    }

    private func showPaths(_ session: DebugSession) {
        let symbols = session.paths.symbols.joined(separator: ";")
        let images = session.paths.images.joined(separator: ";")
        output.line("Symbol search path is: \(symbols)")
        output.line("Executable search path is: \(images)")
    }

    private func process(named name: String, _ remote: RemoteTarget) throws -> ProcessID {
        guard let listing = remote.processListing else {
            throw EngineError.sentence(
                "this target does not list processes; attach by number with -p"
            )
        }
        let found = try listing.listProcesses().filter { $0.name == name }
        guard let first = found.first else {
            throw EngineError.sentence("no process of the target is called \(name)")
        }
        guard found.count == 1 else {
            let ids = found.map { "\($0.process)" }.joined(separator: ", ")
            throw EngineError.sentence("several processes are called \(name): \(ids); choose by -p")
        }
        return first.process
    }

    // MARK: - The prompt

    /// - Parameter remote: the stub that does the work; nil where a dump is looked at.
    private func runPrompt(_ session: DebugSession, _ remote: RemoteTarget?) -> ExitCode {
        let environment = ProgramEnvironment(
            console: console,
            remote: remote,
            systemText: systemText(session, remote),
            share: share,
            arguments: arguments,
            host: host,
            forbidsShell: options.forbidsShell
        )
        let interpreter = CommandInterpreter(session: session, environment: environment)
        share.interpreter = interpreter
        runInitialCommands(interpreter)
        let reader = PromptReader(
            options.isConsoleSilent
                ? nil : LineReader(program: "cdb", historyPath: files.historyPath)
        )
        while interpreter.quitRequest == nil, remote?.isConnected ?? true, !endsByItself(session) {
            // A Ctrl+C at the prompt is not for the command that follows.
            _ = host.takeInterrupt()
            let prompt = interpreter.prompt
            share.waitsForCommand(prompt)
            events?.emit("prompt", [("prompt", .text(prompt))])
            switch reader.readLine(prompt: prompt, share) {
            case .stopped:
                continue
            case .ended:
                output.line()
                return end(session, remote, by: nil)
            case .text(let line):
                console.logOnly(prompt + line + "\n")
                share.typed(line, at: prompt)
                events?.emit("command", [("text", .text(line))])
                switch controlKey(line) {
                case .leave: return .success
                case .version: output.line(environment.versionText)
                case nil: interpreter.execute(line)
                }
            }
        }
        return end(session, remote, by: interpreter.quitRequest)
    }

    private func systemText(_ session: DebugSession, _ remote: RemoteTarget?) -> String {
        guard let remote else { return "User core files" }
        return "Live \(session.isKernel ? "kernel" : "user") mode: <\(remote.peerName)>"
    }

    private enum ControlKey {
        case leave
        case version
    }

    /// Ctrl+B and Ctrl+W, alone on a line.
    private func controlKey(_ line: String) -> ControlKey? {
        switch line {
        case "\u{02}": .leave
        case "\u{17}": .version
        default: nil
        }
    }

    private func runInitialCommands(_ interpreter: CommandInterpreter) {
        options.eventCommands.forEach { interpreter.execute($0) }
        if options.repeatsScript { interpreter.restartScript = options.scriptPath }
        let isLive = !interpreter.session.isPostMortem
        if isLive, options.skipsInitialStop || options.attachesWithoutBreak {
            interpreter.execute("g")
        }
        if let path = options.scriptPath {
            interpreter.execute("$$<\(path)")
        }
        if let commands = options.commands, interpreter.quitRequest == nil {
            output.line("cdb: Reading initial command '\(commands)'")
            interpreter.execute(commands)
        }
        interpreter.forgetLastLine()
    }

    /// With `-G` the session is over when the last process is.
    private func endsByItself(_ session: DebugSession) -> Bool {
        session.processes.isEmpty && !session.isPostMortem
            && session.filters[.exitProcess].reaction != .stop
    }

    /// Ends the session as its last command, or the end of the input, wants it.
    ///
    /// `q` ends the processes, `qd` and `-pd` let them run on; at the end of the input what was
    /// started ends and what was attached to runs on, as when the client dies.
    private func end(
        _ session: DebugSession,
        _ remote: RemoteTarget?,
        by request: QuitRequest?
    ) -> ExitCode {
        if request == .serverEnded { return .success }
        guard remote?.isConnected ?? true else { return .target }
        output.line("quit:")
        if session.isPostMortem { return .success }
        do {
            for process in session.processes {
                let isKept =
                    session.isKernel || options.detachesAtEnd || options.looksOnly
                    || request == .detach
                    || request == nil && process.origin == .attached
                if isKept {
                    try session.detach(process)
                } else {
                    try session.kill(process)
                }
            }
            return .success
        } catch {
            output.line("cdb: \(session.describe(error))", .error)
            return .target
        }
    }
}
