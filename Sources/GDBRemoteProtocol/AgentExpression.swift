public import DebugTarget

// Agent expressions (the GDB manual's appendix "The GDB Agent Expression Mechanism"): bytecode for a machine with
// a stack of 64-bit values, which breakpoints' conditions and commands travel as. What the appendix leaves unsaid:
//
// - Operands are big-endian, memory is in the target's order.
// - `if_goto` and `goto` may lead backwards, so a program need not end: steps are counted.
// - `printf` (0x34) has one byte for the number of arguments, two for the length of the format with its zero, and the
//   format. It finds a function and a channel on top of the stack, both without a use here, and the arguments below.
// - The instructions that record memory for tracepoints do nothing here but take their operands off the stack.

/// What an expression may look at.
public protocol AgentContext {
    /// The value of a register of up to 64 bits, by its number in the target description.
    func register(_ number: Int) -> UInt64?
    /// As many bytes as can be read from an address on.
    func memory(at address: TargetAddress, count: Int) -> [UInt8]
}

/// Why an expression has no value.
public enum AgentFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// The bytecode ends in the middle or jumps out of itself.
    case outOfBounds
    /// More values are wanted than there are.
    case stackUnderflow
    /// More than `AgentExpression.stackMax` values.
    case stackOverflow
    /// More than `AgentExpression.stepsMax` instructions.
    case tooLong
    /// Division by zero.
    case divisionByZero
    /// Memory that cannot be read.
    case unreadable(TargetAddress)
    /// A register that is not there or is wider than 64 bits.
    case noRegister(Int)
    /// An instruction that is not served (floating point, trace state variables) or not known.
    case unsupported(UInt8)
    /// A format that is not ended or holds a directive that is not known.
    case badFormat

    /// One sentence for the user.
    public var description: String {
        switch self {
        case .outOfBounds: "the bytecode ends in the middle of an instruction"
        case .stackUnderflow: "the bytecode takes more values than there are"
        case .stackOverflow:
            "the bytecode needs more than \(AgentExpression.stackMax) values at once"
        case .tooLong: "the bytecode has not ended after \(AgentExpression.stepsMax) instructions"
        case .divisionByZero: "division by zero"
        case .unreadable(let address): "cannot read memory at \(address)"
        case .noRegister(let number): "there is no register \(number) of up to 64 bits"
        case .unsupported(let code):
            "the instruction 0x\(String(code, radix: 16)) is not served"
        case .badFormat: "the format is not one of printf"
        }
    }
}

/// One expression's bytecode.
public struct AgentExpression: Sendable, Equatable {
    /// The most values on the stack; gdb's own agents have room for 100.
    public static let stackMax = 100
    /// The most instructions of one evaluation.
    public static let stepsMax = 10_000
    /// The most text of one evaluation, in bytes.
    public static let outputBytesMax = 4096

    /// The bytecode.
    public var bytes: [UInt8]

    /// Wraps bytecode; it is looked at only when it is evaluated.
    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// What an evaluation came to.
    public struct Result: Sendable, Equatable {
        /// What was on top of the stack at the end; 0 where there was nothing.
        public var value: UInt64
        /// What `printf` wrote.
        public var output: [UInt8]
    }

    /// Evaluates the expression.
    public func evaluate(in context: some AgentContext) throws(AgentFailure) -> Result {
        var machine = AgentMachine(code: bytes, context: context)
        while try machine.step() {}
        return Result(value: machine.stack.last ?? 0, output: machine.output)
    }
}

/// The stack machine.
private struct AgentMachine<Context: AgentContext> {
    let code: [UInt8]
    let context: Context
    var stack: [UInt64] = []
    var output: [UInt8] = []
    private var position = 0
    private var steps = 0

    init(code: [UInt8], context: Context) {
        self.code = code
        self.context = context
        stack.reserveCapacity(16)
    }

    // MARK: Operands

    private mutating func operand(_ count: Int) throws(AgentFailure) -> UInt64 {
        guard count <= code.count - position else { throw .outOfBounds }
        var value: UInt64 = 0
        for byte in code[position..<(position + count)] { value = value << 8 | UInt64(byte) }
        position += count
        return value
    }

    private mutating func pop() throws(AgentFailure) -> UInt64 {
        guard let value = stack.popLast() else { throw .stackUnderflow }
        return value
    }

    private mutating func push(_ value: UInt64) throws(AgentFailure) {
        guard stack.count < AgentExpression.stackMax else { throw .stackOverflow }
        stack.append(value)
    }

    // MARK: Instructions

    /// Executes one instruction.
    ///
    /// - Returns: whether there is another.
    mutating func step() throws(AgentFailure) -> Bool {
        steps += 1
        guard steps <= AgentExpression.stepsMax else { throw .tooLong }
        let opcode = UInt8(try operand(1))
        switch opcode {
        case 0x02...0x08, 0x09...0x0b, 0x0f...0x11, 0x13...0x15: try combine(opcode)
        case 0x0e: try push(try pop() == 0 ? 1 : 0)
        case 0x12: try push(~(try pop()))
        case 0x16: try extend(signed: true)
        case 0x2a: try extend(signed: false)
        case 0x17...0x1a: try load(byteCount: 1 << Int(opcode - 0x17))
        case 0x20, 0x21: try jump(isConditional: opcode == 0x20)
        case 0x22...0x25: try push(try operand(1 << Int(opcode - 0x22)))
        case 0x26: try pushRegister()
        case 0x27: return false
        case 0x28: try pick(0)
        case 0x32: try pick(Int(try operand(1)))
        case 0x29: _ = try pop()
        case 0x2b: try swap()
        case 0x33: try rotate()
        case 0x34: try writeText()
        default: try record(opcode)
        }
        return true
    }

    /// The instructions of tracepoints, which have nothing to record here.
    private mutating func record(_ opcode: UInt8) throws(AgentFailure) {
        switch opcode {
        case 0x0c, 0x2f:
            _ = try pop()
            _ = try pop()
        case 0x0d: _ = try operand(1)
        case 0x30: _ = try operand(2)
        default: throw .unsupported(opcode)
        }
    }

    private mutating func combine(_ opcode: UInt8) throws(AgentFailure) {
        let right = try pop()
        let left = try pop()
        try push(try combination(opcode, left, right))
    }

    private func combination(
        _ opcode: UInt8,
        _ left: UInt64,
        _ right: UInt64
    ) throws(AgentFailure) -> UInt64 {
        let (signedLeft, signedRight) = (Int64(bitPattern: left), Int64(bitPattern: right))
        switch opcode {
        case 0x02: return left &+ right
        case 0x03: return left &- right
        case 0x04: return left &* right
        case 0x05...0x08:
            guard right != 0 else { throw .divisionByZero }
            switch opcode {
            // The overflow of the least number by -1 wraps, as the processor's would not.
            case 0x05:
                return UInt64(bitPattern: signedLeft.dividedReportingOverflow(by: signedRight).0)
            case 0x06: return left / right
            case 0x07:
                let (rest, _) = signedLeft.remainderReportingOverflow(dividingBy: signedRight)
                return UInt64(bitPattern: rest)
            default: return left % right
            }
        case 0x09: return right < 64 ? left << right : 0
        case 0x0a: return UInt64(bitPattern: signedLeft >> Int64(min(right, 63)))
        case 0x0b: return right < 64 ? left >> right : 0
        case 0x0f: return left & right
        case 0x10: return left | right
        case 0x11: return left ^ right
        case 0x13: return left == right ? 1 : 0
        case 0x14: return signedLeft < signedRight ? 1 : 0
        default: return left < right ? 1 : 0
        }
    }

    private mutating func extend(signed: Bool) throws(AgentFailure) {
        let bits = Int(try operand(1))
        let value = try pop()
        // All of it, and nothing of it, mean nothing else.
        guard bits > 0, bits < 64 else { return try push(value) }
        let cut = value << UInt64(64 - bits)
        let extended =
            signed
            ? UInt64(bitPattern: Int64(bitPattern: cut) >> Int64(64 - bits))
            : cut >> UInt64(64 - bits)
        try push(extended)
    }

    private mutating func load(byteCount: Int) throws(AgentFailure) {
        let address = TargetAddress(try pop())
        let bytes = context.memory(at: address, count: byteCount)
        guard bytes.count == byteCount else { throw .unreadable(address) }
        try push(bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) })
    }

    private mutating func jump(isConditional: Bool) throws(AgentFailure) {
        let goal = Int(try operand(2))
        if isConditional, try pop() == 0 { return }
        guard goal < code.count else { throw .outOfBounds }
        position = goal
    }

    private mutating func pushRegister() throws(AgentFailure) {
        let number = Int(try operand(2))
        guard let value = context.register(number) else { throw .noRegister(number) }
        try push(value)
    }

    private mutating func pick(_ depth: Int) throws(AgentFailure) {
        guard depth < stack.count else { throw .stackUnderflow }
        try push(stack[stack.count - 1 - depth])
    }

    private mutating func swap() throws(AgentFailure) {
        guard stack.count >= 2 else { throw .stackUnderflow }
        stack.swapAt(stack.count - 1, stack.count - 2)
    }

    /// a b c becomes c a b.
    private mutating func rotate() throws(AgentFailure) {
        guard stack.count >= 3 else { throw .stackUnderflow }
        let top = stack.removeLast()
        stack.insert(top, at: stack.count - 2)
    }

    private mutating func writeText() throws(AgentFailure) {
        let argumentCount = Int(try operand(1))
        let length = Int(try operand(2))
        guard length <= code.count - position else { throw .outOfBounds }
        guard length > 0, code[position + length - 1] == 0 else { throw .badFormat }
        let format = Array(code[position..<(position + length - 1)])
        position += length
        // The function and the channel.
        _ = try pop()
        _ = try pop()
        var arguments: [UInt64] = []
        for _ in 0..<argumentCount { arguments.append(try pop()) }
        let text = try AgentText.render(format, arguments, in: context)
        output += text.prefix(AgentExpression.outputBytesMax - output.count)
    }
}
