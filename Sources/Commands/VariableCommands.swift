internal import DebugEngine
internal import Symbols

let variableCommands: [Command] = [
    Command(
        names: ["dv"],
        usage: "dv [/t] [/v|/V] [/i] [/r] [/a|/A|/n|/N|/z|/Z] [/f Address] [Pattern]",
        summary: "display the locals and parameters of the current frame",
        details: """
            /t shows types, /v where each lies, /V that from the stack pointer on, /i its kind, /r what is in
            structures and containers; /n and /N sort by name, /a and /A by address, /z and /Z by size, capitals
            downwards. /f shows those of the code at an address, with the registers of the current frame.
            """,
        run: { try displayVariables(&$0) }
    )
]

private struct VariableOptions {
    var showsTypes = false
    var showsPlaces = false
    var showsOffsets = false
    var showsKinds = false
    var expands = false
    var sorting: Character?
    var code: UInt64?

    mutating func take(_ word: String) throws {
        for letter in word.dropFirst() {
            switch letter {
            case "t": showsTypes = true
            case "v": showsPlaces = true
            case "V": (showsPlaces, showsOffsets) = (true, true)
            case "i": showsKinds = true
            case "r": expands = true
            case "n", "a", "N", "A", "z", "Z": sorting = letter
            default: throw EngineError(.syntax, word)
            }
        }
    }
}

private func displayVariables(_ call: inout CommandCall) throws {
    let session = call.session
    let thread = try call.thread()
    var options = VariableOptions()
    var pattern: WildcardPattern?
    while !call.isAtEnd {
        if call.take("/f") {
            options.code = try call.expression()
        } else if let word = call.word() {
            if word.first == "/" {
                try options.take(word)
            } else {
                pattern = WildcardPattern(word)
            }
        }
    }
    var frame = try session.frame(session.currentFrame, of: thread)
    let stack = frame.childStackPointer
    if let code = options.code {
        frame.registers.pc = code
        frame.registers.pcIsReturnAddress = false
        frame.inlined = nil
    }
    let limits = ValueLimits(depth: options.expands ? 2 : 0)
    var variables = session.variables(in: frame, of: thread, limits: limits)
    if let pattern { variables = variables.filter { pattern.matches($0.name) } }
    sort(&variables, options.sorting)
    guard !variables.isEmpty else {
        guard pattern == nil else { return }
        if let file = session.missingDebugFile(of: frame, thread) {
            return call.output.line(
                "The debug information of this code is in \(file), which is not there (a .dwp is not read)",
                .warning
            )
        }
        return call.output.line(
            "No local variables are known here: the frame's code has no debug information"
                + " or no variables",
            .warning
        )
    }
    for variable in variables {
        try call.checkInterrupt()
        call.output.line(variableLine(variable, options, stack))
        if options.expands { MemberLines(call).show(variable.value, indent: 22) }
    }
}

private func sort(_ variables: inout [Variable], _ sorting: Character?) {
    switch sorting {
    case "n": variables.sort { $0.name < $1.name }
    case "N": variables.sort { $0.name > $1.name }
    case "a": variables.sort { ($0.address ?? 0) < ($1.address ?? 0) }
    case "A": variables.sort { ($0.address ?? 0) > ($1.address ?? 0) }
    case "z": variables.sort { ($0.size ?? 0) < ($1.size ?? 0) }
    case "Z": variables.sort { ($0.size ?? 0) > ($1.size ?? 0) }
    default: break
    }
}

/// `             ulNode = 0x344`; with /v the place in front.
private func variableLine(
    _ variable: Variable,
    _ options: VariableOptions,
    _ stack: UInt64
) -> String {
    let type = options.showsTypes ? "\(TypeText.short(variable.typeName)) " : ""
    let kind = options.showsKinds ? (variable.isParameter ? "prv param  " : "prv local  ") : ""
    let text = TypeText.short(variable.value.text)
    guard options.showsPlaces else {
        return kind + Format.leftPad(type + variable.name, to: 19) + " = \(text)"
    }
    let place: String
    if let address = variable.address {
        let offset = address &- stack
        let isNear = options.showsOffsets && offset < 1 << 24
        place = isNear ? "@rsp+0x\(Format.hex(offset, width: 4))" : Format.address(address)
    } else if let register = variable.register {
        place = "@\(register)"
    } else {
        place = variable.value.isAvailable ? "<value>" : "<unavailable>"
    }
    let label = type + variable.name
    return kind + Format.pad(place, to: 17)
        + Format.leftPad(label.count < 16 ? label : " " + label, to: 16)
        + " = \(text)"
}
