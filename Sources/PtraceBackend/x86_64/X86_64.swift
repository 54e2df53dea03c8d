internal import DebugTarget
internal import LinuxSystem

/// 64-bit x86.
struct X86_64: TracedArchitecture {
    let trapInstruction: [UInt8] = [0xcc]
    let trapAdvance: UInt64 = 1
    let description: TargetDescription

    let registers: [X86Register]
    private let hasXSave: Bool

    static let family = Architecture.x86_64
    static let generalSet: UInt32 = 1  // NT_PRSTATUS
    private static let floatingPointSet: UInt32 = 2  // NT_PRFPREG, FXSAVE
    private static let extendedSet: UInt32 = 0x202  // NT_X86_XSTATE

    init(probing thread: Int32) throws(SystemError) {
        let area = try? Ptrace.registerSet(
            thread,
            type: X86_64.extendedSet,
            maximum: X86ExtendedState.byteCountMax
        )
        hasXSave = area != nil
        registers = X86Layout.registers(upperHalves: area.flatMap { X86_64.upperHalves(in: $0) })
        description = TargetDescription(
            architecture: .x86_64,
            registers: registers.map(\.description)
        )
    }

    func trapCause(code: Int32) -> TrapCause? {
        switch code {
        case 0x80: .instruction  // SI_KERNEL, not TRAP_BRKPT as elsewhere
        // TRAP_BRKPT is a step that ended with a system call, TRAP_TRACE any other, TRAP_HWBKPT a debug
        // register.
        case 1, 2, 4: .processor
        default: nil
        }
    }

    func entersKernel(_ instruction: [UInt8]) -> Bool {
        // syscall, sysenter, int 0x80
        [[0x0f, 0x05], [0x0f, 0x34], [0xcd, 0x80]].contains(Array(instruction.prefix(2)))
    }

    /// Where the upper halves of the ymm registers are kept, where AVX is enabled.
    private static func upperHalves(in area: [UInt8]) -> Int? {
        let avxComponent: UInt32 = 2
        guard area.count > X86ExtendedState.presenceOffset,
            area[X86ExtendedState.enabledOffset] & (1 << avxComponent) != 0
        else { return nil }
        let offset = Int(processorIdentification(leaf: 13, subleaf: avxComponent)[1])
        return offset > 0 && offset + 256 <= area.count ? offset : nil
    }

    // MARK: Registers

    private func extendedState(of thread: Int32) throws(SystemError) -> [UInt8] {
        try Ptrace.registerSet(
            thread,
            type: hasXSave ? X86_64.extendedSet : X86_64.floatingPointSet,
            maximum: hasXSave
                ? X86ExtendedState.byteCountMax : X86ExtendedState.legacyByteCount
        )
    }

    func generalState(of thread: Int32) throws(SystemError) -> [UInt8] {
        try Ptrace.registerSet(
            thread,
            type: X86_64.generalSet,
            maximum: X86Layout.General.byteCount
        )
    }

    func registers(of thread: Int32) throws(SystemError) -> RegisterBlock {
        let general = try generalState(of: thread)
        let extended = try extendedState(of: thread)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(description.blockByteCount)
        for register in registers {
            let count = register.description.byteCount
            switch register.place {
            case .general(let index): bytes += general[(index * 8)..<(index * 8 + count)]
            case .extended(let offset): bytes += extended[offset..<(offset + count)]
            case .control(let offset, let mask):
                append(load(extended, offset) & mask, to: &bytes)
            case .tagWord: append(X86ExtendedState.fullTagWord(extended), to: &bytes)
            }
        }
        return RegisterBlock(bytes: bytes)
    }

    private func load(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
        bytes[offset..<(offset + 4)].reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    private func append(_ value: UInt32, to bytes: inout [UInt8]) {
        for shift in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * shift))) }
    }

    func setRegisters(
        _ block: RegisterBlock,
        replacing old: RegisterBlock,
        of thread: Int32
    ) throws(SystemError) {
        var general = try generalState(of: thread)
        var extended = try extendedState(of: thread)
        var generalChanged = false
        var extendedChanged = false
        for register in registers {
            guard let bytes = block.bytes(of: register.description),
                bytes != old.bytes(of: register.description)
            else { continue }
            if case .general(let index) = register.place {
                // 32-bit registers are 64-bit words to the kernel; the upper half stays 0.
                general.replaceSubrange((index * 8)..<(index * 8 + bytes.count), with: bytes)
                generalChanged = true
            } else {
                store(Array(bytes), in: &extended, register)
                extendedChanged = true
            }
        }
        if generalChanged {
            try Ptrace.setRegisterSet(thread, type: X86_64.generalSet, general)
        }
        if extendedChanged { try setExtendedState(&extended, of: thread) }
    }

    private func setExtendedState(_ area: inout [UInt8], of thread: Int32) throws(SystemError) {
        if hasXSave {
            area[X86ExtendedState.presenceOffset] |=
                X86ExtendedState.presenceOfKnownComponents & area[X86ExtendedState.enabledOffset]
        }
        let type = hasXSave ? X86_64.extendedSet : X86_64.floatingPointSet
        try Ptrace.setRegisterSet(thread, type: type, area)
    }

    private func store(_ bytes: [UInt8], in area: inout [UInt8], _ register: X86Register) {
        switch register.place {
        case .general: break
        case .extended(let offset):
            area.replaceSubrange(offset..<(offset + bytes.count), with: bytes)
        case .control(let offset, let mask):
            let value = load(bytes, 0) & mask | load(area, offset) & ~mask
            var stored: [UInt8] = []
            append(value, to: &stored)
            area.replaceSubrange(offset..<(offset + 4), with: stored)
        case .tagWord: X86ExtendedState.setTagWord(load(bytes, 0), in: &area)
        }
    }

    // MARK: Program counter

    private static let counterRange: Range<Int> = {
        let start = X86Layout.General.rip * 8
        return start..<(start + 8)
    }()

    func programCounter(of thread: Int32) throws(SystemError) -> TargetAddress {
        let bytes = try generalState(of: thread)[X86_64.counterRange]
        return TargetAddress(bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) })
    }

    func setProgramCounter(_ address: TargetAddress, of thread: Int32) throws(SystemError) {
        var general = try generalState(of: thread)
        for (shift, index) in X86_64.counterRange.enumerated() {
            general[index] = UInt8(truncatingIfNeeded: address.rawValue >> (8 * UInt64(shift)))
        }
        try Ptrace.setRegisterSet(thread, type: X86_64.generalSet, general)
    }
}
