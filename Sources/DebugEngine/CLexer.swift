/// A piece of a C expression.
enum CToken: Equatable {
    case number(CNumber)
    case string([UInt8], CScalar)
    /// An identifier with its scopes: `a`, `ns::a`, `::a`, `module!a`.
    case name(String)
    case register(String)
    case pseudo(String)
    case masm(String)
    case punctuation(String)
    case end
}

/// Cuts a C expression into tokens.
struct CLexer {
    /// Longer expressions are refused.
    static let lengthMax = 16_384

    private let text: [Character]
    private(set) var position = 0

    init(_ text: String) {
        self.text = Array(text.prefix(Self.lengthMax))
    }

    private var current: Character? { position < text.count ? text[position] : nil }

    private func peek(_ offset: Int) -> Character? {
        let index = position + offset
        return index >= 0 && index < text.count ? text[index] : nil
    }

    /// What has not been read.
    var remainder: String { String(text[min(position, text.count)...]) }

    /// The text from a place on, up to where the lexer stands.
    func text(from start: Int) -> String { String(text[min(start, position)..<position]) }

    mutating func move(to place: Int) { position = min(max(0, place), text.count) }

    mutating func skipSpaces() {
        while let character = current, character == " " || character == "\t" || character == "\n" {
            position += 1
        }
    }

    /// The next token and where it begins.
    mutating func next() throws(CError) -> (token: CToken, column: Int) {
        skipSpaces()
        let column = position
        guard let character = current else { return (.end, column) }
        if character.isASCII, character.isNumber || character == "." && isDigit(peek(1)) {
            return (.number(try CNumberLiteral.read(takeNumber(), at: column)), column)
        }
        if Self.startsName(character) || character == ":" && peek(1) == ":" {
            if let literal = try prefixedLiteral() { return (literal, column) }
            return (.name(takeName()), column)
        }
        switch character {
        case "'", "\"": return (try literal(.char), column)
        case "@": return (try at(), column)
        case "$":
            return (.pseudo(take { Self.isNamePart($0) || $0 == "$" }), column)
        default: return (try punctuation(), column)
        }
    }

    // MARK: Names

    static func startsName(_ character: Character) -> Bool {
        character.isLetter || character == "_"
    }

    static func isNamePart(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || character == "_"
    }

    private func isDigit(_ character: Character?) -> Bool {
        character.map { $0.isASCII && $0.isNumber } ?? false
    }

    private mutating func take(while fits: (Character) -> Bool) -> String {
        let start = position
        while let character = current, fits(character) { position += 1 }
        return String(text[start..<position])
    }

    /// `a`, `a::b`, `a::~b`, `module!a`; the parser adds template arguments.
    mutating func takeName() -> String {
        let start = position
        if current == ":" { position += 2 }
        _ = take(while: Self.isNamePart)
        var hasModule = false
        while true {
            if current == ":", peek(1) == ":", let after = peek(2),
                Self.startsName(after) || after == "~" || after == "("
            {
                position += after == "~" ? 3 : 2
                if after == "(" {
                    guard takeAnonymousScope() else {
                        position -= 2
                        break
                    }
                } else {
                    _ = take(while: Self.isNamePart)
                }
            } else if current == "!", !hasModule, let after = peek(1),
                Self.startsName(after) || after == ":" && peek(2) == ":"
            {
                hasModule = true
                position += 1
                if current == ":" { position += 2 }
                _ = take(while: Self.isNamePart)
            } else {
                break
            }
        }
        return String(text[start..<min(position, text.count)])
    }

    /// `(anonymous namespace)` as a part of a name.
    private mutating func takeAnonymousScope() -> Bool {
        let scope = Array("(anonymous namespace)")
        guard position + scope.count <= text.count,
            Array(text[position..<position + scope.count]) == scope
        else { return false }
        position += scope.count
        return true
    }

    /// `<…>` that begins here, when its brackets match; the lexer stands behind it then.
    mutating func takeTemplateArguments() -> String? {
        guard current == "<" else { return nil }
        let start = position
        var depth = 0
        while let character = current, position - start < 1024 {
            position += 1
            if character == "<" || character == "(" || character == "[" { depth += 1 }
            if character == ">" || character == ")" || character == "]" { depth -= 1 }
            if depth == 0 { return String(text[start..<position]) }
            guard Self.isNamePart(character) || " :,*&<>()[]-\'\"~".contains(character) else {
                break
            }
        }
        position = start
        return nil
    }

    /// `::name` that goes on behind template arguments.
    mutating func takeScopedRest() -> String? {
        guard current == ":", peek(1) == ":", let after = peek(2),
            Self.startsName(after) || after == "~"
        else { return nil }
        let start = position
        position += after == "~" ? 3 : 2
        _ = take(while: Self.isNamePart)
        return String(text[start..<position])
    }

    // MARK: Numbers, characters, strings

    /// Digits, letters, points and the sign behind an exponent.
    private mutating func takeNumber() -> String {
        let start = position
        let isHexadecimal = current == "0" && (peek(1) == "x" || peek(1) == "X")
        while let character = current {
            if (character == "+" || character == "-"), position > start {
                let before = text[position - 1]
                let isExponent =
                    isHexadecimal
                    ? before == "p" || before == "P" : before == "e" || before == "E"
                guard isExponent else { break }
            } else if character == "'" || character == "`" {
                // C++14's digit separator, and CDB's between the halves of an address.
                guard let after = peek(1), after.isHexDigit else { break }
            } else if !(Self.isNamePart(character) || character == ".") {
                break
            }
            position += 1
        }
        return String(text[start..<position])
    }

    /// `L'a'`, `u"text"`, `u8"text"`, `U'x'`.
    private mutating func prefixedLiteral() throws(CError) -> CToken? {
        let prefixes: [(String, CScalar)] = [
            ("u8", .character8), ("u", .character16), ("U", .character32), ("L", .wideCharacter),
        ]
        for (prefix, type) in prefixes {
            let count = prefix.count
            guard position + count < text.count,
                String(text[position..<position + count]) == prefix,
                text[position + count] == "'" || text[position + count] == "\""
            else { continue }
            position += count
            return try literal(type)
        }
        return nil
    }

    private mutating func literal(_ type: CScalar) throws(CError) -> CToken {
        let start = position
        let quote = text[position]
        position += 1
        var scalars: [UInt32] = []
        while let character = current, character != quote {
            position += 1
            if character == "\\" {
                scalars.append(try escape())
            } else if type.size == 1, quote == "\"" || type.rank == 1 {
                scalars += String(character).utf8.map(UInt32.init)
            } else {
                scalars += character.unicodeScalars.map(\.value)
            }
        }
        guard current == quote else { throw CError("\(quote) is missing at the end", start) }
        position += 1
        if quote == "'" {
            guard let value = scalars.last, scalars.count <= 4 else {
                throw CError("A character constant holds one character", start)
            }
            guard scalars.count > 1 else { return .number(CNumber(Int128(value), type)) }
            let packed = scalars.reduce(Int128(0)) { $0 << 8 | Int128($1 & 0xff) }
            return .number(CNumber(packed, .int))
        }
        let bytes = (scalars + [0]).flatMap { value in
            (0..<type.size).map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) }
        }
        return .string(bytes, type)
    }

    private static let escapes: [Character: UInt32] = [
        "n": 10, "t": 9, "r": 13, "a": 7, "b": 8, "f": 12, "v": 11, "e": 27, "\\": 92, "'": 39,
        "\"": 34, "?": 63,
    ]

    private mutating func escape() throws(CError) -> UInt32 {
        guard let character = current else { throw CError("An escape is cut short", position) }
        if let value = Self.escapes[character] {
            position += 1
            return value
        }
        let (radix, limit): (Int, Int)
        switch character {
        case "x": (radix, limit) = (16, 8)
        case "u": (radix, limit) = (16, 4)
        case "U": (radix, limit) = (16, 8)
        case "0"..."7": (radix, limit) = (8, 3)
        default: throw CError("There is no escape \\\(character)", position)
        }
        if radix == 16 { position += 1 }
        var digits = ""
        while digits.count < limit, let digit = current, digit.isASCII,
            let value = digit.hexDigitValue, value < radix
        {
            digits.append(digit)
            position += 1
        }
        guard let value = UInt32(digits, radix: radix) else {
            throw CError("An escape needs digits", position)
        }
        return value
    }

    // MARK: Registers and the other language

    private mutating func at() throws(CError) -> CToken {
        let start = position
        position += 1
        if current == "@" {
            position += 1
            let language = take(while: { Self.isNamePart($0) || $0 == "+" })
            if current == "(", language.lowercased() == "c++" { return try next().token }
            guard current == "(", let inside = takeParenthesized() else {
                throw CError("@@ needs an expression in parentheses", start)
            }
            return .masm(inside)
        }
        if current == "!", peek(1) == "\"" {
            position += 2
            let name = take { $0 != "\"" }
            guard current == "\"" else { throw CError("\" is missing at the end", start) }
            position += 1
            return .name(name)
        }
        if current == "$" {
            return .pseudo(take { Self.isNamePart($0) || $0 == "$" })
        }
        let name = take(while: Self.isNamePart)
        guard !name.isEmpty else { throw CError("@ needs the name of a register", start) }
        return .register(name)
    }

    /// What stands between the parenthesis here and the one that closes it.
    private mutating func takeParenthesized() -> String? {
        let start = position
        var depth = 0
        while let character = current {
            position += 1
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
            if depth == 0 { return String(text[start + 1..<position - 1]) }
        }
        return nil
    }

    private static let operators = [
        "<<=", ">>=", "->*", "...", "->", "++", "--", "<<", ">>", "<=", ">=", "==", "!=", "&&",
        "||",
        "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "::", ".*",
    ]

    private mutating func punctuation() throws(CError) -> CToken {
        for candidate in Self.operators {
            let end = position + candidate.count
            if end <= text.count, String(text[position..<end]) == candidate {
                position = end
                return .punctuation(candidate)
            }
        }
        guard let character = current, "+-*/%&|^~!<>=?:.,()[]{}#".contains(character) else {
            throw CError("An expression has no place for \(remainder.prefix(1))", position)
        }
        position += 1
        return .punctuation(String(character))
    }
}

/// Numbers as C writes them, and with CDB's prefixes.
enum CNumberLiteral {
    static func read(_ text: String, at column: Int) throws(CError) -> CNumber {
        let plain = text.filter { $0 != "'" && $0 != "`" }
        if let real = real(plain) { return real }
        if let number = integer(plain) { return number }
        throw CError("\(text) is not a number", column)
    }

    private static func real(_ text: String) -> CNumber? {
        let lower = text.lowercased()
        let isHexadecimal = lower.hasPrefix("0x")
        let isReal =
            isHexadecimal
            ? lower.contains("p")
            : lower.contains(".")
                || lower.contains("e") && lower.first?.isNumber == true && !lower.hasPrefix("0y")
        guard isReal else { return nil }
        var body = Substring(lower)
        var type = CScalar.double
        if let last = body.last, last == "f" || last == "l", !isHexadecimal || last == "l" {
            type = last == "f" ? .float : .longDouble
            body = body.dropLast()
        }
        return Double(body).map { CNumber(real: $0, type) }
    }

    private static func integer(_ text: String) -> CNumber? {
        var lower = Substring(text.lowercased())
        var radix = 10
        let radixes: [(String, Int)] = [
            ("0x", 16), ("0b", 2), ("0n", 10), ("0t", 8), ("0y", 2), ("0o", 8),
        ]
        if let (_, found) = radixes.first(where: { lower.hasPrefix($0.0) }) {
            radix = found
            lower = lower.dropFirst(2)
        } else if lower.hasPrefix("0"), lower.dropFirst().first?.isNumber == true {
            radix = 8
        }
        let digits = lower.prefix { $0.hexDigitValue.map { $0 < radix } ?? false }
        guard !digits.isEmpty, let value = UInt64(digits, radix: radix) else { return nil }
        return typed(value, suffix: lower.dropFirst(digits.count), isDecimal: radix == 10)
    }

    /// The first type of C17 6.4.4.1 that holds the value.
    private static func typed(
        _ value: UInt64,
        suffix: Substring,
        isDecimal: Bool
    ) -> CNumber? {
        let isUnsigned = suffix.contains("u")
        let longs = suffix.count { $0 == "l" }
        guard suffix.count == longs + (isUnsigned ? 1 : 0), longs <= 2 else { return nil }
        let signed: [CScalar] = [.int, .long, .longLong]
        let candidates = signed.dropFirst(longs).flatMap { type -> [CScalar] in
            if isUnsigned { return [type.unsigned] }
            return isDecimal && type != .longLong ? [type] : [type, type.unsigned]
        }
        let type = candidates.first { fits(value, $0) } ?? .unsignedLong
        return CNumber(Int128(value), type)
    }

    private static func fits(_ value: UInt64, _ type: CScalar) -> Bool {
        let bits = type.size * 8 - (type.isSigned ? 1 : 0)
        return bits >= 64 || value >> UInt64(bits) == 0
    }
}
