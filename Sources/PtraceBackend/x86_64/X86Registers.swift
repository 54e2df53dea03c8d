internal import DebugTarget

// The registers of 64-bit x86 in gdb's order and with gdb's names (features org.gnu.gdb.i386.*), and where
// the kernel keeps them: `struct user_regs_struct` (NT_PRSTATUS) and the XSAVE area (NT_X86_XSTATE).
// DWARF numbers are those of the System V ABI.

/// Where the kernel keeps a register.
enum X86Place: Equatable {
    /// A 64-bit word of `user_regs_struct`, by index.
    case general(Int)
    /// Bytes of the XSAVE area.
    case extended(Int)
    /// A 16-bit field of the XSAVE area, 32 bits wide in gdb's eyes; bits to keep.
    case control(Int, mask: UInt32)
    /// The x87 tag word, which the XSAVE area has in short form.
    case tagWord
}

/// A register, described for gdb and placed for the kernel.
struct X86Register {
    var description: RegisterDescription
    var place: X86Place
}

enum X86Layout {
    /// Indexes into `user_regs_struct`.
    enum General {
        static let count = 27
        static let rip = 16
        static let originalRAX = 15
        static let byteCount = count * 8
    }

    /// Builds the table.
    ///
    /// - Parameter upperHalves: where the XSAVE area has the upper halves of the ymm registers, nil for
    ///   a processor without AVX.
    static func registers(upperHalves: Int?) -> [X86Register] {
        var builder = Builder()
        builder.addCore()
        builder.addFloatingPoint()
        builder.addVector()
        builder.addLinux()
        if let upperHalves { builder.addUpperHalves(at: upperHalves) }
        return builder.registers
    }
}

private struct Builder {
    var registers: [X86Register] = []
    private var offset = 0

    init() {}

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

    /// Name, index in user_regs_struct, DWARF number, in gdb's order.
    private static let general: [(String, Int, Int)] = [
        ("rax", 10, 0), ("rbx", 5, 3), ("rcx", 11, 2), ("rdx", 12, 1), ("rsi", 13, 4),
        ("rdi", 14, 5), ("rbp", 4, 6), ("rsp", 19, 7), ("r8", 9, 8), ("r9", 8, 9),
        ("r10", 7, 10), ("r11", 6, 11), ("r12", 3, 12), ("r13", 2, 13), ("r14", 1, 14),
        ("r15", 0, 15),
    ]

    private static let segments: [(String, Int, Int)] = [
        ("cs", 17, 51), ("ss", 20, 52), ("ds", 23, 53), ("es", 24, 50), ("fs", 25, 54),
        ("gs", 26, 55),
    ]

    mutating func addCore() {
        let roles: [String: RegisterDescription.Role] = [
            "rbp": .framePointer, "rsp": .stackPointer, "rdi": .argument1, "rsi": .argument2,
            "rdx": .argument3, "rcx": .argument4, "r8": .argument5, "r9": .argument6,
        ]
        for (name, index, dwarf) in Builder.general {
            add(
                name,
                bits: 64,
                ["rbp", "rsp"].contains(name) ? "data_ptr" : "int64",
                "core",
                .general(index),
                dwarf: dwarf,
                role: roles[name]
            )
        }
        add(
            "rip",
            bits: 64,
            "code_ptr",
            "core",
            .general(X86Layout.General.rip),
            dwarf: 16,
            role: .programCounter
        )
        add(
            "eflags",
            bits: 32,
            "i386_eflags",
            "core",
            .general(18),
            dwarf: 49,
            role: .flags
        )
        for (name, index, dwarf) in Builder.segments {
            add(name, bits: 32, "int32", "core", .general(index), dwarf: dwarf)
        }
    }

    mutating func addFloatingPoint() {
        for index in 0..<8 {
            let place = X86Place.extended(32 + 16 * index)
            add("st\(index)", bits: 80, "i387_ext", "core", place, dwarf: 33 + index)
        }
        let controls: [(String, X86Place, Int?)] = [
            ("fctrl", .control(0, mask: 0xffff), 65), ("fstat", .control(2, mask: 0xffff), 66),
            ("ftag", .tagWord, nil), ("fiseg", .control(12, mask: 0xffff), nil),
            ("fioff", .control(8, mask: 0xffff_ffff), nil),
            ("foseg", .control(20, mask: 0xffff), nil),
            ("fooff", .control(16, mask: 0xffff_ffff), nil), ("fop", .control(6, mask: 0x7ff), nil),
        ]
        for (name, place, dwarf) in controls {
            add(name, bits: 32, "int", "core", place, group: "float", dwarf: dwarf)
        }
    }

    mutating func addVector() {
        for index in 0..<16 {
            let place = X86Place.extended(160 + 16 * index)
            add("xmm\(index)", bits: 128, "vec128", "sse", place, dwarf: 17 + index)
        }
        add("mxcsr", bits: 32, "i386_mxcsr", "sse", .extended(24), group: "vector", dwarf: 64)
    }

    mutating func addLinux() {
        let place = X86Place.general(X86Layout.General.originalRAX)
        add("orig_rax", bits: 64, "int", "linux", place, group: "system")
        add("fs_base", bits: 64, "int", "segments", .general(21), dwarf: 58)
        add("gs_base", bits: 64, "int", "segments", .general(22), dwarf: 59)
    }

    mutating func addUpperHalves(at start: Int) {
        for index in 0..<16 {
            add("ymm\(index)h", bits: 128, "uint128", "avx", .extended(start + 16 * index))
        }
    }
}
