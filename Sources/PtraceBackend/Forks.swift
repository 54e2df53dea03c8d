internal import DebugTarget
internal import LinuxSystem

// fork, vfork and clone without CLONE_THREAD. The kernel attaches the child to us by itself. If the client
// wants to know, it becomes one of the processes; if not, it is freed of breakpoints and let go.
//
// A vfork child runs in its parent's memory while the parent waits. Where it is not followed, the traps
// must be out of that memory until it is done, and so that no other thread of the parent misses one
// meanwhile, those are held.

extension PtraceTarget {
    func takeFork(by thread: Tracee, sharesMemory: Bool) -> Outcome {
        guard let message = try? Ptrace.eventMessage(thread.id) else { return .goesOn(signal: 0) }
        let id = Int32(truncatingIfNeeded: message)
        return adoptChild(id, of: thread, as: sharesMemory ? .vfork : .fork)
    }

    func adoptChild(_ id: Int32, of thread: Tracee, as kind: OptionalEvent) -> Outcome {
        // A new tracee stops before it runs; if it was killed first, there is nothing to follow.
        let deadline = monotonicNanoseconds() + PtraceTarget.stopDeadlineNanoseconds
        let status = unclaimed.removeValue(forKey: id) ?? nextStatus(of: id, until: deadline)
        guard case .event? = status else {
            if status == nil { released.insert(id) }
            return .goesOn(signal: 0)
        }
        let parent = thread.process
        let sharesMemory = kind == .vfork || sharesMemory(id, thread.id)
        guard let space = childSpace(id, of: parent, sharesMemory: sharesMemory) else {
            try? Ptrace.detach(id, signal: 0)
            return .goesOn(signal: 0)
        }
        let isReported = reportedEvents.contains(kind) && !parent.isCompanion
        if !isReported, sharesMemory, kind == .fork || parent.isCompanion {
            try? Ptrace.setOptions(id, options(forLaunched: parent.wasLaunched, isLeader: true))
            accompany(id, bornOf: parent, space)
            return .goesOn(signal: 0)
        }
        guard isReported else {
            letChildGo(id, of: thread, space, sharesMemory: kind == .vfork)
            return .goesOn(signal: 0)
        }
        // It has those of the thread that made it, which need not be a leader.
        try? Ptrace.setOptions(id, options(forLaunched: parent.wasLaunched, isLeader: true))
        let child = TracedProcess(
            id: ProcessID(id),
            wasLaunched: parent.wasLaunched,
            space: space,
            architecture: parent.architecture
        )
        // What is planted in the parent is planted in the child, until the client says otherwise.
        child.judges = parent.judges
        try? child.setHardware(parent.hardware)
        let leader = child.addThread(id)
        leader.state = .stopped(.event)
        threadIndex[id] = leader
        traced.append(child)
        if kind == .vfork { parent.vforkParents.insert(thread.id) }
        let childThread = leader.threadID
        return .report(
            kind == .vfork ? .vforked(child: childThread) : .forked(child: childThread)
        )
    }

    private func childSpace(
        _ id: Int32,
        of parent: TracedProcess,
        sharesMemory: Bool
    ) -> AddressSpace? {
        if sharesMemory { return parent.space }
        guard let memory = try? ProcessMemory(process: id, thread: id) else { return nil }
        return parent.space.copy(for: memory)
    }

    private func letChildGo(
        _ id: Int32,
        of thread: Tracee,
        _ space: AddressSpace,
        sharesMemory: Bool
    ) {
        let parent = thread.process
        if !sharesMemory {
            space.removeAllTraps()
        } else if !space.isEmpty {
            parent.vforkParents.insert(thread.id)
            // Those that are born while these are being stopped stop by themselves, and are held then.
            stop(parent.allThreads.filter { $0 !== thread })
            space.suspendTraps()
        }
        try? Ptrace.detach(id, signal: 0)
        resumeIdle()
    }

    func takeVforkDone(by thread: Tracee) -> Outcome {
        endSharing(of: thread.process, by: thread.id)
        return reportedEvents.contains(.vfork) ? .report(.vforkDone) : .goesOn(signal: 0)
    }

    /// Notes that a thread waits for its vfork child no longer.
    func endSharing(of process: TracedProcess, by thread: Int32) {
        guard process.vforkParents.remove(thread) != nil, process.vforkParents.isEmpty else {
            return
        }
        process.space.resumeTraps()
        resumeIdle()
    }
}
