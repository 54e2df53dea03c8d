/// One piece of an expression.
enum ExpressionToken: Equatable {
    case number(UInt64)
    /// A word that may be a number, a symbol or a register, in that order.
    case word(String)
    /// `@name`.
    case register(String)
    /// `$name`.
    case pseudo(String)
    /// `` `file.c:12` ``.
    case sourceLine(file: String, line: Int)
    case symbol(String)
    case operation(String)
    /// `@@c++( )`, `@@masm( )`, `@@( )`: an expression of another language.
    case embedded(language: String, String)
    /// A text in double quotes, for functions of texts.
    case text(String)
    case openParenthesis
    case closeParenthesis
    /// `.` alone: the instruction pointer.
    case dot
    case end
}

/// Cuts an expression into tokens, one at a time, because what follows an expression in a command
/// (`L10`, a quoted string, another number) is not part of it.
struct ExpressionLexer {
    private let text: [Character]
    private(set) var position: Int
    let radix: Int

    init(_ text: String, radix: Int) {
        self.text = Array(text)
        self.radix = radix
        position = 0
    }

    /// What has not been read.
    var remainder: String { String(text[min(position, text.count)...]) }

    private var current: Character? { position < text.count ? text[position] : nil }

    private func peek(_ offset: Int) -> Character? {
        position + offset < text.count ? text[position + offset] : nil
    }

    mutating func skipSpaces() {
        while let character = current, character == " " || character == "\t" { position += 1 }
    }

    /// The next token without taking it.
    func peekToken() throws -> ExpressionToken {
        var copy = self
        return try copy.next()
    }

    mutating func next() throws -> ExpressionToken {
        skipSpaces()
        guard let character = current else { return .end }
        switch character {
        case "(", "[":
            position += 1
            return .openParenthesis
        case ")", "]":
            position += 1
            return .closeParenthesis
        case "`":
            return try sourceLine()
        case "@":
            return try register()
        case "$":
            return .pseudo(take { $0.isLetter || $0.isNumber || $0 == "$" || $0 == "_" })
        case ".":
            return dotToken()
        case "\"":
            return try quotedText()
        default:
            if let operation = takeOperation() { return .operation(operation) }
            return try wordToken()
        }
    }

    private mutating func take(while fits: (Character) -> Bool) -> String {
        var taken = ""
        while let character = current, fits(character) {
            taken.append(character)
            position += 1
        }
        return taken
    }

    private mutating func sourceLine() throws -> ExpressionToken {
        let start = position
        position += 1
        let inside = take { $0 != "`" }
        guard current == "`" else {
            throw EngineError(.syntax, String(text[start...]))
        }
        position += 1
        guard let colon = inside.lastIndex(of: ":"),
            let line = Int(inside[inside.index(after: colon)...]), line > 0
        else { throw EngineError(.syntax, "`\(inside)`") }
        var file = inside[..<colon]
        if let bang = file.firstIndex(of: "!") { file = file[file.index(after: bang)...] }
        return .sourceLine(file: String(file), line: line)
    }

    /// What stands in the parentheses that begin here.
    private mutating func parenthesized() throws -> String {
        let start = position
        var depth = 0
        while let character = current {
            position += 1
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
            if depth == 0 { return String(text[(start + 1)..<(position - 1)]) }
        }
        throw EngineError(.syntax, String(text[start...]))
    }

    private mutating func embedded() throws -> ExpressionToken {
        let start = position
        position += 1
        let language = take { $0.isLetter || $0 == "+" }.lowercased()
        guard ["", "c++", "masm"].contains(language), current == "(" else {
            throw EngineError(.syntax, String(text[max(0, start - 1)...]))
        }
        return .embedded(language: language, try parenthesized())
    }

    private mutating func quotedText() throws -> ExpressionToken {
        let start = position
        position += 1
        let inside = take { $0 != "\"" }
        guard current == "\"" else { throw EngineError(.syntax, String(text[start...])) }
        position += 1
        return .text(inside)
    }

    /// Takes a comma if it comes next.
    mutating func takeComma() -> Bool {
        skipSpaces()
        guard current == "," else { return false }
        position += 1
        return true
    }

    private mutating func register() throws -> ExpressionToken {
        position += 1
        if current == "@" { return try embedded() }
        if current == "!" {
            position += 1
            guard current == "\"" else { throw EngineError(.syntax, remainder) }
            position += 1
            let name = take { $0 != "\"" }
            position += 1
            return .symbol(name)
        }
        if current == "$" {
            return .pseudo(take { $0.isLetter || $0.isNumber || $0 == "$" })
        }
        return .register(take { $0.isLetter || $0.isNumber || $0 == "_" })
    }

    private mutating func dotToken() -> ExpressionToken {
        position += 1
        return .dot
    }

    private mutating func takeOperation() -> String? {
        for candidate in [">>>", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||"]
        where matches(candidate) {
            position += candidate.count
            return candidate
        }
        guard let character = current, "+-*/%&|^<>=~!".contains(character) else { return nil }
        position += 1
        return String(character)
    }

    private func matches(_ candidate: String) -> Bool {
        let characters = Array(candidate)
        return position + characters.count <= text.count
            && Array(text[position..<(position + characters.count)]) == characters
    }

    private static func isWordCharacter(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || character == "_" || character == "$"
    }

    private mutating func wordToken() throws -> ExpressionToken {
        let start = position
        var word = ""
        while let character = current {
            if Self.isWordCharacter(character) || character == "?" {
                word.append(character)
                position += 1
            } else if character == "!", peek(1) != "=", peek(1).map(Self.startsName) == true {
                word.append(character)
                position += 1
            } else if character == ":", peek(1) == ":" {
                word += "::"
                position += 2
                if current == "~" {
                    word.append("~")
                    position += 1
                }
            } else if character == ".", Self.startsWord(word),
                peek(1).map(Self.isWordCharacter) == true
            {
                // Compilers' copies (`f.cold`, `f.constprop.0`) and Swift's names.
                word.append(character)
                position += 1
            } else if character == "`", NumberText.isDigits(word, radix: 16) {
                position += 1
            } else {
                break
            }
        }
        guard !word.isEmpty else { throw EngineError(.syntax, String(text[start...])) }
        if let number = NumberText.prefixed(word) { return .number(number) }
        return .word(word)
    }

    private static func startsWord(_ word: String) -> Bool {
        guard let first = word.first, !first.isNumber else { return false }
        return !NumberText.isDigits(word, radix: 16)
    }

    private static func startsName(_ character: Character) -> Bool {
        character.isLetter || character == "_" || character == "$" || character == "~"
            || character == "*"
    }
}

/// Numbers as MASM writes them.
enum NumberText {
    static func isDigits(_ text: String, radix: Int) -> Bool {
        !text.isEmpty
            && text.allSatisfy { character in
                character.hexDigitValue.map { $0 < radix } ?? false
            }
    }

    /// `0x10`, `0n10`, `0t17`, `0y101`, and `10h`.
    static func prefixed(_ text: String) -> UInt64? {
        let lower = text.lowercased()
        let radixes: [(String, Int)] = [("0x", 16), ("0n", 10), ("0t", 8), ("0y", 2)]
        for (prefix, radix) in radixes where lower.hasPrefix(prefix) {
            return UInt64(lower.dropFirst(2), radix: radix)
        }
        guard lower.hasSuffix("h"), lower.first?.isNumber == true else { return nil }
        return UInt64(lower.dropLast(), radix: 16)
    }

    static func plain(_ text: String, radix: Int) -> UInt64? {
        isDigits(text, radix: radix) ? UInt64(text, radix: radix) : nil
    }
}
