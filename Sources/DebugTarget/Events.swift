/// What a watchpoint watches for.
public enum WatchAccess: String, Sendable {
    /// Stores only.
    case write
    /// Loads only (x86 cannot: such a request is refused).
    case read
    /// Loads and stores.
    case access
}

/// Why a thread stopped.
public enum StopReason: Sendable, Equatable {
    /// The first stop after attaching.
    case attached
    /// A new program stands at its first instruction.
    case launched
    /// The signal is about to be delivered; resuming without naming it drops it.
    case signal(Signal)
    /// `interrupt` took effect.
    case interrupted
    /// It was asked to stop by itself (`NonStopControl.halt`).
    case halted
    /// A step, or a range of steps, ended.
    case stepped
    /// A software breakpoint; the program counter stands at the breakpoint's address.
    case breakpoint(TargetAddress)
    /// A hardware execution breakpoint; the program counter stands at its address.
    case hardwareBreakpoint(TargetAddress)
    /// A watchpoint; the address is where the access happened.
    case watchpoint(WatchAccess, TargetAddress)
    /// The thread is about to enter the numbered system call.
    case syscallEntry(Int)
    /// The thread has returned from the numbered system call.
    case syscallReturn(Int)
    /// fork(2): the child is attached and stopped too.
    case forked(child: ThreadID)
    /// vfork(2): the child is attached and stopped too.
    case vforked(child: ThreadID)
    /// The child of a vfork has left the parent's memory.
    case vforkDone
    /// A new thread exists (only where thread events are asked for).
    case threadCreated
    /// The process runs another program now.
    case executed(path: String)
    /// The list of loaded modules changed (only where the backend can tell).
    case modulesChanged
}

/// Something a target reports while threads run.
public enum TargetEvent: Sendable, Equatable {
    /// A thread stopped; in all-stop mode every thread of every process stands by now.
    case stopped(ThreadID, StopReason)
    /// A process ended by exit(2) with that status, 0–255.
    case exited(ProcessID, status: Int32)
    /// A signal ended a process.
    case terminated(ProcessID, Signal)
    /// A thread ended (only where thread events are asked for); all threads stand by now.
    case threadExited(ThreadID, status: Int32)
    /// The last of the resumed threads ended while others stand.
    case noneResumed
    /// Bytes the debuggee or the stub wrote for the console.
    case output([UInt8])
}

/// What a resumed thread is to do.
public struct ResumeAction: Sendable, Equatable {
    /// Which threads an action is for.
    public enum Scope: Sendable, Equatable {
        /// One thread.
        case thread(ThreadID)
        /// All threads of a process.
        case process(ProcessID)
        /// All threads of all processes.
        case all

        /// Whether a thread is one of them.
        public func covers(_ thread: ThreadID) -> Bool {
            switch self {
            case .thread(let wanted): wanted == thread
            case .process(let process): process == thread.process
            case .all: true
            }
        }
    }

    /// How a thread goes on.
    public enum Kind: Sendable, Equatable {
        /// Runs freely.
        case run
        /// Executes one instruction.
        case step
        /// Steps on while the program counter is inside the range.
        case stepRange(Range<TargetAddress>)
    }

    /// The threads meant.
    public var scope: Scope
    /// What they do.
    public var kind: Kind
    /// A signal to deliver on the way, or nil for none.
    public var signal: Signal?

    /// Builds an action.
    public init(_ scope: Scope, _ kind: Kind, signal: Signal? = nil) {
        self.scope = scope
        self.kind = kind
        self.signal = signal
    }
}

/// An error a target gives for one request; the session goes on.
public struct TargetError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of failure it was, for callers that act on it.
    public enum Code: Sendable, Equatable {
        /// The process or thread does not exist (any more).
        case noSuchProcess
        /// The kernel or a policy forbids it.
        case notPermitted
        /// Another tracer has the process.
        case alreadyTraced
        /// The file or program does not exist or cannot be run.
        case cannotRun
        /// The memory is not mapped or not accessible.
        case badAddress
        /// No breakpoint register, or no room for one, is left.
        case noHardwareLeft
        /// This target cannot do it.
        case unsupported
        /// The request makes no sense (bad length, bad register, wrong state).
        case invalid
        /// The connection to a remote target is gone.
        case disconnected
        /// Any other failure of the operating system, with its errno.
        case system(Int32)
    }

    /// The kind of failure.
    public var code: Code
    /// One clear sentence for the user: what was wrong, with what, and what would be right.
    public var message: String

    /// Builds an error.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message.
    public var description: String { message }
}
