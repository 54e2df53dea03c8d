internal import DebugTarget
internal import LinuxSystem

// System calls on 64-bit x86 (syscall(2)): the number in rax, arguments in rdi, rsi, rdx, r10, r8, r9, the
// result in rax; rcx and r11 are overwritten.

extension X86_64 {
    private static let rax = 10
    private static let arguments = [14, 13, 12, 7, 9, 8]

    var systemCallInstruction: [UInt8] { [0x0f, 0x05] }
    var mapCallNumber: UInt64 { 9 }
    var unmapCallNumber: UInt64 { 11 }

    func callState(of thread: Int32) throws(SystemError) -> [UInt8] {
        try generalState(of: thread)
    }

    func restoreCallState(_ state: [UInt8], of thread: Int32) throws(SystemError) {
        try Ptrace.setRegisterSet(thread, type: X86_64.generalSet, state)
    }

    func enterSystemCall(
        _ call: InjectedCall,
        at address: TargetAddress,
        of thread: Int32
    ) throws(SystemError) {
        var state = try generalState(of: thread)
        func set(_ index: Int, _ value: UInt64) {
            for byte in 0..<8 {
                state[index * 8 + byte] = UInt8(truncatingIfNeeded: value >> (8 * UInt64(byte)))
            }
        }
        set(X86Layout.General.rip, address.rawValue)
        set(X86_64.rax, call.number)
        // Not in a system call: the kernel would restart it and move the program counter.
        set(X86Layout.General.originalRAX, .max)
        for (index, value) in zip(X86_64.arguments, call.arguments) { set(index, value) }
        try Ptrace.setRegisterSet(thread, type: X86_64.generalSet, state)
    }

    func systemCallNumber(of thread: Int32) throws(SystemError) -> Int {
        let state = try generalState(of: thread)
        let number = word(state, X86Layout.General.originalRAX)
        return Int(Int32(truncatingIfNeeded: number))
    }

    func value(ofRegister number: Int, in state: [UInt8]) -> UInt64? {
        guard registers.indices.contains(number),
            case .general(let index) = registers[number].place
        else { return nil }
        let mask = registers[number].description.bitSize == 32 ? UInt64(UInt32.max) : .max
        return word(state, index) & mask
    }

    private func word(_ state: [UInt8], _ index: Int) -> UInt64 {
        state[(index * 8)..<(index * 8 + 8)].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    func systemCallResult(of thread: Int32) throws(SystemError) -> UInt64 {
        word(try generalState(of: thread), X86_64.rax)
    }
}
