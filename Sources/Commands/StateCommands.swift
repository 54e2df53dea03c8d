internal import DebugEngine
internal import DebugTarget

/// What `.push` puts aside.
struct SavedState {
    /// How many may be put aside at a time.
    static let countMax = 64

    var thread: ThreadID?
    var frame: Int
    /// `$t0` to `$t19`, with `/r`.
    var userRegisters: [UInt64]?
}

let stateCommands: [Command] = [
    Command(
        names: [".push"],
        usage: ".push [/r] [/q]",
        summary: "put the current thread and frame aside; with /r $t0 to $t19 too",
        details: "Both .push and .pop are silent, with and without /q.",
        run: { call in
            let withRegisters = try takeStateOptions(&call)
            let interpreter = call.interpreter
            guard interpreter.savedStates.count < SavedState.countMax else {
                throw EngineError.sentence("No more than \(SavedState.countMax) states are kept")
            }
            interpreter.savedStates.append(
                SavedState(
                    thread: call.session.currentThread?.id,
                    frame: call.session.currentFrame,
                    userRegisters: withRegisters ? call.session.userRegisters : nil
                )
            )
        }
    ),
    Command(
        names: [".pop"],
        usage: ".pop [/r] [/q]",
        summary: "go back to what the last .push has put aside",
        run: { call in
            let withRegisters = try takeStateOptions(&call)
            let session = call.session
            guard let state = call.interpreter.savedStates.last else {
                throw EngineError.sentence("Nothing was put aside by .push")
            }
            if withRegisters, state.userRegisters == nil {
                throw EngineError.sentence("The last .push was without /r")
            }
            call.interpreter.savedStates.removeLast()
            if withRegisters, let values = state.userRegisters { session.userRegisters = values }
            guard let id = state.thread else { return }
            guard let thread = session.processes.flatMap(\.threads).first(where: { $0.id == id })
            else { throw EngineError.sentence("The thread of the last .push is gone") }
            session.select(thread)
            session.currentFrame = state.frame
        }
    ),
    Command(
        names: [".pcmd"],
        usage: ".pcmd [-s \"Commands\" | -c]",
        summary: "show, set or clear what is carried out whenever the target has stopped",
        run: { call in
            let interpreter = call.interpreter
            if call.take("-s") {
                let text = try call.quoted() ?? call.word()
                guard let text, !text.isEmpty else { throw EngineError(.operand, "") }
                interpreter.promptCommand = text
            } else if call.take("-c") {
                interpreter.promptCommand = nil
            }
            try call.requireEnd()
            let shown = interpreter.promptCommand.map { "Per-prompt command is '\($0)'" }
            call.output.line(shown ?? "No per-prompt command")
        }
    ),
    Command(
        names: [".prompt_allow"],
        usage: ".prompt_allow [{+|-}{dis|ea|reg|src|sym} ...]",
        summary: "show or change what is shown of the place where the target has stopped",
        details: """
            dis is the instruction, ea where its operand in memory is, reg the registers (as pr and tr), src the
            source line (l+s), sym the symbol.
            """,
        run: { try allowPromptItems(&$0) }
    ),
]

private func takeStateOptions(_ call: inout CommandCall) throws -> Bool {
    var withRegisters = false
    while !call.isAtEnd {
        if call.take("/r") {
            withRegisters = true
        } else if !call.take("/q") {
            throw EngineError(.syntax, CommandText.trim(call.rest))
        }
    }
    return withRegisters
}

private let promptItems: [(name: String, item: PromptItems?, text: String)] = [
    ("sym", .symbol, "Symbol for current instruction"),
    ("dis", .instruction, "Disassembly of current instruction"),
    ("ea", .effectiveAddress, "Effective address for current instruction"),
    ("reg", nil, "Register state"),
    ("src", .source, "Source info for current instruction"),
]

private func allowPromptItems(_ call: inout CommandCall) throws {
    let session = call.session
    var changes: [(isShown: Bool, item: PromptItems?)] = []
    while let word = call.word() {
        guard let sign = word.first, sign == "+" || sign == "-",
            let entry = promptItems.first(where: { $0.name == word.dropFirst() })
        else { throw EngineError(.syntax, word + call.rest) }
        changes.append((sign == "+", entry.item))
    }
    for change in changes {
        guard let item = change.item else {
            session.showsRegisters = change.isShown
            continue
        }
        if change.isShown {
            session.promptItems.insert(item)
        } else {
            session.promptItems.remove(item)
        }
    }
    for isShown in [true, false] {
        let listed = promptItems.filter { entry in
            (entry.item.map { session.promptItems.contains($0) } ?? session.showsRegisters)
                == isShown
        }
        if listed.isEmpty { continue }
        call.output.line(
            isShown
                ? "Allow the following information to be displayed at the prompt:"
                : "Do not allow the following information to be displayed at the prompt:"
        )
        if isShown {
            call.output.line(
                "(Other settings can affect whether the information is actually displayed)"
            )
        }
        for entry in listed {
            call.output.line("\(Format.leftPad(entry.name, to: 6)) - \(entry.text)")
        }
    }
}
