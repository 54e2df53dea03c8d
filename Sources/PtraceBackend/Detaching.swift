public import DebugTarget
internal import LinuxSystem

// Letting go and killing. A process that is let go of runs on as if we had never been there: the traps are
// out of its memory, its debug registers are empty, a signal that was held back is delivered, a group stop
// stays in force, and a system call that we interrupted starts again (the kernel sees to the last two).

extension PtraceTarget {
    /// Lets go of a process: breakpoints are removed, threads run on.
    public func detach(from process: ProcessID) throws(TargetError) {
        let traced = try self.process(process)
        stop(traced.allThreads)
        if isShared(traced), !isVforkPair(traced) {
            // The others keep their breakpoints in the memory, and this one has to live with them.
            makeCompanion(traced)
            endedProcesses.removeAll { $0.process === traced }
            return settleAfterLoss()
        }
        // New threads may have been born while the others were being stopped.
        stop(traced.allThreads)
        releaseAllocations(of: traced)
        withdrawTraps(of: traced)
        try? traced.setHardware([])
        for thread in traced.allThreads { letGo(of: thread) }
        forget(traced)
        settleAfterLoss()
    }

    private func withdrawTraps(of process: TracedProcess) {
        let sharers = traced.filter { $0 !== process && $0.space === process.space }
        guard let parent = sharers.first else {
            process.space.removeAllTraps()
            return
        }
        if parent.vforkParents.isEmpty {
            // This one is the parent and goes before its vfork child.
            process.space.removeAllTraps()
            return
        }
        guard !process.space.isEmpty else { return }
        process.space.suspendTraps()
    }

    func letGo(of thread: Tracee) {
        guard thread.state != .ending else { return }
        guard case .stopped(let stop) = thread.state else {
            // It does not stop now; it is let go of when it does.
            released.insert(thread.id)
            return
        }
        if thread.hardwareVersion != 0 {
            try? thread.process.architecture.apply(HardwarePlan(), to: thread.id)
        }
        let signal = signalForDetach(of: thread)
        if signal != 0, stop == .signal, let information = thread.signalInformation {
            try? Ptrace.setSignalInformation(thread.id, information)
        }
        try? Ptrace.detach(thread.id, signal: stop == .signal ? signal : 0)
        if signal != 0, stop != .signal {
            try? signalThread(process: thread.process.id.rawValue, thread: thread.id, signal)
        }
    }

    /// A signal the thread would have got without us.
    private func signalForDetach(of thread: Tracee) -> Int32 {
        if thread.signal != 0 { return thread.signal }
        guard case .signal(let signal)? = thread.pending?.reason ?? thread.reported else {
            return 0
        }
        if let kept = signalsKeptOnDetach { return kept.contains(signal) ? signal.rawValue : 0 }
        // What a debugger keeps to itself unless told otherwise.
        return [.interrupt, .trap].contains(signal) ? 0 : signal.rawValue
    }

    /// Lets go of a thread that has stopped at last.
    func release(_ id: Int32, _ status: WaitStatus) {
        switch status {
        case .exited, .terminated: released.remove(id)
        case .signalled(let signal):
            try? Ptrace.detach(id, signal: signal == Signal.trap.rawValue ? 0 : signal)
            released.remove(id)
        case .event(let event, _):
            if [.clone, .fork, .vfork].contains(event) { releaseChild(of: id) }
            try? Ptrace.detach(id, signal: 0)
            released.remove(id)
        case .systemCall:
            try? Ptrace.detach(id, signal: 0)
            released.remove(id)
        }
    }

    /// Lets go of what the kernel has attached to us with a thread that we let go of.
    private func releaseChild(of thread: Int32) {
        guard let message = try? Ptrace.eventMessage(thread) else { return }
        let child = Int32(truncatingIfNeeded: message)
        released.insert(child)
        if let status = unclaimed.removeValue(forKey: child) { release(child, status) }
    }

    /// Lets go of threads of a process that did not become one of ours; of those that do not stop, when
    /// they do.
    func abandon(_ threads: [Int32]) {
        for thread in threads { try? Ptrace.interrupt(thread) }
        released.formUnion(threads)
        for thread in threads {
            if let status = unclaimed.removeValue(forKey: thread) { release(thread, status) }
        }
        let deadline = monotonicNanoseconds() + PtraceTarget.abandonDeadlineNanoseconds
        while !released.isDisjoint(with: threads), monotonicNanoseconds() < deadline {
            takeStatuses()
            waitForChange(milliseconds: 1)
        }
        // What others have done meanwhile will not signal itself again.
        if isRunning { wake() }
    }

    /// Ends a process with SIGKILL and forgets it; its exit is not reported as an event.
    public func kill(_ process: ProcessID) throws(TargetError) {
        let traced = try self.process(process)
        defer {
            forget(traced)
            forgetConsole(of: process)
            settleAfterLoss()
        }
        // One that has ended and been waited for has no number any more: it may be somebody else's.
        guard traced.ending == nil else { return }
        try? signalProcess(process.rawValue, Signal.kill.rawValue)
        let deadline = monotonicNanoseconds() + PtraceTarget.killDeadlineNanoseconds
        let wasStopping = isStopping
        isStopping = true
        defer { isStopping = wasStopping }
        while traced.ending == nil {
            takeStatuses()
            if traced.ending != nil { return }
            guard monotonicNanoseconds() < deadline else {
                released.formUnion(traced.allThreads.map(\.id))
                throw TargetError(
                    .invalid,
                    "process \(process) was sent SIGKILL but has not ended yet: "
                        + "it is in an uninterruptible system call"
                )
            }
            waitForChange()
        }
    }

    /// Without processes nothing runs; with others left, those go on.
    private func settleAfterLoss() {
        releaseCompanions()
        if traced.isEmpty { isRunning = false }
        guard isRunning else { return }
        resumeIdle()
        // What happened meanwhile has been heard already and will not signal itself again.
        wake()
    }
}
