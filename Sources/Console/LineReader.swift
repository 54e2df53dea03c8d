internal import CEditline
internal import LinuxSystem

/// Reads command lines: with editing and history from a terminal, plainly from anything else.
public final class LineReader {
    /// How many lines the history keeps.
    public static let historyEntriesMax = 1000
    /// The longest line taken from a pipe, in bytes.
    public static let lineBytesMax = 1 << 20

    private let editor: LineEditor?
    private var plain = PlainLines()

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

    /// Writes the prompt and reads a line without its newline; nil at the end of the input.
    public func readLine(prompt: String) -> String? {
        if let editor { return editor.readLine(prompt: prompt) }
        printOut(prompt)
        return plain.next()
    }
}

/// The three standard descriptors, which nobody closes.
enum StandardDescriptor: Int32 {
    case input = 0
    case output = 1

    var isTerminal: Bool { isTerminalDescriptor(rawValue) }
}

/// libedit.
private final class LineEditor {
    private let editor: OpaquePointer
    private let history: OpaquePointer
    private let historyPath: String?
    private let prompt = PromptText()

    init?(program: String, historyPath: String?) {
        guard
            let editor = el_init(
                program,
                cel_standard_input(),
                cel_standard_output(),
                cel_standard_error()
            ), let history = history_init()
        else { return nil }
        self.editor = editor
        self.history = history
        self.historyPath = historyPath
        cel_history_set_size(history, Int32(LineReader.historyEntriesMax))
        cel_history_skip_repeats(history)
        if let historyPath { cel_history_load(history, historyPath) }
        cel_use_emacs_keys(editor)
        cel_use_history(editor, history)
        // Ctrl+B and Enter leave the debugger, as the original has it; Left is there for moving.
        cel_bind_self_insert(editor, "^B")
        cel_set_client_data(editor, Unmanaged.passUnretained(prompt).toOpaque())
        cel_set_prompt(editor) { editor in
            cel_client_data(editor).flatMap {
                Unmanaged<PromptText>.fromOpaque($0).takeUnretainedValue().bytes
            }
        }
        el_source(editor, nil)
    }

    deinit {
        if let historyPath { cel_history_save(history, historyPath) }
        history_end(history)
        el_end(editor)
    }

    func readLine(prompt text: String) -> String? {
        prompt.set(text)
        var count: Int32 = 0
        guard let line = el_gets(editor, &count), count > 0 else { return nil }
        var text = String(cString: line)
        if text.last == "\n" { text.removeLast() }
        if !text.isEmpty { cel_history_enter(history, text) }
        return text
    }
}

/// A prompt as the C string that libedit asks for.
private final class PromptText {
    private(set) var bytes: UnsafeMutablePointer<CChar>?

    func set(_ text: String) {
        bytes?.deallocate()
        let characters = text.utf8CString
        let copy = UnsafeMutablePointer<CChar>.allocate(capacity: characters.count)
        for (index, character) in characters.enumerated() { copy[index] = character }
        bytes = copy
    }

    deinit {
        bytes?.deallocate()
    }
}

/// Lines from a pipe or a file, taken from the descriptor so that nothing is read ahead of poll(2).
private struct PlainLines {
    private var buffer: [UInt8] = []
    private var hasEnded = false

    mutating func next() -> String? {
        while true {
            if let end = buffer.firstIndex(of: 0x0a) {
                let line = buffer[..<end]
                buffer.removeSubrange(...end)
                return text(line)
            }
            if hasEnded || buffer.count >= LineReader.lineBytesMax {
                guard !buffer.isEmpty else { return nil }
                defer { buffer = [] }
                return text(buffer[...])
            }
            let bytes = readStandardInput(maximum: 65_536)
            hasEnded = bytes.isEmpty
            buffer += bytes
        }
    }

    private func text(_ line: ArraySlice<UInt8>) -> String {
        String(decoding: line.last == 0x0d ? line.dropLast() : line, as: UTF8.self)
    }
}
