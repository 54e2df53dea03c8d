public import DebugTarget
internal import LinuxSystem

/// Live processes of this machine, by ptrace(2).
///
/// All-stop, unless `NonStop` says otherwise: either every thread of every process stands, or the client waits for
/// the next event. All calls must come from the thread that made the object, since the kernel ties a tracee to its tracer's
/// thread.
///
/// How an event comes about: `resume` gives every thread an action. Wait statuses are taken one by one
/// (`TraceeEvents`); most need no report, and their threads go on at once. One that does becomes the
/// thread's `pending` stop; then all threads are stopped (more stops may come in that way), the first
/// pending stop is reported, and the others are kept: the next `resume` reports the next of them, if it
/// still holds, instead of setting anything going.
public final class PtraceTarget: DebugTarget {
    /// How long threads get to stop before they are taken for unresponsive.
    static let stopDeadlineNanoseconds: UInt64 = 2_000_000_000
    /// How long a process to be attached to gets to come out of an uninterruptible wait and to stop.
    static let attachDeadlineNanoseconds: UInt64 = 5_000_000_000
    /// How long threads that are given up get to stop, so that nothing of them is left when that is said.
    static let abandonDeadlineNanoseconds: UInt64 = 200_000_000
    /// How long a new process gets to become the program: its shell may wait for a redirection's file.
    static let launchDeadlineNanoseconds: UInt64 = 5_000_000_000
    /// How long a killed process gets to go away.
    static let killDeadlineNanoseconds: UInt64 = 2_000_000_000

    let childSignals: ChildSignalDescriptor
    /// In order of arrival.
    var traced: [TracedProcess] = []
    /// Processes that share the memory of one of them, unknown to the client.
    var companions: [TracedProcess] = []
    /// All threads of all processes.
    var threadIndex: [Int32: Tracee] = [:]
    /// New tracees whose birth has not been reported yet.
    var unclaimed: [Int32: WaitStatus] = [:]
    /// Threads of processes we let go of that could not be let go of at once.
    var released: Set<Int32> = []

    /// Whether the client waits for an event.
    var isRunning = false
    /// Whether threads stop one by one.
    var isNonStop = false
    /// Whether threads that stop without a report stay stopped.
    var isStopping = false
    var isInterruptRequested = false
    var lastActions: [ResumeAction] = []
    var lastReported: ThreadID?
    var stopCounter: UInt64 = 0
    var endedProcesses: [(process: TracedProcess, order: UInt64)] = []
    var endedThreads: [(thread: ThreadID, status: Int32)] = []
    var queue: [TargetEvent] = []
    /// Threads that their breakpoints' judges have let go on and that have to be led past them.
    var passing: [Int32] = []
    /// A program that is waited for.
    var awaited: AwaitedProgram?
    /// Terminals of programs that were started on one.
    var consoles: [Console] = []
    /// Whether the last look for events has brought output.
    var hasTakenOutput = false
    /// What wakes the client up, where that is more than `childSignals`.
    var descriptors: DescriptorSet?

    /// Signals that go to the program without a stop being reported.
    public var passedSignals: Set<Signal> = []
    /// Signals that a program which is let go of while one is pending still gets; nil for all but
    /// SIGINT and SIGTRAP.
    public var signalsKeptOnDetach: Set<Signal>?
    /// A descriptor that programs started from now on read as their standard input; nil for nothing to read.
    public var inputOfPrograms: () -> Int32? = { nil }
    /// The optional events that are reported.
    public var reportedEvents: Set<OptionalEvent> = []

    let fileTable = FileTable()

    /// Prepares the calling thread for tracing: SIGCHLD is blocked in it from now on.
    public init() throws(TargetError) {
        do throws(SystemError) {
            childSignals = try ChildSignalDescriptor()
        } catch {
            throw TargetError(.system(error.errorNumber), "\(error)")
        }
    }

    // MARK: Processes

    /// The processes being debugged, in order of arrival.
    public var processes: [ProcessID] { traced.map(\.id) }

    /// A descriptor that poll(2) shows readable when `nextEvent` may have something.
    public var eventDescriptor: Int32 { descriptors?.number ?? childSignals.number }

    /// The threads of a process, oldest first.
    public func threads(of process: ProcessID) throws(TargetError) -> [ThreadSummary] {
        try self.process(process).allThreads.filter { $0.state != .ending }.map { thread in
            // One file has both.
            let facts = ProcFS.statistics(process: process.rawValue, thread: thread.id)
            return ThreadSummary(
                thread: thread.threadID,
                name: facts?.name ?? "",
                core: facts?.processor
            )
        }
    }

    /// The same without anything that would have to be looked up.
    public func threadIDs(of process: ProcessID) throws(TargetError) -> [ThreadID] {
        try self.process(process).allThreads.filter { $0.state != .ending }.map(\.threadID)
    }

    func process(_ id: ProcessID) throws(TargetError) -> TracedProcess {
        guard let process = traced.first(where: { $0.id == id }) else {
            throw TargetError(.noSuchProcess, "process \(id) is not being debugged")
        }
        return process
    }

    func stoppedThread(_ id: ThreadID) throws(TargetError) -> Tracee {
        let process = try process(id.process)
        guard let number = Int32(exactly: id.number), let thread = process.threads[number] else {
            throw TargetError(
                .noSuchProcess,
                "there is no thread \(id.number) in process \(id.process) (any more)"
            )
        }
        guard thread.isStopped else {
            throw TargetError(
                .invalid,
                thread.isUnresponsive
                    ? "thread \(id.number) does not stop: it is in an uninterruptible system call"
                    : "thread \(id.number) is running"
            )
        }
        return thread
    }

    // MARK: Registers and memory

    /// The registers of a process's threads.
    public func targetDescription(of process: ProcessID) throws(TargetError) -> TargetDescription {
        try self.process(process).architecture.description
    }

    /// All registers of a stopped thread.
    public func registers(of thread: ThreadID) throws(TargetError) -> RegisterBlock {
        let tracee = try stoppedThread(thread)
        if let known = tracee.registers { return known }
        let block = try translating { () throws(SystemError) in
            try tracee.process.architecture.registers(of: tracee.id)
        }
        tracee.registers = block
        return block
    }

    /// Stores all registers of a stopped thread.
    public func setRegisters(
        _ block: RegisterBlock,
        of thread: ThreadID
    ) throws(TargetError) {
        let old = try registers(of: thread)
        let tracee = try stoppedThread(thread)
        tracee.registers = nil
        tracee.isModified = true
        let description = tracee.process.architecture.description
        if let counter = description.register(playing: .programCounter),
            old.bytes(of: counter) != block.bytes(of: counter)
        {
            tracee.isMoved = true
        }
        try translating { () throws(SystemError) in
            try tracee.process.architecture.setRegisters(block, replacing: old, of: tracee.id)
        }
    }

    /// Reads memory; breakpoint instructions of ours are hidden.
    public func readMemory(
        at address: TargetAddress,
        count: Int,
        in process: ProcessID
    ) throws(TargetError) -> [UInt8] {
        let space = try self.process(process).space
        do throws(SystemError) {
            return try space.read(at: address, count: count)
        } catch {
            throw TargetError(
                .badAddress,
                "cannot read memory at \(address) of process \(process): \(error.reason)"
            )
        }
    }

    /// Writes memory, read-only pages too; breakpoints of ours inside the range stay in force.
    public func writeMemory(
        _ bytes: [UInt8],
        at address: TargetAddress,
        in process: ProcessID
    ) throws(TargetError) {
        let space = try self.process(process).space
        do throws(SystemError) {
            try space.write(bytes, at: address)
        } catch {
            throw TargetError(
                .badAddress,
                "cannot write memory at \(address) of process \(process): \(error.reason)"
            )
        }
    }

    // MARK: Breakpoints

    /// Plants a breakpoint; planting the same one again does nothing.
    public func insertBreakpoint(
        _ breakpoint: Breakpoint,
        in process: ProcessID
    ) throws(TargetError) {
        let traced = try self.process(process)
        guard breakpoint.kind == .software else {
            try whileStanding(traced) { () throws(TargetError) in
                try insertHardware(breakpoint, in: traced)
            }
            return
        }
        do throws(SystemError) {
            try traced.space.insertTrap(at: breakpoint.address)
            traced.foreignTraps.remove(breakpoint.address)
        } catch {
            throw TargetError(
                .badAddress,
                "cannot set a breakpoint at \(breakpoint.address) of process \(process): "
                    + error.reason
            )
        }
    }

    /// Plants a hardware breakpoint after a stopped thread has shown that the kernel takes it.
    private func insertHardware(
        _ breakpoint: Breakpoint,
        in process: TracedProcess
    ) throws(TargetError) {
        guard !process.hardware.contains(breakpoint) else { return }
        let former = process.hardwarePlan
        let plan = try process.architecture.planHardware(process.hardware + [breakpoint])
        if let thread = process.allThreads.first(where: \.isStopped) {
            do throws(SystemError) {
                try process.architecture.apply(plan, to: thread.id)
            } catch {
                try? process.architecture.apply(former, to: thread.id)
                thread.hardwareVersion = process.hardwareVersion
                throw TargetError(
                    .badAddress,
                    "the kernel refuses a debug register for \(breakpoint.address) of process "
                        + "\(process.id): \(error.reason)"
                )
            }
        }
        try process.setHardware(process.hardware + [breakpoint])
    }

    /// Removes a breakpoint; removing one that is not there does nothing.
    public func removeBreakpoint(
        _ breakpoint: Breakpoint,
        in process: ProcessID
    ) throws(TargetError) {
        let traced = try self.process(process)
        traced.judges[breakpoint] = nil
        guard breakpoint.kind == .software else {
            guard traced.hardware.contains(breakpoint) else { return }
            try whileStanding(traced) { () throws(TargetError) in
                try traced.setHardware(traced.hardware.filter { $0 != breakpoint })
            }
            return
        }
        guard !leavesTrapToOthers(traced, breakpoint.address) else { return }
        try translating { () throws(SystemError) in
            try traced.space.removeTrap(at: breakpoint.address)
        }
    }

    // MARK: Abilities

    /// This machine's processes.
    public var processListing: (any ProcessListing)? { self }
    /// This machine's files.
    public var files: (any TargetFiles)? { fileTable }
    /// From /proc and the dynamic linker's list.
    public var processDetails: (any ProcessDetails)? { self }
    /// By PTRACE_GETSIGINFO.
    public var signalInformation: (any SignalInformation)? { self }
    /// Kept here.
    public var signalPolicy: (any SignalPolicy)? { self }
    /// Kept here.
    public var eventSelection: (any EventSelection)? { self }
    /// From the threads' stops.
    public var jobControl: (any JobControl)? { self }
    /// From /proc.
    public var systemTables: (any SystemTables)? { self }
    /// From /proc.
    public var hostFacts: (any HostFacts)? { self }
    /// This machine's.
    public var platformServices: (any PlatformServices)? { self }
    /// By system calls that the debuggee executes.
    public var memoryAllocation: (any MemoryAllocation)? { self }
    /// By looking at /proc again and again.
    public var processAwaiting: (any ProcessAwaiting)? { self }
    /// The pseudo-terminals of started programs.
    public var consoleInput: (any ConsoleInput)? { self }
    /// By PTRACE_SYSCALL.
    public var systemCallCatching: (any SystemCallCatching)? { self }
    /// Kept here.
    public var nonStopControl: (any NonStopControl)? { self }
    /// At the stop itself, before anything else is stopped.
    public var breakpointJudging: (any BreakpointJudging)? { self }
    /// That of the processes being debugged.
    public var watchpointCountMax: Int? { traced.first?.architecture.watchpointCountMax }

    // MARK: Errors

    func translating<Answer>(
        _ body: () throws(SystemError) -> Answer
    ) throws(TargetError) -> Answer {
        do throws(SystemError) {
            return try body()
        } catch {
            throw TargetError(.system(error.errorNumber), "\(error)")
        }
    }
}

extension PtraceTarget: SignalPolicy, EventSelection {}

extension PtraceTarget: JobControl {
    /// Whether a thread of it stands in a group stop.
    public func isSuspended(_ process: ProcessID) -> Bool {
        traced.first { $0.id == process }?.allThreads.contains { $0.state == .stopped(.group) }
            ?? false
    }
}

extension PtraceTarget: SignalInformation {
    /// `siginfo_t` of the thread's stop.
    public func signalInformation(of thread: ThreadID) throws(TargetError) -> [UInt8] {
        let tracee = try stoppedThread(thread)
        let bytes =
            if let saved = tracee.signalInformation {
                saved
            } else {
                try translating { () throws(SystemError) in
                    try Ptrace.signalInformation(tracee.id)
                }
            }
        return hasNarrowSignals(tracee) ? NarrowSignal.narrow(bytes) : bytes
    }

    /// The kernel gives a tracer its own layout, but a client reads the debuggee's.
    private func hasNarrowSignals(_ thread: Tracee) -> Bool {
        thread.process.architecture.description.architecture == .i386
    }

    /// Replaces it.
    public func setSignalInformation(
        _ bytes: [UInt8],
        of thread: ThreadID
    ) throws(TargetError) {
        let tracee = try stoppedThread(thread)
        guard bytes.count == Ptrace.signalInformationByteCount else {
            throw TargetError(.invalid, "siginfo has 128 bytes, not \(bytes.count)")
        }
        let bytes = hasNarrowSignals(tracee) ? NarrowSignal.widen(bytes) : bytes
        if tracee.signalInformation != nil {
            tracee.signalInformation = bytes
            return
        }
        try translating { () throws(SystemError) in
            try Ptrace.setSignalInformation(tracee.id, bytes)
        }
    }
}
