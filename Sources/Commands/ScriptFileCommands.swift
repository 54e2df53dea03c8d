internal import DebugEngine

let scriptFileCommands: [Command] = [
    Command(
        names: ["$$"],
        usage: "$$ Comment, $$<File, $$><File, $$>a<File [Arguments]",
        summary: "a comment; with < carry out a script's lines; with >< all of them as one line",
        details: """
            $$>< joins the lines by ; first, so that blocks may stretch over several. $$>a< does that too
            and hands arguments over: ${$arg1}, ${$arg2}, ..., ${$argcount}; ${/d:$arg1} tells whether one
            was given. $< and $>< are the same but take everything up to the end of the line as the
            file's name. Scripts may start scripts, up to 32 levels.
            """,
        run: { try scriptOrComment(&$0) }
    ),
    Command(
        names: ["$"],
        usage: "$<File, $><File",
        summary: "carry out a script's lines, or all of them as one line",
        takesRestOfLine: true,
        run: { call in
            guard call.rest.first == "<" || call.rest.hasPrefix("><") else {
                throw EngineError(.syntax, "$" + call.rest)
            }
            try scriptOrComment(&call)
        }
    ),
]

private func scriptOrComment(_ call: inout CommandCall) throws {
    let text = call.rest
    if text.hasPrefix(">a<") {
        let words = CommandLineText.split(CommandText.trim(text.dropFirst(3)))
        guard let path = words.first else { throw EngineError(.operand, "") }
        return try runScript(path, isCondensed: true, arguments: words, call)
    }
    let isCondensed = text.hasPrefix("><")
    guard isCondensed || text.hasPrefix("<") else { return }
    var path = CommandText.trim(text.dropFirst(isCondensed ? 2 : 1))
    if path.hasPrefix("\""), path.hasSuffix("\""), path.count > 1 {
        path = String(path.dropFirst().dropLast())
    }
    try runScript(path, isCondensed: isCondensed, arguments: nil, call)
}

private func runScript(
    _ path: String,
    isCondensed: Bool,
    arguments: [String]?,
    _ call: CommandCall
) throws {
    let interpreter = call.interpreter
    guard let lines = interpreter.environment.scriptLines(path) else {
        throw EngineError.sentence("Command file \(path) cannot be read")
    }
    if let arguments { interpreter.aliases.arguments.append(arguments) }
    defer { if arguments != nil { interpreter.aliases.arguments.removeLast() } }
    if isCondensed {
        return try interpreter.run(ScriptText.condensed(lines.filter { !$0.isEmpty }))
    }
    for line in lines {
        try call.checkInterrupt()
        try interpreter.runScriptLine(line)
        if interpreter.isStopping { return }
    }
}
