public import DebugTarget

/// Where and why execution came to a stop.
public struct StopReport {
    /// What kind of stop it is.
    public enum Kind: Equatable {
        /// A step, or a place to run to, was reached.
        case step
        /// A breakpoint or watchpoint of the user's.
        case breakpoint
        /// A signal.
        case signal(Signal)
        /// The debugger broke in, or a process has just come.
        case interrupt
        /// A thread began or ended.
        case thread
        /// A process forked, or executes another program.
        case process
        /// A module came or went.
        case module
        /// A system call.
        case systemCall
        /// A process ended.
        case exit
    }

    /// What is printed of the event, without the location.
    public var lines: [String] = []
    /// The numbers of the breakpoints that were hit.
    public var breakpoints: [Int] = []
    /// What those breakpoints want carried out.
    public var commands: [String] = []
    /// What kind of stop it is.
    public var kind = Kind.step

    /// The report of a goal that was reached.
    public init() {}

    init(lines: [String] = [], kind: Kind) {
        self.lines = lines
        self.kind = kind
    }
    /// Whether a process ended.
    public var isExit: Bool { kind == .exit }
    /// Whether what was asked for was reached, and nothing else came between.
    public var isGoal: Bool { kind == .step && lines.isEmpty }
}

/// A place to stop at once, for a step or for `g ADDRESS`.
struct TemporaryStop {
    var address: UInt64
    /// The only thread it is for.
    var thread: ThreadID?
    /// The least stack pointer with which it counts, so that deeper calls of the same function
    /// pass.
    var stackAtLeast: UInt64?

    /// How far above the least stack pointer a return is looked for: it is there, and other threads' stacks are not.
    private static let stackSpanBytes: UInt64 = 1 << 20

    /// What the target can judge of it, so that other threads and deeper calls do not cost a stop each.
    func condition(_ description: TargetDescription) -> BreakpointCondition? {
        guard thread != nil, let stackAtLeast,
            let pointer = description.register(playing: .stackPointer)
        else { return nil }
        let above = BreakpointCondition.binary(
            .subtract,
            .register(pointer.number),
            .constant(stackAtLeast)
        )
        return .binary(.less, above, .constant(Self.stackSpanBytes))
    }
}

/// What a plan wants next.
enum PlanStep {
    case finished
    case resume(ResumeAction.Kind, [TemporaryStop])
}

/// What is to be done until the prompt comes back: it is asked at the start and whenever a step or
/// a temporary stop of its own is reached.
protocol ExecutionPlan {
    mutating func next(_ session: DebugSession, _ thread: ThreadState) throws -> PlanStep
}

/// Runs until something happens, or until one of the addresses is reached.
struct GoPlan: ExecutionPlan {
    let stops: [UInt64]
    private var hasStarted = false

    init(stops: [UInt64]) {
        self.stops = stops
    }

    mutating func next(_ session: DebugSession, _ thread: ThreadState) -> PlanStep {
        defer { hasStarted = true }
        if hasStarted { return .finished }
        return .resume(.run, stops.map { TemporaryStop(address: $0) })
    }
}

/// What an event means for the plan.
enum Judgement {
    case report(StopReport)
    case ignore
    case reached
}

extension DebugSession {
    /// Lets everything run until something happens or one of the addresses is reached.
    public func go(until stops: [UInt64] = []) throws -> StopReport {
        try run(GoPlan(stops: stops), for: "g")
    }

    func run(_ first: some ExecutionPlan, for command: String) throws -> StopReport {
        var thread = try requireThread(for: command)
        if isPostMortem { throw EngineError(.noDebuggee, command) }
        if looksOnly {
            throw EngineError.sentence(
                "The debugger is not attached, so process execution cannot be monitored."
            )
        }
        interruptWasSent = false
        moduleEvents = []
        var plan = first
        while case .resume(let kind, let stops) = try plan.next(self, thread) {
            var isReached = false
            while !isReached {
                let event = try resumeOnce(thread, kind, stops)
                switch try judge(event, thread, stops) {
                case .report(let report): return report
                case .ignore:
                    guard let next = survivor(of: thread) else {
                        return StopReport(kind: .exit)
                    }
                    if next !== thread {
                        // The thread that the plan was for is gone; the others just run.
                        thread = next
                        select(next)
                        if kind != .run { return try run(GoPlan(stops: []), for: command) }
                    }
                    // Ctrl+C met a stop that nobody was to hear of, and that stop is its answer.
                    if interruptWasSent { return interrupted(eventThread ?? thread) }
                case .reached: isReached = true
                }
            }
            if interruptWasSent || host.takeInterrupt() { return interrupted(thread) }
        }
        select(thread)
        return try arrived(thread)
    }

    /// The report of a plan that came to its end; a breakpoint that it ended on counts as hit.
    private func arrived(_ thread: ThreadState) throws -> StopReport {
        eventThread = thread
        guard let process = process(of: thread) else { return StopReport() }
        let address = try programCounter(of: thread)
        let hit = try hits(of: breakpoints(at: address, in: process), thread)
        return hit ?? StopReport()
    }

    private func interrupted(_ thread: ThreadState) -> StopReport {
        select(thread)
        return StopReport(lines: [note(thread, SignalText.breakInstruction)], kind: .interrupt)
    }

    /// The thread itself while there is one of it, else another; nil when all processes are gone.
    private func survivor(of thread: ThreadState) -> ThreadState? {
        if processes.contains(where: { $0.threads.contains { $0 === thread } }) { return thread }
        return currentThread ?? processes.last?.threads.first
    }

    // MARK: - Resuming

    private func resumeOnce(
        _ thread: ThreadState,
        _ kind: ResumeAction.Kind,
        _ stops: [TemporaryStop]
    ) throws -> TargetEvent {
        try synchronizeBreakpoints(temporary: stops)
        for standing in try threadsOnBreakpoints(thread) {
            let event = try stepOff(standing, stops)
            guard case .stopped(standing.id, .stepped) = event else { return event }
            guard standing === thread else { continue }
            if kind == .step { return event }
            if case .stepRange(let range) = kind,
                !range.contains(TargetAddress(try programCounter(of: thread)))
            {
                return event
            }
        }
        if interruptWasSent { return .stopped(thread.id, .interrupted) }
        try synchronizeSystemCalls()
        try target.resume(try actions(thread, kind))
        didResume()
        return try waitForEvent()
    }

    /// Threads that would run straight into a trap instruction at which they stand.
    private func threadsOnBreakpoints(_ thread: ThreadState) throws -> [ThreadState] {
        var candidates = [thread]
        if let event = eventThread, event !== thread { candidates.append(event) }
        let isSteppedOver = target.lineSaving?.stepsOverBreakpoints ?? false
        return try candidates.filter { candidate in
            if isSteppedOver, candidate === eventThread { return false }
            guard !candidate.isHeld, let process = process(of: candidate),
                !process.inserted.isEmpty
            else { return false }
            let address = TargetAddress(try programCounter(of: candidate))
            return process.inserted.contains {
                $0.address == address && ($0.kind == .software || $0.kind == .hardware)
            }
        }
    }

    /// Moves one thread over the breakpoint it stands at while all others stand still.
    private func stepOff(
        _ thread: ThreadState,
        _ stops: [TemporaryStop]
    ) throws -> TargetEvent {
        guard let process = process(of: thread) else { throw EngineError(.noDebuggee, "g") }
        let address = TargetAddress(try programCounter(of: thread))
        let here = process.inserted.filter { $0.address == address }
        for breakpoint in here {
            try target.removeBreakpoint(breakpoint, in: process.id)
            process.inserted.remove(breakpoint)
        }
        let action = ResumeAction(.thread(thread.id), .step, signal: thread.pendingSignal)
        try target.resume([action])
        thread.pendingSignal = nil
        stackCache = nil
        let event = try waitForEvent()
        if processes.contains(where: { $0 === process }), target.processes.contains(process.id) {
            try synchronizeBreakpoints(temporary: stops)
        }
        return event
    }

    private func actions(
        _ thread: ThreadState,
        _ kind: ResumeAction.Kind
    ) throws -> [ResumeAction] {
        var actions: [ResumeAction] = []
        if kind != .run || thread.pendingSignal != nil {
            actions.append(ResumeAction(.thread(thread.id), kind, signal: thread.pendingSignal))
        }
        let others = processes.flatMap(\.threads).filter { $0 !== thread || actions.isEmpty }
        for other in others where other.pendingSignal != nil && !other.isHeld {
            actions.append(ResumeAction(.thread(other.id), .run, signal: other.pendingSignal))
        }
        guard processes.contains(where: { $0.threads.contains(where: \.isHeld) }) else {
            return actions + [ResumeAction(.all, .run)]
        }
        try processes.forEach { try refreshThreads(of: $0) }
        for other in processes.flatMap(\.threads)
        where !other.isHeld && other !== thread && other.pendingSignal == nil {
            actions.append(ResumeAction(.thread(other.id), .run))
        }
        if actions.isEmpty, !thread.isHeld {
            actions.append(ResumeAction(.thread(thread.id), kind))
        }
        guard !actions.isEmpty else {
            throw EngineError.sentence(
                "All threads are frozen or suspended; ~*u and ~*m let them run"
            )
        }
        return actions
    }

    private func didResume() {
        for thread in processes.flatMap(\.threads) {
            thread.pendingSignal = nil
            thread.stopSignal = nil
        }
        stackCache = nil
        currentFrame = 0
    }

    func waitForEvent() throws -> TargetEvent {
        while true {
            if let event = try target.nextEvent() {
                guard case .output(let bytes) = event else { return event }
                if filters[.output].reaction != .ignore {
                    output.write(String(decoding: bytes, as: UTF8.self), .debuggee)
                }
                continue
            }
            if host.wait(for: target.eventDescriptor) == .interrupted {
                interruptWasSent = true
                try target.interrupt()
            }
        }
    }

    // MARK: - Judging events

    private func judge(
        _ event: TargetEvent,
        _ thread: ThreadState,
        _ stops: [TemporaryStop]
    ) throws -> Judgement {
        switch event {
        case .stopped(let id, let reason):
            guard let stopped = try threadState(id) else { return .ignore }
            eventThread = stopped
            markModulesStale()
            return try judge(reason, stopped, thread, stops)
        case .exited(let id, let status):
            return judgeEnd(id, "code \(Format.hex(UInt64(UInt32(bitPattern: status))))")
        case .terminated(let id, let signal):
            return judgeEnd(id, "killed by \(SignalText.name(of: signal))")
        case .threadExited(let id, let status):
            return judgeThreadEnd(id, status)
        case .output, .noneResumed:
            return .ignore
        }
    }

    /// The end of a process stops unless others are left and nobody wants to hear of it.
    private func judgeEnd(_ id: ProcessID, _ how: String) -> Judgement {
        var report = ended(id, how)
        let filter = filters[.exitProcess]
        if let command = filter.command { report.commands.append(command) }
        guard !processes.isEmpty, filter.reaction == .output || filter.reaction == .ignore else {
            return .report(report)
        }
        if filter.reaction == .output { report.lines.forEach { output.line($0) } }
        return .ignore
    }

    private func judgeThreadEnd(_ id: ThreadID, _ status: Int32) -> Judgement {
        guard let process = processes.first(where: { $0.id == id.process }) else { return .ignore }
        let number = process.threads.first { $0.id == id }.map { "\($0.number)" } ?? "?"
        process.threads.removeAll { $0.id == id }
        guard let other = process.threads.first else { return .ignore }
        if eventThread?.id == id { eventThread = other }
        if currentThread?.id == id { select(other) }
        let tid = Format.hex(UInt64(truncatingIfNeeded: id.number))
        let code = Format.hex(UInt64(UInt32(bitPattern: status)))
        return judge(
            .exitThread,
            other,
            "Exit thread \(number):\(tid), code \(code)",
            kind: .thread
        )
    }

    private func judge(
        _ reason: StopReason,
        _ stopped: ThreadState,
        _ thread: ThreadState,
        _ stops: [TemporaryStop]
    ) throws -> Judgement {
        switch reason {
        case .stepped:
            return stopped === thread ? .reached : .ignore
        case .breakpoint(let address), .hardwareBreakpoint(let address):
            return try judgeBreakpoint(address.rawValue, stopped, thread, stops)
        case .watchpoint(_, let address):
            guard let process = process(of: stopped) else { return .ignore }
            let hit = try hits(of: breakpoints(at: address.rawValue, in: process), stopped)
            return hit.map { .report($0) } ?? .ignore
        case .signal(let signal):
            return judgeSignal(signal, stopped)
        case .interrupted, .halted, .attached, .launched:
            select(stopped)
            let line = note(stopped, SignalText.breakInstruction)
            return .report(StopReport(lines: [line], kind: .interrupt))
        case .forked(let child), .vforked(let child):
            try letGo(of: child, parent: stopped, sharesMemory: reason == .vforked(child: child))
            let own = processes.first { $0.id == child.process }
            let id = Format.hex(UInt64(UInt32(bitPattern: child.process.rawValue)))
            let words = own.map { "Create process \($0.number):\(id)" }
            return judge(
                .createProcess,
                stopped,
                words ?? "Create process \(id), which is not debugged (.childdbg 1)",
                kind: .process
            )
        case .vforkDone:
            process(of: stopped)?.isSharedWithChild = false
            return .ignore
        case .executed(let path):
            didExecute(path, stopped)
            return judge(
                .execute,
                stopped,
                "Execute program \(path)",
                kind: .process,
                name: path
            )
        case .modulesChanged:
            process(of: stopped).map { process in
                process.modulesAreStale = true
                refreshModules(of: process)
            }
            return judgeModuleEvents(stopped) ?? .ignore
        case .threadCreated:
            let tid = Format.hex(UInt64(truncatingIfNeeded: stopped.id.number))
            let text = "Create thread \(stopped.number):\(tid)"
            return judge(.createThread, stopped, text, kind: .thread)
        case .syscallEntry(let number):
            let text = "Enter system call \(SystemCallNames.text(of: number))"
            return judge(.systemCall, stopped, text, kind: .systemCall)
        case .syscallReturn(let number):
            let result = (try? pseudoValue("retreg", of: stopped)) ?? 0
            let text =
                "Leave system call \(SystemCallNames.text(of: number)) = "
                + SystemCallNames.result(result)
            return judge(.systemCall, stopped, text, kind: .systemCall)
        }
    }

    private func judgeBreakpoint(
        _ address: UInt64,
        _ stopped: ThreadState,
        _ thread: ThreadState,
        _ stops: [TemporaryStop]
    ) throws -> Judgement {
        guard let process = process(of: stopped) else { return .ignore }
        let isOurs = address == process.moduleEventAddress
        if isOurs, moduleListIsConsistent(of: process) {
            process.modulesAreStale = true
            refreshModules(of: process)
        }
        let user = breakpoints(at: address, in: process)
        if let report = try hits(of: user, stopped) { return .report(report) }
        if isOurs, let judgement = judgeModuleEvents(stopped) { return judgement }
        for stop in stops where stop.address == address {
            if let wanted = stop.thread, wanted != stopped.id { continue }
            if let least = stop.stackAtLeast,
                try value(.stackPointer, of: stopped) < least
            {
                continue
            }
            guard stopped === thread || stop.thread != nil else {
                select(stopped)
                return .report(StopReport())
            }
            return .reached
        }
        let isExpected = isOurs || !user.isEmpty || stops.contains { $0.address == address }
        if isExpected { return .ignore }
        select(stopped)
        let line = note(stopped, SignalText.breakInstruction)
        return .report(StopReport(lines: [line], kind: .interrupt))
    }

    /// Counts the breakpoints that a thread ran into; nil when none of them stops it.
    private func hits(
        of candidates: [LogicalBreakpoint],
        _ stopped: ThreadState
    ) throws -> StopReport? {
        let previous = (currentProcess, currentThread)
        select(stopped)
        var report = StopReport(kind: .breakpoint)
        for breakpoint in candidates where try counts(breakpoint, stopped) {
            report.breakpoints.append(breakpoint.id)
            report.lines.append("\(timeStamp)Breakpoint \(breakpoint.id) hit")
            if let command = breakpoint.command { report.commands.append(command) }
            if breakpoint.isOneShot { breakpoints[breakpoint.id] = nil }
        }
        guard !report.breakpoints.isEmpty else {
            (currentProcess, currentThread) = previous
            return nil
        }
        let names = report.breakpoints.map(String.init).joined(separator: ", ")
        _ = note(stopped, "Hit breakpoint \(names)")
        return report
    }

    private func counts(
        _ breakpoint: LogicalBreakpoint,
        _ stopped: ThreadState
    ) throws -> Bool {
        if let thread = breakpoint.thread, thread != stopped.number { return false }
        if let condition = breakpoint.condition {
            // A condition that cannot be evaluated stops: the user has to see why.
            let value = try? evaluate(condition)
            if value == 0 { return false }
        }
        if let depth = breakpoint.depth {
            let frames = try stack(of: stopped, maximum: depth.limit + 1).count
            if depth.isMaximum ? frames > depth.limit : frames < depth.limit { return false }
        }
        guard breakpoint.passesLeft > 1 else {
            breakpoints[breakpoint.id]?.passesLeft = 1
            return true
        }
        breakpoints[breakpoint.id]?.passesLeft -= 1
        return false
    }

    /// `pid.tid` in hexadecimal.
    public static func place(_ thread: ThreadID) -> String {
        Format.hex(UInt64(UInt32(bitPattern: thread.process.rawValue))) + "."
            + Format.hex(UInt64(UInt32(truncatingIfNeeded: thread.number)))
    }
}
