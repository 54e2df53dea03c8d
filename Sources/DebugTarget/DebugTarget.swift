/// The narrow interface in the middle of the debugger.
///
/// Above it stand the RSP server and the debugger engine; below it the backends: ptrace, an RSP client,
/// a core file. Neither side imports the other. All calls are synchronous and come from one thread (the
/// tracer's: ptrace(2) ties a debuggee to the thread that attached it). The model is all-stop: while any
/// thread runs, only `interrupt`, `nextEvent` and the process-independent abilities may be used; after a
/// `.stopped` event every thread of every process stands.
///
/// What a target may or may not have is a small protocol reached by an optional property, so that what is
/// offered to a client is computed from what exists.
public protocol DebugTarget: AnyObject {
    /// The processes being debugged, in order of arrival.
    var processes: [ProcessID] { get }

    /// Attaches to a running process and stops all its threads.
    ///
    /// - Returns: the thread to show first; its stop is not reported as an event.
    func attach(to process: ProcessID) throws(TargetError) -> ThreadID

    /// Starts a program and stops it at its first instruction.
    ///
    /// - Returns: its only thread; its stop is not reported as an event.
    func launch(_ request: LaunchRequest) throws(TargetError) -> ThreadID

    /// Lets go of a process: breakpoints are removed, threads run on.
    func detach(from process: ProcessID) throws(TargetError)

    /// Ends a process with SIGKILL and forgets it; its exit is not reported as an event.
    func kill(_ process: ProcessID) throws(TargetError)

    /// The threads of a process in order of creation as far as known, with what is cheap to say of each.
    func threads(of process: ProcessID) throws(TargetError) -> [ThreadSummary]
    /// Their ids alone, which may be much less work.
    func threadIDs(of process: ProcessID) throws(TargetError) -> [ThreadID]

    /// The registers of a process's threads; the same for all of them until it executes another program.
    func targetDescription(of process: ProcessID) throws(TargetError) -> TargetDescription

    /// All registers of a stopped thread.
    func registers(of thread: ThreadID) throws(TargetError) -> RegisterBlock

    /// Stores all registers of a stopped thread.
    func setRegisters(_ block: RegisterBlock, of thread: ThreadID) throws(TargetError)

    /// Reads memory; breakpoint instructions of ours are hidden.
    ///
    /// - Returns: `count` bytes, or fewer where the range runs into memory that cannot be read; an error
    ///   when not even the first byte can be.
    func readMemory(
        at address: TargetAddress,
        count: Int,
        in process: ProcessID
    ) throws(TargetError) -> [UInt8]

    /// Writes memory, read-only pages too; breakpoints of ours inside the range stay in force.
    func writeMemory(
        _ bytes: [UInt8],
        at address: TargetAddress,
        in process: ProcessID
    ) throws(TargetError)

    /// Plants a breakpoint; planting the same one again does nothing.
    func insertBreakpoint(_ breakpoint: Breakpoint, in process: ProcessID) throws(TargetError)

    /// Removes a breakpoint; removing one that is not there does nothing.
    func removeBreakpoint(_ breakpoint: Breakpoint, in process: ProcessID) throws(TargetError)

    /// Sets threads going: for each stopped thread the first action whose scope covers it; threads that
    /// no action covers stay stopped.
    func resume(_ actions: [ResumeAction]) throws(TargetError)

    /// Asks the running threads to stop; an event follows.
    func interrupt() throws(TargetError)

    /// The next event, if one has happened; never blocks.
    ///
    /// An error means that the target itself is lost (`.disconnected`).
    func nextEvent() throws(TargetError) -> TargetEvent?

    /// A descriptor that poll(2) shows readable when `nextEvent` may have something; -1 when there is none.
    var eventDescriptor: Int32 { get }

    /// Lists the machine's processes, where the target can.
    var processListing: (any ProcessListing)? { get }
    /// Files of the machine, where the target can.
    var files: (any TargetFiles)? { get }
    /// Auxiliary vector, executable, memory map and modules, where the target can.
    var processDetails: (any ProcessDetails)? { get }
    /// siginfo_t of a stopped thread, where the target can.
    var signalInformation: (any SignalInformation)? { get }
    /// Which signals stop, where the target can be told.
    var signalPolicy: (any SignalPolicy)? { get }
    /// Which of the optional events are reported, where the target can be told.
    var eventSelection: (any EventSelection)? { get }
    /// The operating system's tables, where the target has them.
    var systemTables: (any SystemTables)? { get }
    /// Registers that came with the stop, where the target has such.
    var stopRegisters: (any StopRegisters)? { get }
    /// The machine and who is on it, where the target can tell.
    var hostFacts: (any HostFacts)? { get }
    /// Folders, links and commands, where the target can.
    var platformServices: (any PlatformServices)? { get }
    /// Memory in debuggees, where the target can.
    var memoryAllocation: (any MemoryAllocation)? { get }
    /// Waiting for a process that is not there yet, where the target can.
    var processAwaiting: (any ProcessAwaiting)? { get }
    /// Input of programs on our terminals, where the target has such.
    var consoleInput: (any ConsoleInput)? { get }
    /// How many watchpoints the processor has room for; nil where that is not known.
    var watchpointCountMax: Int? { get }
    /// Whether job control keeps a process stopped, where the target can tell.
    var jobControl: (any JobControl)? { get }
    /// A program that the target was given to start, where it may have one.
    var implicitLaunch: (any ImplicitLaunch)? { get }
    /// Stops at system calls, where the target can.
    var systemCallCatching: (any SystemCallCatching)? { get }
    /// Conditions that are judged beside the debuggee, where the target can.
    var breakpointJudging: (any BreakpointJudging)? { get }
    /// Threads that stop one by one, where the target can.
    var nonStopControl: (any NonStopControl)? { get }
    /// Conditions that go to the target with its breakpoints, where it can judge them.
    var breakpointConditions: (any BreakpointConditions)? { get }
    /// Ways to save turns of a slow line, where the target is beyond one.
    var lineSaving: (any LineSaving)? { get }
    /// Memory as each processor sees it, where the target's threads are processors.
    var processorViews: (any ProcessorViews)? { get }
    /// Dumps, where the processes are such.
    var postMortem: (any PostMortem)? { get }
}

extension DebugTarget {
    /// Those of `threads(of:)`.
    public func threadIDs(of process: ProcessID) throws(TargetError) -> [ThreadID] {
        try threads(of: process).map(\.thread)
    }

    /// None by default.
    public var processListing: (any ProcessListing)? { nil }
    /// None by default.
    public var files: (any TargetFiles)? { nil }
    /// None by default.
    public var processDetails: (any ProcessDetails)? { nil }
    /// None by default.
    public var signalInformation: (any SignalInformation)? { nil }
    /// None by default.
    public var signalPolicy: (any SignalPolicy)? { nil }
    /// None by default.
    public var eventSelection: (any EventSelection)? { nil }
    /// None by default.
    public var systemTables: (any SystemTables)? { nil }
    /// None by default.
    public var stopRegisters: (any StopRegisters)? { nil }
    /// None by default.
    public var hostFacts: (any HostFacts)? { nil }
    /// None by default.
    public var platformServices: (any PlatformServices)? { nil }
    /// None by default.
    public var memoryAllocation: (any MemoryAllocation)? { nil }
    /// None by default.
    public var processAwaiting: (any ProcessAwaiting)? { nil }
    /// None by default.
    public var consoleInput: (any ConsoleInput)? { nil }
    /// Not known by default.
    public var watchpointCountMax: Int? { nil }
    /// None by default.
    public var jobControl: (any JobControl)? { nil }
    /// None by default.
    public var implicitLaunch: (any ImplicitLaunch)? { nil }
    /// None by default.
    public var systemCallCatching: (any SystemCallCatching)? { nil }
    /// None by default.
    public var breakpointJudging: (any BreakpointJudging)? { nil }
    /// None by default.
    public var nonStopControl: (any NonStopControl)? { nil }
    /// None by default.
    public var breakpointConditions: (any BreakpointConditions)? { nil }
    /// None by default.
    public var lineSaving: (any LineSaving)? { nil }
    /// None by default.
    public var processorViews: (any ProcessorViews)? { nil }
    /// None by default.
    public var postMortem: (any PostMortem)? { nil }
}

/// A program to start.
public struct LaunchRequest: Sendable, Equatable {
    /// argv: the program (path or name to look up in PATH) and its arguments, each kept exactly.
    public var arguments: [String]
    /// The same byte for byte, where some of them are no UTF-8; nil where they all are.
    public var argumentBytes: [[UInt8]]?
    /// Changes to the server's environment, in order: a nil value unsets the name.
    public var environment: [EnvironmentChange]
    /// Where it starts; nil for the server's own directory.
    public var workingDirectory: String?
    /// Whether addresses are the same in every run (personality(2) ADDR_NO_RANDOMIZE).
    public var disablesAddressRandomization: Bool
    /// Whether /bin/sh starts it, so that redirections and wildcards in the arguments work.
    public var usesShell: Bool
    /// Its standard streams, where it is to have a terminal of its own whose output comes as events; nil for
    /// those of the server.
    public var standardStreams: StandardStreamPaths?

    /// Builds a request.
    public init(
        arguments: [String],
        environment: [EnvironmentChange] = [],
        workingDirectory: String? = nil,
        disablesAddressRandomization: Bool = true,
        usesShell: Bool = false,
        standardStreams: StandardStreamPaths? = nil
    ) {
        self.arguments = arguments
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.disablesAddressRandomization = disablesAddressRandomization
        self.usesShell = usesShell
        self.standardStreams = standardStreams
    }
}

/// One change to an environment.
public struct EnvironmentChange: Sendable, Equatable {
    /// The variable.
    public var name: String
    /// Its new value, or nil to unset it.
    public var value: String?

    /// Builds a change.
    public init(name: String, value: String?) {
        self.name = name
        self.value = value
    }
}

/// What is cheap to say of a thread.
public struct ThreadSummary: Sendable, Equatable {
    /// Which thread.
    public var thread: ThreadID
    /// Its name (comm), or empty.
    public var name: String
    /// The processor it last ran on, where known.
    public var core: Int?

    /// Builds a summary.
    public init(thread: ThreadID, name: String, core: Int? = nil) {
        self.thread = thread
        self.name = name
        self.core = core
    }
}

/// A physical breakpoint: one address, one mechanism.
public struct Breakpoint: Hashable, Sendable {
    /// How the processor is made to stop.
    public enum Kind: Hashable, Sendable {
        /// A trap instruction in memory.
        case software
        /// An execution breakpoint register.
        case hardware
        /// A watchpoint register, or several, over `length` bytes.
        case watch(WatchAccess, length: Int)
    }

    /// The mechanism.
    public var kind: Kind
    /// Where.
    public var address: TargetAddress

    /// Builds a breakpoint.
    public init(_ kind: Kind, at address: TargetAddress) {
        self.kind = kind
        self.address = address
    }
}
