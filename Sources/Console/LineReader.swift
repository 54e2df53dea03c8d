public import LinuxSystem

/// What goes on beside the user while a line is read: other people of a shared session, the far end of a connection.
public protocol PromptCompanion: AnyObject {
    /// What to poll for beside the user; negative descriptors are passed over.
    var requests: [PollRequest] { get }
    /// When to be attended to at the latest, on the monotonic clock.
    var wakeNanoseconds: UInt64? { get }
    /// Whether the user's next line may be taken; only asked where the user is no terminal.
    var wantsLine: Bool { get }
    /// Does what there is to do: called when a request is ready or the time has come.
    ///
    /// - Returns: false when no more lines are wanted.
    func attend(_ screen: any PromptScreen) -> Bool
    /// How a line may go on, each text in the place of its last word; asked when the user presses Tab.
    func completions(of line: String, _ screen: any PromptScreen) -> [String]
}

/// The line being edited, for who writes something else meanwhile.
public protocol PromptScreen: AnyObject {
    /// Takes prompt and line off the screen; without effect when they are not there.
    func hide()
    /// Puts them back, behind what was written.
    func show(prompt: String)
}

/// What came of reading a line.
public enum PromptLine: Equatable {
    /// A line, without its newline.
    case text(String)
    /// The end of the input.
    case ended
    /// The companion wants no more lines.
    case stopped
}

/// Reads command lines: with editing and history from a terminal, plainly from anything else.
public final class LineReader {
    /// How many lines the history keeps.
    public static let historyEntriesMax = 1000
    /// The longest line taken from a pipe, in bytes.
    public static let lineBytesMax = 1 << 20

    private let editor: LineEditor?
    private let plain = PlainLines()

    /// Opens standard input.
    ///
    /// - Parameters:
    ///   - program: the program's name, for the user's editrc(5).
    ///   - historyPath: where the history is kept across sessions; nil for nowhere.
    public init(program: String, historyPath: String?) {
        editor =
            StandardDescriptor.input.isTerminal && StandardDescriptor.output.isTerminal
            ? LineEditor(program: program, historyPath: historyPath) : nil
    }

    /// Whether a person types at a terminal.
    public var isInteractive: Bool { editor != nil }

    /// Writes the prompt and reads a line.
    public func readLine(
        prompt: String,
        companion: (any PromptCompanion)? = nil
    ) -> PromptLine {
        if let editor { return editor.readLine(prompt: prompt, companion) }
        plain.show(prompt: prompt)
        return plain.next(companion)
    }
}

/// The three standard descriptors, which nobody closes.
enum StandardDescriptor: Int32 {
    case input = 0
    case output = 1

    var isTerminal: Bool { isTerminalDescriptor(rawValue) }
}

/// Waits for the user and a companion in turns, so that neither can keep the other from being heard.
struct PromptWait {
    private var attendedLast = false

    /// What came first.
    enum Outcome {
        /// The user has typed something.
        case input
        /// The companion was attended to.
        case attended
        /// What stood still shows text again.
        case shown
        /// It wants no more lines.
        case stopped
    }

    /// Waits for one of the two.
    mutating func next(
        _ companion: (any PromptCompanion)?,
        _ screen: any PromptScreen,
        wantsInput: Bool = true
    ) -> Outcome {
        guard let companion else { return .input }
        while true {
            // Who has stopped the terminal types for later: an echo would have to wait.
            let wasBehind = PatientOutput.isBehind
            PatientOutput.flush()
            let isBehind = PatientOutput.isBehind
            if wasBehind, !isBehind { return .shown }
            let input = wantsInput && !isBehind ? StandardDescriptor.input.rawValue : -1
            var requests = [PollRequest(input)] + companion.requests
            if isBehind { requests.append(PatientOutput.request) }
            let wake = companion.wakeNanoseconds
            let isAwake: Bool?
            if let wake {
                isAwake = try? pollDescriptors(&requests, untilMonotonicNanoseconds: wake)
            } else {
                isAwake = try? pollDescriptors(&requests)
            }
            guard isAwake != nil else { return .input }
            if isBehind, requests.removeLast().isWritable { continue }
            let isDue = wake.map { $0 <= monotonicNanoseconds() } ?? false
            let hasNews = isDue || requests.dropFirst().contains { $0.isReadable || $0.isWritable }
            let hasInput = requests[0].isReadable
            if hasInput, !hasNews || attendedLast {
                attendedLast = false
                return .input
            }
            guard hasNews else { continue }
            attendedLast = true
            return companion.attend(screen) ? .attended : .stopped
        }
    }
}

/// Lines from a pipe or a file, taken from the descriptor so that nothing is read ahead of poll(2).
private final class PlainLines: PromptScreen {
    private var buffer: [UInt8] = []
    private var hasEnded = false
    private var wait = PromptWait()
    /// Whether the last that was written is a prompt.
    private var isPromptShown = false

    /// What was written stays; what comes goes below it.
    func hide() {
        if isPromptShown { printOut("\n") }
        isPromptShown = false
    }

    func show(prompt: String) {
        printOut(prompt)
        isPromptShown = !prompt.isEmpty
    }

    func next(_ companion: (any PromptCompanion)?) -> PromptLine {
        while true {
            if companion?.wantsLine ?? true {
                if let line = waitingLine() {
                    isPromptShown = false
                    return .text(line)
                }
                if hasEnded { return .ended }
            }
            let wantsInput = !hasEnded && (companion?.wantsLine ?? true)
            switch wait.next(companion, self, wantsInput: wantsInput) {
            case .stopped: return .stopped
            case .attended, .shown: continue
            case .input:
                let bytes = readStandardInput(maximum: 65_536)
                hasEnded = bytes.isEmpty
                buffer += bytes
            }
        }
    }

    private func waitingLine() -> String? {
        if let end = buffer.firstIndex(of: 0x0a) {
            let line = buffer[..<end]
            buffer.removeSubrange(...end)
            return text(line)
        }
        guard hasEnded || buffer.count >= LineReader.lineBytesMax, !buffer.isEmpty else {
            return nil
        }
        defer { buffer = [] }
        return text(buffer[...])
    }

    private func text(_ line: ArraySlice<UInt8>) -> String {
        String(decoding: line.last == 0x0d ? line.dropLast() : line, as: UTF8.self)
    }
}
