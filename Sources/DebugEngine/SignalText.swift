internal import DebugTarget

/// What the engine calls signals: CDB's words for the ones that have a Windows counterpart.
enum SignalText {
    /// Names by number (signal(7), x86 and Arm).
    static let names: [Int32: String] = [
        1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT",
        7: "SIGBUS",
        8: "SIGFPE", 9: "SIGKILL", 10: "SIGUSR1", 11: "SIGSEGV", 12: "SIGUSR2", 13: "SIGPIPE",
        14: "SIGALRM", 15: "SIGTERM", 16: "SIGSTKFLT", 17: "SIGCHLD", 18: "SIGCONT", 19: "SIGSTOP",
        20: "SIGTSTP", 21: "SIGTTIN", 22: "SIGTTOU", 23: "SIGURG", 24: "SIGXCPU", 25: "SIGXFSZ",
        26: "SIGVTALRM", 27: "SIGPROF", 28: "SIGWINCH", 29: "SIGIO", 30: "SIGPWR", 31: "SIGSYS",
    ]

    static func name(of signal: Signal) -> String {
        names[signal.rawValue] ?? "signal \(signal.rawValue)"
    }

    private static let exceptions: [Int32: (text: String, code: UInt32)] = [
        2: ("Control-C exception", 0x4001_0005),
        4: ("Illegal instruction", 0xc000_001d),
        5: ("Break instruction exception", 0x8000_0003),
        6: ("Abort", 0xc000_0409),
        7: ("In-page I/O error", 0xc000_0006),
        8: ("Integer divide-by-zero", 0xc000_0094),
        11: ("Access violation", 0xc000_0005),
        31: ("Invalid system call", 0xc000_001c),
    ]

    /// `Access violation - code c0000005 (first chance)`; a signal that Windows has no word for is
    /// called by its own name.
    static func exception(for signal: Signal, isSecond: Bool = false) -> String {
        let chance = isSecond ? "(!!! second chance !!!)" : "(first chance)"
        if let known = exceptions[signal.rawValue] {
            return "\(known.text) - code \(Format.hex(UInt64(known.code), width: 8)) \(chance)"
        }
        let code = Format.hex(UInt64(UInt32(bitPattern: signal.rawValue)), width: 8)
        return "Signal \(name(of: signal)) - code \(code) \(chance)"
    }

    /// Signals that by default do not end a program (signal(7)).
    static func isHarmless(_ signal: Signal) -> Bool {
        [17, 18, 19, 20, 21, 22, 23, 28].contains(signal.rawValue)
    }

    /// `Access violation`, or the signal's own name.
    static func exceptionName(of signal: Signal) -> String {
        exceptions[signal.rawValue]?.text ?? "Signal \(name(of: signal))"
    }

    /// The number that CDB has for it; the signal's own where it has none.
    static func exceptionCode(of signal: Signal) -> UInt32 {
        exceptions[signal.rawValue]?.code ?? UInt32(bitPattern: signal.rawValue)
    }

    /// What is said of the signal that a dump was made for.
    static func storedException(for signal: Signal) -> String {
        let code = Format.hex(UInt64(exceptionCode(of: signal)), width: 8)
        return "\(exceptionName(of: signal)) - code \(code) (first/second chance not available)"
    }

    /// Signals after which CDB adds that the exception may be expected.
    static func isException(_ signal: Signal) -> Bool {
        [4, 6, 7, 8, 11].contains(signal.rawValue)
    }

    static let breakInstruction = "Break instruction exception - code 80000003 (first chance)"
}
