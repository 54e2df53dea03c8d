/// What an expression may ask of the session around it.
public protocol ExpressionContext {
    /// The radix of plain numbers.
    var radix: Int { get }
    /// How many bytes an address takes.
    var addressByteCount: Int { get }
    /// A register's value, nil when there is no such register.
    func registerValue(_ name: String) throws -> UInt64?
    /// A pseudo-register's value (`$ip`, `$t0`, …), nil when there is none.
    func pseudoRegisterValue(_ name: String) throws -> UInt64?
    /// The address of `symbol` or `module!symbol`, nil when there is none.
    func symbolValue(_ name: String) throws -> UInt64?
    /// The first address of a source line, nil when there is none.
    func sourceLineValue(file: String, line: Int) throws -> UInt64?
    /// Exactly `count` bytes of memory.
    func expressionMemory(at address: UInt64, count: Int) throws -> [UInt8]
    /// The number of an expression of C.
    func embeddedValue(_ text: String) throws -> UInt64
}

extension ExpressionContext {
    /// As in 64 bits.
    public var addressByteCount: Int { 8 }
}

/// Evaluates MASM-style expressions: 64-bit numbers, wrapping as the processor does.
///
/// A plain word is first a number of the session's radix, then a symbol, then a register, as in
/// CDB; with one exception that the original does not make: a word of letters only (`add`, `face`)
/// that is the name of a symbol is that symbol, because programs here are full of such short names.
public struct ExpressionEvaluator {
    /// How deep parentheses and unary operators may nest.
    public static let depthMax = 64

    private var lexer: ExpressionLexer
    private let context: any ExpressionContext
    private var depth = 0

    private init(_ text: String, _ context: any ExpressionContext) {
        lexer = ExpressionLexer(text, radix: context.radix)
        self.context = context
    }

    /// The value of a text that is one whole expression.
    public static func evaluate(
        _ text: String,
        in context: any ExpressionContext
    ) throws -> UInt64 {
        let (value, rest) = try evaluatePrefix(text, in: context)
        let left = rest.drop { $0 == " " }
        if !left.isEmpty { throw EngineError(.extraCharacters, String(left)) }
        return value
    }

    /// The value of the expression a text begins with, and the text behind it.
    public static func evaluatePrefix(
        _ text: String,
        in context: any ExpressionContext
    ) throws -> (value: UInt64, rest: String) {
        var evaluator = ExpressionEvaluator(text, context)
        let value = try evaluator.binary(level: 0)
        return (value, evaluator.lexer.remainder)
    }

    /// Binary operators from the loosest to the tightest.
    static let levels: [[String]] = [
        ["|", "or", "||"],
        ["^", "xor"],
        ["&", "and", "&&"],
        ["=", "==", "!=", "<", ">", "<=", ">="],
        ["+", "-"],
        ["*", "/", "%", "mod", "<<", ">>", ">>>", "shl", "shr"],
    ]

    private func pendingOperation() throws -> String? {
        Self.operation(at: lexer)
    }

    /// The operator that comes next; nil when none does.
    static func operation(at lexer: ExpressionLexer) -> String? {
        switch try? lexer.peekToken() {
        case .operation(let operation): operation
        case .word(let word) where ["or", "xor", "and", "mod", "shl", "shr"].contains(word): word
        default: nil
        }
    }

    private mutating func binary(level: Int) throws -> UInt64 {
        guard level < Self.levels.count else { return try unary() }
        var left = try binary(level: level + 1)
        while let operation = try pendingOperation(), Self.levels[level].contains(operation) {
            _ = try lexer.next()
            let right = try binary(level: level + 1)
            left = try Self.apply(operation, left, right)
        }
        return left
    }

    private static func apply(_ name: String, _ left: UInt64, _ right: UInt64) throws -> UInt64 {
        switch name {
        case "+": left &+ right
        case "-": left &- right
        case "*": left &* right
        case "/", "%", "mod":
            try divide(name, left, right)
        case "<<", "shl": right < 64 ? left << right : 0
        case ">>", "shr": right < 64 ? left >> right : 0
        case ">>>": UInt64(bitPattern: Int64(bitPattern: left) >> Int64(min(right, 63)))
        case "&", "and": left & right
        case "^", "xor": left ^ right
        case "|", "or": left | right
        default: compare(name, left, right) ? 1 : 0
        }
    }

    private static func divide(_ name: String, _ left: UInt64, _ right: UInt64) throws -> UInt64 {
        guard right != 0 else { throw EngineError.sentence("Divide by zero error in expression") }
        return name == "/" ? left / right : left % right
    }

    private static func compare(_ name: String, _ left: UInt64, _ right: UInt64) -> Bool {
        switch name {
        case "<": left < right
        case ">": left > right
        case "<=": left <= right
        case ">=": left >= right
        case "!=": left != right
        case "&&": left != 0 && right != 0
        case "||": left != 0 || right != 0
        default: left == right
        }
    }

    private mutating func unary() throws -> UInt64 {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthMax else {
            throw EngineError.sentence("The expression nests deeper than \(Self.depthMax) levels")
        }
        let before = lexer.remainder
        switch try lexer.next() {
        case .operation("-"): return 0 &- (try unary())
        case .operation("+"): return try unary()
        case .operation("~"): return ~(try unary())
        case .operation("!"): return try unary() == 0 ? 1 : 0
        case .openParenthesis:
            let value = try binary(level: 0)
            guard try lexer.next() == .closeParenthesis else {
                throw EngineError(.syntax, before)
            }
            return value
        case .number(let value): return value
        case .register(let name): return try register(name)
        case .pseudo(let name): return try pseudo(name)
        case .embedded("c++", let text): return try context.embeddedValue(text)
        case .embedded(_, let text):
            return try Self.evaluate(text, in: context)
        case .dot: return try pseudo("$ip")
        case .symbol(let name): return try symbol(name)
        case .sourceLine(let file, let line): return try sourceLine(file, line)
        case .word(let word): return try self.word(word)
        case .operation, .closeParenthesis, .text, .end: throw EngineError(.syntax, before)
        }
    }

    private func register(_ name: String) throws -> UInt64 {
        guard let value = try context.registerValue(name) else {
            throw EngineError(.badRegister, "@\(name)")
        }
        return value
    }

    private mutating func pseudo(_ name: String) throws -> UInt64 {
        if let value = try function(name.lowercased()) { return value }
        guard let value = try context.pseudoRegisterValue(name) else {
            throw EngineError(.badRegister, name)
        }
        return value
    }

    /// `$scmp("a", "b")` and its kin; nil for a name that is no function's.
    private mutating func function(_ name: String) throws -> UInt64? {
        guard ["$scmp", "$sicmp", "$spat", "$vvalid"].contains(name) else { return nil }
        let before = lexer.remainder
        guard try lexer.next() == .openParenthesis else { throw EngineError(.syntax, before) }
        let result: UInt64
        switch name {
        case "$vvalid":
            let address = try binary(level: 0)
            guard lexer.takeComma() else { throw EngineError(.syntax, lexer.remainder) }
            let count = Int(clamping: min(try binary(level: 0), 1 << 20))
            result = (try? context.expressionMemory(at: address, count: count)) == nil ? 0 : 1
        default: result = try texts(name)
        }
        guard try lexer.next() == .closeParenthesis else { throw EngineError(.syntax, before) }
        return result
    }

    /// Compares two texts, or a text with a pattern.
    private mutating func texts(_ name: String) throws -> UInt64 {
        let before = lexer.remainder
        guard case .text(let first) = try lexer.next(), lexer.takeComma(),
            case .text(let second) = try lexer.next()
        else { throw EngineError(.syntax, before) }
        if name == "$spat" { return WildcardPattern(second).matches(first) ? 1 : 0 }
        let (left, right) =
            name == "$sicmp" ? (first.lowercased(), second.lowercased()) : (first, second)
        return left == right ? 0 : left < right ? UInt64.max : 1
    }

    private func symbol(_ name: String) throws -> UInt64 {
        guard let value = try context.symbolValue(name) else {
            throw EngineError(.unresolved, name)
        }
        return value
    }

    private func sourceLine(_ file: String, _ line: Int) throws -> UInt64 {
        guard let value = try context.sourceLineValue(file: file, line: line) else {
            throw EngineError(.unresolved, "`\(file):\(line)`")
        }
        return value
    }

    /// Unary operators that look like words, with the bytes they read (0: none).
    private static let wordOperators: [String: Int] = [
        "poi": 0, "qwo": 8, "dwo": 4, "wo": 2, "by": 1, "hi": 0, "low": 0, "not": 0,
    ]

    private mutating func word(_ word: String) throws -> UInt64 {
        if let count = Self.wordOperators[word.lowercased()] {
            return try wordOperator(word.lowercased(), count)
        }
        let number = NumberText.plain(word, radix: context.radix)
        let isLettersOnly = word.allSatisfy { !$0.isNumber }
        if let number, !isLettersOnly { return number }
        if let value = try context.symbolValue(word) { return value }
        if let number { return number }
        if let value = try context.registerValue(word) { return value }
        throw EngineError(.unresolved, word)
    }

    private mutating func wordOperator(_ name: String, _ count: Int) throws -> UInt64 {
        let value = try unary()
        switch name {
        case "poi":
            let count = context.addressByteCount
            return LittleEndian.value(try context.expressionMemory(at: value, count: count))
        case "hi": return value >> 16 & 0xffff
        case "low": return value & 0xffff
        case "not": return value == 0 ? 1 : 0
        default:
            return LittleEndian.value(try context.expressionMemory(at: value, count: count))
        }
    }
}
