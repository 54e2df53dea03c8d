internal import CEditline
internal import LinuxSystem

/// libedit.
final class LineEditor: PromptScreen {
    /// How many completions are shown at the most.
    private static let completionsMax = 60

    private let editor: OpaquePointer
    private let history: OpaquePointer
    private let historyPath: String?
    private let prompt = PromptText()
    private weak var companion: (any PromptCompanion)?
    private var wait = PromptWait()
    private var isStopped = false
    /// Whether prompt and line are on the screen.
    private var isShown = false
    /// Whether libedit has a line.
    private var isEditing = false

    init?(program: String, historyPath: String?) {
        cel_use_utf8()
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
        cel_set_client_data(editor, Unmanaged.passUnretained(self).toOpaque())
        cel_set_prompt(editor) { LineEditor.of($0)?.prompt.bytes }
        cel_set_reader(editor) { editor, character in
            guard let self = LineEditor.of(editor), let character else { return -1 }
            return self.readCharacter(character)
        }
        cel_bind_function(editor, "cdb-complete", "complete a command or a name", "^I") {
            editor,
            _ in
            LineEditor.of(editor)?.complete() ?? UInt8(CC_ERROR)
        }
        el_source(editor, nil)
    }

    deinit {
        if let historyPath { cel_history_save(history, historyPath) }
        history_end(history)
        el_end(editor)
    }

    private static func of(_ editor: OpaquePointer?) -> LineEditor? {
        editor.flatMap { cel_client_data($0) }.map {
            Unmanaged<LineEditor>.fromOpaque($0).takeUnretainedValue()
        }
    }

    func readLine(prompt text: String, _ companion: (any PromptCompanion)?) -> PromptLine {
        prompt.set(text)
        self.companion = companion
        isStopped = false
        // libedit would wait for a terminal that is stopped, and everybody with it.
        while companion != nil, PatientOutput.isBehind {
            if wait.next(companion, self, wantsInput: false) == .stopped { return .stopped }
        }
        isShown = true
        isEditing = true
        defer { isEditing = false }
        var count: Int32 = 0
        let line = el_gets(editor, &count)
        isShown = false
        if isStopped { return .stopped }
        guard let line, count > 0 else { return .ended }
        var text = String(cString: line)
        if text.last == "\n" { text.removeLast() }
        if !text.isEmpty { cel_history_enter(history, text) }
        return .text(text)
    }

    // MARK: - Other text meanwhile

    func hide() {
        guard isShown else { return }
        isShown = false
        if PatientOutput.isBehind { return printOut("\n") }
        guard let line = el_line(editor)?.pointee, let start = line.buffer, let cursor = line.cursor
        else { return }
        let typed = UnsafeRawBufferPointer(start: start, count: max(cursor - start, 0))
        let cells = prompt.width + String(decoding: typed, as: UTF8.self).unicodeScalars.count
        let rows = cells / max(Int(cel_columns()), 1)
        printOut((rows > 0 ? "\u{1b}[\(rows)A" : "") + "\r\u{1b}[J")
    }

    func show(prompt text: String) {
        prompt.set(text)
        refresh()
    }

    private func refresh() {
        guard isEditing, !PatientOutput.isBehind else { return }
        isShown = true
        cel_refresh(editor)
    }

    // MARK: - Keys

    /// libedit asks for the next character: 1 when there is one, 0 for none any more.
    private func readCharacter(_ character: UnsafeMutablePointer<wchar_t>) -> Int32 {
        var outcome = wait.next(companion, self)
        while outcome == .attended || outcome == .shown {
            if !isShown { refresh() }
            outcome = wait.next(companion, self)
        }
        guard outcome == .input else {
            isStopped = true
            return 0
        }
        guard let first = readStandardInput(maximum: 1).first else { return 0 }
        let following = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0
        var bytes = [first]
        while bytes.count <= following, let next = readStandardInput(maximum: 1).first {
            bytes.append(next)
        }
        let scalar = String(decoding: bytes, as: UTF8.self).unicodeScalars.first
        character.pointee = wchar_t(bitPattern: scalar?.value ?? 0xfffd)
        return 1
    }

    private func complete() -> UInt8 {
        guard let companion, let line = el_line(editor)?.pointee, let start = line.buffer,
            let cursor = line.cursor
        else { return UInt8(CC_ERROR) }
        let typed = UnsafeRawBufferPointer(start: start, count: max(cursor - start, 0))
        let text = String(decoding: typed, as: UTF8.self)
        let found = companion.completions(of: text, self)
        guard !found.isEmpty else { return UInt8(CC_ERROR) }
        let word = String(text.split(separator: " ", omittingEmptySubsequences: false).last ?? "")
        let common = found.dropFirst().reduce(found[0]) { $0.commonPrefix(with: $1) }
        if common.count > word.count, common.hasPrefix(word) {
            let rest = String(common.dropFirst(word.count)) + (found.count == 1 ? " " : "")
            return el_insertstr(editor, rest) == 0 ? UInt8(CC_REFRESH) : UInt8(CC_ERROR)
        }
        guard found.count > 1 else { return UInt8(CC_ERROR) }
        let shown = found.prefix(Self.completionsMax).joined(separator: "  ")
        let more = found.count > Self.completionsMax ? "  …" : ""
        printOut("\n\(shown)\(more)\n")
        return UInt8(CC_REDISPLAY)
    }
}

/// A prompt as the C string that libedit asks for.
private final class PromptText {
    private(set) var bytes: UnsafeMutablePointer<CChar>?
    /// How many cells of the screen it takes.
    private(set) var width = 0

    func set(_ text: String) {
        bytes?.deallocate()
        let characters = text.utf8CString
        let copy = UnsafeMutablePointer<CChar>.allocate(capacity: characters.count)
        for (index, character) in characters.enumerated() { copy[index] = character }
        bytes = copy
        width = text.unicodeScalars.count
    }

    deinit {
        bytes?.deallocate()
    }
}

extension String {
    /// What both begin with.
    fileprivate func commonPrefix(with other: String) -> String {
        String(zip(self, other).prefix { $0 == $1 }.map(\.0))
    }
}
