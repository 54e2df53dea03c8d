internal import DebugEngine
internal import DebugTarget

let processCommands: [Command] = [
    Command(
        names: [".tlist"],
        usage: ".tlist [-v] [-c] [Pattern]",
        summary: "list running processes",
        details:
            "Of the target's machine. -v adds session, user and command line, -c shows only the current process.",
        run: { try listProcesses(&$0) }
    ),
    Command(
        names: [".attach"],
        usage: ".attach [-b] [-r] [-e] ProcessId",
        summary: "attach to a process at next execution",
        details: """
            The id is a number of the current radix, so 0n1234 for a decimal one. -r lets a process run
            that job control has stopped, -b too, and -e one that another debugger has abandoned.
            """,
        run: { call in
            call.skipSpaces()
            while call.rest.first == "-", let option = call.word() {
                guard ["-b", "-r", "-e"].contains(option) else {
                    throw EngineError.sentence(
                        "\(option) is not possible here: \(call.usage)"
                    )
                }
                call.interpreter.resumesAttached = true
                call.skipSpaces()
            }
            let value = try call.expression()
            try call.requireEnd()
            guard let id = Int32(exactly: value), id > 0 else {
                throw EngineError(.range, Format.hex(value))
            }
            call.interpreter.pending.append(.attach(ProcessID(id)))
            call.output.line("Attach will occur on next execution")
        }
    ),
    Command(
        names: [".create"],
        usage: ".create CommandLine",
        summary: "create a new process at next execution",
        takesRestOfLine: true,
        run: { call in
            let text = call.remainder()
            guard !text.isEmpty else {
                throw EngineError.sentence(".create needs a command line")
            }
            call.interpreter.pending.append(.create(CommandLineText.split(text)))
            call.output.line("CommandLine: \(text)")
            call.output.line("Create will proceed with next execution")
        }
    ),
    Command(
        names: [".detach"],
        usage: ".detach [/h|/n]",
        summary: "detach from the current process, which runs on",
        details: "/h keeps a signal that it stands for from it, /n (as without) delivers it.",
        run: { call in
            if call.take("/h") { call.session.dropPendingSignal() } else { _ = call.take("/n") }
            try call.requireEnd()
            try call.session.detach(try call.process())
            call.output.line("Detached")
        }
    ),
    Command(
        names: [".abandon"],
        usage: ".abandon [/h]",
        summary: "let go of the current process and leave it standing",
        details: """
            It stands as after SIGSTOP: another debugger may attach to it (-pe -p PID, .attach -e PID) and let it run,
            and so may SIGCONT, which the original has nothing like. A signal that it stands for is not delivered; gn,
            then .abandon, delivers it first.
            """,
        run: { call in
            if call.take("/n") {
                throw EngineError.sentence(
                    ".abandon /n: the signal could end the process before it stands; gn delivers it first"
                )
            }
            _ = call.take("/h")
            try call.requireEnd()
            try call.session.abandon(try call.process())
            call.output.line("Abandoned")
        }
    ),
    Command(
        names: [".kill"],
        usage: ".kill [/h|/n]",
        summary: "end the current process",
        run: { call in
            if !call.take("/h") { _ = call.take("/n") }
            try call.requireEnd()
            try call.session.kill(try call.process())
            call.output.line("Terminated.")
        }
    ),
    Command(
        names: [".restart"],
        usage: ".restart",
        summary: "start the program anew",
        run: { call in
            try call.requireEnd()
            let session = call.session
            try call.interpreter.execute { try session.restart() }
            if let script = call.interpreter.restartScript {
                try call.interpreter.run("$$<\(script)")
            }
        }
    ),
    Command(
        names: [".childdbg"],
        usage: ".childdbg 0|1",
        summary: "whether processes that the current one creates are debugged too",
        run: { call in
            if !call.isAtEnd { call.session.followsChildren = try call.expression() != 0 }
            try call.requireEnd()
            let will = call.session.followsChildren ? "will" : "will not"
            call.output.line("Processes created by the current process \(will) be debugged")
        }
    ),
    Command(
        names: [".createdir"],
        usage: ".createdir [Folder]",
        summary: "show or set the folder of the target that .create starts programs in",
        run: { call in
            if !call.take("-i") { _ = call.take("-I") }
            let folder = try call.quoted() ?? call.remainder()
            if !folder.isEmpty { call.interpreter.startFolder = folder }
            let shown = call.interpreter.startFolder ?? "<the server's own>"
            call.output.line("Create process directory is \(shown)")
        }
    ),
    Command(
        names: [".endpsrv"],
        usage: ".endpsrv",
        summary: "cause the current session's remote server to exit",
        run: { call in
            try call.requireEnd()
            try call.interpreter.environment.endProcessServer()
            call.output.line("Server told to exit.")
            call.interpreter.quitRequest = .serverEnded
        }
    ),
]

/// A process to come at the next execution command.
enum PendingProcess {
    case attach(ProcessID)
    case create([String])
    case dump(String)
}

extension CommandInterpreter {
    /// Whether the last `startPendingProcesses` did something.
    var didStartPending: Bool { startedPending }

    /// Attaches to and starts what `.attach` and `.create` asked for.
    func startPendingProcesses() throws {
        startedPending = false
        while !pending.isEmpty {
            startedPending = true
            switch pending.removeFirst() {
            case .attach(let id):
                session.show(try session.attach(to: id))
                if resumesAttached, let process = session.currentProcess {
                    session.endSuspension(of: process)
                }
                resumesAttached = false
            case .create(let arguments):
                var request = LaunchRequest(arguments: arguments)
                request.workingDirectory = startFolder
                session.show(try session.launch(request))
            case .dump(let path):
                session.show(try session.openDump(path))
            }
        }
    }
}

/// A command line as one text.
public enum CommandLineText {
    /// Words by spaces; double quotes keep spaces, `\"` is a quote.
    public static func split(_ text: String) -> [String] {
        var words: [String] = []
        var word = ""
        var hasWord = false
        var isQuoted = false
        var isEscaped = false
        for character in text {
            if isEscaped {
                if character != "\"" && character != "\\" { word.append("\\") }
                word.append(character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
                hasWord = true
            } else if character == "\"" {
                isQuoted.toggle()
                hasWord = true
            } else if character == " " && !isQuoted {
                if hasWord { words.append(word) }
                (word, hasWord) = ("", false)
            } else {
                word.append(character)
                hasWord = true
            }
        }
        if isEscaped { word.append("\\") }
        if hasWord { words.append(word) }
        return words
    }
}

private func listProcesses(_ call: inout CommandCall) throws {
    var isVerbose = false
    var isCurrentOnly = false
    var pattern: WildcardPattern?
    while let word = call.word() {
        switch word {
        case "-v": isVerbose = true
        case "-c": isCurrentOnly = true
        default: pattern = WildcardPattern(word)
        }
    }
    guard let listing = call.session.target.processListing else {
        throw EngineError.sentence("This target does not list processes")
    }
    let current = call.session.currentProcess?.id
    for process in try listing.listProcesses() {
        if isCurrentOnly, process.process != current { continue }
        if let pattern, !pattern.matches(process.name) { continue }
        try call.checkInterrupt()
        let id = Format.leftPad("0n\(process.process)", to: 8)
        call.output.line("\(id) \(process.name)")
        guard isVerbose else { continue }
        call.output.line(
            "       Session: \(process.session)  User: \(process.user)"
                + "  Command Line: \(process.commandLine)"
        )
    }
}
