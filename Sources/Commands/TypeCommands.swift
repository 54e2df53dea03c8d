internal import DebugEngine
internal import Symbols

let typeCommands: [Command] = [
    Command(
        names: ["dt"],
        usage:
            "dt [-rDepth] [-v] [-b] [-c] [-o] [-a[Count]] [-n] [Module!]Name [Field ...] [Address] [-l Field]",
        summary: "display a type's layout, a variable, or memory as a type",
        details: """
            Name is a variable, an expression of C, a type, or a pattern of types (dt mod!node*). Fields may be
            paths (a.b, a[2]) and patterns; a field that ends with a point shows what is in it. -r goes into
            structures, -b into arrays too, -a shows elements of arrays, -c writes on one line, -o leaves offsets
            out, -v adds sizes, -n shows members instead of what a container holds, -l follows a list by its field.
            """,
        run: { try displayType(&$0) }
    )
]

private struct TypeOptions {
    var depth = 1
    var elements = 0
    var isVerbose = false
    var isCompact = false
    var omitsOffsets = false
    var showsSummaries = true
    var listField: String?

    /// Takes one option; false for a word that is none.
    mutating func take(_ word: String) -> Bool {
        let rest = word.dropFirst(2)
        switch word.dropFirst().first {
        case "r": depth = rest.isEmpty ? 6 : min(16, max(0, Int(rest) ?? 1)) + 1
        case "a": elements = Int(rest) ?? 100
        case "b" where rest.isEmpty: (depth, elements) = (16, 100)
        case "v" where rest.isEmpty: isVerbose = true
        case "c" where rest.isEmpty: isCompact = true
        case "o" where rest.isEmpty: omitsOffsets = true
        case "n" where rest.isEmpty: showsSummaries = false
        default: return false
        }
        return true
    }

    var limits: ValueLimits {
        ValueLimits(
            depth: max(depth, elements > 0 ? 2 : 1),
            elements: elements > 0 ? min(elements, 65_536) : 32,
            showsSummaries: showsSummaries
        )
    }
}

private func displayType(_ call: inout CommandCall) throws {
    _ = try call.process()
    var options = TypeOptions()
    var words: [String] = []
    while let word = call.word() {
        if word == "-l" {
            guard let field = call.word() else { throw EngineError(.operand, word) }
            options.listField = field
        } else if word.first == "-", word.count > 1 {
            guard options.take(word) else { throw EngineError(.syntax, word) }
        } else {
            words.append(word)
        }
    }
    let (name, rest) = splitName(words, call.session)
    guard !name.isEmpty else { throw EngineError.sentence("dt needs a name: \(call.usage)") }
    if WildcardPattern.hasWildcard(name) { return try listTypes(name, options, call) }
    let (fields, address) = try fieldsAndAddress(rest, call.session)
    try TypeDisplay(call: call, options: options, fields: fields).show(name, at: address)
}

/// The name may hold spaces: `struct point`, `std::map<int, char>`.
private func splitName(
    _ words: [String],
    _ session: DebugSession
) -> (name: String, rest: ArraySlice<String>) {
    for count in stride(from: words.count, to: 1, by: -1) {
        let name = words[..<count].joined(separator: " ")
        if session.valueType(name) != nil { return (name, words[count...]) }
    }
    return (words.first ?? "", words.dropFirst())
}

/// What stands behind the name: fields, and at the end perhaps an address.
private func fieldsAndAddress(
    _ words: ArraySlice<String>,
    _ session: DebugSession
) throws -> ([String], UInt64?) {
    guard let last = words.last else { return ([], nil) }
    let isNumber = last.first.map { $0.isNumber || $0 == "@" || $0 == "$" || $0 == "(" } ?? false
    if isNumber { return (Array(words.dropLast()), try session.evaluate(last)) }
    if last.first == "&" {
        return (Array(words.dropLast()), try session.evaluateCPrefix(last).value)
    }
    // A word alone may be the address by an expression: `dt point place`, `dt point poi(p)`.
    let isPath = last.allSatisfy { $0.isLetter || $0.isNumber || "_.*?[]".contains($0) }
    if !isPath || words.count == 1, let address = try? session.evaluate(last) {
        return (Array(words.dropLast()), address)
    }
    return (Array(words), nil)
}

private func listTypes(_ pattern: String, _ options: TypeOptions, _ call: CommandCall) throws {
    let session = call.session
    let (moduleName, glob) = session.splitModule(pattern)
    let process = try call.process()
    for module in session.modules(named: moduleName, in: process) where module.path != "[vdso]" {
        guard let symbols = session.symbols(of: module, in: process) else { continue }
        for name in symbols.typeNames(matching: glob) {
            try call.checkInterrupt()
            let size = options.isVerbose ? symbols.valueType(named: name)?.byteSize : nil
            let text = size.map { "  \(Format.hex($0, width: 4))  " } ?? "          "
            call.output.line("\(text)\(module.name)!\(name)")
        }
    }
}

/// Shows a type, or a value of it.
private struct TypeDisplay {
    let call: CommandCall
    let options: TypeOptions
    let fields: [String]

    func show(_ name: String, at address: UInt64?) throws {
        let session = call.session
        // A type wins over a variable that another module happens to have.
        let isLocal = session.isLocal(name)
        if address == nil, isLocal || session.valueType(name) == nil,
            let value = try? session.evaluateC(name)
        {
            guard value.type.kind != .function else {
                return call.output.line("\(name)  \(value.type.name)")
            }
            return try show(variable: value.dereferenced, name)
        }
        guard var type = session.valueType(name) else {
            throw EngineError.sentence("Symbol \(name) not found.")
        }
        guard let address else { return try layout(type) }
        if type.kind == .pointer, let target = type.target { type = target }
        try values(session.value(of: type, at: address))
    }

    private func show(variable value: TypedValue, _ name: String) throws {
        let place =
            value.address.map { "@ 0x\(Format.address($0)) " }
            ?? value.registerName.map { "@ \($0) " } ?? ""
        call.output.line("Local var \(place)Type \(TypeText.short(value.type.name))")
        if value.type.kind == .pointer, let target = value.pointee(),
            target.type.kind == .structure
        {
            call.output.line(value.described().text)
            guard value.word != 0 else { return }
            return try values(target)
        }
        try values(value)
    }

    // MARK: Values

    private func values(_ value: TypedValue) throws {
        guard let field = options.listField else { return try single(value) }
        let first = value.address
        var current = value
        var count = 0
        while count < 1000 {
            try call.checkInterrupt()
            guard let link = current.member(field) else {
                throw EngineError.sentence("\(current.type.name) has no member \(field)")
            }
            call.output.line("\(field) at 0x\(Format.address(current.address ?? 0))")
            call.output.line(String(repeating: "-", count: 45))
            try single(current)
            count += 1
            guard let next = link.word, next != 0, next != first else { return }
            current = TypedValue(current.type, at: next, in: current.frameContext)
        }
        call.output.line("... (after \(count) elements)")
    }

    private func single(_ value: TypedValue) throws {
        if options.isVerbose { call.output.line(header(value.type)) }
        var described = value.described(options.limits)
        if !fields.isEmpty {
            described = VariableValue(text: "", children: try selected(value))
        } else if described.children.isEmpty {
            return call.output.line(described.text)
        } else if described.isSummary {
            call.output.line("   \(described.text)")
        }
        let lines = TypeLines(options).lines(described, indent: 3)
        if options.isCompact {
            call.output.line("   " + lines.map { $0.trimmedFront }.joined(separator: "  "))
        } else {
            for line in lines {
                try call.checkInterrupt()
                call.output.line(line)
            }
        }
    }

    private func selected(_ value: TypedValue) throws -> [Variable] {
        try fields.flatMap { field -> [Variable] in
            let path = field.hasSuffix(".") ? String(field.dropLast()) : field
            let pattern = WildcardPattern(path)
            var limits = options.limits
            if field.hasSuffix(".") { limits.depth += 1 }
            if WildcardPattern.hasWildcard(path), !path.contains(".") {
                return value.described(limits).children.filter { pattern.matches($0.name) }
            }
            let part = try part(path, of: value)
            let offset = (part.address ?? 0) &- (value.address ?? 0)
            return [
                Variable(
                    name: path,
                    typeName: part.type.name,
                    address: part.address,
                    offset: part.address == nil ? 0 : offset,
                    value: part.described(limits)
                )
            ]
        }
    }

    /// `a.b[2].c`, through pointers too.
    private func part(_ path: String, of value: TypedValue) throws -> TypedValue {
        var current = value
        for step in path.split(separator: ".") {
            let pieces = step.split(separator: "[")
            if current.type.kind == .pointer, let target = current.pointee() { current = target }
            guard let name = pieces.first, let member = current.member(String(name)) else {
                throw EngineError.sentence("\(current.type.name) has no member \(step)")
            }
            current = member.dereferenced
            for piece in pieces.dropFirst() {
                guard let index = UInt64(piece.prefix { $0 != "]" }),
                    let element = current.element(index)
                else { throw EngineError(.syntax, String(step)) }
                current = element
            }
        }
        return current
    }

    // MARK: Layouts

    private func header(_ type: ValueType) -> String {
        let size = type.byteSize.map { ", 0x\(Format.hex($0)) bytes" } ?? ""
        let count = type.fields.count { !$0.isStatic }
        return "\(type.name), \(count) elements\(size)"
    }

    private func layout(_ type: ValueType) throws {
        var type = type
        if type.kind == .pointer, let target = type.target { type = target }
        if options.isVerbose { call.output.line(header(type)) }
        guard type.kind == .structure || type.kind == .enumeration else {
            return call.output.line(type.name)
        }
        let start = fields.isEmpty ? type : try partType(type)
        if let last = fields.first?.split(separator: ".").last,
            !start.fields.contains(where: { WildcardPattern(String(last)).matches($0.name) })
        {
            throw EngineError.sentence("\(start.name) has no member \(last)")
        }
        let patterns = fields.compactMap {
            $0.split(separator: ".").last.map { WildcardPattern(String($0)) }
        }
        try layout(start, indent: 3, base: 0, depth: 1) { name in
            patterns.isEmpty || patterns.contains { $0.matches(name) }
        }
    }

    /// Where all fields but the last of the path lead.
    private func partType(_ type: ValueType) throws -> ValueType {
        guard let path = fields.first?.split(separator: "."), path.count > 1 else { return type }
        return try path.dropLast().reduce(type) { type, name in
            guard let field = type.fields.first(where: { $0.name == name }) else {
                throw EngineError.sentence("\(type.name) has no member \(name)")
            }
            return field.type
        }
    }

    private func layout(
        _ type: ValueType,
        indent: Int,
        base: UInt64,
        depth: Int,
        _ isWanted: (String) -> Bool
    ) throws {
        for field in type.fields where isWanted(field.name) {
            try call.checkInterrupt()
            let space = String(repeating: " ", count: indent)
            if let constant = field.constant {
                call.output.line("\(space)\(field.name) = 0n\(constant)")
                continue
            }
            call.output.line(space + fieldText(field, base))
            if depth < options.depth, field.type.kind == .structure, !field.isStatic {
                try layout(
                    field.type,
                    indent: indent + 3,
                    base: base &+ (field.offset ?? 0),
                    depth: depth + 1
                ) { _ in true }
            }
        }
    }

    private func fieldText(_ field: ValueType.Field, _ base: UInt64) -> String {
        let place: String
        if field.isStatic {
            place = "=static "
        } else {
            place = field.offset.map { "+0x\(Format.hex($0, width: 3)) " } ?? "+virtual "
        }
        let bits =
            field.bits.map { bits in
                bits.count == 1
                    ? " (bit \(bits.lowerBound))"
                    : " (bits \(bits.lowerBound)-\(bits.upperBound - 1))"
            } ?? ""
        let size =
            options.isVerbose
            ? field.type.byteSize.map { ", 0x\(Format.hex($0)) bytes" } ?? "" : ""
        let kind = field.isBaseClass ? "base class " : ""
        return (options.omitsOffsets ? "" : place)
            + "\(Format.pad(field.name, to: 16)) : \(kind)\(TypeText.short(field.type.name))\(bits)\(size)"
    }
}

/// The lines of a value's members.
private struct TypeLines {
    let options: TypeOptions

    init(_ options: TypeOptions) {
        self.options = options
    }

    func lines(_ value: VariableValue, indent: Int) -> [String] {
        let space = String(repeating: " ", count: indent)
        var lines: [String] = []
        for member in value.children {
            let isElement = value.isSummary || member.name.hasPrefix("[")
            let offset =
                options.omitsOffsets || isElement
                ? "" : "+0x\(Format.hex(member.offset, width: 3)) "
            let text = TypeText.short(member.value.text)
            lines.append("\(space)\(offset)\(Format.pad(member.name, to: 16)) : \(text)")
            if !member.value.text.hasSuffix("\"") {
                lines += self.lines(member.value, indent: indent + 3)
            }
        }
        if value.isTruncated { lines.append(space + "...") }
        return lines
    }
}

extension String {
    fileprivate var trimmedFront: String { String(drop { $0 == " " }) }
}
