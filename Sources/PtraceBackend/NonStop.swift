public import DebugTarget
internal import LinuxSystem

// Threads that stop one by one. What differs from all-stop: a stop is reported without anything else being
// stopped; a reported thread has no action any more and stands until it is given one; whoever has to have others
// out of the way (a step over a breakpoint, a change of debug registers) stops them for as long as that takes.

extension PtraceTarget: NonStopControl {
    /// Whether threads stop one by one.
    public func setNonStop(_ isOn: Bool) throws(TargetError) {
        guard isOn != isNonStop else { return }
        guard !allThreads.contains(where: { $0.state == .running }) else {
            throw TargetError(.invalid, "threads run: non-stop mode is changed while all stand")
        }
        isNonStop = isOn
        isRunning = false
        // What nobody has told them stays so.
        for thread in allThreads { thread.action = nil }
    }

    /// Asks threads that run to stop, each with an event `.halted`.
    public func halt(_ scope: ResumeAction.Scope) throws(TargetError) {
        guard isNonStop else {
            throw TargetError(.invalid, "single threads are stopped in non-stop mode only")
        }
        for thread in allThreads where scope.covers(thread.threadID) { halt(thread, .halted) }
        wake()
    }

    /// Threads that stand and what they were last reported for.
    public var standing: [(thread: ThreadID, reason: StopReason)] {
        allThreads.filter { $0.isStopped && $0.action == nil }.map {
            ($0.threadID, $0.reported ?? .halted)
        }
    }

    private func halt(_ thread: Tracee, _ reason: StopReason) {
        guard thread.action != nil, thread.pending == nil else { return }
        switch thread.state {
        case .running:
            thread.haltReason = thread.haltReason ?? reason
            guard !thread.isInterruptSent else { return }
            thread.isInterruptSent = true
            try? Ptrace.interrupt(thread.id)
        // It was about to go on.
        case .stopped: makePending(reason, of: thread)
        case .ending: break
        }
    }

    /// Sets stopped threads going, whatever others do.
    func resumeIndependently(_ actions: [ResumeAction]) {
        isRunning = !traced.isEmpty
        for thread in allThreads where thread.isStopped && thread.action == nil {
            guard let action = actions.first(where: { $0.scope.covers(thread.threadID) }) else {
                continue
            }
            assign(action: action, to: thread)
            guard thread.pending == nil, thread.isToPassItsTrap, standsAtTrap(thread)
            else {
                thread.isPassing = false
                continue
            }
            thread.isPassing = true
            passing.append(thread.id)
        }
        watchConsoles(true)
        passTraps()
        resumeIdle()
        wake()
    }

    /// Makes events of all that has happened.
    func reportIndependently() {
        if isInterruptRequested {
            isInterruptRequested = false
            let running = allThreads.filter { $0.action != nil && $0.pending == nil }
            let chosen = running.first { $0 === $0.process.mainThread } ?? running.first
            if let chosen { halt(chosen, .interrupted) }
        }
        while let event = takeFirst() { queue.append(event) }
        if traced.isEmpty { isRunning = false }
    }

    /// Has a process's threads stand while something of theirs is changed.
    func whileStanding<Answer>(
        _ process: TracedProcess,
        _ body: () throws(TargetError) -> Answer
    ) throws(TargetError) -> Answer {
        guard isNonStop else { return try body() }
        stop(process.allThreads)
        defer { resumeIdle() }
        return try body()
    }
}
