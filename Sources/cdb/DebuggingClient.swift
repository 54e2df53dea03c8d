import ConnectionStrings
import Console
import Glibc
import LinuxSystem
import SessionSharing
import SharedSession

/// `cdb -remote`: a terminal of somebody else's debugging session.
///
/// It debugs nothing itself: lines go to the server, text comes back. Editing and history are here.
final class DebuggingClient {
    /// How many commands may be under way when they come from a pipe.
    static let commandsAhead = 32
    /// How long a lost connection is tried again, in seconds, and the variable that changes it.
    static let reconnectSeconds = 30
    static let reconnectVariable = "DBGSRV_RECONNECT_SECONDS"
    /// How long between two tries, in milliseconds.
    static let retryMilliseconds: UInt64 = 1_000
    /// How long the session is busy before the prompt says so, in milliseconds.
    static let busyMilliseconds: UInt64 = 400
    /// How long the server may take to complete a line, in milliseconds.
    static let completionMilliseconds: UInt64 = 3_000

    private let options: Options
    private let console = ConsoleOutput()
    private let session: JoinedSession
    private let interrupts: SignalDescriptor
    private let reader: LineReader
    private var state = State.joining
    /// What the prompt is at the moment: empty while a command of ours is carried out.
    private var prompt = ""
    private var isPromptShown = false
    private var isAtLineStart = true
    /// Whether a prompt is owed to who reads from a pipe: at the beginning, and behind each command of ours.
    private var wasAsked = true
    private var busySince: UInt64?
    private var hasBegun = false
    /// Whether it is known what the session does: at the beginning a run is told of when it has lasted a while.
    private var hasSeenState = false
    private var leavesWhenDone = false
    private var ending: (words: String, code: ExitCode)?
    private var reconnect: (until: UInt64, next: UInt64)?
    private var nextQuestion: UInt16 = 1
    private var answer: (number: UInt16, texts: [String])?

    private enum State: Equatable {
        case joining
        case prompt
        case busy(targetRuns: Bool)
    }

    init(_ options: Options, _ connection: ConnectionString) throws {
        self.options = options
        session = try JoinedSession(
            connection,
            program: Product.greeting,
            historyLines: options.historyLines
        )
        interrupts = try SignalDescriptor([SIGINT])
        reader = LineReader(program: "cdb", historyPath: LocalFiles().historyPath)
    }

    func run() -> ExitCode {
        do {
            if let path = options.logPath {
                try console.openLog(path, appending: options.appendsLog)
            }
            try session.connect()
        } catch {
            printError("cdb: \(error)\n")
            return .connection
        }
        console.write("Connected to \(session.peerName)\n")
        while ending == nil {
            switch reader.readLine(prompt: reader.isInteractive ? prompt : "", companion: self) {
            case .text(let line): typed(line)
            case .ended: leaveAtEnd()
            case .stopped: break
            }
        }
        session.close()
        if let ending, !ending.words.isEmpty { console.write(ending.words + "\n") }
        return ending?.code ?? .success
    }

    // MARK: - What is typed

    private func typed(_ line: String) {
        console.logOnly(prompt + line + "\n")
        isPromptShown = false
        isAtLineStart = true
        let word = line.split(separator: " ").first.map(String.init) ?? ""
        switch word {
        case "\u{02}":
            leave("")
        case "\u{17}":
            console.write(Product.banner + "\n")
        case ".remote_exit":
            let final = line.drop { $0 == " " }.dropFirst(word.count).drop { $0 == " " }
            guard !final.isEmpty else { return leave("") }
            send(String(final))
            leavesWhenDone = true
        default:
            send(line)
        }
    }

    private func send(_ line: String) {
        guard session.isConnected else {
            return console.write("*** not connected; this was not sent\n", .warning)
        }
        if case .busy(targetRuns: true) = state {
            console.write("*BUSY* the target runs: carried out when it stops (Ctrl+C breaks in)\n")
        }
        session.type(line)
        wasAsked = true
        prompt = ""
        busySince = monotonicNanoseconds()
    }

    private func leave(_ words: String, _ code: ExitCode = .success) {
        ending = (words, code)
    }

    /// The end of the input: what was typed is still carried out.
    private func leaveAtEnd() {
        if reader.isInteractive || !session.isConnected { return leave("") }
        leavesWhenDone = true
        while ending == nil {
            if !session.awaitsAnswer, hasBegun { return leave("") }
            var waiting = requests
            let wake =
                wakeNanoseconds ?? monotonicNanoseconds() + Self.retryMilliseconds * 1_000_000
            _ = try? pollDescriptors(&waiting, untilMonotonicNanoseconds: wake)
            _ = attend(NoScreen())
        }
    }
}

/// Where no line is being edited.
private final class NoScreen: PromptScreen {
    func hide() {}
    func show(prompt: String) {}
}

// MARK: - What comes

extension DebuggingClient: PromptCompanion {
    var requests: [PollRequest] { [session.request, PollRequest(interrupts.number)] }

    var wakeNanoseconds: UInt64? {
        if session.hasInput { return 0 }
        if let reconnect { return reconnect.next }
        return busySince.map { $0 + Self.busyMilliseconds * 1_000_000 }
    }

    var wantsLine: Bool {
        hasBegun && session.isConnected && session.awaitedCount < Self.commandsAhead
    }

    func attend(_ screen: any PromptScreen) -> Bool {
        takeInterrupts()
        if reconnect != nil { tryAgain(screen) }
        for event in session.take() { take(event, screen) }
        showState(screen)
        if leavesWhenDone, hasBegun, !session.awaitsAnswer { leave("") }
        if ending != nil { screen.hide() }
        return ending == nil
    }

    private func takeInterrupts() {
        var isPressed = false
        while interrupts.next() != nil { isPressed = true }
        guard isPressed else { return }
        if reconnect != nil {
            leave("", .connection)
        } else if state != .prompt || session.awaitsAnswer {
            session.interrupt()
        }
    }

    private func take(_ event: JoinedSession.Event, _ screen: any PromptScreen) {
        switch event {
        case .welcome(let welcome, let isSame):
            welcomed(welcome, isSame, screen)
        case .text(let text, let style):
            write(text, style, screen)
        case .missed(let count):
            write(
                "*** \(count) bytes of output were not kept for this client\n",
                .warning,
                screen
            )
        case .prompt(let text):
            state = .prompt
            hasSeenState = true
            busySince = nil
            prompt = session.awaitsAnswer ? "" : text
        case .busy(let targetRuns):
            if state != .busy(targetRuns: targetRuns) { busySince = monotonicNanoseconds() }
            if targetRuns, !hasSeenState { sayBusy(screen) }
            state = .busy(targetRuns: targetRuns)
        case .completions(let number, let texts):
            answer = (number, texts)
        case .ended(let words):
            leave("*** the session has ended: \(words)")
        case .lost(let words):
            lose(words, screen)
        }
    }

    private func welcomed(
        _ welcome: SharedFrame.Welcome,
        _ isSame: Bool,
        _ screen: any PromptScreen
    ) {
        if welcome.isReadOnly {
            write("*** you take part read-only\n", .warning, screen)
        }
        if reconnect != nil {
            write(
                isSame
                    ? "*** connected again; this is what came meanwhile:\n"
                    : "*** connected again, to another session\n",
                .warning,
                screen
            )
        }
        reconnect = nil
        guard !hasBegun else { return }
        hasBegun = true
        if options.breaksIn { session.interrupt() }
        if let commands = options.commands { send(commands) }
    }

    /// To who has just come, and would wait for a prompt.
    private func sayBusy(_ screen: any PromptScreen) {
        hasSeenState = true
        write("*BUSY* the target runs; Ctrl+C breaks in\n", .plain, screen)
    }

    private func write(
        _ text: String,
        _ style: SharedFrame.OutputPiece.Style,
        _ screen: any PromptScreen
    ) {
        guard !text.isEmpty else { return }
        screen.hide()
        isPromptShown = false
        console.write(text, style == .error ? .error : style == .warning ? .warning : .plain)
        isAtLineStart = text.hasSuffix("\n")
    }

    /// Shows the prompt where it belongs: at a terminal below whatever came, in a pipe behind our own commands.
    private func showState(_ screen: any PromptScreen) {
        guard hasBegun, ending == nil else { return }
        let isStillBusy = busySince.map {
            $0 + Self.busyMilliseconds * 1_000_000 <= monotonicNanoseconds()
        }
        if state != .prompt, isStillBusy == true {
            busySince = nil
            prompt = reader.isInteractive ? "*BUSY* " : ""
            isPromptShown = false
        }
        guard !isPromptShown, !prompt.isEmpty else { return }
        guard reader.isInteractive || wasAsked else { return }
        wasAsked = reader.isInteractive
        screen.hide()
        if !isAtLineStart { console.write("\n") }
        isAtLineStart = true
        screen.show(prompt: prompt)
        isPromptShown = true
    }

    // MARK: - A lost connection

    private func lose(_ words: String, _ screen: any PromptScreen) {
        let asked = environmentValue(Self.reconnectVariable).flatMap { UInt64($0) }
        let seconds = min(asked ?? UInt64(Self.reconnectSeconds), 86_400)
        let now = monotonicNanoseconds()
        state = .joining
        prompt = ""
        busySince = nil
        guard hasBegun, seconds > 0 else { return leave("*** \(words)", .connection) }
        write(
            "*** \(words); trying again for \(seconds) s (Ctrl+C gives up)\n",
            .warning,
            screen
        )
        reconnect = (now + seconds * 1_000_000_000, now + Self.retryMilliseconds * 1_000_000)
    }

    private func tryAgain(_ screen: any PromptScreen) {
        guard let (until, next) = reconnect, !session.isConnected else { return }
        let now = monotonicNanoseconds()
        guard now >= next else { return }
        do {
            try session.connect()
        } catch {
            guard now < until else { return leave("*** \(error)", .connection) }
            reconnect = (until, monotonicNanoseconds() + Self.retryMilliseconds * 1_000_000)
        }
    }

    // MARK: - Completion

    /// Asks the server, which answers at its prompt: Tab that is pressed while a command is carried out waits for it, but not for
    /// a target that runs.
    func completions(of line: String, _ screen: any PromptScreen) -> [String] {
        let deadline = monotonicNanoseconds() + Self.completionMilliseconds * 1_000_000
        answer = nil
        var question: UInt16?
        while session.isConnected, ending == nil, state != .busy(targetRuns: true) {
            if question == nil, state == .prompt {
                nextQuestion &+= 1
                question = nextQuestion
                session.complete(line, number: nextQuestion)
            }
            guard monotonicNanoseconds() < deadline else { break }
            var waiting = [session.request]
            _ = try? pollDescriptors(&waiting, untilMonotonicNanoseconds: deadline)
            for event in session.take() { take(event, screen) }
            if let answer, answer.number == question { return answer.texts }
        }
        return []
    }
}
