internal import AccessPolicy
internal import DebugTarget

// The one place where a policy is enforced. A session reaches its target only through this, so a packet can do
// nothing that is refused here, whichever packet it is. (PacketPermissions refuses some earlier, with nothing
// half done; what it does not know is refused here.)

/// A target that does what the policy allows, and says what was done.
final class GuardedTarget: DebugTarget {
    let target: any DebugTarget
    let auditor: Auditor
    let policy: AccessPolicy
    /// What the client does not want to be able to do (`QAllow`).
    var renounced: Set<Permission> = []
    /// The executables of processes, for as long as they do not execute another.
    private var programs: [ProcessID: String] = [:]
    /// The signal that each thread stopped for.
    private var pendingSignals: [ThreadID: Signal] = [:]
    private var launched: Set<ProcessID> = []

    init(_ target: any DebugTarget, policy: AccessPolicy, auditor: Auditor) {
        self.target = target
        self.policy = policy
        self.auditor = auditor
        if policy.generalRefusal(.kill) != nil {
            // What a debugger keeps to itself when it leaves (SIGINT, SIGTRAP) would be kept from a process.
            target.signalPolicy?.signalsKeptOnDetach = Set((1...64).map { Signal($0) })
        }
    }

    // MARK: Judging

    /// Throws when something is refused; the refusal is noted.
    func demand(
        _ permission: Permission,
        _ subject: @autoclosure () -> String = "",
        in process: ProcessID? = nil
    ) throws(TargetError) {
        guard let words = refusal(permission, in: process) else { return }
        auditor.note(.refused, process, subject(), refusal: words)
        throw TargetError(.notPermitted, words)
    }

    /// Why something is refused, nil when it is not.
    func refusal(_ permission: Permission, in process: ProcessID? = nil) -> String? {
        if renounced.contains(permission) {
            return "refused by the client's own QAllow: \(permission.activity) is not wanted"
        }
        guard !policy.isOpen else { return nil }
        guard let process else { return policy.refusal(permission) }
        guard let words = policy.refusal(permission, program: program(of: process)) else {
            return nil
        }
        // What the session started is its own to look at and to end.
        let isOwn = launched.contains(process)
        if isOwn, permission == .kill { return nil }
        if isOwn, permission == .attach {
            return policy.refusal(.create, program: program(of: process))
        }
        return words
    }

    private func program(of process: ProcessID) -> String? {
        if let known = programs[process] { return known }
        guard let path = try? target.processDetails?.executablePath(of: process) else {
            return nil
        }
        if target.processes.contains(process) { programs[process] = path }
        return path
    }

    // MARK: Processes

    var processes: [ProcessID] { target.processes }

    func attach(to process: ProcessID) throws(TargetError) -> ThreadID {
        let name = program(of: process) ?? ""
        return try auditor.noting(.attach, process, name) { () throws(TargetError) in
            if let words = refusal(.attach, in: process) { throw TargetError(.notPermitted, words) }
            let thread = try target.attach(to: process)
            // It may have executed another program between the question and the answer.
            programs[process] = nil
            guard let words = refusal(.attach, in: process) else { return thread }
            try target.detach(from: process)
            throw TargetError(.notPermitted, words)
        }
    }

    func launch(_ request: LaunchRequest) throws(TargetError) -> ThreadID {
        let words = request.arguments.joined(separator: " ")
        return try auditor.noting(.create, nil, words) { () throws(TargetError) in
            try judge(request)
            let thread = try target.launch(request)
            let process = thread.process
            launched.insert(process)
            programs[process] = nil
            // It stands at its first instruction: nothing of it has run.
            if let words = refusalToKeep(process, request) {
                try target.kill(process)
                forgetGone()
                throw TargetError(.notPermitted, words)
            }
            return thread
        }
    }

    private func judge(_ request: LaunchRequest) throws(TargetError) {
        if renounced.contains(.create), let words = refusal(.create) {
            throw TargetError(.notPermitted, words)
        }
        if let words = policy.generalRefusal(.create) { throw TargetError(.notPermitted, words) }
        for (index, path) in (request.standardStreams?.paths ?? []).enumerated() {
            guard let path else { continue }
            try demand(index == 0 ? .readFiles : .writeFiles, path)
        }
        guard request.usesShell, !policy.allowsEverywhere(.create) else { return }
        throw TargetError(
            .notPermitted,
            "refused by the policy \(policy.file ?? ""): programs are not started through a shell where"
                + " only some may be started (gdb: set startup-with-shell off)"
        )
    }

    private func refusalToKeep(_ process: ProcessID, _ request: LaunchRequest) -> String? {
        guard !policy.isOpen else { return nil }
        let program = program(of: process)
        if let words = policy.refusal(.create, program: program) { return words }
        // LD_PRELOAD and its like decide what code the program is.
        guard !request.environment.isEmpty else { return nil }
        return policy.refusal(.writeMemory, program: program).map { words in
            words + " (setting variables for the program counts as that)"
        }
    }

    func detach(from process: ProcessID) throws(TargetError) {
        try target.detach(from: process)
        forgetGone()
    }

    func kill(_ process: ProcessID) throws(TargetError) {
        try auditor.noting(.kill, process, program(of: process) ?? "") { () throws(TargetError) in
            if let words = refusal(.kill, in: process) { throw TargetError(.notPermitted, words) }
            try target.kill(process)
        }
        forgetGone()
    }

    func forgetGone() {
        let present = Set(target.processes)
        programs = programs.filter { present.contains($0.key) }
        launched = launched.filter { present.contains($0) }
        pendingSignals = pendingSignals.filter { present.contains($0.key.process) }
    }

    // MARK: Looking

    func threads(of process: ProcessID) throws(TargetError) -> [ThreadSummary] {
        try target.threads(of: process)
    }

    func threadIDs(of process: ProcessID) throws(TargetError) -> [ThreadID] {
        try target.threadIDs(of: process)
    }

    func targetDescription(of process: ProcessID) throws(TargetError) -> TargetDescription {
        try target.targetDescription(of: process)
    }

    func registers(of thread: ThreadID) throws(TargetError) -> RegisterBlock {
        try demand(.attach, "registers", in: thread.process)
        return try target.registers(of: thread)
    }

    func readMemory(
        at address: TargetAddress,
        count: Int,
        in process: ProcessID
    ) throws(TargetError) -> [UInt8] {
        try demand(.attach, "memory", in: process)
        return try target.readMemory(at: address, count: count, in: process)
    }

    // MARK: Changing

    func setRegisters(_ block: RegisterBlock, of thread: ThreadID) throws(TargetError) {
        try demand(.writeMemory, "registers of thread \(thread.number)", in: thread.process)
        auditor.noteWrite(thread.process, "registers of thread \(thread.number)")
        try target.setRegisters(block, of: thread)
    }

    func writeMemory(
        _ bytes: [UInt8],
        at address: TargetAddress,
        in process: ProcessID
    ) throws(TargetError) {
        try demand(.writeMemory, "memory at \(address)", in: process)
        auditor.noteWrite(process, "\(bytes.count) bytes at \(address)")
        try target.writeMemory(bytes, at: address, in: process)
    }

    func insertBreakpoint(
        _ breakpoint: Breakpoint,
        in process: ProcessID
    ) throws(TargetError) {
        try demand(.breakpoints, "breakpoint at \(breakpoint.address)", in: process)
        try target.insertBreakpoint(breakpoint, in: process)
    }

    func removeBreakpoint(
        _ breakpoint: Breakpoint,
        in process: ProcessID
    ) throws(TargetError) {
        try target.removeBreakpoint(breakpoint, in: process)
    }

    // MARK: Running

    func resume(_ actions: [ResumeAction]) throws(TargetError) {
        let judged = try policy.isOpen ? actions : judge(actions)
        try target.resume(judged)
        // Threads that stay where they are keep theirs.
        pendingSignals = pendingSignals.filter { thread, _ in
            !actions.contains { $0.scope.covers(thread) }
        }
    }

    /// Where signals are not the client's to give and take, each thread gets the one it stopped for, and no
    /// other.
    private func judge(_ actions: [ResumeAction]) throws(TargetError) -> [ResumeAction] {
        var judged: [ResumeAction] = []
        for action in actions {
            var action = action
            if let signal = action.signal, !mayHave(signal, action.scope) {
                for process in processes(in: action.scope) {
                    try demand(.kill, "signal \(signal.rawValue)", in: process)
                }
            }
            if case .thread(let thread) = action.scope, action.signal == nil,
                let own = pendingSignals[thread], refusal(.kill, in: thread.process) != nil
            {
                action.signal = own
            }
            judged.append(action)
        }
        return ownSignals(beside: judged) + judged
    }

    /// Actions for threads that wider actions would rob of their signals.
    private func ownSignals(beside actions: [ResumeAction]) -> [ResumeAction] {
        pendingSignals.sorted { $0.key < $1.key }.compactMap { thread, signal in
            let covering = actions.first { $0.scope.covers(thread) }
            guard let covering, covering.scope != .thread(thread), covering.signal == nil,
                refusal(.kill, in: thread.process) != nil
            else { return nil }
            return ResumeAction(.thread(thread), covering.kind, signal: signal)
        }
    }

    private func mayHave(_ signal: Signal, _ scope: ResumeAction.Scope) -> Bool {
        guard case .thread(let thread) = scope else { return false }
        return pendingSignals[thread] == signal || refusal(.kill, in: thread.process) == nil
    }

    private func processes(in scope: ResumeAction.Scope) -> [ProcessID] {
        switch scope {
        case .thread(let thread): [thread.process]
        case .process(let process): [process]
        case .all: target.processes
        }
    }

    func interrupt() throws(TargetError) {
        try target.interrupt()
    }

    func nextEvent() throws(TargetError) -> TargetEvent? {
        let event = try target.nextEvent()
        switch event {
        case .stopped(let thread, .signal(let signal))?: pendingSignals[thread] = signal
        case .stopped(let thread, .executed)?: programs[thread.process] = nil
        case .exited?, .terminated?: forgetGone()
        default: break
        }
        return event
    }

    var eventDescriptor: Int32 { target.eventDescriptor }
    var stopRegisters: (any StopRegisters)? { target.stopRegisters }
    var eventSelection: (any EventSelection)? { target.eventSelection }
    var jobControl: (any JobControl)? { target.jobControl }
    var watchpointCountMax: Int? { target.watchpointCountMax }
    var systemCallCatching: (any SystemCallCatching)? { target.systemCallCatching }
    var nonStopControl: (any NonStopControl)? { target.nonStopControl }
    var processorViews: (any ProcessorViews)? { target.processorViews }

    // What is judged below: GuardedAbilities.
    var processListing: (any ProcessListing)? { target.processListing.map { _ in self } }
    var files: (any TargetFiles)? { target.files.map { _ in self } }
    var processDetails: (any ProcessDetails)? { target.processDetails.map { _ in self } }
    var signalInformation: (any SignalInformation)? { target.signalInformation.map { _ in self } }
    var signalPolicy: (any SignalPolicy)? { target.signalPolicy.map { _ in self } }
    var breakpointJudging: (any BreakpointJudging)? { target.breakpointJudging.map { _ in self } }
    var systemTables: (any SystemTables)? { target.systemTables.map { _ in self } }
    // GuardedPlatform.
    var hostFacts: (any HostFacts)? { target.hostFacts.map { _ in self } }
    var platformServices: (any PlatformServices)? { target.platformServices.map { _ in self } }
    var memoryAllocation: (any MemoryAllocation)? { target.memoryAllocation.map { _ in self } }
    var processAwaiting: (any ProcessAwaiting)? { target.processAwaiting.map { _ in self } }
    var consoleInput: (any ConsoleInput)? { target.consoleInput.map { _ in self } }
}
