public import DebugTarget

/// A thread under the number that the user knows it by.
public final class ThreadState {
    /// The debugger's number: 0, 1, 2, … in order of appearance, not used twice while any process
    /// is left.
    public let number: Int
    /// The kernel's name for it.
    public let id: ThreadID
    /// Its own name, as far as the target told.
    public internal(set) var name = ""
    /// Frozen threads are left standing when the others run (`~f`).
    public var isFrozen = false
    /// How often `~n` was said more than `~m`; above 0 the thread is left standing too.
    public var suspendCount = 0
    /// Whether the user leaves it standing when the others run.
    var isHeld: Bool { isFrozen || suspendCount > 0 }
    /// A signal it stopped for and that has not been delivered yet.
    public internal(set) var pendingSignal: Signal?
    /// The signal it stopped for, whether or not it is to be delivered.
    var stopSignal: Signal?

    init(number: Int, id: ThreadID) {
        self.number = number
        self.id = id
    }
}

/// A process under the number that the user knows it by.
public final class ProcessState {
    /// How the process came under the debugger.
    public enum Origin: String, Sendable {
        /// The debugger started it.
        case created = "create"
        /// The debugger attached to it.
        case attached = "attach"
        /// A process being debugged forked it.
        case child = "child"
        /// It is a dump.
        case dump = "dump"
    }

    /// The debugger's number, counted from 0.
    public let number: Int
    /// The kernel's id.
    public let id: ProcessID
    /// How it came here.
    public let origin: Origin
    /// The executable's path on the target, empty as long as it is not known.
    public internal(set) var executablePath = ""
    /// Its threads by number.
    public internal(set) var threads: [ThreadState] = []
    /// Its modules in order of loading.
    public internal(set) var modules: [Module] = []
    /// Modules that were unloaded, for `lm`.
    public internal(set) var unloadedModules: [(path: String, range: Range<UInt64>)] = []
    /// The physical breakpoints that are in place.
    var inserted: Set<Breakpoint> = []
    /// Where the dynamic linker announces changes of its list, once it is known.
    var moduleEventAddress: UInt64?
    /// The dynamic linker's `r_debug` structure, once it is known.
    var moduleListAddress: UInt64?
    /// Whether job control (SIGSTOP, `dbgsrv -cs`) keeps it standing until SIGCONT comes.
    public internal(set) var isSuspended = false
    /// Whether the target does not take the breakpoint at `moduleEventAddress`.
    var refusesModuleEvents = false
    /// Whether a vfork child is using its memory, in which no breakpoint may be then.
    var isSharedWithChild = false
    /// Whether the dynamic linker's list has been seen to hold anything.
    var hasModuleList = false
    /// Whether the program needs no dynamic linker, so that its modules stay what they are.
    var isStatic = false
    /// The system calls that stop it, as the target was told.
    var caughtSystemCalls = SystemCallSelection.none
    /// What the target judges at breakpoints that are in place.
    var insertedConditions: [Breakpoint: BreakpointCondition] = [:]
    /// Whether modules may have changed since the list was read.
    var modulesAreStale = true

    init(number: Int, id: ProcessID, origin: Origin) {
        self.number = number
        self.id = id
        self.origin = origin
    }
}

/// The language that an expression is in.
public enum ExpressionLanguage: String, Sendable {
    /// The assembler's: numbers are hexadecimal, symbols are addresses.
    case masm = "MASM"
    /// C and C++: symbols are values with types.
    case cPlusPlus = "C++"
}

/// What happened last, for `.lastevent`.
public struct LastEvent {
    /// `(pid.tid)` in hexadecimal, without parentheses.
    public var place: String
    /// What happened.
    public var text: String
}

/// How source lines take part (`l+t`, `l+l`, `l+s`, `l+o`).
public struct SourceOptions: OptionSet, Sendable {
    /// The bits that CDB prints.
    public var rawValue: Int

    /// Wraps the bits.
    public init(rawValue: Int) {
        self.rawValue = rawValue
    }

    /// Step and trace by source line.
    public static let step = SourceOptions(rawValue: 1)
    /// Name the source line at the prompt.
    public static let line = SourceOptions(rawValue: 2)
    /// Show the source line's text at the prompt.
    public static let text = SourceOptions(rawValue: 4)
    /// Show only the source line's text at the prompt.
    public static let only = SourceOptions(rawValue: 8)
}
