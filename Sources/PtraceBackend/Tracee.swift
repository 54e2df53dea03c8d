internal import DebugTarget
internal import LinuxSystem

/// One traced thread.
final class Tracee {
    /// How it stands or runs.
    enum State: Equatable {
        /// The kernel runs it (or keeps it in a group stop that it tells us about).
        case running
        /// It stands at a ptrace stop.
        case stopped(Stop)
        /// It has reported its end; nothing but its exit status is to come.
        case ending
    }

    /// What kind of ptrace stop it stands at, which decides how a signal can be given to it.
    enum Stop: Equatable {
        /// A signal is about to be delivered; resuming can deliver it, another one, or none.
        case signal
        /// A group stop (SIGSTOP and its like); only `PTRACE_LISTEN` leaves it in force.
        case group
        /// `PTRACE_INTERRUPT`, the beginning, or any other event.
        case event
    }

    /// Something it stopped for that the client has not been told.
    struct PendingStop: Equatable {
        var reason: StopReason
        /// Where it stood then; a breakpoint counts only as long as it still stands there.
        var programCounter: TargetAddress?
        /// The order of arrival over all threads.
        var order: UInt64
    }

    let id: Int32
    unowned let process: TracedProcess
    var state = State.running
    var pending: PendingStop?
    /// What the client was told last; nil while it runs.
    var reported: StopReason?

    /// What it was told to do; nil when the client left it stopped.
    var action: ResumeAction.Kind?
    /// The signal to be delivered when it goes on, 0 for none, and its siginfo if that has to be put back.
    var signal: Int32 = 0
    var signalInformation: [UInt8]?
    /// Signals we sent it ourselves, to be delivered without a stop being reported.
    var signalsOnTheWay: [Int32] = []

    var isInterruptSent = false
    /// What it is to be reported for when it stops, where it was asked to.
    var haltReason: StopReason?
    /// It has not answered `PTRACE_INTERRUPT` in time (a vfork parent, an uninterruptible system call).
    var isUnresponsive = false
    /// It got its ptrace options from a leader, which is asked to tell of its end.
    var inheritsOptions = false
    /// A step over a breakpoint at a system call has not ended yet.
    var isSteppingOver = false
    /// It stands at a breakpoint whose judge lets it go on, and has to execute the instruction there alone.
    var isPassing = false
    /// Its registers were changed since it stopped.
    var isModified = false
    /// Its program counter was changed since it stopped.
    var isMoved = false
    /// When the client was last told of it, by the order of arrival; 0 is never.
    var lastReportOrder: UInt64 = 0
    /// Which version of the process's hardware plan its debug registers have; 0 is none at all.
    var hardwareVersion = 0
    /// Read since it stopped.
    var registers: RegisterBlock?

    init(id: Int32, process: TracedProcess) {
        self.id = id
        self.process = process
    }

    var threadID: ThreadID { ThreadID(process.id, Int64(id)) }

    var isStopped: Bool {
        if case .stopped = state { return true }
        return false
    }

    /// Whether it has to stand until a vfork child has done with the process's memory, which has no traps in
    /// it meanwhile.
    ///
    /// This follows from what its process is in, not from what the thread did then: it holds for threads
    /// that are born meanwhile or stood already.
    var isHeld: Bool {
        process.space.isSuspended && !process.vforkParents.isEmpty
            && !process.vforkParents.contains(id)
    }

    /// Whether the client, which knows that it stands at a breakpoint, has it go past that one.
    var isToPassItsTrap: Bool { reported != nil && !isMoved || isPassing }

    /// Whether nothing but us keeps it from doing what it was told to.
    var isReadyToGo: Bool {
        isStopped && action != nil && pending == nil && !isPassing && !isHeld
    }

    /// Whether it executes single instructions.
    var isStepping: Bool {
        switch action {
        case .step, .stepRange: true
        case .run, nil: false
        }
    }
}
