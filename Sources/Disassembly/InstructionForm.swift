import CCapstone
import DebugTarget

/// What Capstone found out about one instruction, put in CDB's words.
struct InstructionForm {
    private let isX86: Bool
    private let is64Bit: Bool
    private let mnemonic: String
    private let operands: String
    private let details: cs_detail
    private let groups: Set<UInt8>

    init(instruction: cs_insn, handle: csh, _ architecture: Architecture) {
        isX86 = architecture != .arm64
        is64Bit = architecture != .i386
        mnemonic = Self.text(of: instruction.mnemonic)
        operands = Self.text(of: instruction.op_str)
        details = instruction.detail?.pointee ?? cs_detail()
        let count = Int(details.groups_count)
        groups = withUnsafeBytes(of: details.groups) { Set($0.prefix(count)) }
    }

    /// A C array of characters up to its NUL.
    private static func text<Array>(of array: Array) -> String {
        withUnsafeBytes(of: array) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    func instruction(bytes: [UInt8], at address: TargetAddress) -> Instruction {
        let next = address + UInt64(bytes.count)
        let target = branchTarget
        let memory = isX86 ? memoryOperand : nil
        let text = displayedOperands(target: target, memory: memory, next: next)
        return Instruction(
            address: address,
            bytes: bytes,
            mnemonic: Self.renamed[mnemonic]?.mnemonic ?? mnemonic,
            operands: Self.renamed[mnemonic]?.operands ?? text,
            branchTarget: target,
            isCall: isCall,
            isReturn: isIn(CS_GRP_RET),
            isJump: isJump,
            isConditional: isJump && !isUnconditional,
            memoryOperand: memory
        )
    }

    private func isIn(_ group: cs_group_type) -> Bool { groups.contains(UInt8(group.rawValue)) }

    /// Capstone 4 puts these in no group.
    private static let ungroupedCalls: Set<String> = ["bl", "blr"]
    private static let ungroupedJumps: Set<String> = [
        "loop", "loope", "loopne", "jcxz", "jecxz", "jrcxz", "b", "br",
    ]
    private static let unconditionalJumps: Set<Substring> = ["jmp", "ljmp", "b", "br"]

    private var isCall: Bool { isIn(CS_GRP_CALL) || Self.ungroupedCalls.contains(mnemonic) }

    private var isJump: Bool {
        !isCall && (isIn(CS_GRP_JUMP) || Self.ungroupedJumps.contains(mnemonic))
    }

    /// Prefixes (`notrack jmp`) come before the mnemonic proper.
    private var isUnconditional: Bool {
        mnemonic.split(separator: " ").last.map(Self.unconditionalJumps.contains) ?? false
    }

    // MARK: Operands

    private static let renamed: [String: (mnemonic: String, operands: String?)] = [
        "int3": ("int", "3"), "movabs": ("mov", nil),
    ]

    private var branchTarget: TargetAddress? {
        guard isJump || isCall else { return nil }
        return isX86 ? x86Target : arm64Target
    }

    private var x86Target: TargetAddress? {
        x86Operands.last { $0.type == X86_OP_IMM }.map { operand in
            let address = UInt64(bitPattern: operand.imm)
            return TargetAddress(is64Bit ? address : address & 0xFFFF_FFFF)
        }
    }

    private var arm64Target: TargetAddress? {
        arm64Operands.last { $0.type == ARM64_OP_IMM }.map {
            TargetAddress(UInt64(bitPattern: $0.imm))
        }
    }

    private var x86Operands: [cs_x86_op] {
        withUnsafeBytes(of: details.x86.operands) {
            Array($0.bindMemory(to: cs_x86_op.self).prefix(Int(details.x86.op_count)))
        }
    }

    private var arm64Operands: [cs_arm64_op] {
        withUnsafeBytes(of: details.arm64.operands) {
            Array($0.bindMemory(to: cs_arm64_op.self).prefix(Int(details.arm64.op_count)))
        }
    }

    private var memoryOperand: MemoryOperand? {
        guard let operand = x86Operands.first(where: { $0.type == X86_OP_MEM }) else { return nil }
        let base = Self.register(operand.mem.base)
        let onlyComputes = mnemonic == "lea" || mnemonic == "nop"
        return MemoryOperand(
            segment: Self.register(operand.mem.segment) ?? Self.impliedSegment(base),
            base: base,
            index: Self.register(operand.mem.index),
            scale: Int(operand.mem.scale),
            displacement: operand.mem.disp,
            size: onlyComputes ? 0 : Int(operand.size)
        )
    }

    private static func impliedSegment(_ base: String?) -> String {
        ["rsp", "rbp", "esp", "ebp"].contains(base) ? "ss" : "ds"
    }

    private static func register(_ register: x86_reg) -> String? {
        registerNames[register.rawValue]
    }

    /// The registers that may stand in an address.
    private static let registerNames: [UInt32: String] = {
        let named: [(x86_reg, String)] = [
            (X86_REG_RAX, "rax"), (X86_REG_RBX, "rbx"), (X86_REG_RCX, "rcx"), (X86_REG_RDX, "rdx"),
            (X86_REG_RSI, "rsi"), (X86_REG_RDI, "rdi"), (X86_REG_RBP, "rbp"), (X86_REG_RSP, "rsp"),
            (X86_REG_R8, "r8"), (X86_REG_R9, "r9"), (X86_REG_R10, "r10"), (X86_REG_R11, "r11"),
            (X86_REG_R12, "r12"), (X86_REG_R13, "r13"), (X86_REG_R14, "r14"), (X86_REG_R15, "r15"),
            (X86_REG_R8D, "r8d"), (X86_REG_R9D, "r9d"), (X86_REG_R10D, "r10d"),
            (X86_REG_R11D, "r11d"), (X86_REG_R12D, "r12d"), (X86_REG_R13D, "r13d"),
            (X86_REG_R14D, "r14d"), (X86_REG_R15D, "r15d"),
            (X86_REG_EAX, "eax"), (X86_REG_EBX, "ebx"), (X86_REG_ECX, "ecx"), (X86_REG_EDX, "edx"),
            (X86_REG_ESI, "esi"), (X86_REG_EDI, "edi"), (X86_REG_EBP, "ebp"), (X86_REG_ESP, "esp"),
            (X86_REG_RIP, "rip"), (X86_REG_EIP, "eip"),
            (X86_REG_CS, "cs"), (X86_REG_DS, "ds"), (X86_REG_ES, "es"), (X86_REG_FS, "fs"),
            (X86_REG_GS, "gs"), (X86_REG_SS, "ss"),
        ]
        return Dictionary(uniqueKeysWithValues: named.map { ($0.0.rawValue, $0.1) })
    }()

    // MARK: Text

    private func displayedOperands(
        target: TargetAddress?,
        memory: MemoryOperand?,
        next: TargetAddress
    ) -> String {
        guard isX86 else { return operands.replacing(", ", with: ",") }
        if let target { return displayed(target) }
        let text = operands
        if let memory, memory.base == "rip", memory.index == nil,
            let open = text.firstIndex(of: "["), let close = text.firstIndex(of: "]")
        {
            let address = next + UInt64(bitPattern: memory.displacement)
            let before = Self.inDebuggerStyle(text[...open])
            let after = Self.inDebuggerStyle(text[close...])
            return before + displayed(address) + after
        }
        return Self.inDebuggerStyle(text[...])
    }

    /// An address as CDB shows it: 16 digits with a grave accent in the middle, or 8 on a 32-bit
    /// machine.
    private func displayed(_ address: TargetAddress) -> String {
        let digits = String(address.rawValue, radix: 16)
        let padded =
            String(repeating: "0", count: max(0, (is64Bit ? 16 : 8) - digits.count)) + digits
        return is64Bit ? "\(padded.prefix(8))`\(padded.dropFirst(8))" : padded
    }

    /// Capstone's `[rsp + 0x10], -0x1` becomes `[rsp+10h],-1`.
    private static func inDebuggerStyle(_ text: Substring) -> String {
        var result = ""
        var rest = text.replacing(", ", with: ",").replacing(" + ", with: "+")
            .replacing(" - ", with: "-")[...]
        while let start = rest.firstRange(of: "0x") {
            result += rest[..<start.lowerBound]
            let digits = rest[start.upperBound...].prefix { $0.isHexDigit }
            result += number(digits)
            rest = rest[digits.endIndex...]
        }
        return result + rest
    }

    /// A number in assembler notation: `0Ah`, `10h`; below ten it needs no `h`.
    private static func number(_ digits: Substring) -> String {
        guard digits.count > 1 || !(digits.first?.isNumber ?? false) else { return String(digits) }
        let upper = digits.uppercased()
        return (upper.first?.isLetter ?? false ? "0" : "") + upper + "h"
    }
}
