internal import DebugTarget
internal import LinuxSystem
internal import RegisterSets

/// x86, 64 and 32 bits wide.
struct X86: TracedArchitecture {
    let trapInstruction: [UInt8] = [0xcc]
    let trapAdvance: UInt64 = 1
    let description: TargetDescription

    var registers: [X86Register] { layout.registers }
    var width: X86Width { layout.width }
    private let layout: X86Layout
    private let hasXSave: Bool

    static let family = Architecture.x86_64
    static let generalSet: UInt32 = 1  // NT_PRSTATUS
    private static let floatingPointSet: UInt32 = 2  // NT_PRFPREG, FXSAVE
    private static let narrowFloatingPointSet: UInt32 = 0x46e6_2b7f  // NT_PRXFPREG, FXSAVE
    private static let extendedSet: UInt32 = 0x202  // NT_X86_XSTATE

    init(probing thread: Int32) throws(SystemError) {
        let area = try? Ptrace.registerSet(
            thread,
            type: X86.extendedSet,
            maximum: X86ExtendedState.byteCountMax
        )
        hasXSave = area != nil
        // The kernel gives the set of the process's own width.
        let general = try Ptrace.registerSet(
            thread,
            type: X86.generalSet,
            maximum: X86Width.bits64.generalByteCount
        )
        let isNarrow = general.count == X86Width.bits32.generalByteCount
        let components = area.map { X86ExtendedComponents(area: $0, place: X86.component) }
        layout = X86Layout(isNarrow ? .bits32 : .bits64, components: components ?? .init())
        description = layout.description
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

    /// Where the XSAVE area has a component.
    private static func component(_ number: Int) -> (offset: Int, size: Int) {
        let answer = processorIdentification(leaf: 13, subleaf: UInt32(number))
        return (Int(answer[1]), Int(answer[0]))
    }

    // MARK: Registers

    private func extendedState(of thread: Int32) throws(SystemError) -> [UInt8] {
        try Ptrace.registerSet(
            thread,
            type: floatingPointSet,
            maximum: hasXSave
                ? X86ExtendedState.byteCountMax : X86ExtendedState.legacyByteCount
        )
    }

    private var floatingPointSet: UInt32 {
        if hasXSave { return X86.extendedSet }
        return width == .bits32 ? X86.narrowFloatingPointSet : X86.floatingPointSet
    }

    func generalState(of thread: Int32) throws(SystemError) -> [UInt8] {
        try Ptrace.registerSet(
            thread,
            type: X86.generalSet,
            maximum: width.generalByteCount
        )
    }

    func registers(of thread: Int32) throws(SystemError) -> RegisterBlock {
        let general = try generalState(of: thread)
        let extended = try extendedState(of: thread)
        return layout.block(general: general, extended: extended)
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
                let start = index * width.wordByteCount
                general.replaceSubrange(start..<(start + bytes.count), with: bytes)
                generalChanged = true
            } else {
                layout.store(Array(bytes), of: register, in: &extended)
                extendedChanged = true
            }
        }
        if generalChanged {
            try Ptrace.setRegisterSet(thread, type: X86.generalSet, general)
        }
        if extendedChanged { try setExtendedState(&extended, of: thread) }
    }

    private func setExtendedState(_ area: inout [UInt8], of thread: Int32) throws(SystemError) {
        if hasXSave {
            for (index, known) in X86ExtendedState.presenceOfKnownComponents.enumerated() {
                area[X86ExtendedState.presenceOffset + index] |=
                    known & area[X86ExtendedState.enabledOffset + index]
            }
        }
        try Ptrace.setRegisterSet(thread, type: floatingPointSet, area)
    }

    // MARK: Program counter

    func programCounter(of thread: Int32) throws(SystemError) -> TargetAddress {
        TargetAddress(word(try generalState(of: thread), width.programCounter))
    }

    func setProgramCounter(_ address: TargetAddress, of thread: Int32) throws(SystemError) {
        var general = try generalState(of: thread)
        set(address.rawValue, at: width.programCounter, of: &general)
        try Ptrace.setRegisterSet(thread, type: X86.generalSet, general)
    }

    // MARK: Words of the general set

    /// Zero-extended.
    func word(_ state: [UInt8], _ index: Int) -> UInt64 {
        LittleEndian.word(state, index * width.wordByteCount, width.wordByteCount)
    }

    func set(_ value: UInt64, at index: Int, of state: inout [UInt8]) {
        let count = width.wordByteCount
        for byte in 0..<count {
            state[index * count + byte] = UInt8(truncatingIfNeeded: value >> (8 * UInt64(byte)))
        }
    }
}
