internal import DebugEngine

/// What `siginfo_t` says (sigaction(2)), and what it means in plain words.
struct SignalRecord {
    var signal: Int32
    var code: Int32
    /// The address of a fault.
    var address: UInt64
    /// Who sent it, for one that was sent.
    var sender: Int32

    /// Reads the kernel's layout on 64-bit machines; nil when it is too short.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= 24 else { return nil }
        signal = Int32(truncatingIfNeeded: LittleEndian.value(bytes[0..<4]))
        code = Int32(truncatingIfNeeded: LittleEndian.value(bytes[8..<12]))
        address = LittleEndian.value(bytes[16..<24])
        sender = Int32(truncatingIfNeeded: LittleEndian.value(bytes[16..<20]))
    }

    init(signal: Int32) {
        (self.signal, code, address, sender) = (signal, 0, 0, 0)
    }

    /// Whether somebody sent it (kill(2), raise(3)), as opposed to the processor's or kernel's own.
    var isSent: Bool { code <= 0 }

    /// Whether the processor said where.
    var hasAddress: Bool { !isSent && code != Self.kernelCode && [4, 7, 8, 11].contains(signal) }

    /// SI_KERNEL.
    static let kernelCode: Int32 = 0x80

    private static let codes: [Int32: [Int32: (name: String, words: String)]] = [
        4: [
            1: ("ILL_ILLOPC", "the bytes there are no instruction"),
            2: ("ILL_ILLOPN", "the instruction has operands that it may not have"),
            5: ("ILL_PRVOPC", "the instruction is for the kernel only"),
        ],
        7: [
            1: ("BUS_ADRALN", "the address is not aligned as the instruction needs it"),
            2: (
                "BUS_ADRERR",
                "there is no memory behind the address: a mapped file may be shorter than its mapping"
            ),
            3: ("BUS_OBJERR", "the hardware reported an error"),
        ],
        8: [
            1: ("FPE_INTDIV", "an integer was divided by zero"),
            2: ("FPE_INTOVF", "an integer overflowed"),
            3: ("FPE_FLTDIV", "a floating-point number was divided by zero"),
            4: ("FPE_FLTOVF", "a floating-point number overflowed"),
            7: ("FPE_FLTINV", "a floating-point operation was invalid"),
        ],
        11: [
            1: ("SEGV_MAPERR", "nothing is mapped at the address"),
            2: ("SEGV_ACCERR", "the memory there does not allow that access"),
            4: ("SEGV_PKUERR", "a memory protection key forbids it"),
        ],
    ]

    /// `SEGV_MAPERR`, `SI_USER`, or the number.
    var codeName: String {
        if let known = Self.codes[signal]?[code] { return known.name }
        switch code {
        case 0: return "SI_USER"
        case -1: return "SI_QUEUE"
        case -6: return "SI_TKILL"
        case Self.kernelCode: return "SI_KERNEL"
        default: return "code \(code)"
        }
    }

    /// What the code means; nil when it says nothing.
    var codeWords: String? { Self.codes[signal]?[code]?.words }

    /// What the signal stands for.
    var meaning: String {
        switch signal {
        case 4: "an illegal instruction"
        case 5: "a breakpoint or trap"
        case 6: "abort(3): the program gave itself up"
        case 7: "a bus error"
        case 8: "an arithmetic error"
        case 9: "killed by somebody, or by the kernel for want of memory"
        case 11: "a segmentation fault: a memory access that is not allowed"
        case 13: "a write to a pipe or socket that nobody reads"
        case 24: "its CPU time was used up"
        case 31: "a system call that is forbidden or does not exist"
        default: "a signal"
        }
    }
}
