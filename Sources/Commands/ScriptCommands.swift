internal import DebugEngine

/// How control leaves a block other than by its end.
enum BlockExit: Error {
    /// `.break`: out of the innermost loop.
    case breakLoop
    /// `.continue`: on to the loop's next turn.
    case continueLoop
    /// `.leave`: out of the innermost `.catch`.
    case leaveCatch
}

let scriptCommands: [Command] = [
    Command(
        names: [".if"],
        usage:
            ".if (Condition) { Commands } [.elsif (Condition) { Commands }] [.else { Commands }]",
        summary: "carry out commands if an expression is not 0",
        details: """
            Blocks nest up to 32 levels. A breakpoint with a condition of this kind: bp f ".if (@rdi == 5) {} .else {gc}".
            """,
        run: { try conditional(&$0) }
    ),
    Command(
        names: [".else", ".elsif"],
        usage: ".if (Condition) { Commands } .else { Commands }",
        summary: "the other branches of .if",
        run: { throw EngineError(.syntax, $0.name + $0.rest) }
    ),
    Command(
        names: [".while"],
        usage: ".while (Condition) { Commands }",
        summary: "carry out commands as long as an expression is not 0",
        details: "Ctrl+C ends the loop, .break leaves it, .continue begins its next turn.",
        run: { try loopWhile(&$0) }
    ),
    Command(
        names: [".do"],
        usage: ".do { Commands } (Condition)",
        summary: "carry out commands, and again as long as an expression is not 0",
        run: { try loopDo(&$0) }
    ),
    Command(
        names: [".for"],
        usage: ".for (InitialCommands; Condition; IncrementCommands) { Commands }",
        summary: "count: .for (r $t0=0; @$t0 < 5; r $t0=@$t0+1) { ? @$t0 }",
        run: { try loopFor(&$0) }
    ),
    Command(
        names: [".foreach"],
        usage: """
            .foreach [/pS Skip] [/ps Skip] (Variable { Commands }) { Commands }, \
            .foreach /s (Variable "Text") { Commands }, .foreach /f (Variable "File") { Commands }
            """,
        summary:
            "carry out commands for each word of what other commands print, of a text, of a file",
        details: """
            The variable stands for the word wherever it is between spaces, or as ${Variable} anywhere.
            /pS leaves out that many words at the beginning, /ps after each that is taken.
            """,
        run: { try loopForEach(&$0) }
    ),
    Command(
        names: [".break", ".continue"],
        usage: ".break, .continue",
        summary: "leave the innermost loop, or begin its next turn",
        run: { call in
            try call.requireEnd()
            throw call.name == ".break" ? BlockExit.breakLoop : BlockExit.continueLoop
        }
    ),
    Command(
        names: [".block"],
        usage: ".block { Commands }",
        summary: "commands in which aliases that were just set count",
        run: { call in
            let body = try call.block()
            try call.interpreter.run(body)
            try call.runRemainder()
        }
    ),
    Command(
        names: [".catch"],
        usage: ".catch { Commands }",
        summary: "commands whose errors do not end the script",
        run: { try catchErrors(&$0) }
    ),
    Command(
        names: [".leave"],
        usage: ".leave",
        summary: "leave the innermost .catch",
        run: { call in
            try call.requireEnd()
            throw BlockExit.leaveCatch
        }
    ),
    Command(
        names: ["j"],
        usage: "j Expression ['Commands1'] ; ['Commands2']",
        summary: "carry out the first commands if the expression is not 0, else the second",
        takesRestOfLine: true,
        run: { try either(&$0) }
    ),
    Command(
        names: ["z"],
        usage: "Commands ; z(Expression)",
        summary:
            "carry out the commands before on this line again as long as an expression is not 0",
        run: { call in
            let condition = try call.parenthesized()
            try call.requireEnd()
            call.interpreter.repeatsLine = try call.session.evaluate(condition) != 0
        }
    ),
]

private func conditional(_ call: inout CommandCall) throws {
    var isDone = false
    repeat {
        let condition = try call.parenthesized()
        let body = try call.block()
        if !isDone, try call.session.evaluate(condition) != 0 {
            isDone = true
            try call.interpreter.run(body)
        }
    } while call.takeKeyword(".elsif")
    if call.takeKeyword(".else") {
        let body = try call.block()
        if !isDone { try call.interpreter.run(body) }
    }
    if !call.interpreter.isStopping { try call.runRemainder() }
}

extension CommandCall {
    /// Carries out the body of a loop once.
    ///
    /// - Returns: whether the loop goes on.
    fileprivate func turn(_ body: String) throws -> Bool {
        try checkInterrupt()
        do {
            try interpreter.run(body)
        } catch BlockExit.breakLoop {
            return false
        } catch BlockExit.continueLoop {
            return true
        }
        return !interpreter.isStopping
    }
}

private func loopWhile(_ call: inout CommandCall) throws {
    let condition = try call.parenthesized()
    let body = try call.block()
    while try call.session.evaluate(condition) != 0 {
        guard try call.turn(body) else { break }
    }
    if !call.interpreter.isStopping { try call.runRemainder() }
}

private func loopDo(_ call: inout CommandCall) throws {
    let body = try call.block()
    let condition = try call.parenthesized()
    repeat {
        guard try call.turn(body) else { break }
    } while try call.session.evaluate(condition) != 0
    if !call.interpreter.isStopping { try call.runRemainder() }
}

private func loopFor(_ call: inout CommandCall) throws {
    let head = ScriptText.parts(try call.parenthesized())
    guard head.count == 3 else {
        throw EngineError.sentence("The head of .for has three parts: \(call.usage)")
    }
    let body = try call.block()
    try call.interpreter.run(head[0])
    let condition = CommandText.trim(head[1])
    while try condition.isEmpty || call.session.evaluate(condition) != 0 {
        guard try call.turn(body) else { break }
        try call.interpreter.run(head[2])
    }
    if !call.interpreter.isStopping { try call.runRemainder() }
}

private func loopForEach(_ call: inout CommandCall) throws {
    var skipFirst = 0
    var skipAfter = 0
    var kind: Character?
    call.skipSpaces()
    while call.rest.first == "/", let option = call.word() {
        switch option {
        case "/pS": skipFirst = Int(clamping: try call.expression())
        case "/ps": skipAfter = Int(clamping: try call.expression())
        case "/s", "/f": kind = option.last
        default: throw EngineError(.syntax, option)
        }
        call.skipSpaces()
    }
    var head = call
    head.rest = try call.parenthesized()
    let body = try call.block()
    guard let variable = head.word(), !variable.isEmpty else {
        throw EngineError(.syntax, head.rest)
    }
    let words = try wordsToVisit(&head, kind)
    var index = skipFirst
    while index < words.count {
        let text = AliasTable.replacing(variable, with: words[index], in: body)
        guard try call.turn(text) else { break }
        index += 1 + skipAfter
    }
    if !call.interpreter.isStopping { try call.runRemainder() }
}

private func wordsToVisit(_ head: inout CommandCall, _ kind: Character?) throws -> [String] {
    let text: String
    switch kind {
    case "s":
        text = try head.quoted() ?? head.remainder()
    case "f":
        let path = try head.quoted() ?? head.remainder()
        guard let lines = head.interpreter.environment.scriptLines(path) else {
            throw EngineError.sentence("File \(path) cannot be read")
        }
        text = lines.joined(separator: "\n")
    default:
        let commands = try head.block()
        let interpreter = head.interpreter
        text = try interpreter.session.capturing { try interpreter.run(commands) }
    }
    return text.split { $0.isWhitespace }.map(String.init)
}

private func catchErrors(_ call: inout CommandCall) throws {
    let body = try call.block()
    do {
        try call.interpreter.run(body)
    } catch BlockExit.leaveCatch {
        // That is what .leave is for.
    } catch let error where !(error is BlockExit) {
        if let error = error as? EngineError, error.kind == .userInterrupt { throw error }
        call.interpreter.reportCurrent(error)
    }
    if !call.interpreter.isStopping { try call.runRemainder() }
}

/// `j Expression ['Commands1'] ; ['Commands2']`; commands without quotes end at `;`.
private func either(_ call: inout CommandCall) throws {
    let isTrue = try call.expression() != 0
    let first = takeBranch(&call)
    call.skipSpaces()
    if call.rest.first == ";" { call.rest.removeFirst() }
    let second = takeBranch(&call)
    call.skipSpaces()
    if call.rest.first == ";" { call.rest.removeFirst() }
    try call.interpreter.run(isTrue ? first : second)
    if !call.interpreter.isStopping { try call.runRemainder() }
}

private func takeBranch(_ call: inout CommandCall) -> String {
    call.skipSpaces()
    if let text = call.apostrophed() { return text }
    let text = call.rest.prefix { $0 != ";" }
    call.rest = String(call.rest.dropFirst(text.count))
    return CommandText.trim(text)
}
