// Abilities that decide what stops a thread.

/// Which system calls stop a process, by their numbers in the process's own table.
public enum SystemCallSelection: Sendable, Equatable {
    /// None.
    case none
    /// Those with these numbers.
    case numbers(Set<Int>)
    /// All of them.
    case all

    /// Whether the call with that number stops.
    public func contains(_ number: Int) -> Bool {
        switch self {
        case .none: false
        case .numbers(let numbers): numbers.contains(number)
        case .all: true
        }
    }
}

/// Stops threads where they enter a system call and where they return from it.
public protocol SystemCallCatching: AnyObject {
    /// Chooses the system calls that stop a process from its next resumption on; kept over exec(2).
    func catchSystemCalls(
        _ selection: SystemCallSelection,
        in process: ProcessID
    ) throws(TargetError)
}

/// What may be looked at of a thread that has come to a breakpoint, while other threads may run.
public protocol BreakpointScene: AnyObject {
    /// The thread.
    var thread: ThreadID { get }
    /// The value of a register of up to 64 bits, zero-extended; nil when there is none of that number.
    func register(_ number: Int) -> UInt64?
    /// As many bytes as can be read from an address on, `count` at most; breakpoint instructions are hidden.
    func memory(at address: TargetAddress, count: Int) -> [UInt8]
}

/// What is to become of a thread that has come to a breakpoint.
public struct BreakpointVerdict: Sendable, Equatable {
    /// Whether it stops; otherwise it runs on as if there were no breakpoint.
    public var stops: Bool
    /// Text for the client's console.
    public var output: [UInt8]

    /// Builds a verdict.
    public init(stops: Bool, output: [UInt8] = []) {
        self.stops = stops
        self.output = output
    }
}

/// Judges beside the debuggee whether a breakpoint stops, so that no client has to be asked each time.
public protocol BreakpointJudge: AnyObject {
    /// Decides; called for every thread that comes to the breakpoint. Must not take long: threads wait for it.
    func judge(_ scene: any BreakpointScene) -> BreakpointVerdict
}

/// Takes judges of breakpoints.
public protocol BreakpointJudging: AnyObject {
    /// Gives a breakpoint that is planted a judge, or none; removing the breakpoint dismisses it.
    func setJudge(
        _ judge: (any BreakpointJudge)?,
        of breakpoint: Breakpoint,
        in process: ProcessID
    ) throws(TargetError)
}

/// Runs threads independently of each other (the GDB manual's "Non-Stop Mode").
///
/// While it is on, a stop of one thread leaves the others running: `resume` sets stopped threads going whatever
/// others do, each stop is an event of its own, and everything that needs no stopped thread may be asked at any time.
public protocol NonStopControl: AnyObject {
    /// Whether threads stop one by one.
    ///
    /// - Throws: when threads run and it would have to change under them.
    func setNonStop(_ isOn: Bool) throws(TargetError)
    /// Asks threads that run to stop, each with an event `.halted`; those that stand give none.
    func halt(_ scope: ResumeAction.Scope) throws(TargetError)
    /// Threads that stand and what they were last reported for.
    var standing: [(thread: ThreadID, reason: StopReason)] { get }
}

/// What saves turns of a line between the debugger and its target.
public protocol LineSaving: AnyObject {
    /// Plants several breakpoints at once.
    ///
    /// - Returns: for each what went wrong; nil for one that is planted.
    func insertBreakpoints(
        _ breakpoints: [Breakpoint],
        in process: ProcessID
    ) throws(TargetError) -> [TargetError?]

    /// Reads what the stacks of several threads are made of, ahead of its use.
    func fetchStacks(of threads: [ThreadID]) throws(TargetError)

    /// Whether a thread that was shown at a breakpoint and is set going does not meet it again by itself.
    var stepsOverBreakpoints: Bool { get }
}

/// Memory of a kernel, whose threads are processors, each with page tables of its own.
public protocol ProcessorViews: AnyObject {
    /// Makes what is read and written from now on, until threads run, go through that processor.
    func viewMemory(through thread: ThreadID)
}
