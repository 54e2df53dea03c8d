/// The processor families the debugger knows.
public enum Architecture: String, Sendable {
    /// AMD64, also called x86-64.
    case x86_64 = "i386:x86-64"
    /// 32-bit x86.
    case i386 = "i386"
    /// 64-bit Arm.
    case arm64 = "aarch64"
}

/// What one register is called, how wide it is and where it lies in a register block.
public struct RegisterDescription: Sendable, Equatable {
    /// The part a register plays whatever its name is.
    public enum Role: String, Sendable {
        /// Program counter.
        case programCounter = "pc"
        /// Stack pointer.
        case stackPointer = "sp"
        /// Frame pointer.
        case framePointer = "fp"
        /// Processor flags.
        case flags = "flags"
        /// Return address.
        case returnAddress = "ra"
        /// The first to the sixth argument of a call.
        case argument1 = "arg1"
        case argument2 = "arg2"
        case argument3 = "arg3"
        case argument4 = "arg4"
        case argument5 = "arg5"
        case argument6 = "arg6"
    }

    /// The name gdb's target description uses (`rax`, `st0`, `xmm0`).
    public var name: String
    /// The number in the remote protocol (`p`/`P`), which is also the position in the block.
    public var number: Int
    /// The width in bits, a multiple of 8.
    public var bitSize: Int
    /// Where the register's first byte lies in the block, in bytes.
    public var offset: Int
    /// gdb's type name for it (`int64`, `data_ptr`, `code_ptr`, `i387_ext`, …).
    public var type: String
    /// The feature it belongs to (`org.gnu.gdb.i386.core`).
    public var feature: String
    /// gdb's register group, where it names one (`general`, `float`, `vector`).
    public var group: String?
    /// Its number in DWARF, where it has one.
    public var dwarfNumber: Int?
    /// The part it plays, where it plays one.
    public var role: Role?

    /// Describes one register.
    public init(
        name: String,
        number: Int,
        bitSize: Int,
        offset: Int,
        type: String,
        feature: String,
        group: String? = nil,
        dwarfNumber: Int? = nil,
        role: Role? = nil
    ) {
        self.name = name
        self.number = number
        self.bitSize = bitSize
        self.offset = offset
        self.type = type
        self.feature = feature
        self.group = group
        self.dwarfNumber = dwarfNumber
        self.role = role
    }

    /// The width in bytes.
    public var byteCount: Int { bitSize / 8 }
}

/// All registers of a process's threads, in protocol order.
public struct TargetDescription: Sendable, Equatable {
    /// The processor family.
    public var architecture: Architecture
    /// The registers in order of their numbers; a number may be missing.
    public var registers: [RegisterDescription]

    /// Describes a register set.
    public init(architecture: Architecture, registers: [RegisterDescription]) {
        self.architecture = architecture
        self.registers = registers
    }

    /// The bytes a whole register block takes.
    public var blockByteCount: Int {
        registers.map { $0.offset + $0.byteCount }.max() ?? 0
    }

    /// The register of that name, or nil.
    public func register(named name: String) -> RegisterDescription? {
        registers.first { $0.name == name }
    }

    /// The register that plays that part, or nil.
    public func register(playing role: RegisterDescription.Role) -> RegisterDescription? {
        registers.first { $0.role == role }
    }
}

/// The values of a thread's registers, little-endian, laid out as its `TargetDescription` says.
public struct RegisterBlock: Sendable, Equatable {
    /// The raw bytes, `blockByteCount` of them.
    public var bytes: [UInt8]
    /// Registers (by number) whose value could not be read; their bytes are 0.
    public var unavailable: Set<Int>

    /// Wraps raw register bytes.
    public init(bytes: [UInt8], unavailable: Set<Int> = []) {
        self.bytes = bytes
        self.unavailable = unavailable
    }

    /// The raw bytes of one register, or nil when it is unavailable or outside the block.
    public func bytes(of register: RegisterDescription) -> ArraySlice<UInt8>? {
        let end = register.offset + register.byteCount
        guard end <= bytes.count, !unavailable.contains(register.number) else { return nil }
        return bytes[register.offset..<end]
    }

    /// The value of a register of up to 64 bits, zero-extended; nil when unavailable or wider.
    public func value(of register: RegisterDescription) -> UInt64? {
        guard register.byteCount <= 8, let raw = bytes(of: register) else { return nil }
        return raw.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Stores the low bytes of `value` in a register; nothing happens outside the block.
    public mutating func set(_ value: UInt64, of register: RegisterDescription) {
        guard register.offset + register.byteCount <= bytes.count else { return }
        for index in 0..<register.byteCount {
            bytes[register.offset + index] =
                index < 8 ? UInt8(truncatingIfNeeded: value >> (8 * UInt64(index))) : 0
        }
        unavailable.remove(register.number)
    }
}
