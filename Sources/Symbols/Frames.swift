/// Reads a debuggee's memory.
public protocol MemoryReader {
    /// `count` bytes at a run-time address, or nil when not all of them can be read.
    func read(at address: UInt64, count: Int) -> [UInt8]?
}

/// A frame's registers by their DWARF numbers, as far as they are known.
///
/// x86-64: 0 rax, 1 rdx, 2 rcx, 3 rbx, 4 rsi, 5 rdi, 6 rbp, 7 rsp, 8–15 r8–r15, 16 the return
/// address, which in a frame of its own is the program counter; 17–32 the low 64 bits of
/// xmm0–xmm15. arm64: 0–30 x0–x30, 31 sp, 32 pc.
public struct UnwindRegisters: Sendable, Equatable {
    /// The highest DWARF number kept, exclusive.
    public static let countMax = 96

    /// The program counter, a run-time address.
    public var pc: UInt64
    /// The canonical frame address of the frame below, from which this one was computed: this
    /// frame's stack pointer right after the call it is in; nil in the innermost frame.
    public var cfa: UInt64?
    /// Whether `pc` is a return address: the instruction that the frame is in lies before it.
    ///
    /// Not so in the
    /// innermost frame and in one that a signal interrupted.
    public var pcIsReturnAddress: Bool
    private var values: [UInt64?]

    /// Registers of an innermost frame; fill them in with the subscript.
    public init(pc: UInt64) {
        self.pc = pc
        cfa = nil
        pcIsReturnAddress = false
        values = Array(repeating: nil, count: Self.countMax)
    }

    /// The register of a DWARF number; nil when its value is not known.
    public subscript(number: Int) -> UInt64? {
        get { values.indices.contains(number) ? values[number] : nil }
        set { if values.indices.contains(number) { values[number] = newValue } }
    }

    /// The address to look symbols and lines up with: inside the call for a return address.
    public var lookupAddress: UInt64 { pcIsReturnAddress ? pc &- 1 : pc }
}

/// A frame to evaluate variables in.
public struct FrameContext {
    /// The frame's registers.
    public var registers: UnwindRegisters
    /// What is added to the module's addresses in memory.
    public var bias: UInt64
    /// The debuggee's memory.
    public var memory: any MemoryReader
    /// Where the module's thread-local block begins for the frame's thread; nil when not known.
    public var threadLocalBase: UInt64?
    /// What an address is called, in whatever module, for pointers to functions.
    public var symbolText: ((UInt64) -> String?)?

    /// The module whose code lies at an address, and its load bias: a caller may be in another one.
    public var module: ((UInt64) -> (symbols: ModuleSymbols, bias: UInt64)?)?

    /// Builds a context.
    public init(
        registers: UnwindRegisters,
        bias: UInt64,
        memory: any MemoryReader,
        threadLocalBase: UInt64? = nil,
        symbolText: ((UInt64) -> String?)? = nil,
        module: ((UInt64) -> (symbols: ModuleSymbols, bias: UInt64)?)? = nil
    ) {
        self.registers = registers
        self.bias = bias
        self.memory = memory
        self.threadLocalBase = threadLocalBase
        self.symbolText = symbolText
        self.module = module
    }
}
