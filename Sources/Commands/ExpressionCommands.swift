internal import DebugEngine
internal import Symbols

let expressionCommands: [Command] = [
    Command(
        names: ["??"],
        usage: "?? Expression",
        summary: "evaluate an expression of C or C++ and show its value with its type",
        details: """
            Locals, globals, members (a.b, p->c), elements, casts, & and *, sizeof, arithmetic with C's types,
            assignments, and calls of the program's functions. @reg and @$t0 are registers, @@masm( ) is an
            expression of the other language. Numbers are decimal; 0x and 0 begin others.
            """,
        run: { try evaluateExpression(&$0) }
    ),
    Command(
        names: ["dx"],
        usage: "dx [-r[Depth]] [-n] [-c Count] Expression",
        summary: "show a value and what is in it, containers as what they hold",
        details: """
            -r2 goes two levels deep, -r five; -n shows members instead of what a container holds; -c says how
            many elements at the most (100).
            """,
        run: { try displayObject(&$0) }
    ),
    Command(
        names: [".call"],
        usage: ".call Function(Arguments)",
        summary:
            "call a function of the program on the current thread, which is afterwards as before",
        details: """
            All threads run meanwhile. When a signal or a breakpoint stops the call, it is given up and the
            thread's registers are restored; what the function has done to memory stays done.
            """,
        run: { try callFunction(&$0) }
    ),
    Command(
        names: [".expr"],
        usage: ".expr [/s masm|c++ | /q]",
        summary: "show or choose the language of expressions",
        run: { try chooseLanguage(&$0) }
    ),
]

private func evaluateExpression(_ call: inout CommandCall) throws {
    let text = call.rest
    guard !call.isAtEnd else {
        throw EngineError.sentence("?? needs an expression: \(call.usage)")
    }
    let value = try call.session.evaluateC(text)
    try ValueLines(call).show(value)
}

private func callFunction(_ call: inout CommandCall) throws {
    let text = call.remainder()
    guard text.hasSuffix(")") else {
        throw EngineError.sentence(".call needs a function with its arguments: \(call.usage)")
    }
    let value = try call.session.evaluateC(text)
    call.output.line(".call returns:")
    try ValueLines(call).show(value)
}

private func chooseLanguage(_ call: inout CommandCall) throws {
    switch call.word() {
    case nil, "/q": break
    case "/s":
        switch call.word()?.lowercased() {
        case "masm": call.session.expressionLanguage = .masm
        case "c++": call.session.expressionLanguage = .cPlusPlus
        case let other:
            throw EngineError.sentence("The language is masm or c++, not \(other ?? "nothing")")
        }
    case let other?: throw EngineError(.syntax, other)
    }
    try call.requireEnd()
    let language = call.session.expressionLanguage
    let text = language == .masm ? "Microsoft Assembler expressions" : "C++ source expressions"
    call.output.line("Current expression evaluator: \(language.rawValue) - \(text)")
}

private func displayObject(_ call: inout CommandCall) throws {
    var limits = ValueLimits(depth: 1)
    call.skipSpaces()
    while call.rest.hasPrefix("-"), let option = call.optionWord() {
        switch option {
        case "-n": limits.showsSummaries = false
        case "-c":
            let count = try call.expression()
            limits.elements = Int(min(count, 65_536))
        case let depth where depth.hasPrefix("-r"):
            limits.depth = depth == "-r" ? 5 : min(15, max(0, Int(depth.dropFirst(2)) ?? 1))
        default: throw EngineError(.syntax, option)
        }
        call.skipSpaces()
    }
    let text = call.remainder()
    guard !text.isEmpty else { throw EngineError.sentence("dx needs an expression: \(call.usage)") }
    let value = try call.session.evaluateC(text)
    try ObjectLines(call).show(text, value, limits)
}

extension CommandCall {
    /// A word that begins with `-` and is an option: letters and digits only; nil for `-x->y`.
    mutating func optionWord() -> String? {
        let word = rest.prefix { $0 != " " && $0 != "\t" }
        guard word.dropFirst().allSatisfy({ $0.isLetter || $0.isNumber }),
            word.dropFirst().first?.isLetter == true
        else { return nil }
        rest = String(rest.dropFirst(word.count))
        return String(word)
    }
}

/// A value as `??` shows it: the type and the value, members below.
struct ValueLines {
    private let call: CommandCall

    init(_ call: CommandCall) {
        self.call = call
    }

    func show(_ value: TypedValue) throws {
        let value = value.dereferenced
        if value.type.kind == .void { return call.output.line("void") }
        if value.isOptimizedAway {
            return call.output.line("\(value.type.name) <value unavailable>")
        }
        let described = value.described()
        if !described.isAvailable, let address = value.address {
            throw EngineError(.memoryAccess, Format.address(address))
        }
        let name = value.type.name
        var isPlain = described.text == name || described.text.hasPrefix(name + " ")
        if value.type.kind == .array, let element = value.type.target {
            isPlain = described.text.hasPrefix(element.name)
        }
        let short = TypeText.short(name)
        call.output.line(isPlain ? described.text : "\(short) \(described.text)")
        if !described.children.isEmpty { return MemberLines(call).show(described) }
        // A pointer to a structure is shown with what it leads to.
        if value.type.kind == .pointer, described.scalar != 0, let target = value.pointee(),
            target.type.kind == .structure
        {
            let inside = target.described()
            if inside.isSummary { call.output.line("   \(inside.text)") }
            MemberLines(call).show(inside)
        }
    }
}

/// Members with their offsets, elements of containers without.
struct MemberLines {
    private let call: CommandCall

    init(_ call: CommandCall) {
        self.call = call
    }

    func show(_ value: VariableValue, indent: Int = 3) {
        let space = String(repeating: " ", count: indent)
        for member in value.children {
            let offset = "+0x\(Format.hex(member.offset, width: 3)) "
            let head = value.isSummary || member.name.hasPrefix("[") ? "" : offset
            call.output.line(
                "\(space)\(head)\(Format.pad(member.name, to: 16)) : \(member.value.text)"
            )
            // The elements of a character array are in its text already.
            if !member.value.text.hasSuffix("\"") { show(member.value, indent: indent + 3) }
        }
        if value.isTruncated { call.output.line(space + "...") }
    }
}

/// A value as `dx` shows it.
private struct ObjectLines {
    private let call: CommandCall

    init(_ call: CommandCall) {
        self.call = call
    }

    func show(_ name: String, _ value: TypedValue, _ limits: ValueLimits) throws {
        let value = value.dereferenced
        var described = value.described(limits)
        if value.type.kind == .pointer, described.children.isEmpty, limits.depth > 0,
            let target = value.pointee(), target.type.kind == .structure, value.word != 0
        {
            let inside = target.described(limits)
            described.children = inside.children
            described.isTruncated = inside.isTruncated
            if inside.isSummary { described.text += " " + inside.text }
        }
        try line(name, described, value.type.name, indent: 0)
    }

    private func line(
        _ name: String,
        _ value: VariableValue,
        _ type: String,
        indent: Int
    ) throws {
        try call.checkInterrupt()
        let space = String(repeating: " ", count: indent)
        let text = Self.plain(value.text)
        let shown = text == type || text.isEmpty ? "" : " \(text)"
        let type = TypeText.short(type)
        call.output.line(
            "\(space)\(Format.pad(name, to: max(0, 16 - indent / 4)))\(shown.isEmpty ? "" : " :")\(shown) [Type: \(type)]"
        )
        guard !value.text.hasSuffix("\"") || value.isSummary else { return }
        for child in value.children {
            try line(child.name, child.value, child.typeName, indent: indent + 4)
        }
        if value.isTruncated { call.output.line(space + "    ...") }
    }

    /// Decimal numbers stand without `0n` in `dx`; what stands in quotes is left alone.
    private static func plain(_ text: String) -> String {
        var result = ""
        var isQuoted = false
        var previous: Character = " "
        var rest = Substring(text)
        while let character = rest.first {
            if !isQuoted, rest.hasPrefix("0n"), !previous.isLetter, !previous.isNumber {
                rest = rest.dropFirst(2)
                continue
            }
            if character == "\"", previous != "\\" { isQuoted.toggle() }
            result.append(character)
            previous = character
            rest = rest.dropFirst()
        }
        return result
    }
}
