/// Reads expressions of C, with what C++ adds to names and casts.
///
/// Total: whatever the text is, reading ends with a tree of limited depth and size or an error.
struct CParser {
    /// How deep parentheses, casts and unary operators may nest.
    static let depthMax = 64
    /// How many nodes an expression has at the most; a chain of operators is as deep as it is long.
    static let nodesMax = 1000

    private var lexer: CLexer
    let names: any CNameTable
    private(set) var token = CToken.end
    /// Where the token begins.
    private(set) var column = 0
    private var depth = 0
    private var nodes = 0

    private init(_ text: String, _ names: any CNameTable) throws(CError) {
        lexer = CLexer(text)
        self.names = names
        try advance()
    }

    /// A text that is one whole expression.
    static func parse(_ text: String, names: any CNameTable) throws(CError) -> CNode {
        let (node, rest) = try parsePrefix(text, names: names)
        guard rest.isEmpty else {
            throw CError("Text is left over", text.count - rest.count)
        }
        return node
    }

    /// The expression a text begins with, and what stands behind it.
    static func parsePrefix(
        _ text: String,
        names: any CNameTable
    ) throws(CError) -> (node: CNode, rest: String) {
        var parser = try CParser(text, names)
        let node = try parser.comma()
        parser.lexer.move(to: parser.column)
        return (node, parser.token == .end ? "" : parser.lexer.remainder)
    }

    /// A text that is a type's name, such as `dt` takes.
    static func parseType(_ text: String, names: any CNameTable) throws(CError) -> CTypeName? {
        var parser = try CParser(text, names)
        guard let type = try parser.typeName(isKnown: true), parser.token == .end else {
            return nil
        }
        return type
    }

    // MARK: Tokens

    mutating func advance() throws(CError) {
        (token, column) = try lexer.next()
    }

    mutating func take(_ text: String) throws(CError) -> Bool {
        guard token == .punctuation(text) else { return false }
        try advance()
        return true
    }

    mutating func require(_ text: String) throws(CError) {
        guard try take(text) else { throw CError("\(text) is missing here", column) }
    }

    private mutating func node(_ form: CForm, _ column: Int) throws(CError) -> CNode {
        nodes += 1
        guard nodes <= Self.nodesMax else {
            throw CError("The expression has more than \(Self.nodesMax) parts", column)
        }
        return CNode(form: form, column: column)
    }

    private mutating func nested<Result>(
        _ body: (inout CParser) throws(CError) -> Result
    ) throws(CError) -> Result {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthMax else {
            throw CError("The expression nests deeper than \(Self.depthMax) levels", column)
        }
        return try body(&self)
    }

    // MARK: Operators

    private mutating func comma() throws(CError) -> CNode {
        var left = try assignment()
        while token == .punctuation(",") {
            let place = column
            try advance()
            let right = try assignment()
            left = try node(.binary(",", left, right), place)
        }
        return left
    }

    private static let assignments: Set<String> = [
        "=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>=",
    ]

    private mutating func assignment() throws(CError) -> CNode {
        try nested { parser throws(CError) in
            let left = try parser.conditional()
            guard case .punctuation(let sign) = parser.token, Self.assignments.contains(sign) else {
                return left
            }
            let place = parser.column
            try parser.advance()
            let right = try parser.assignment()
            return try parser.node(.assignment(String(sign.dropLast()), left, right), place)
        }
    }

    private mutating func conditional() throws(CError) -> CNode {
        let condition = try binary(level: 0)
        guard token == .punctuation("?") else { return condition }
        let place = column
        try advance()
        let first = try nested { parser throws(CError) in try parser.comma() }
        try require(":")
        let second = try nested { parser throws(CError) in try parser.conditional() }
        return try node(.conditional(condition, first, second), place)
    }

    /// From the loosest to the tightest.
    private static let levels: [Set<String>] = [
        ["||"], ["&&"], ["|"], ["^"], ["&"], ["==", "!="], ["<", ">", "<=", ">="], ["<<", ">>"],
        ["+", "-"], ["*", "/", "%"],
    ]

    private mutating func binary(level: Int) throws(CError) -> CNode {
        guard level < Self.levels.count else { return try unary() }
        var left = try binary(level: level + 1)
        while case .punctuation(let sign) = token, Self.levels[level].contains(sign) {
            let place = column
            try advance()
            let right = try binary(level: level + 1)
            left = try node(.binary(sign, left, right), place)
        }
        return left
    }

    private mutating func unary() throws(CError) -> CNode {
        try nested { parser throws(CError) in try parser.unaryInside() }
    }

    private mutating func unaryInside() throws(CError) -> CNode {
        let place = column
        switch token {
        case .punctuation(let sign) where ["-", "+", "!", "~", "*", "&"].contains(sign):
            try advance()
            let operand = try unary()
            return try node(.unary(sign, operand), place)
        case .punctuation(let sign) where sign == "++" || sign == "--":
            try advance()
            let operand = try unary()
            return try node(.step(sign, operand, isPrefix: true), place)
        case .punctuation("("):
            if let type = try parenthesizedType() {
                let operand = try unary()
                return try node(.cast(type, operand), place)
            }
        case .name("sizeof"):
            return try sizeOf(place)
        case .name(let word) where word.hasSuffix("_cast"):
            if let cast = try namedCast(word, place) { return cast }
        default: break
        }
        return try postfix()
    }

    private mutating func sizeOf(_ place: Int) throws(CError) -> CNode {
        try advance()
        if let type = try parenthesizedType() { return try node(.sizeofType(type), place) }
        let operand = try unary()
        return try node(.sizeofValue(operand), place)
    }

    /// `static_cast<T>(x)` and its kin, all of which convert as C does.
    private mutating func namedCast(_ word: String, _ place: Int) throws(CError) -> CNode? {
        let known = ["static_cast", "reinterpret_cast", "const_cast", "dynamic_cast"]
        guard known.contains(word) else { return nil }
        try advance()
        try require("<")
        guard let type = try typeName(isKnown: true) else {
            throw CError("\(word) needs a type here", column)
        }
        try require(">")
        try require("(")
        let operand = try comma()
        try require(")")
        return try node(.cast(type, operand), place)
    }

    private mutating func postfix() throws(CError) -> CNode {
        var value = try primary()
        while case .punctuation(let sign) = token {
            let place = column
            switch sign {
            case ".", "->":
                try advance()
                let (name, nameColumn) = try memberName()
                value = try node(.member(value, name, isArrow: sign == "->"), nameColumn)
            case "[":
                try advance()
                let index = try nested { parser throws(CError) in try parser.comma() }
                try require("]")
                value = try node(.subscripted(value, index), place)
            case "(":
                try advance()
                value = try node(.call(value, try arguments()), place)
            case "++", "--":
                try advance()
                value = try node(.step(sign, value, isPrefix: false), place)
            default: return value
            }
        }
        return value
    }

    private mutating func memberName() throws(CError) -> (String, Int) {
        let place = column
        switch token {
        case .name(let name):
            let full = withTemplateArguments(name)
            try advance()
            return (full, place)
        case .punctuation("~"):
            try advance()
            guard case .name(let name) = token else {
                throw CError("A member's name is missing here", column)
            }
            try advance()
            return ("~" + name, place)
        default: throw CError("A member's name is missing here", place)
        }
    }

    private mutating func arguments() throws(CError) -> [CNode] {
        var found: [CNode] = []
        if try take(")") { return found }
        repeat {
            found.append(try nested { parser throws(CError) in try parser.assignment() })
        } while try take(",")
        try require(")")
        return found
    }

    private mutating func primary() throws(CError) -> CNode {
        let place = column
        switch token {
        case .number(let number):
            try advance()
            return try node(.number(number), place)
        case .string(var bytes, let type):
            try advance()
            // Neighbouring literals are one (C17 5.1.1.2).
            while case .string(let more, type) = token {
                bytes = bytes.dropLast(type.size) + more
                try advance()
            }
            return try node(.string(bytes, type), place)
        case .register(let name):
            try advance()
            return try node(.register(name), place)
        case .pseudo(let name):
            try advance()
            return try node(.pseudo(name), place)
        case .masm(let text):
            try advance()
            return try node(.masm(text), place)
        case .punctuation("("):
            try advance()
            let inside = try nested { parser throws(CError) in try parser.comma() }
            try require(")")
            return inside
        case .name(let name): return try named(name, place)
        case .end: throw CError("An operand is missing here", place)
        case .punctuation(let sign):
            throw CError("An operand is missing before \(sign)", place)
        }
    }

    private mutating func named(_ name: String, _ place: Int) throws(CError) -> CNode {
        switch name {
        case "true", "false":
            try advance()
            return try node(.number(CNumber(name == "true" ? 1 : 0, .bool)), place)
        case "nullptr", "NULL":
            try advance()
            return try node(.number(CNumber(0, .long)), place)
        default: break
        }
        // `int(x)` and `point*` where a value may stand: a cast as a function, if it is a type.
        if CScalar.words.contains(name), let type = try typeName(isKnown: true) {
            try require("(")
            let operand = try comma()
            try require(")")
            return try node(.cast(type, operand), place)
        }
        let full = withTemplateArguments(name)
        try advance()
        if token == .punctuation("("), !names.isValue(full), names.isType(full) {
            try advance()
            let operand = try comma()
            try require(")")
            return try node(.cast(CTypeName(base: .named(full)), operand), place)
        }
        return try node(.name(full), place)
    }

    // MARK: Names

    /// A name with the template arguments that follow it, where that is what something is called;
    /// the lexer stands behind them then.
    mutating func withTemplateArguments(_ name: String) -> String {
        let start = lexer.position
        var full = name
        var end = start
        var best: (String, Int)?
        while let arguments = lexer.takeTemplateArguments() {
            full += arguments
            end = lexer.position
            if names.isType(full) || names.isValue(full) { best = (full, end) }
            while let rest = lexer.takeScopedRest() {
                full += rest
                end = lexer.position
                if names.isType(full) || names.isValue(full) { best = (full, end) }
            }
        }
        lexer.move(to: best?.1 ?? start)
        return best?.0 ?? name
    }
}
