internal import DebugTarget

/// What is known of registers without the stub's help.
enum KnownRegisters {
    private static let x86Roles: [String: RegisterDescription.Role] = [
        "rip": .programCounter, "rsp": .stackPointer, "rbp": .framePointer, "eflags": .flags,
        "eip": .programCounter, "esp": .stackPointer, "ebp": .framePointer,
    ]
    private static let armRoles: [String: RegisterDescription.Role] = [
        "pc": .programCounter, "sp": .stackPointer, "x29": .framePointer, "cpsr": .flags,
        "x30": .returnAddress,
    ]
    /// System V ABI for AMD64, figure 3.36: the order of DWARF numbers.
    private static let x86DwarfOrder = [
        "rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12",
        "r13", "r14", "r15", "rip",
    ]

    /// System V ABI for Intel386, figure 2.14.
    private static let narrowDwarfOrder = [
        "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "eip",
    ]

    /// Adds the part and the DWARF number where the stub named none.
    static func complete(_ register: inout RegisterDescription, _ architecture: Architecture) {
        let isArm = architecture == .arm64
        if register.role == nil {
            register.role = (isArm ? armRoles : x86Roles)[register.name]
        }
        if register.dwarfNumber == nil {
            register.dwarfNumber =
                isArm
                ? armDwarf(register.name)
                : architecture == .i386 ? narrowDwarf(register.name) : x86Dwarf(register.name)
        }
    }

    private static func x86Dwarf(_ name: String) -> Int? {
        if name.hasPrefix("xmm"), let number = Int(name.dropFirst(3)), (0..<16).contains(number) {
            return 17 + number
        }
        return x86DwarfOrder.firstIndex(of: name)
    }

    private static func narrowDwarf(_ name: String) -> Int? {
        if name.hasPrefix("xmm"), let number = Int(name.dropFirst(3)), (0..<8).contains(number) {
            return 21 + number
        }
        return narrowDwarfOrder.firstIndex(of: name)
    }

    private static func armDwarf(_ name: String) -> Int? {
        if name == "sp" { return 31 }
        if name == "pc" { return 32 }
        guard name.hasPrefix("x"), let number = Int(name.dropFirst()), (0...30).contains(number)
        else { return nil }
        return number
    }

    /// gdb's order of the x86-64 `g` packet for stubs that describe nothing (kgdb, old stubs):
    /// sixteen general registers, rip, eflags, six segment registers, the x87 and SSE registers
    /// behind them.
    static let x86Fallback: TargetDescription = {
        var registers: [RegisterDescription] = []
        func add(_ names: [String], _ bits: Int, _ type: String) {
            for name in names {
                let last = registers.last
                var register = RegisterDescription(
                    name: name,
                    number: registers.count,
                    bitSize: bits,
                    offset: last.map { $0.offset + $0.byteCount } ?? 0,
                    type: type,
                    feature: "org.gnu.gdb.i386.core"
                )
                complete(&register, .x86_64)
                registers.append(register)
            }
        }
        add(["rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp"], 64, "int64")
        add((8...15).map { "r\($0)" }, 64, "int64")
        add(["rip"], 64, "code_ptr")
        add(["eflags"], 32, "i386_eflags")
        add(["cs", "ss", "ds", "es", "fs", "gs"], 32, "int32")
        add((0...7).map { "st\($0)" }, 80, "i387_ext")
        add(
            ["fctrl", "fstat", "ftag", "fiseg", "fioff", "foseg", "fooff", "fop"],
            32,
            "int32"
        )
        add((0...15).map { "xmm\($0)" }, 128, "vec128")
        add(["mxcsr"], 32, "i386_mxcsr")
        return TargetDescription(architecture: .x86_64, registers: registers)
    }()
}
