public import DebugTarget

/// One machine instruction.
public struct Instruction: Sendable, Equatable {
    /// Where it lies.
    public var address: TargetAddress
    /// Its bytes.
    public var bytes: [UInt8]
    /// The mnemonic in CDB's manner (`mov`), `???` for a byte that is no instruction.
    public var mnemonic: String
    /// The operands in CDB's manner: `qword ptr [rsp+10h],rbx`; an address in them has the form
    /// `00007ffc``0f1d4961`, for which a symbol can be put.
    public var operands: String
    /// Where a direct jump or call goes.
    public var branchTarget: TargetAddress?
    /// Whether it is a call.
    public var isCall: Bool
    /// Whether it returns from a function.
    public var isReturn: Bool
    /// Whether it is a jump, conditional or not.
    public var isJump: Bool
    /// Whether it is a jump that may not be taken.
    public var isConditional: Bool
    /// The operand in memory, where it has one.
    public var memoryOperand: MemoryOperand?

    /// Builds an instruction.
    public init(
        address: TargetAddress,
        bytes: [UInt8],
        mnemonic: String,
        operands: String,
        branchTarget: TargetAddress? = nil,
        isCall: Bool = false,
        isReturn: Bool = false,
        isJump: Bool = false,
        isConditional: Bool = false,
        memoryOperand: MemoryOperand? = nil
    ) {
        self.address = address
        self.bytes = bytes
        self.mnemonic = mnemonic
        self.operands = operands
        self.branchTarget = branchTarget
        self.isCall = isCall
        self.isReturn = isReturn
        self.isJump = isJump
        self.isConditional = isConditional
        self.memoryOperand = memoryOperand
    }

    /// The address of the instruction after it.
    public var next: TargetAddress { address + UInt64(bytes.count) }
}

/// An operand in memory: `segment:[base + index * scale + displacement]`.
public struct MemoryOperand: Sendable, Equatable {
    /// The segment register that is named or implied (`ds`, `ss`, `fs`); nil where there are none.
    public var segment: String?
    /// The base register; `rip` means the address of the next instruction.
    public var base: String?
    /// The index register.
    public var index: String?
    /// What the index is multiplied with.
    public var scale: Int
    /// What is added.
    public var displacement: Int64
    /// How many bytes are read or written; 0 when the instruction only computes the address.
    public var size: Int

    /// Builds an operand.
    public init(
        segment: String?,
        base: String?,
        index: String?,
        scale: Int,
        displacement: Int64,
        size: Int
    ) {
        self.segment = segment
        self.base = base
        self.index = index
        self.scale = scale
        self.displacement = displacement
        self.size = size
    }
}
