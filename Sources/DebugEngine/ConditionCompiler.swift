internal import DebugTarget

/// Makes of an expression what the target can judge.
///
/// That is: registers, memory, numbers, addresses of symbols. Everything else (pseudo-registers that
/// change, functions) stays with the debugger.
struct ConditionCompiler {
    private var lexer: ExpressionLexer
    private let context: any ExpressionContext
    private let description: TargetDescription
    private var depth = 0

    /// The condition of a text; nil when the target cannot judge it.
    static func compile(
        _ text: String,
        in context: any ExpressionContext,
        _ description: TargetDescription
    ) -> BreakpointCondition? {
        var compiler = ConditionCompiler(
            lexer: ExpressionLexer(text, radix: context.radix),
            context: context,
            description: description
        )
        guard let condition = compiler.binary(level: 0), (try? compiler.lexer.next()) == .end else {
            return nil
        }
        return condition
    }

    private init(
        lexer: ExpressionLexer,
        context: any ExpressionContext,
        description: TargetDescription
    ) {
        self.lexer = lexer
        self.context = context
        self.description = description
    }

    private mutating func binary(level: Int) -> BreakpointCondition? {
        guard level < ExpressionEvaluator.levels.count else { return unary() }
        guard var left = binary(level: level + 1) else { return nil }
        while let name = ExpressionEvaluator.operation(at: lexer),
            ExpressionEvaluator.levels[level].contains(name)
        {
            _ = try? lexer.next()
            guard let right = binary(level: level + 1), let both = Self.combined(name, left, right)
            else { return nil }
            left = both
        }
        return left
    }

    private static let plain: [String: BreakpointCondition.BinaryOperation] = [
        "+": .add, "-": .subtract, "*": .multiply, "/": .divide, "%": .remainder,
        "mod": .remainder, "<<": .shiftLeft, "shl": .shiftLeft, ">>": .shiftRight,
        "shr": .shiftRight, ">>>": .shiftRightSigned, "&": .and, "and": .and, "|": .or, "or": .or,
        "^": .exclusiveOr, "xor": .exclusiveOr, "=": .equal, "==": .equal, "<": .less,
    ]

    private static func combined(
        _ name: String,
        _ left: BreakpointCondition,
        _ right: BreakpointCondition
    ) -> BreakpointCondition? {
        if let operation = plain[name] { return .binary(operation, left, right) }
        switch name {
        case "!=": return .unary(.not, .binary(.equal, left, right))
        case ">": return .binary(.less, right, left)
        case "<=": return .unary(.not, .binary(.less, right, left))
        case ">=": return .unary(.not, .binary(.less, left, right))
        case "&&": return .binary(.and, truth(left), truth(right))
        case "||": return .binary(.or, truth(left), truth(right))
        default: return nil
        }
    }

    private static func truth(_ value: BreakpointCondition) -> BreakpointCondition {
        .unary(.not, .unary(.not, value))
    }

    private mutating func unary() -> BreakpointCondition? {
        depth += 1
        defer { depth -= 1 }
        guard depth <= ExpressionEvaluator.depthMax, let token = try? lexer.next() else {
            return nil
        }
        switch token {
        case .operation("-"): return unary().map { .binary(.subtract, .constant(0), $0) }
        case .operation("+"): return unary()
        case .operation("~"): return unary().map { .unary(.complement, $0) }
        case .operation("!"): return unary().map { .unary(.not, $0) }
        case .openParenthesis:
            let value = binary(level: 0)
            guard (try? lexer.next()) == .closeParenthesis else { return nil }
            return value
        case .number(let value): return .constant(value)
        case .register(let name): return register(name)
        case .pseudo("$ip"), .dot: return role(.programCounter)
        case .pseudo("$sp"), .pseudo("$csp"): return role(.stackPointer)
        case .symbol(let name): return try? context.symbolValue(name).map { .constant($0) }
        case .sourceLine(let file, let line):
            return try? context.sourceLineValue(file: file, line: line).map { .constant($0) }
        case .word(let word): return self.word(word)
        case .pseudo, .operation, .closeParenthesis, .embedded, .text, .end: return nil
        }
    }

    private func role(_ role: RegisterDescription.Role) -> BreakpointCondition? {
        description.register(playing: role).map { .register($0.number) }
    }

    private func register(_ name: String) -> BreakpointCondition? {
        let lower = name.lowercased()
        if let register = description.register(named: lower) {
            return register.bitSize <= 64 ? .register(register.number) : nil
        }
        guard let part = RegisterPart(lower, description.architecture),
            let whole = description.register(named: part.register)
        else { return nil }
        let shifted = BreakpointCondition.binary(
            .shiftRight,
            .register(whole.number),
            .constant(part.shift)
        )
        return .binary(.and, shifted, .constant(part.mask))
    }

    private static let loads = ["poi": 8, "qwo": 8, "dwo": 4, "wo": 2, "by": 1]

    private mutating func word(_ word: String) -> BreakpointCondition? {
        let lower = word.lowercased()
        if let count = Self.loads[lower] {
            return unary().map { .memory(byteCount: count, $0) }
        }
        switch lower {
        case "not": return unary().map { .unary(.not, $0) }
        case "hi":
            return unary().map {
                .binary(.and, .binary(.shiftRight, $0, .constant(16)), .constant(0xffff))
            }
        case "low": return unary().map { .binary(.and, $0, .constant(0xffff)) }
        default: break
        }
        let number = NumberText.plain(word, radix: context.radix)
        if let number, word.contains(where: \.isNumber) { return .constant(number) }
        if let value = try? context.symbolValue(word) { return .constant(value) }
        return number.map { .constant($0) } ?? register(word)
    }
}

extension DebugSession {
    /// What the target is to judge at a breakpoint: the condition of the only one of the user's that
    /// is there, when it can.
    func condition(
        of breakpoint: Breakpoint,
        in process: ProcessState
    ) -> BreakpointCondition? {
        guard target.breakpointConditions != nil else { return nil }
        let here = breakpoints.all.filter { logical in
            logical.isEnabled
                && logical.sites.contains {
                    $0.process == process.id && logical.physical(at: $0) == breakpoint
                }
        }
        guard here.count == 1, let text = here[0].condition else { return nil }
        if let known = compiledConditions[text] { return known }
        guard let description = try? target.targetDescription(of: process.id) else { return nil }
        let previous = (currentProcess, currentThread)
        defer { (currentProcess, currentThread) = previous }
        if currentProcess !== process {
            currentProcess = process
            currentThread = process.threads.first
        }
        // C is not compiled: the condition is judged here.
        let made =
            expressionLanguage == .masm
            ? ConditionCompiler.compile(text, in: self, description) : nil
        compiledConditions[text] = made
        return made
    }
}
