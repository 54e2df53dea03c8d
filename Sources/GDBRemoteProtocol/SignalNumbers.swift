public import DebugTarget

/// Linux signal numbers and gdb's own (gdb's `signals.def`), which the remote protocol uses.
///
/// gdb numbers signals in the order of 4.3BSD and knows no SIGSTKFLT; it travels as 143, "unknown".
public enum SignalNumbers {
    /// gdb's number for signals it does not know.
    public static let unknown: UInt8 = 143

    /// gdb's numbers and names of Linux 1–31 (x86, Arm), from 1.
    private static let classic: [(gdb: UInt8, name: String)] = [
        (1, "SIGHUP"), (2, "SIGINT"), (3, "SIGQUIT"), (4, "SIGILL"), (5, "SIGTRAP"),
        (6, "SIGABRT"), (10, "SIGBUS"), (8, "SIGFPE"), (9, "SIGKILL"), (30, "SIGUSR1"),
        (11, "SIGSEGV"), (31, "SIGUSR2"), (13, "SIGPIPE"), (14, "SIGALRM"), (15, "SIGTERM"),
        (unknown, "SIGSTKFLT"), (20, "SIGCHLD"), (19, "SIGCONT"), (17, "SIGSTOP"),
        (18, "SIGTSTP"), (21, "SIGTTIN"), (22, "SIGTTOU"), (16, "SIGURG"), (24, "SIGXCPU"),
        (25, "SIGXFSZ"), (26, "SIGVTALRM"), (27, "SIGPROF"), (28, "SIGWINCH"), (23, "SIGIO"),
        (32, "SIGPWR"), (12, "SIGSYS"),
    ]

    /// gdb's number for a Linux signal; 0 for 0.
    public static func gdbNumber(of signal: Signal) -> UInt8 {
        switch signal.rawValue {
        case 0: 0
        case 1...31: classic[Int(signal.rawValue) - 1].gdb
        case 32: 77
        case 33...63: UInt8(signal.rawValue + 12)
        case 64: 78
        default: unknown
        }
    }

    /// The Linux signal gdb's number stands for; nil for 0 and for signals that Linux does not have.
    public static func linuxSignal(ofGDBNumber number: UInt8) -> Signal? {
        switch number {
        case 45...75: return Signal(Int32(number) - 12)
        case 77: return Signal(32)
        case 78: return Signal(64)
        // SIGPOLL is SIGIO on Linux.
        case 33: return Signal(29)
        case unknown: return nil
        default:
            guard let index = classic.firstIndex(where: { $0.gdb == number }) else { return nil }
            return Signal(Int32(index + 1))
        }
    }

    /// `SIGSEGV`, `SIG34`.
    public static func name(of signal: Signal) -> String {
        switch signal.rawValue {
        case 1...31: classic[Int(signal.rawValue) - 1].name
        default: "SIG\(signal.rawValue)"
        }
    }

    /// The signal of that name, with or without `SIG`, in either case; nil for none.
    public static func signal(named name: String) -> Signal? {
        let upper = name.uppercased()
        let full = upper.hasPrefix("SIG") ? upper : "SIG" + upper
        if let index = classic.firstIndex(where: { $0.name == full }) {
            return Signal(Int32(index + 1))
        }
        guard let number = Int32(full.dropFirst(3)), (1...64).contains(number) else { return nil }
        return Signal(number)
    }
}

/// How signals are numbered on a connection.
public enum SignalNumbering: Sendable, Equatable {
    /// gdb's own numbers, which the manual asks for.
    case gdb
    /// The target's numbers, which lldb's stubs send (`native-signals+`).
    case linux

    /// The number of a signal on the wire.
    public func number(of signal: Signal) -> UInt8 {
        switch self {
        case .gdb: SignalNumbers.gdbNumber(of: signal)
        case .linux: UInt8(truncatingIfNeeded: signal.rawValue)
        }
    }

    /// The signal a number on the wire stands for; nil for 0 and for what Linux does not have.
    public func signal(of number: UInt8) -> Signal? {
        switch self {
        case .gdb: SignalNumbers.linuxSignal(ofGDBNumber: number)
        case .linux: (1...64).contains(number) ? Signal(Int32(number)) : nil
        }
    }
}
