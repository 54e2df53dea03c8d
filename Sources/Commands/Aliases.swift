internal import DebugEngine

/// Words that stand for texts: the user's (`as`), the fixed ones (`$u0` … `$u9`), a script's
/// arguments.
struct AliasTable {
    /// The longest text that replacing may make, in characters.
    static let expandedMax = 1 << 20
    /// The most aliases.
    static let countMax = 4096

    /// The user's, by name.
    private(set) var named: [String: String] = [:]
    /// `$u0` to `$u9`.
    var fixed = [String](repeating: "", count: 10)
    /// The arguments of the scripts being carried out, the innermost last; the first of each is the
    /// script's own name.
    var arguments: [[String]] = []

    /// Sets or, with nil, removes one.
    mutating func set(_ name: String, to text: String?) throws {
        if text != nil, named[name] == nil, named.count >= Self.countMax {
            throw EngineError.sentence("There are \(Self.countMax) aliases already")
        }
        named[name] = text
    }

    /// Removes the user's.
    mutating func removeAll() {
        named = [:]
    }

    /// What a name stands for; nil when it stands for nothing.
    func value(of name: String) -> String? {
        if let text = named[name] { return text }
        if name.hasPrefix("$u"), name.count == 3, let digit = name.last?.wholeNumberValue {
            return fixed[digit].isEmpty ? nil : fixed[digit]
        }
        if name.hasPrefix("$arg"), let list = arguments.last {
            if name == "$argcount" { return String(max(list.count - 1, 0)) }
            guard let number = Int(name.dropFirst(4)), list.indices.contains(number) else {
                return nil
            }
            return list[number]
        }
        return nil
    }

    private var isUnused: Bool {
        named.isEmpty && arguments.isEmpty && fixed.allSatisfy(\.isEmpty)
    }

    /// A text with names between spaces and `${…}` replaced; a definition (`as`, `ad`) keeps its
    /// plain words.
    func expand(_ text: String) throws -> String {
        if isUnused, !text.contains("${") { return text }
        let result = Replacement(text, keepsDefinitions: true) { self.value(of: $0) }.run()
        guard result.count <= Self.expandedMax else {
            throw EngineError.sentence(
                "With its aliases replaced the line is longer than \(Self.expandedMax) characters"
            )
        }
        return result
    }

    /// A text with one name replaced.
    static func replacing(_ name: String, with value: String, in text: String) -> String {
        Replacement(text, keepsDefinitions: false) { $0 == name ? value : nil }.run()
    }
}

/// One pass over a text that replaces names.
private struct Replacement {
    private let text: [Character]
    private let keepsDefinitions: Bool
    private let value: (String) -> String?
    private var position = 0
    private var result = ""
    /// Whether the next word is a command's name.
    private var isAtStart = true
    private var isInDefinition = false

    init(_ text: String, keepsDefinitions: Bool, _ value: @escaping (String) -> String?) {
        self.text = Array(text)
        self.keepsDefinitions = keepsDefinitions
        self.value = value
    }

    private static func ends(_ character: Character) -> Bool {
        character.isWhitespace || "\";{}(),".contains(character)
    }

    func run() -> String {
        var copy = self
        while copy.position < copy.text.count, copy.result.count <= AliasTable.expandedMax {
            copy.step()
        }
        return copy.result
    }

    private mutating func step() {
        let character = text[position]
        if character == "$", position + 1 < text.count, text[position + 1] == "{" {
            return takeBraced()
        }
        if Self.ends(character) {
            if character == ";" || character == "{" || character == "}" {
                (isAtStart, isInDefinition) = (true, false)
            }
            result.append(character)
            position += 1
            return
        }
        takeWord()
    }

    private mutating func takeWord() {
        var end = position
        while end < text.count, !Self.ends(text[end]) {
            if text[end] == "$", end + 1 < text.count, text[end + 1] == "{" { break }
            end += 1
        }
        let word = String(text[position..<end])
        position = end
        if isAtStart, keepsDefinitions, ["as", "aS", "ad"].contains(word) { isInDefinition = true }
        isAtStart = false
        result += isInDefinition ? word : value(word) ?? word
    }

    /// `${name}`, `${/f:name}` (nothing when there is none), `${/n:name}` (the name when there is
    /// one), `${/d:name}` (1 or 0), `${/v:name}` (the name itself).
    private mutating func takeBraced() {
        guard let end = text[position...].firstIndex(of: "}") else {
            result.append(text[position])
            position += 1
            return
        }
        let whole = String(text[position...end])
        var name = String(text[(position + 2)..<end])
        position = end + 1
        isAtStart = false
        var option: Character?
        if name.hasPrefix("/"), name.count > 3,
            name[name.index(name.startIndex, offsetBy: 2)] == ":"
        {
            option = name[name.index(after: name.startIndex)]
            name = String(name.dropFirst(3))
        }
        let found = value(name)
        switch option {
        case "f": result += found ?? ""
        case "n": result += found == nil ? whole : name
        case "d": result += found == nil ? "0" : "1"
        case "v": result += name
        default: result += found ?? whole
        }
    }
}

let aliasCommands: [Command] = [
    Command(
        names: ["as"],
        usage: "as Name Text, as {/x|/e|/f|/c|/ma|/mu} Name Value",
        summary: "set an alias: a word that stands for the rest of the line",
        details: """
            The name is replaced between spaces, and as ${Name} anywhere. /x takes an expression's value,
            /e an environment variable, /f a file, /c what a command prints, /ma and /mu the text at an
            address. aS is the same with a ; at its end. In the line that sets it an alias counts inside
            .block { } only.
            """,
        takesRestOfLine: true,
        run: { try setAlias(&$0) }
    ),
    Command(
        names: ["aS"],
        usage: "aS Name Text ; ...",
        summary: "set an alias: a word that stands for a text up to the next ;",
        run: { try setAlias(&$0) }
    ),
    Command(
        names: ["ad"],
        usage: "ad [/q] Name | *",
        summary: "delete an alias, or all",
        run: { try deleteAlias(&$0) }
    ),
    Command(
        names: ["al"],
        usage: "al",
        summary: "list the aliases",
        run: { call in
            try call.requireEnd()
            let all = call.interpreter.aliases.named.sorted { $0.key < $1.key }
            if all.isEmpty { return call.output.line("No aliases") }
            call.output.line("  Alias            Value  ")
            call.output.line(" -------          ------- ")
            for (name, text) in all { call.output.line(" \(Format.pad(name, to: 16)) \(text)") }
        }
    ),
]

private func setAlias(_ call: inout CommandCall) throws {
    var option = ""
    call.skipSpaces()
    while call.rest.first == "/" { option = call.word() ?? "" }
    guard let name = try call.quoted() ?? call.word(), !name.isEmpty else {
        throw EngineError(.operand, "")
    }
    call.skipSpaces()
    let text = try aliasText(&call, option)
    try call.interpreter.aliases.set(name, to: text)
}

private func aliasText(_ call: inout CommandCall, _ option: String) throws -> String {
    let interpreter = call.interpreter
    switch option {
    case "":
        return try call.quoted() ?? call.remainder()
    case "/x":
        let value = try call.expression()
        try call.requireEnd()
        return "0x" + Format.hex(value)
    case "/e":
        let name = call.remainder()
        guard let value = interpreter.environment.variable(name) else {
            throw EngineError.sentence("There is no environment variable \(name)")
        }
        return value
    case "/f":
        let path = try call.quoted() ?? call.remainder()
        guard let lines = interpreter.environment.scriptLines(path) else {
            throw EngineError.sentence("File \(path) cannot be read")
        }
        return lines.joined(separator: "\n")
    case "/c":
        let command = call.remainder()
        let printed = try interpreter.session.capturing { try interpreter.run(command) }
        return CommandText.trim(printed)
    case "/ma", "/msa":
        return try interpreter.session.text(at: call.expression(), isWide: false)
    case "/mu", "/msu":
        return try interpreter.session.text(at: call.expression(), isWide: true)
    default:
        throw EngineError(.syntax, option)
    }
}

private func deleteAlias(_ call: inout CommandCall) throws {
    let isQuiet = call.take("/q")
    guard let name = call.word() else { throw EngineError(.operand, "") }
    try call.requireEnd()
    if name == "*" { return call.interpreter.aliases.removeAll() }
    guard call.interpreter.aliases.named[name] != nil else {
        if isQuiet { return }
        throw EngineError.sentence("No alias is called \(name)")
    }
    try call.interpreter.aliases.set(name, to: nil)
}
