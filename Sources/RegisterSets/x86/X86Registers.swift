public import DebugTarget

// The registers of x86 in gdb's order and with gdb's names (features org.gnu.gdb.i386.*), and where the kernel keeps
// them: `struct user_regs_struct` of the process's width (NT_PRSTATUS) and the XSAVE area (NT_X86_XSTATE). DWARF
// numbers are those of the System V ABI of the width.

/// Where the kernel keeps a register.
public enum X86Place: Sendable, Equatable {
    /// A word of `user_regs_struct`, by index.
    case general(Int)
    /// Bytes of the XSAVE area.
    case extended(Int)
    /// A 16-bit field of the XSAVE area, 32 bits wide in gdb's eyes; bits to keep.
    case control(Int, mask: UInt32)
    /// The x87 tag word, which the XSAVE area has in short form.
    case tagWord
}

/// A register, described for gdb and placed for the kernel.
public struct X86Register: Sendable {
    /// For gdb.
    public var description: RegisterDescription
    /// For the kernel.
    public var place: X86Place
}

/// How wide a process's registers are, and what follows from that.
public enum X86Width: Sendable {
    /// i386.
    case bits32
    /// AMD64.
    case bits64

    /// A word, in bytes.
    public var wordByteCount: Int { self == .bits32 ? 4 : 8 }
    /// `struct user_regs_struct`.
    public var generalByteCount: Int { self == .bits32 ? 17 * 4 : 27 * 8 }
    /// The program counter's index into it.
    public var programCounter: Int { self == .bits32 ? 12 : 16 }
    /// The accumulator's.
    public var accumulator: Int { self == .bits32 ? 6 : 10 }
    /// The number of the system call's.
    public var originalAccumulator: Int { self == .bits32 ? 11 : 15 }
    /// Where arguments of system calls go.
    public var callArguments: [Int] {
        self == .bits32 ? [0, 1, 2, 3, 4, 5] : [14, 13, 12, 7, 9, 8]
    }
    /// The processor family.
    public var architecture: Architecture { self == .bits32 ? .i386 : .x86_64 }
    /// How many of xmm, ymm and zmm there are below number 16.
    public var vectorCount: Int { self == .bits32 ? 8 : 16 }
}

/// The table of registers.
public struct X86Layout: Sendable {
    /// In gdb's order.
    public private(set) var registers: [X86Register] = []
    private var offset = 0
    /// How wide they are.
    public let width: X86Width

    /// The registers of a processor that has those components.
    public init(_ width: X86Width, components: X86ExtendedComponents) {
        self.width = width
        addGeneral()
        addFloatingPoint()
        addVector()
        addLinux()
        if let upper = components.upperHalves { addUpperHalves(at: upper) }
        addWide(components)
        if let keys = components.protectionKeys {
            add("pkru", bits: 32, "int", "pkeys", .extended(keys))
        }
    }

    private mutating func add(
        _ name: String,
        bits: Int,
        _ type: String,
        _ feature: String,
        _ place: X86Place,
        group: String? = nil,
        dwarf: Int? = nil,
        role: RegisterDescription.Role? = nil
    ) {
        let description = RegisterDescription(
            name: name,
            number: registers.count,
            bitSize: bits,
            offset: offset,
            type: type,
            feature: "org.gnu.gdb.i386.\(feature)",
            group: group,
            dwarfNumber: dwarf,
            role: role
        )
        registers.append(X86Register(description: description, place: place))
        offset += bits / 8
    }

    // MARK: General

    /// Name, index in user_regs_struct, DWARF number, in gdb's order.
    private static let general64: [(String, Int, Int)] = [
        ("rax", 10, 0), ("rbx", 5, 3), ("rcx", 11, 2), ("rdx", 12, 1), ("rsi", 13, 4),
        ("rdi", 14, 5), ("rbp", 4, 6), ("rsp", 19, 7), ("r8", 9, 8), ("r9", 8, 9),
        ("r10", 7, 10), ("r11", 6, 11), ("r12", 3, 12), ("r13", 2, 13), ("r14", 1, 14),
        ("r15", 0, 15), ("rip", 16, 16), ("eflags", 18, 49), ("cs", 17, 51), ("ss", 20, 52),
        ("ds", 23, 53), ("es", 24, 50), ("fs", 25, 54), ("gs", 26, 55),
    ]

    private static let general32: [(String, Int, Int)] = [
        ("eax", 6, 0), ("ecx", 1, 1), ("edx", 2, 2), ("ebx", 0, 3), ("esp", 15, 4),
        ("ebp", 5, 5), ("esi", 3, 6), ("edi", 4, 7), ("eip", 12, 8), ("eflags", 14, 9),
        ("cs", 13, 41), ("ss", 16, 42), ("ds", 7, 43), ("es", 8, 40), ("fs", 9, 44),
        ("gs", 10, 45),
    ]

    private static let roles: [String: RegisterDescription.Role] = [
        "rip": .programCounter, "rbp": .framePointer, "rsp": .stackPointer, "eflags": .flags,
        "rdi": .argument1, "rsi": .argument2, "rdx": .argument3, "rcx": .argument4,
        "r8": .argument5, "r9": .argument6, "eip": .programCounter, "ebp": .framePointer,
        "esp": .stackPointer,
    ]

    private static let types = [
        "rbp": "data_ptr", "rsp": "data_ptr", "rip": "code_ptr", "ebp": "data_ptr",
        "esp": "data_ptr", "eip": "code_ptr", "eflags": "i386_eflags",
    ]

    private mutating func addGeneral() {
        let narrow = ["eflags", "cs", "ss", "ds", "es", "fs", "gs"]
        for (name, index, dwarf) in width == .bits32 ? X86Layout.general32 : X86Layout.general64 {
            let bits = narrow.contains(name) ? 32 : width.wordByteCount * 8
            add(
                name,
                bits: bits,
                X86Layout.types[name] ?? "int\(bits)",
                "core",
                .general(index),
                dwarf: dwarf,
                role: X86Layout.roles[name]
            )
        }
    }

    private mutating func addLinux() {
        let original = X86Place.general(width.originalAccumulator)
        if width == .bits32 {
            add("orig_eax", bits: 32, "int", "linux", original, group: "system")
            return
        }
        add("orig_rax", bits: 64, "int", "linux", original, group: "system")
        add("fs_base", bits: 64, "int", "segments", .general(21), dwarf: 58)
        add("gs_base", bits: 64, "int", "segments", .general(22), dwarf: 59)
    }

    // MARK: Floating point and vectors

    private mutating func addFloatingPoint() {
        let first = width == .bits32 ? 11 : 33
        for index in 0..<8 {
            let place = X86Place.extended(32 + 16 * index)
            add("st\(index)", bits: 80, "i387_ext", "core", place, dwarf: first + index)
        }
        let isNarrow = width == .bits32
        let controls: [(String, X86Place, Int?)] = [
            ("fctrl", .control(0, mask: 0xffff), isNarrow ? 37 : 65),
            ("fstat", .control(2, mask: 0xffff), isNarrow ? 38 : 66),
            ("ftag", .tagWord, nil), ("fiseg", .control(12, mask: 0xffff), nil),
            ("fioff", .control(8, mask: 0xffff_ffff), nil),
            ("foseg", .control(20, mask: 0xffff), nil),
            ("fooff", .control(16, mask: 0xffff_ffff), nil), ("fop", .control(6, mask: 0x7ff), nil),
        ]
        for (name, place, dwarf) in controls {
            add(name, bits: 32, "int", "core", place, group: "float", dwarf: dwarf)
        }
    }

    private mutating func addVector() {
        let first = width == .bits32 ? 21 : 17
        for index in 0..<width.vectorCount {
            let place = X86Place.extended(160 + 16 * index)
            add("xmm\(index)", bits: 128, "vec128", "sse", place, dwarf: first + index)
        }
        let number = width == .bits32 ? 39 : 64
        let place = X86Place.extended(24)
        add("mxcsr", bits: 32, "i386_mxcsr", "sse", place, group: "vector", dwarf: number)
    }

    private mutating func addUpperHalves(at start: Int) {
        for index in 0..<width.vectorCount {
            add("ymm\(index)h", bits: 128, "uint128", "avx", .extended(start + 16 * index))
        }
    }

    /// AVX-512: the masks, the upper halves of zmm0 to zmm15, and all of zmm16 to zmm31.
    private mutating func addWide(_ components: X86ExtendedComponents) {
        guard let masks = components.masks, let halves = components.wideHalves,
            let further = components.furtherVectors
        else { return }
        if width == .bits64 {
            for index in 0..<16 {
                let place = X86Place.extended(further + 64 * index)
                add("xmm\(16 + index)", bits: 128, "vec128", "avx512", place, dwarf: 67 + index)
            }
            for index in 0..<16 {
                let place = X86Place.extended(further + 64 * index + 16)
                add("ymm\(16 + index)h", bits: 128, "uint128", "avx512", place)
            }
        }
        for index in 0..<8 {
            let place = X86Place.extended(masks + 8 * index)
            add(
                "k\(index)",
                bits: 64,
                "uint64",
                "avx512",
                place,
                dwarf: width == .bits64 ? 118 + index : 93 + index
            )
        }
        for index in 0..<width.vectorCount {
            add("zmm\(index)h", bits: 256, "v2ui128", "avx512", .extended(halves + 32 * index))
        }
        guard width == .bits64 else { return }
        for index in 0..<16 {
            let place = X86Place.extended(further + 64 * index + 32)
            add("zmm\(16 + index)h", bits: 256, "v2ui128", "avx512", place)
        }
    }
}
