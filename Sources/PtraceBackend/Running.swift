public import DebugTarget
internal import LinuxSystem

// Setting threads going and stopping them.

extension PtraceTarget {
    // MARK: Resuming

    /// Sets threads going, or makes the next kept event known instead.
    public func resume(_ actions: [ResumeAction]) throws(TargetError) {
        // What it is meant for may have ended, without the client having heard of that yet.
        if isNonStop { return resumeIndependently(actions) }
        guard !traced.isEmpty else { throw TargetError(.invalid, "no process is being debugged") }
        guard !isRunning else { throw TargetError(.invalid, "the program is running already") }
        lastActions = actions
        for thread in allThreads { assign(action: action(covering: thread.threadID), to: thread) }
        isRunning = true
        isInterruptRequested = false
        watchConsoles(true)
        if !hasReportable {
            stepOverTraps()
            if !hasReportable {
                for thread in allThreads where thread.isReadyToGo { go(on: thread) }
            }
        }
        // What has happened already will not signal itself.
        wake()
    }

    var allThreads: [Tracee] { traced.flatMap(\.allThreads) }

    private func action(covering thread: ThreadID) -> ResumeAction? {
        lastActions.first { $0.scope.covers(thread) }
    }

    /// What a thread that is born now is to do.
    func action(for thread: ThreadID) -> ResumeAction.Kind? {
        if isNonStop { return .run }
        guard isRunning, let action = action(covering: thread) else { return nil }
        // A new thread does not share its parent's step.
        return action.kind == .run ? .run : nil
    }

    func assign(action: ResumeAction?, to thread: Tracee) {
        thread.action = action?.kind
        guard let action, thread.isStopped else { return }
        if case .signal(let signal)? = thread.pending?.reason, passedSignals.contains(signal),
            !thread.isStepping
        {
            // The client has said since then that it does not want to know.
            thread.pending = nil
            thread.signal = signal.rawValue
        }
        if let signal = action.signal {
            if thread.signal != 0 { send(thread.signal, to: thread) }
            thread.signal = signal.rawValue
        }
        if let pending = thread.pending, !isStillValid(pending, of: thread) {
            thread.pending = nil
        }
    }

    /// Whether a stop that was kept back still means something.
    private func isStillValid(_ pending: Tracee.PendingStop, of thread: Tracee) -> Bool {
        let process = thread.process
        switch pending.reason {
        case .breakpoint(let address):
            let counter = try? process.architecture.programCounter(of: thread.id)
            return process.space.hasTrap(at: address) && counter == pending.programCounter
        case .hardwareBreakpoint(let address):
            return process.hardware.contains { $0.kind == .hardware && $0.address == address }
        case .watchpoint: return !process.hardwarePlan.slots.isEmpty
        // The client has told the thread something else since then.
        case .stepped, .interrupted: return false
        default: return true
        }
    }

    /// Lets a stopped thread go on with its action and its signal.
    func go(on thread: Tracee) {
        guard case .stopped(let stop) = thread.state else { return }
        let process = thread.process
        if thread.inheritsOptions, thread.id != process.id.rawValue {
            let own = options(forLaunched: process.wasLaunched, isLeader: false)
            try? Ptrace.setOptions(thread.id, own)
            thread.inheritsOptions = false
        }
        if thread.hardwareVersion != process.hardwareVersion {
            try? process.architecture.apply(process.hardwarePlan, to: thread.id)
            thread.hardwareVersion = process.hardwareVersion
        }
        let isFree = thread.isModified || thread.isStepping
        let signal = takeSignal(of: thread, at: stop)
        thread.state = .running
        thread.registers = nil
        thread.isModified = false
        thread.reported = nil
        thread.pending = nil
        // A thread that is gone (ESRCH) was killed; its exit status is on the way.
        if stop == .group, !isFree {
            try? Ptrace.listen(thread.id)
        } else {
            try? Ptrace.resume(thread.id, resumption(of: thread), signal: signal)
        }
    }

    private func resumption(of thread: Tracee) -> Ptrace.Resumption {
        if thread.isStepping { return .step }
        return thread.process.caughtSystemCalls == .none ? .run : .toSystemCall
    }

    /// The signal to give to the kernel with the request that resumes the thread.
    private func takeSignal(of thread: Tracee, at stop: Tracee.Stop) -> Int32 {
        let signal = thread.signal
        let information = thread.signalInformation
        thread.signal = 0
        thread.signalInformation = nil
        guard signal != 0 else { return 0 }
        guard stop == .signal else {
            send(signal, to: thread)
            return 0
        }
        if let information { try? Ptrace.setSignalInformation(thread.id, information) }
        return signal
    }

    private static let firstRealTimeSignal: Int32 = 32

    /// Sends a thread a signal that is not to be reported.
    func send(_ signal: Int32, to thread: Tracee) {
        let process = thread.process.id.rawValue
        guard (try? signalThread(process: process, thread: thread.id, signal)) != nil else {
            return
        }
        // A standard signal that waits already is not queued again.
        let isQueued = signal >= PtraceTarget.firstRealTimeSignal
        guard isQueued || !thread.signalsOnTheWay.contains(signal) else { return }
        thread.signalsOnTheWay.append(signal)
    }

    /// Makes `eventDescriptor` readable.
    func wake() {
        childSignals.raise()
    }

    // MARK: Stopping

    /// Asks the running threads to stop; an event follows.
    public func interrupt() throws(TargetError) {
        guard isRunning || awaited != nil else { return }
        isInterruptRequested = true
        wake()
    }

    /// Stops all threads of all processes.
    func stopAll() {
        isStopping = true
        defer { isStopping = false }
        stop(nil)
    }

    /// Stops threads and takes the statuses that come in meanwhile.
    ///
    /// - Parameter chosen: which; nil for all there are, and those that are born meanwhile.
    func stop(_ chosen: [Tracee]?) {
        let wasStopping = isStopping
        isStopping = true
        defer { isStopping = wasStopping }
        let deadline = monotonicNanoseconds() + PtraceTarget.stopDeadlineNanoseconds
        while true {
            let running = (chosen ?? allThreads).filter { isAwaited($0) }
            if running.isEmpty { return }
            for thread in running where !thread.isInterruptSent {
                thread.isInterruptSent = true
                try? Ptrace.interrupt(thread.id)
            }
            takeStatuses()
            guard running.contains(where: { isAwaited($0) }) else { continue }
            if monotonicNanoseconds() > deadline {
                for thread in running where isAwaited(thread) { thread.isUnresponsive = true }
                return
            }
            waitForChange()
        }
    }

    /// Sets going what stopped without a report while threads were being stopped for another reason.
    ///
    /// To be called wherever some threads were stopped while the others run. Where there is something to
    /// report, all threads are about to be stopped anyway.
    func resumeIdle() {
        resumeCompanions()
        guard isRunning, !isStopping, !mustStop else { return }
        for thread in allThreads where thread.isReadyToGo { go(on: thread) }
    }

    private func isAwaited(_ thread: Tracee) -> Bool {
        guard thread.state == .running, !thread.isUnresponsive else { return false }
        guard threadIndex[thread.id] === thread else { return false }
        // The kernel does not let a vfork parent stop until its child is done with its memory.
        return !thread.process.vforkParents.contains(thread.id)
    }

    /// Waits for the next status of one thread, up to a point in time.
    func nextStatus(of thread: Int32, until deadline: UInt64) -> WaitStatus? {
        while true {
            if let (_, status) = TraceeWait.next(of: thread) { return status }
            guard monotonicNanoseconds() < deadline else { return nil }
            waitForChange(milliseconds: 1)
        }
    }

    /// Waits a little for SIGCHLD; it may have been taken by somebody else, so not for ever.
    func waitForChange(milliseconds: Int = 10) {
        var requests = [PollRequest(childSignals.number)]
        _ = try? pollDescriptors(&requests, timeoutMilliseconds: milliseconds)
        childSignals.drain()
    }

    // MARK: Reporting

    /// The next event, if one has happened; never blocks.
    public func nextEvent() throws(TargetError) -> TargetEvent? {
        childSignals.drain()
        takeStatuses()
        passTraps()
        lookForAwaited()
        let wasRunning = isRunning
        settle()
        if wasRunning, !consoles.isEmpty { takeOutput(isStop: !isRunning) }
        return queue.isEmpty ? nil : queue.removeFirst()
    }

    /// Waits until there is an event; for programs that have nothing else to wait for.
    public func waitForEvent() throws(TargetError) -> TargetEvent? {
        while isRunning || !queue.isEmpty {
            if let event = try nextEvent() { return event }
            waitForChange()
        }
        return nil
    }

    var hasReportable: Bool {
        !endedProcesses.isEmpty || !endedThreads.isEmpty
            || allThreads.contains { $0.pending != nil && $0.action != nil }
    }

    /// Whether all threads are about to be stopped.
    var mustStop: Bool { !isNonStop && hasReportable }

    /// Turns what has happened into one event, with all threads stopped.
    private func settle() {
        guard isRunning else { return }
        if isNonStop { return reportIndependently() }
        guard hasReportable || isInterruptRequested || isNothingLeftToRun else { return }
        stopAll()
        isRunning = false
        watchConsoles(false)
        let wasInterrupted = isInterruptRequested
        isInterruptRequested = false
        guard let event = takeFirst() ?? (wasInterrupted ? interruption() : nil) else {
            queue.append(.noneResumed)
            return
        }
        queue.append(event)
    }

    private var isNothingLeftToRun: Bool {
        !traced.isEmpty
            && traced.allSatisfy { process in
                // A leader that has ended alone is followed by its process's exit status.
                process.ending == nil && !process.allThreads.allSatisfy { $0.state == .ending }
                    && !process.allThreads.contains { $0.state == .running || $0.isHeld }
            }
    }

    func takeFirst() -> TargetEvent? {
        let waiting = allThreads.filter { $0.pending != nil && $0.action != nil }
        let stepped = waiting.first { $0.pending?.reason == .stepped }
        // Whose turn it is: a thread that meets its breakpoint again at once would starve the others.
        let earliest = waiting.min { one, other in
            (one.lastReportOrder, one.pending?.order ?? 0)
                < (other.lastReportOrder, other.pending?.order ?? 0)
        }
        if let ended = endedProcesses.first, stepped == nil,
            ended.order < earliest?.pending?.order ?? .max
        {
            endedProcesses.removeFirst()
            return end(of: ended.process)
        }
        if let thread = stepped ?? earliest, let pending = thread.pending {
            thread.pending = nil
            return report(pending.reason, of: thread)
        }
        guard !endedThreads.isEmpty else { return nil }
        let ended = endedThreads.removeFirst()
        return .threadExited(ended.thread, status: ended.status)
    }

    private func report(_ reason: StopReason, of thread: Tracee) -> TargetEvent {
        thread.reported = reason
        thread.haltReason = nil
        if isNonStop { thread.action = nil }
        stopCounter += 1
        thread.lastReportOrder = stopCounter
        lastReported = thread.threadID
        return .stopped(thread.threadID, reason)
    }

    private func end(of process: TracedProcess) -> TargetEvent? {
        traced.removeAll { $0 === process }
        releaseCompanions()
        consoles.indices.forEach { index in
            if consoles[index].process == process.id { consoles[index].isOver = true }
        }
        switch process.ending {
        case .exited(let status): return .exited(process.id, status: status)
        case .terminated(let signal): return .terminated(process.id, Signal(signal))
        case nil: return nil
        }
    }

    /// The thread shown for an interrupt: the one shown last, if it still can be.
    private func interruption() -> TargetEvent? {
        let resumed = allThreads.filter { $0.action != nil }
        let stopped = resumed.filter(\.isStopped)
        let candidates = stopped.isEmpty ? resumed : stopped
        let last = candidates.first { $0.threadID == lastReported }
        let leader = candidates.first { $0 === $0.process.mainThread }
        guard let thread = last ?? leader ?? candidates.first else { return nil }
        return report(.interrupted, of: thread)
    }
}
