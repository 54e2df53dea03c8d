internal import DebugTarget
internal import LinuxSystem
internal import RegisterSets

// System calls on x86 (syscall(2)). 64 bits: the number in rax, arguments in rdi, rsi, rdx, r10, r8, r9, the result in
// rax; rcx and r11 are overwritten. 32 bits: the number in eax, arguments in ebx, ecx, edx, esi, edi, ebp, the result
// in eax.

extension X86 {
    var systemCallInstruction: [UInt8] { width == .bits32 ? [0xcd, 0x80] : [0x0f, 0x05] }
    /// mmap2(2) on 32 bits, whose offset counts pages; there is none here.
    var mapCallNumber: UInt64 { width == .bits32 ? 192 : 9 }
    var unmapCallNumber: UInt64 { width == .bits32 ? 91 : 11 }

    func callState(of thread: Int32) throws(SystemError) -> [UInt8] {
        try generalState(of: thread)
    }

    func restoreCallState(_ state: [UInt8], of thread: Int32) throws(SystemError) {
        try Ptrace.setRegisterSet(thread, type: X86.generalSet, state)
    }

    func enterSystemCall(
        _ call: InjectedCall,
        at address: TargetAddress,
        of thread: Int32
    ) throws(SystemError) {
        var state = try generalState(of: thread)
        set(address.rawValue, at: width.programCounter, of: &state)
        set(call.number, at: width.accumulator, of: &state)
        // Not in a system call: the kernel would restart it and move the program counter.
        set(.max, at: width.originalAccumulator, of: &state)
        for (index, value) in zip(width.callArguments, call.arguments) {
            set(value, at: index, of: &state)
        }
        try Ptrace.setRegisterSet(thread, type: X86.generalSet, state)
    }

    func systemCallResult(of thread: Int32) throws(SystemError) -> UInt64 {
        let value = word(try generalState(of: thread), width.accumulator)
        let errorsFrom = UInt64(UInt32(bitPattern: -4095))
        guard width == .bits32, value >= errorsFrom else { return value }
        return UInt64(bitPattern: Int64(Int32(truncatingIfNeeded: value)))
    }

    func systemCallNumber(of thread: Int32) throws(SystemError) -> Int {
        let number = word(try generalState(of: thread), width.originalAccumulator)
        return Int(Int32(truncatingIfNeeded: number))
    }

    func value(ofRegister number: Int, in state: [UInt8]) -> UInt64? {
        guard registers.indices.contains(number),
            case .general(let index) = registers[number].place
        else { return nil }
        let mask = registers[number].description.bitSize == 32 ? UInt64(UInt32.max) : .max
        return word(state, index) & mask
    }
}
