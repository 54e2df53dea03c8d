public import DebugTarget

/// The DWARF register numbers of a processor.
struct RegisterLayout {
    /// The stack pointer.
    let stackPointer: Int
    /// The program counter.
    let programCounter: Int
    /// The integer registers that rules exist for.
    let preserved: ClosedRange<Int>
    /// The registers that a function returns with as it found them (System V ABI 3.2.1; AAPCS64
    /// 6.1.1).
    let calleeSaved: Set<Int>
    /// The registers that parameters are given in.
    let arguments: [Int]
    private let names: [Int: String]

    init?(architecture: Architecture) {
        switch architecture {
        case .x86_64:
            (stackPointer, programCounter, preserved) = (7, 16, 0...15)
            calleeSaved = [3, 6, 12, 13, 14, 15]
            arguments = [5, 4, 1, 2, 8, 9] + Array(17...24)
            let integers = ["rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp"]
            let all =
                integers + (8...15).map { "r\($0)" } + ["rip"] + (0...15).map { "xmm\($0)" }
                + (0...7).map { "st\($0)" }
            names = Dictionary(uniqueKeysWithValues: zip(0..., all))
        case .arm64:
            (stackPointer, programCounter, preserved) = (31, 32, 0...31)
            calleeSaved = Set(19...29)
            arguments = Array(0...7)
            let all = (0...30).map { "x\($0)" } + ["sp", "pc"]
            names = Dictionary(uniqueKeysWithValues: zip(0..., all))
        case .i386:
            (stackPointer, programCounter, preserved) = (4, 8, 0...7)
            calleeSaved = [3, 5, 6, 7]
            arguments = []
            let all = ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "eip"]
            names = Dictionary(uniqueKeysWithValues: zip(0..., all))
                .merging(zip(11..., (0...7).map { "st\($0)" })) { $1 }
                .merging(zip(21..., (0...7).map { "xmm\($0)" })) { $1 }
        }
    }

    /// The rule for a register that the call frame information does not mention.
    ///
    /// libdw 0.188 fills such rules in itself, but for x86-64 it says rax (0) where it means rbx
    /// (3).
    func corrected(_ rule: FrameRules.Rule, of register: Int) -> FrameRules.Rule {
        switch rule {
        case .undefined where calleeSaved.contains(register): .unchanged
        case .unchanged where programCounter == 16 && register == 0: .undefined
        default: rule
        }
    }

    /// What a register is called.
    func name(of number: Int) -> String? { names[number] }
}

extension UnwindRegisters {
    /// The registers of a stopped thread; nil when the program counter is unavailable.
    ///
    /// Of vector registers the low 64 bits are kept: as much as a scalar in one takes.
    public init?(_ block: RegisterBlock, description: TargetDescription) {
        guard let counter = description.register(playing: .programCounter),
            let pc = block.value(of: counter)
        else { return nil }
        self.init(pc: pc)
        for register in description.registers {
            guard let number = register.dwarfNumber, let bytes = block.bytes(of: register) else {
                continue
            }
            self[number] = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        if let layout = RegisterLayout(architecture: description.architecture) {
            self[layout.programCounter] = pc
        }
    }
}
