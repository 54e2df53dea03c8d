import CElfutils
internal import DebugTarget

extension ModuleSymbols {
    /// The caller's registers, by the call frame information; nil when there is none for the frame,
    /// or when the frame is the outermost.
    public func unwind(
        _ frame: UnwindRegisters,
        bias: UInt64,
        memory: any MemoryReader
    ) -> UnwindRegisters? {
        callFrames.withRules(at: frame.lookupAddress &- bias) { rules in
            let machine = machine(frame, bias, memory)
            guard let (column, isSignalFrame) = rules.returnAddress, let layout = registerLayout,
                let operations = rules.frameAddress,
                let frameAddress = machine.value(of: operations)
            else { return nil }
            var caller = UnwindRegisters(pc: 0)
            for register in layout.preserved {
                caller[register] = rules.withRule(of: register) { rule in
                    let rule = layout.corrected(rule, of: register)
                    return machine.callerValue(of: register, rule, frameAddress: frameAddress)
                }
            }
            if isAtEntry(frame, bias) {
                for register in layout.arguments { caller[register] = frame[register] }
            }
            let pc = rules.withRule(of: column) { rule in
                machine.callerValue(of: column, rule, frameAddress: frameAddress)
            }
            guard let pc, pc != 0 else { return nil }
            caller.pc = pc
            caller[layout.programCounter] = pc
            caller[layout.stackPointer] = caller[layout.stackPointer] ?? frameAddress
            caller.cfa = frameAddress
            caller.pcIsReturnAddress = !isSignalFrame
            let isStuck =
                pc == frame.pc && caller[layout.stackPointer] == frame[layout.stackPointer]
            return isStuck ? nil : caller
        }
    }

    /// Whether a frame has not begun yet: its registers are still what the caller gave it.
    private func isAtEntry(_ frame: UnwindRegisters, _ bias: UInt64) -> Bool {
        guard !frame.pcIsReturnAddress, frame.cfa == nil else { return false }
        let address = frame.pc &- bias
        return table.entries(at: address).contains { $0.kind == .function }
    }

    /// The canonical frame address of a frame: the stack pointer before its call.
    public func canonicalFrameAddress(
        of frame: UnwindRegisters,
        bias: UInt64,
        memory: any MemoryReader
    ) -> UInt64? {
        callFrames.withRules(at: frame.lookupAddress &- bias) { rules in
            let machine = machine(frame, bias, memory)
            return rules.frameAddress.flatMap(machine.value(of:))
        }
    }

    /// Whether the code at an address is the trampoline that a signal handler returns to.
    public func isSignalTrampoline(at address: UInt64) -> Bool {
        callFrames.withRules(at: address) { $0.returnAddress?.isSignalFrame } ?? false
    }

    private func machine(
        _ frame: UnwindRegisters,
        _ bias: UInt64,
        _ memory: any MemoryReader
    ) -> ExpressionMachine {
        var machine = ExpressionMachine(registers: frame, bias: bias, memory: memory)
        machine.wordBytes = wordBytes
        return machine
    }

    /// How many bytes an address takes.
    var wordBytes: Int { architecture == .i386 ? 4 : 8 }

    /// Which DWARF registers there are.
    var registerLayout: RegisterLayout? {
        architecture.flatMap(RegisterLayout.init(architecture:))
    }
}
