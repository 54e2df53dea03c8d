internal import DebugEngine
internal import Symbols

let variableCommands: [Command] = [
    Command(
        names: ["dv"],
        usage: "dv [/t] [/v] [/i] [/a|/n] [Pattern]",
        summary: "display the locals and parameters of the current frame",
        details:
            "/t shows types, /v where each lies, /i its kind, /n sorts by name, /a by address.",
        run: { try displayVariables(&$0) }
    ),
    Command(
        names: ["dt"],
        usage: "dt [-r[Depth]] [Module!]Name [Address]",
        summary: "display a type's layout, a variable, or memory as a type",
        run: { try displayType(&$0) }
    ),
]

private struct VariableOptions {
    var showsTypes = false
    var showsPlaces = false
    var showsKinds = false
    var sorting: Character?

    mutating func take(_ word: String) throws {
        for letter in word.dropFirst() {
            switch letter {
            case "t": showsTypes = true
            case "v", "V": showsPlaces = true
            case "i": showsKinds = true
            case "n", "a", "N", "A": sorting = Character(letter.lowercased())
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
    while let word = call.word() {
        if word.first == "/" {
            try options.take(word)
        } else {
            pattern = WildcardPattern(word)
        }
    }
    let frame = try session.frame(session.currentFrame, of: thread)
    var variables = session.variables(in: frame, of: thread)
    if let pattern { variables = variables.filter { pattern.matches($0.name) } }
    switch options.sorting {
    case "n": variables.sort { $0.name < $1.name }
    case "a": variables.sort { ($0.address ?? 0) < ($1.address ?? 0) }
    default: break
    }
    guard !variables.isEmpty else {
        guard pattern == nil else { return }
        return call.output.line(
            "No local variables are known here: the frame's code has no debug information"
                + " or no variables",
            .warning
        )
    }
    for variable in variables {
        try call.checkInterrupt()
        call.output.line(variableLine(variable, options))
    }
}

/// `             ulNode = 0x344`; with /v the place in front.
private func variableLine(_ variable: Variable, _ options: VariableOptions) -> String {
    let type = options.showsTypes ? "\(variable.typeName) " : ""
    let kind = options.showsKinds ? (variable.isParameter ? "prv param  " : "prv local  ") : ""
    guard options.showsPlaces else {
        return kind + Format.leftPad(type + variable.name, to: 19) + " = \(variable.value.text)"
    }
    let place: String
    if let address = variable.address {
        place = Format.address(address)
    } else if let register = variable.register {
        place = "@\(register)"
    } else {
        place = variable.value.isAvailable ? "<value>" : "<unavailable>"
    }
    return kind + Format.pad(place, to: 17) + Format.leftPad(type + variable.name, to: 16)
        + " = \(variable.value.text)"
}

private func displayType(_ call: inout CommandCall) throws {
    let session = call.session
    let process = try call.process()
    var depth = 1
    call.skipSpaces()
    while call.rest.first == "-", let option = call.word() {
        guard option.hasPrefix("-r") else { throw EngineError(.syntax, option) }
        depth = option.count == 2 ? 5 : min(16, max(0, Int(option.dropFirst(2)) ?? 1)) + 1
        call.skipSpaces()
    }
    let (name, address) = try typeOperands(&call)
    let limits = ValueLimits(depth: depth)
    if let thread = session.currentThread,
        let frame = try? session.frame(session.currentFrame, of: thread)
    {
        if let address {
            if let value = session.value(
                ofType: name,
                at: address,
                in: frame,
                of: thread,
                limits: limits
            ) {
                return show(value, call)
            }
        } else if let variable = variable(name, frame, thread, session, limits) {
            call.output.line(variableHead(variable))
            return show(variable.value, call)
        }
    }
    guard address == nil, let layout = session.typeLayout(name, in: process) else {
        throw EngineError.sentence("Symbol \(name) not found.")
    }
    show(layout, call)
}

/// The name, which may hold spaces (`struct point`), and the address behind it.
private func typeOperands(_ call: inout CommandCall) throws -> (String, UInt64?) {
    guard let first = call.word() else {
        throw EngineError.sentence("dt needs a name: \(call.usage)")
    }
    var name = first
    if ["struct", "class", "union", "enum", "unsigned", "long", "signed"].contains(first),
        let second = call.word()
    {
        name = ["struct", "class", "union", "enum"].contains(first) ? second : "\(first) \(second)"
    }
    guard !call.isAtEnd else { return (name, nil) }
    let address = try call.expression()
    try call.requireEnd()
    return (name, address)
}

private func variable(
    _ name: String,
    _ frame: StackFrame,
    _ thread: ThreadState,
    _ session: DebugSession,
    _ limits: ValueLimits
) -> Variable? {
    let locals = session.variables(in: frame, of: thread, limits: limits)
    return locals.first { $0.name == name }
        ?? session.globalVariable(name, in: frame, of: thread, limits: limits)
}

private func variableHead(_ variable: Variable) -> String {
    let place =
        variable.address.map { "@ 0x\(Format.address($0)) " }
        ?? variable.register.map { "@ \($0) " } ?? ""
    let value = variable.value.children.isEmpty ? variable.value.text : ""
    return "Local var \(place)Type \(variable.typeName)" + (value.isEmpty ? "" : "\n\(value)")
}

private func show(_ value: VariableValue, _ call: CommandCall) {
    if value.children.isEmpty { return }
    showMembers(value, indent: 3, call)
}

private func showMembers(_ value: VariableValue, indent: Int, _ call: CommandCall) {
    for member in value.children {
        let offset = Format.hex(member.offset, width: 3)
        let head = String(repeating: " ", count: indent) + "+0x\(offset) "
        call.output.line("\(head)\(Format.pad(member.name, to: 16)) : \(member.value.text)")
        // The elements of a character array are in its text already.
        if member.value.text.last != "\"" { showMembers(member.value, indent: indent + 3, call) }
    }
    if value.isTruncated {
        call.output.line(String(repeating: " ", count: indent) + "...")
    }
}

private func show(_ layout: TypeLayout, _ call: CommandCall) {
    for field in layout.fields {
        if layout.isEnumeration {
            call.output.line("   \(field.name) = 0n\(Int64(bitPattern: field.offset))")
            continue
        }
        let bits = field.bits.map { " (bits \($0.lowerBound)-\($0.upperBound - 1))" } ?? ""
        call.output.line(
            "   +0x\(Format.hex(field.offset, width: 3)) \(Format.pad(field.name, to: 16)) : "
                + field.typeName + bits
        )
    }
}
