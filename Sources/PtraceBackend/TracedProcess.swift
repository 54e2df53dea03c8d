internal import DebugTarget
internal import LinuxSystem

/// One traced process.
final class TracedProcess {
    /// How it ended, when the client has not been told yet.
    enum Ending: Equatable {
        case exited(Int32)
        case terminated(Int32)
    }

    let id: ProcessID
    /// Whether the client does not know it: it only shares the memory of a process being debugged.
    var isCompanion = false
    /// Whether we started it (or its ancestor).
    let wasLaunched: Bool
    /// Its threads by id.
    private(set) var threads: [Int32: Tracee] = [:]
    /// In order of arrival.
    private(set) var order: [Int32] = []
    /// Its memory; shared with its parent from vfork until exec.
    var space: AddressSpace
    var architecture: any TracedArchitecture
    /// Breakpoints that are in its memory for another process only, which has the same.
    var foreignTraps: Set<TargetAddress> = []
    var ending: Ending?

    /// Hardware breakpoints and watchpoints in order of insertion.
    private(set) var hardware: [Breakpoint] = []
    private(set) var hardwarePlan = HardwarePlan()
    private(set) var hardwareVersion = 0

    /// Who judges whether a breakpoint stops, where somebody does.
    var judges: [Breakpoint: any BreakpointJudge] = [:]
    /// The system calls that stop its threads.
    var caughtSystemCalls = SystemCallSelection.none

    /// Memory that the client had mapped, with its size in bytes.
    var allocations: [TargetAddress: UInt64] = [:]
    /// A system call instruction in its vDSO, once it was looked for.
    var systemCallInstruction: TargetAddress?

    /// The threads that wait for a vfork child, which shares their memory.
    var vforkParents: Set<Int32> = []

    init(
        id: ProcessID,
        wasLaunched: Bool,
        space: AddressSpace,
        architecture: any TracedArchitecture
    ) {
        self.id = id
        self.wasLaunched = wasLaunched
        self.space = space
        self.architecture = architecture
    }

    var allThreads: [Tracee] { order.compactMap { threads[$0] } }

    /// The first thread, or the oldest there is.
    var mainThread: Tracee? {
        if let leader = threads[id.rawValue], leader.state != .ending { return leader }
        return allThreads.first { $0.state != .ending }
    }

    @discardableResult
    func addThread(_ id: Int32) -> Tracee {
        if let known = threads[id] { return known }
        let thread = Tracee(id: id, process: self)
        threads[id] = thread
        order.append(id)
        return thread
    }

    func removeThread(_ id: Int32) {
        threads[id] = nil
        order.removeAll { $0 == id }
    }

    /// After an exec only the leader is left, whoever it was before.
    func keepOnlyLeader() -> Tracee {
        let leader = threads[id.rawValue] ?? Tracee(id: id.rawValue, process: self)
        threads = [leader.id: leader]
        order = [leader.id]
        return leader
    }

    /// Plants or removes a hardware breakpoint; threads take it over before they run on.
    func setHardware(_ breakpoints: [Breakpoint]) throws(TargetError) {
        hardwarePlan = try architecture.planHardware(breakpoints)
        hardware = breakpoints
        hardwareVersion += 1
    }

    /// The kernel clears the debug registers of a thread that executes another program.
    func forgetHardware() {
        hardware = []
        hardwarePlan = HardwarePlan()
        hardwareVersion = 0
        for thread in allThreads { thread.hardwareVersion = 0 }
    }
}
