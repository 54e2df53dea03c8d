import CElfutils

/// Evaluates DWARF expressions and location descriptions (DWARF 5, 2.5 and 2.6).
struct ExpressionMachine {
    /// Longer evaluations are damaged ones that loop.
    static let stepsMax = 10_000
    /// A deeper stack than any compiler needs.
    static let stackMax = 256

    let registers: UnwindRegisters
    let bias: UInt64
    let memory: any MemoryReader
    /// How many bytes an address takes.
    var wordBytes = 8
    /// The attribute that the operations come from; those that refer to other data need it.
    var attribute: Dwarf_Attribute?
    /// Where the module's thread-local block begins for the thread.
    var threadLocalBase: UInt64?
    /// The enclosing function's frame base.
    var frameBase: () -> UInt64? = { nil }
    /// The frame's canonical frame address.
    var frameAddress: () -> UInt64? = { nil }
    /// What a register held when the function was entered.
    var entryValue: (Int) -> UInt64? = { _ in nil }

    init(registers: UnwindRegisters, bias: UInt64, memory: any MemoryReader) {
        self.registers = registers
        self.bias = bias
        self.memory = memory
    }

    /// The value that an expression leaves.
    func value(of operations: UnsafeBufferPointer<Dwarf_Op>) -> UInt64? {
        run(operations, stack: [])?.stack.last?.bits
    }

    /// What a location description says.
    func location(of operations: UnsafeBufferPointer<Dwarf_Op>, initial: UInt64? = nil) -> Location?
    {
        let stack = initial.map { [ExpressionValue($0)] } ?? []
        guard !operations.isEmpty else { return .unavailable }
        return run(operations, stack: stack)?.result
    }

    /// The caller's value of a register by a rule of the call frame information.
    func callerValue(of register: Int, _ rule: FrameRules.Rule, frameAddress: UInt64) -> UInt64? {
        switch rule {
        case .undefined: return nil
        case .unchanged: return registers[register]
        case .expression(let operations):
            var machine = self
            machine.frameAddress = { frameAddress }
            switch machine.location(of: operations) {
            case .memory(let address): return read(address, count: wordBytes)
            case .register(let number): return registers[number]
            case .value(let value): return value
            default: return nil
            }
        }
    }

    /// A little-endian number in memory.
    func read(_ address: UInt64, count: Int) -> UInt64? {
        guard (1...8).contains(count), let bytes = memory.read(at: address, count: count),
            bytes.count == count
        else { return nil }
        return bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The operation at an offset in the expression; libdw lists them in order.
    private static func index(
        of offset: UInt64,
        in operations: UnsafeBufferPointer<Dwarf_Op>
    ) -> Int? {
        var (low, high) = (0, operations.count)
        while low < high {
            let middle = (low + high) / 2
            if operations[middle].offset < offset { low = middle + 1 } else { high = middle }
        }
        return low < operations.count && operations[low].offset == offset ? low : nil
    }

    private func run(
        _ operations: UnsafeBufferPointer<Dwarf_Op>,
        stack: [ExpressionValue]
    ) -> ExpressionState? {
        var state = ExpressionState(stack: stack)
        var index = 0
        var steps = 0
        while index < operations.count, let start = operations.baseAddress {
            steps += 1
            let decoded = DecodedOperation(place: start + index)
            guard steps <= Self.stepsMax, state.stack.count <= Self.stackMax,
                let operation = ExpressionOperations.operation(Int(decoded.place.pointee.atom)),
                operation(self, &state, decoded) != nil
            else { return nil }
            index += 1
            if let target = state.branch.take() {
                guard let next = Self.index(of: target, in: operations) else { return nil }
                index = next
            }
        }
        return state
    }
}

/// What an expression has come to.
struct ExpressionState {
    var stack: [ExpressionValue]
    /// A description other than a place in memory, until a piece or the end takes it.
    var pending: Location?
    var pieces: [Location.Piece] = []
    /// The offset in the expression to go on at.
    var branch: UInt64?

    init(stack: [ExpressionValue]) {
        self.stack = stack
    }

    mutating func push(_ bits: UInt64) { stack.append(ExpressionValue(bits)) }

    mutating func pop() -> UInt64? { stack.popLast()?.bits }

    /// The location described so far; a stack top is an address.
    mutating func takeLocation() -> Location {
        if let pending = pending.take() { return pending }
        return pop().map(Location.memory) ?? .unavailable
    }

    var result: Location {
        var copy = self
        return pieces.isEmpty ? copy.takeLocation() : .pieces(pieces)
    }
}

extension Optional {
    /// The value, leaving nil behind.
    mutating func take() -> Wrapped? {
        defer { self = nil }
        return self
    }
}
