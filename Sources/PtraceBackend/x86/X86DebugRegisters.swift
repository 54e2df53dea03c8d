internal import DebugTarget
internal import LinuxSystem

// DR0–DR3 hold addresses, DR7 says what for (Intel SDM volume 3, chapter 18): bit 2n enables register n
// for this task, bits 16+4n..17+4n are the condition (00 execution, 01 stores, 11 loads and stores), bits
// 18+4n..19+4n the length (00 one, 01 two, 10 eight, 11 four bytes). DR6 notes in bits 0–3 which of them
// hit. A range must be aligned to its length, so a watchpoint that is not is spread over several.

extension X86 {
    private static let slotCount = 4
    var watchpointCountMax: Int { X86.slotCount }
    private static let statusRegister = 6
    private static let controlRegister = 7
    private static let statusHitBits: UInt = 0xf

    func planHardware(_ breakpoints: [Breakpoint]) throws(TargetError) -> HardwarePlan {
        var plan = HardwarePlan()
        for breakpoint in breakpoints {
            for slot in try slots(for: breakpoint) where !contains(plan, slot) {
                plan.slots.append(slot)
            }
        }
        guard plan.slots.count <= X86.slotCount else {
            throw TargetError(
                .noHardwareLeft,
                "no debug register is left: this processor has \(X86.slotCount), "
                    + "and the breakpoints and watchpoints would need \(plan.slots.count)"
            )
        }
        return plan
    }

    private func contains(_ plan: HardwarePlan, _ slot: HardwarePlan.Slot) -> Bool {
        plan.slots.contains {
            $0.address == slot.address && $0.length == slot.length
                && condition(of: $0.kind) == condition(of: slot.kind)
        }
    }

    private func slots(
        for breakpoint: Breakpoint
    ) throws(TargetError) -> [HardwarePlan.Slot] {
        switch breakpoint.kind {
        case .software: return []
        case .hardware:
            return [.init(address: breakpoint.address, length: 1, kind: .hardware)]
        case .watch(.read, _):
            throw TargetError(
                .unsupported,
                "x86 processors cannot watch loads alone: use an access watchpoint"
            )
        case .watch(let access, let length):
            guard length > 0, length <= X86.slotCount * 8 else {
                throw TargetError(
                    length > 0 ? .noHardwareLeft : .invalid,
                    "a watchpoint of \(length) bytes does not fit the debug registers: 1–32 bytes do"
                )
            }
            return spread(breakpoint.address, length, .watch(access, length: length))
        }
    }

    /// Cuts a range into aligned pieces of 8, 4, 2 and 1 bytes.
    private func spread(
        _ start: TargetAddress,
        _ length: Int,
        _ kind: Breakpoint.Kind
    ) -> [HardwarePlan.Slot] {
        var slots: [HardwarePlan.Slot] = []
        var address = start
        var left = length
        while left > 0 {
            let piece: Int =
                [8, 4, 2].first { $0 <= left && address.rawValue % UInt64($0) == 0 } ?? 1
            slots.append(.init(address: address, length: piece, kind: kind))
            address = address + UInt64(piece)
            left -= piece
        }
        return slots
    }

    private func condition(of kind: Breakpoint.Kind) -> UInt {
        switch kind {
        case .software, .hardware: 0b00
        case .watch(.write, _): 0b01
        case .watch: 0b11
        }
    }

    private func lengthCode(_ length: Int) -> UInt {
        switch length {
        case 2: 0b01
        case 4: 0b11
        case 8: 0b10
        default: 0b00
        }
    }

    func apply(_ plan: HardwarePlan, to thread: Int32) throws(SystemError) {
        // The kernel checks an address when its register is enabled, so all are disabled first. Then each is
        // enabled by itself, so that one the kernel refuses does not take the others with it.
        try Ptrace.setDebugRegister(thread, X86.controlRegister, 0)
        var control: UInt = 0
        var refusal: SystemError?
        for (index, slot) in plan.slots.enumerated() {
            let shift = UInt(16 + 4 * index)
            let condition = condition(of: slot.kind) | lengthCode(slot.length) << 2
            let extended = control | 1 << UInt(2 * index) | condition << shift
            do throws(SystemError) {
                try Ptrace.setDebugRegister(thread, index, UInt(slot.address.rawValue))
                try Ptrace.setDebugRegister(thread, X86.controlRegister, extended)
                control = extended
            } catch {
                refusal = refusal ?? error
            }
        }
        if let refusal { throw refusal }
    }

    func takeHardwareHit(
        of plan: HardwarePlan,
        thread: Int32
    ) throws(SystemError) -> StopReason? {
        guard !plan.slots.isEmpty else { return nil }
        let status = try Ptrace.debugRegister(thread, X86.statusRegister)
        guard status & X86.statusHitBits != 0 else { return nil }
        try Ptrace.setDebugRegister(
            thread,
            X86.statusRegister,
            status & ~X86.statusHitBits
        )
        for (index, slot) in plan.slots.enumerated() where status & (1 << UInt(index)) != 0 {
            if case .watch(let access, _) = slot.kind { return .watchpoint(access, slot.address) }
            return .hardwareBreakpoint(slot.address)
        }
        return nil
    }
}
