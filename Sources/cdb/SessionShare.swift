import Commands
import ConnectionStrings
import Console
import DebugEngine
import LinuxSystem
import SessionSharing
import SharedSession
import Transports

/// The session as others take part in it: what they see, and what they type.
///
/// A hub process looks after them (`SessionSharing`); here is the debugger's end of the line to it. Until the first
/// server is started there is none, and nothing but the last text is kept.
final class SessionShare {
    /// How much text from before a hub's start those who join may read, in bytes.
    static let earlierBytesMax = 1 << 18
    /// How long the target runs before participants are told, in milliseconds: a step takes less.
    static let runMilliseconds = 200

    private let console: ConsoleOutput
    private let journal = SessionJournal()
    private var hub: HubConnection?
    /// Whether there are to be no shell commands any more: somebody said so, or others could type them.
    private(set) var shellIsForbidden = false
    private var earlier: [(text: String, style: SharedFrame.OutputPiece.Style)] = []
    private var earlierBytes = 0
    /// What each participant's Enter repeats.
    private var repetitions: [UInt16: String] = [:]
    /// Carries out what participants type.
    weak var interpreter: CommandInterpreter?
    private var prompt = ""

    init(console: ConsoleOutput) {
        self.console = console
    }

    // MARK: - What others see

    /// Shows text to everybody but the console, which has it already.
    func write(_ text: String, _ style: SharedFrame.OutputPiece.Style) {
        keep(text, style)
        guard let hub else { return }
        var rest = text[...]
        while !rest.isEmpty {
            let part = rest.utf8.count > DebuggerMessage.outputBytesMax ? rest.prefix(16_384) : rest
            hub.send(.output(style, String(part)))
            rest = rest.dropFirst(part.count)
        }
    }

    private func keep(_ text: String, _ style: SharedFrame.OutputPiece.Style) {
        earlier.append((text, style))
        earlierBytes += text.utf8.count
        guard earlierBytes > 2 * Self.earlierBytesMax else { return }
        while earlierBytes > Self.earlierBytesMax, let first = earlier.first {
            earlierBytes -= first.text.utf8.count
            earlier.removeFirst()
        }
    }

    /// A command was typed at the console.
    func typed(_ line: String, at prompt: String) {
        let text = line.drop { $0 == " " }
        let isComment = text.hasPrefix("*") || text.hasPrefix("$$") && !text.hasPrefix("$$<")
        if !isComment { write(prompt + line + "\n", .plain) }
        journal.note("console \(prompt)\(line)")
        hub?.send(.busy(targetRuns: false))
    }

    /// The debugger waits for a command.
    func waitsForCommand(_ prompt: String) {
        self.prompt = prompt
        hub?.send(.prompt(prompt))
    }

    /// The target has been running for a while.
    func targetRuns() {
        hub?.send(.busy(targetRuns: true))
    }

    /// Says goodbye to everybody.
    func end(_ words: String) {
        hub?.send(.end(words))
        hub = nil
        PatientOutput.end()
    }

    /// Whether there is a hub, with or without participants.
    var isShared: Bool { hub?.isConnected ?? false }

    /// Shows readable in poll(2) when `showNotices` or `attend` has something to do; -1 without a hub.
    var descriptor: Int32 { hub?.descriptor ?? -1 }

    /// Shows who has come meanwhile; while a command is carried out there is no line on the screen.
    func showNotices() {
        while let message = hub?.next() {
            switch message {
            case .notice(let text): show(text)
            case .complete(let participant, let number, _):
                hub?.send(.completions(participant: participant, number: number, []))
            default: return
            }
        }
    }
}

// MARK: - What others type

extension SessionShare: PromptCompanion {
    var requests: [PollRequest] { [PollRequest(descriptor)] }
    var wakeNanoseconds: UInt64? {
        guard let hub else { return nil }
        // That it is gone may have shown when it was told something; poll(2) does not say it again.
        return hub.hasInput || !hub.isConnected ? 0 : nil
    }
    var wantsLine: Bool { true }

    func completions(of line: String, _ screen: any PromptScreen) -> [String] {
        interpreter?.completions(of: line) ?? []
    }

    func attend(_ screen: any PromptScreen) -> Bool {
        guard let hub else { return true }
        guard let message = hub.next() else {
            if !hub.isConnected { lose(screen) }
            return true
        }
        switch message {
        case .notice(let text):
            screen.hide()
            show(text)
            screen.show(prompt: prompt)
        case .complete(let participant, let number, let line):
            let texts = interpreter?.completions(of: line) ?? []
            hub.send(.completions(participant: participant, number: number, texts))
        case .command(let participant, let identity, let text):
            return carryOut(text, of: participant, identity, screen)
        default:
            break
        }
        return true
    }

    private func show(_ notice: String) {
        console.write(notice + "\n")
        journal.note(notice)
    }

    private func lose(_ screen: any PromptScreen) {
        hub = nil
        screen.hide()
        console.write(
            "The debugging server has ended by itself; .server starts it anew.\n",
            .warning
        )
        screen.show(prompt: prompt)
    }

    private func carryOut(
        _ text: String,
        of participant: UInt16,
        _ identity: String,
        _ screen: any PromptScreen
    ) -> Bool {
        guard let interpreter else { return true }
        screen.hide()
        console.write("[\(identity)] \(prompt)\(text)\n")
        journal.note("\(identity) \(prompt)\(text)")
        let own = interpreter.repetition
        interpreter.repetition = repetitions[participant] ?? ""
        interpreter.isForClient = true
        interpreter.execute(text)
        interpreter.isForClient = false
        repetitions[participant] = interpreter.repetition
        interpreter.repetition = own
        guard interpreter.quitRequest == nil else { return false }
        _ = interpreter.session.host.takeInterrupt()
        waitsForCommand(interpreter.prompt)
        screen.show(prompt: prompt)
        return true
    }
}

// MARK: - .server and its kin

extension SessionShare: DebuggingServer {
    func ask(_ request: SharingRequest) throws -> [String] {
        if case .serve(let transport) = request { return try serve(transport) }
        guard let words = Self.words(of: request) else { return [] }
        guard isShared else { return [] }
        return try ask(words)
    }

    private static func words(of request: SharingRequest) -> [String]? {
        switch request {
        case .serve: nil
        case .servers: [HubRequest.servers.rawValue]
        case .endServer(let id): [HubRequest.endServer.rawValue, id]
        case .clients: [HubRequest.clients.rawValue]
        case .mute(let client): [HubRequest.mute.rawValue, client]
        case .unmute(let client): [HubRequest.unmute.rawValue, client]
        case .drop(let client): [HubRequest.drop.rawValue, client]
        case .handOver(let client): [HubRequest.handOver.rawValue, client]
        }
    }

    /// The password goes no further than this: its keys do.
    private func serve(_ transport: String) throws -> [String] {
        let connection: ConnectionString
        let access: ServerAccess
        do {
            connection = try ConnectionString(transport, for: .server)
            access = try ServerAccess(connection)
        } catch {
            throw EngineError.sentence("\(error)")
        }
        if !isShared { try startHub() }
        let answer = try ask(
            [
                HubRequest.serve.rawValue, ConnectionString.withoutPassword(transport),
                access.encoded,
            ]
        )
        let port = answer.first.flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil }
        // Here and not in the hub, which is not to wait for a firewall's programs.
        let notice = connection.access.opensFirewall ? [openFirewall(tcpPort: port)] : []
        return Array(answer.dropFirst()) + notice
    }

    private func ask(_ words: [String]) throws -> [String] {
        guard let answer = hub?.ask(words) else {
            throw EngineError.sentence("the debugging server does not answer")
        }
        guard answer.isDone else {
            throw EngineError.sentence(answer.lines.joined(separator: "\n"))
        }
        return answer.lines
    }

    private func startHub() throws {
        do {
            let hub = try HubConnection()
            self.hub = hub
            // A command that a client leaves behind (in a breakpoint, an alias) would run with our rights.
            shellIsForbidden = true
            PatientOutput.begin()
            for piece in earlier { hub.send(.output(piece.style, piece.text)) }
        } catch {
            throw EngineError.sentence("the debugging server cannot be started: \(error)")
        }
    }

    func openJournal(_ path: String) throws {
        do {
            try journal.open(path)
        } catch {
            throw EngineError.sentence("Unable to open the session's log: \(error)")
        }
    }

    func forbidShell() {
        shellIsForbidden = true
    }
}
