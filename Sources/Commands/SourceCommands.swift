internal import DebugEngine
internal import Symbols

let sourceCommands: [Command] = [
    Command(
        names: ["l+", "l-"],
        usage: "l+Option, l-Option",
        summary:
            "turn source options on and off: t step by line, l line numbers, s text, o text only, * all",
        run: { try setSourceOption(&$0) }
    ),
    Command(
        names: ["ls", "lsa"],
        usage: "ls [.] [First][, Count], lsa [Address][, First][, Count]",
        summary: "list source lines; lsa around an address",
        run: { try listSource(&$0) }
    ),
    Command(
        names: [".lines"],
        usage: ".lines [-e|-d|-t]",
        summary: "turn line numbers on, off, or over",
        run: { call in
            switch call.word() {
            case "-e": call.session.usesLines = true
            case "-d": call.session.usesLines = false
            case nil, "-t": call.session.usesLines.toggle()
            case let other?: throw EngineError(.syntax, other)
            }
            try call.requireEnd()
            let state = call.session.usesLines ? "will" : "will not"
            call.output.line("Line number information \(state) be loaded")
        }
    ),
]

private func setSourceOption(_ call: inout CommandCall) throws {
    let letters: [Character: SourceOptions] = [
        "t": .step, "l": .line, "s": .text, "o": .only,
        "*": [.step, .line, .text, .only],
    ]
    let option = call.remainder()
    let session = call.session
    if let letter = option.first {
        guard option.count == 1, let bits = letters[letter] else {
            throw EngineError(.syntax, option)
        }
        if call.name == "l+" {
            session.sourceOptions.formUnion(bits)
        } else {
            session.sourceOptions.subtract(bits)
        }
    }
    let all = session.sourceOptions
    call.output.line("Source options are \(Format.hex(UInt64(all.rawValue))):")
    let texts: [(SourceOptions, String)] = [
        (.step, "1/t - Step/trace by source line"),
        (.line, "2/l - List source line for LN and prompt"),
        (.text, "4/s - List source code at prompt"),
        (.only, "8/o - Only show source code at prompt"),
    ]
    for (bits, text) in texts where all.contains(bits) { call.output.line("     " + text) }
    if all.isEmpty { call.output.line("    None") }
}

private let defaultLineCount = 20

private func listSource(_ call: inout CommandCall) throws {
    let session = call.session
    let process = try call.process()
    let interpreter = call.interpreter
    var first: Int?
    var count = defaultLineCount
    var file: String?
    if call.name == "lsa" || interpreter.nextSourceLine == nil || call.take(".") {
        let isGiven = call.name == "lsa" && !call.isAtEnd && call.rest.first != ","
        let address = isGiven ? try call.expression() : try session.evaluate("$ip")
        guard let location = session.sourceLocation(address, in: process) else {
            throw EngineError.sentence(
                "No line information at \(Format.address(address))"
            )
        }
        file = location.file
        first = max(1, location.line - defaultLineCount / 2)
    } else if let next = interpreter.nextSourceLine {
        (file, first) = (next.file, next.line)
    }
    try takeLineNumbers(&call, &first, &count)
    guard let file, let first else { return }
    guard let lines = session.sourceLines(file) else {
        throw EngineError.sentence("Source file \(file) not found; .srcpath says where to look")
    }
    let marked = try currentLine(session, process, file)
    let end = min(lines.count, first - 1 + count)
    for index in max(0, first - 1)..<max(first - 1, end) {
        try call.checkInterrupt()
        let number = Format.leftPad(String(index + 1), to: 5)
        call.output.line("\(index + 1 == marked ? ">" : " ")\(number): \(lines[index])")
    }
    interpreter.nextSourceLine = (file, end + 1)
    interpreter.repeatText = "ls"
}

/// `First`, `,Count` or `First,Count`.
private func takeLineNumbers(
    _ call: inout CommandCall,
    _ first: inout Int?,
    _ count: inout Int
) throws {
    call.skipSpaces()
    if !call.isAtEnd, call.rest.first != "," { first = Int(clamping: try call.expression()) }
    call.skipSpaces()
    if call.rest.first == "," {
        call.rest.removeFirst()
        count = Int(clamping: try call.expression())
    }
    try call.requireEnd()
    first = first.map { max(1, min($0, 1 << 30)) }
    count = min(count, 1 << 20)
}

private func currentLine(
    _ session: DebugSession,
    _ process: ProcessState,
    _ file: String
) throws -> Int? {
    let address = try session.evaluate("$ip")
    guard let location = session.sourceLocation(address, in: process), location.file == file else {
        return nil
    }
    return location.line
}
