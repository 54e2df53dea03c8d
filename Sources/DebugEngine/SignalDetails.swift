internal import DebugTarget

/// `siginfo_t` (sigaction(2)) in words.
public struct SignalDetails: Equatable, Sendable {
    /// The signal's number.
    public var signal: Int32
    /// si_code: who sent it, or what the kernel found.
    public var code: Int32
    /// si_addr, of a signal that the processor's complaint raised.
    public var address: UInt64?
    /// si_pid, of a signal that a process sent.
    public var sender: Int32?

    /// Codes that any signal may have.
    private static let user: Int32 = 0
    private static let kernel: Int32 = 0x80
    private static let queue: Int32 = -1
    private static let thread: Int32 = -6

    /// Reads the structure; nil when it is too short.
    ///
    /// - Parameter isNarrow: whether the process has 32 bits.
    public init?(_ bytes: [UInt8], isNarrow: Bool) {
        let start = isNarrow ? 12 : 16
        let word = isNarrow ? 4 : 8
        guard bytes.count >= start + 8 else { return nil }
        func number(_ offset: Int, _ count: Int) -> UInt64 {
            LittleEndian.value(bytes[offset..<(offset + count)])
        }
        signal = Int32(truncatingIfNeeded: number(0, 4))
        code = Int32(truncatingIfNeeded: number(8, 4))
        if SignalDetails.faults.contains(signal), code > 0, code != SignalDetails.kernel {
            address = number(start, word)
        } else if [Self.user, Self.queue, Self.thread].contains(code) {
            sender = Int32(truncatingIfNeeded: number(start, 4))
        }
    }

    /// SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV.
    private static let faults: Set<Int32> = [4, 5, 7, 8, 11]

    private static let names: [Int32: [(name: String, meaning: String)]] = [
        4: [
            ("ILL_ILLOPC", "illegal opcode"), ("ILL_ILLOPN", "illegal operand"),
            ("ILL_ILLADR", "illegal addressing mode"), ("ILL_ILLTRP", "illegal trap"),
            ("ILL_PRVOPC", "privileged opcode"), ("ILL_PRVREG", "privileged register"),
            ("ILL_COPROC", "coprocessor error"), ("ILL_BADSTK", "stack error"),
        ],
        5: [
            ("TRAP_BRKPT", "breakpoint"), ("TRAP_TRACE", "trace trap"),
            ("TRAP_BRANCH", "branch trap"), ("TRAP_HWBKPT", "hardware breakpoint"),
        ],
        7: [
            ("BUS_ADRALN", "misaligned address"), ("BUS_ADRERR", "behind the end of the file"),
            ("BUS_OBJERR", "hardware error"), ("BUS_MCEERR_AR", "memory error"),
            ("BUS_MCEERR_AO", "memory error"),
        ],
        8: [
            ("FPE_INTDIV", "integer division by zero"), ("FPE_INTOVF", "integer overflow"),
            ("FPE_FLTDIV", "division by zero"), ("FPE_FLTOVF", "overflow"),
            ("FPE_FLTUND", "underflow"), ("FPE_FLTRES", "inexact result"),
            ("FPE_FLTINV", "invalid operation"), ("FPE_FLTSUB", "subscript out of range"),
        ],
        11: [
            ("SEGV_MAPERR", "nothing is mapped there"),
            ("SEGV_ACCERR", "the mapping does not allow it"),
            ("SEGV_BNDERR", "bounds check failed"),
            ("SEGV_PKUERR", "the protection key forbids it"),
        ],
    ]

    /// `SIGSEGV`.
    public var signalName: String { SignalText.name(of: Signal(signal)) }

    /// `SEGV_MAPERR`, `SI_USER`, or the number.
    public var codeName: String {
        switch code {
        case Self.user: return "SI_USER"
        case Self.kernel: return "SI_KERNEL"
        case Self.queue: return "SI_QUEUE"
        case Self.thread: return "SI_TKILL"
        default: return known?.name ?? "si_code \(code)"
        }
    }

    private var known: (name: String, meaning: String)? {
        guard let list = Self.names[signal], code > 0, Int(code) <= list.count else { return nil }
        return list[Int(code) - 1]
    }

    /// What happened, in a line: ``SIGSEGV, SEGV_MAPERR at 00000000`00000008: nothing is mapped there``.
    public var text: String {
        var text = "\(signalName), \(codeName)"
        if let address { text += " at \(Format.address(address))" }
        if let known { text += ": \(known.meaning)" }
        if let sender { text += ", sent by process \(sender)" }
        if code == Self.kernel, signal == 11 {
            text += ": an address that no process can have, or a privileged instruction"
        }
        return text
    }

    /// The code that CDB has for the exception; 0 where Windows has none.
    public var exceptionCode: UInt32 { SignalText.exceptionCode(of: Signal(signal)) }
    /// The exception in CDB's words.
    public var exceptionName: String { SignalText.exceptionName(of: Signal(signal)) }
}

extension DebugSession {
    /// What is known of the signal that a thread got or is about to get.
    public func signalDetails(of thread: ThreadState) -> SignalDetails? {
        guard let description = try? target.targetDescription(of: thread.id.process),
            let bytes = try? target.signalInformation?.signalInformation(of: thread.id)
        else { return nil }
        return SignalDetails(bytes, isNarrow: description.architecture == .i386)
    }
}
