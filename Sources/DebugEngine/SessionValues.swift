public import Symbols

extension DebugSession {
    /// How deep expressions of one language may lie in such of the other.
    static let languageDepthMax = 8

    /// The value of a text that is one whole expression of C.
    public func evaluateC(_ text: String) throws -> TypedValue {
        try inOtherLanguage {
            let evaluator = CEvaluator(self)
            return try explained(text) {
                try evaluator.evaluate(try CParser.parse(text, names: evaluator.scope))
            }
        }
    }

    /// The number of the expression of C that a text begins with, and the rest of the text.
    public func evaluateCPrefix(_ text: String) throws -> (value: UInt64, rest: String) {
        try inOtherLanguage {
            let evaluator = CEvaluator(self)
            return try explained(text) {
                let (node, rest) = try CParser.parsePrefix(text, names: evaluator.scope)
                let value = try evaluator.evaluate(node)
                // A structure stands for its address, as a symbol does.
                if value.dereferenced.type.kind == .structure,
                    let address = value.dereferenced.address
                {
                    return (address, rest)
                }
                return (try evaluator.number(value, node).bits, rest)
            }
        }
    }

    /// The type that a text names; nil when it names none.
    public func valueType(_ text: String) -> ValueType? {
        let scope = CScope(self)
        guard let name = (try? CParser.parseType(text, names: scope)) ?? nil else { return nil }
        return try? scope.type(name, at: 0)
    }

    /// Whether a local of the current frame is called so.
    public func isLocal(_ name: String) -> Bool { CScope(self).isLocal(name) }

    /// Memory read as a type, in the current frame.
    public func value(of type: ValueType, at address: UInt64) -> TypedValue {
        TypedValue(type, at: address, in: CScope(self).context)
    }

    private func inOtherLanguage<Result>(_ body: () throws -> Result) throws -> Result {
        languageDepth += 1
        defer { languageDepth -= 1 }
        guard languageDepth <= Self.languageDepthMax else {
            throw EngineError.sentence(
                "Expressions nest deeper than \(Self.languageDepthMax) languages"
            )
        }
        return try body()
    }

    /// Errors of an expression in the terms of commands: with the text from the place on.
    private func explained<Result>(_ text: String, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as CError {
            let rest = String(text.dropFirst(min(error.column, text.count)))
            throw EngineError(.expression, rest, detail: error.message)
        }
    }
}

extension DebugSession {
    /// The variable that a symbol names, where its type is known.
    public func globalValue(of found: FoundSymbol) -> TypedValue? {
        guard let process = currentProcess, let symbols = found.module.loadedSymbols,
            symbols.symbolStatus == .dwarf
        else { return nil }
        let registers = currentThread.flatMap { try? self.frame(currentFrame, of: $0) }?.registers
        let here = StackFrame(
            registers: registers ?? .init(pc: 0),
            childStackPointer: 0,
            returnAddress: 0
        )
        return symbols.globalValue(
            named: found.symbol.name,
            frame: context(here, found.module, process)
        )
    }
}
