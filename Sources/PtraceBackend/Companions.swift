internal import DebugTarget
internal import LinuxSystem

// Companions: processes that share the memory of one being debugged without being its threads (clone(2) with CLONE_VM
// and without CLONE_THREAD or CLONE_VFORK), and that the client does not follow. Letting go of one would leave it to die
// of the first breakpoint that it runs into, and taking the breakpoints out for it would take them from the process that
// is being debugged. So it stays traced, unknown to the client: it passes breakpoints as if there were none, gets its
// signals, and is let go of when it executes another program or when nobody debugs the memory any more.

extension PtraceTarget {
    /// Whether two processes have the same memory (kcmp(2)); where the kernel does not say, they do not.
    func sharesMemory(_ first: Int32, _ second: Int32) -> Bool {
        ProcessMemory.isShared(first, second)
    }

    /// Keeps a new process that stands at its first stop.
    func accompany(
        _ id: Int32,
        bornOf parent: TracedProcess,
        _ space: AddressSpace
    ) {
        let companion = TracedProcess(
            id: ProcessID(id),
            wasLaunched: parent.wasLaunched,
            space: space,
            architecture: parent.architecture
        )
        let leader = companion.addThread(id)
        leader.state = .stopped(.event)
        threadIndex[id] = leader
        makeCompanion(companion)
    }

    /// Goes on with a process that the client has let go of.
    func makeCompanion(_ process: TracedProcess) {
        traced.removeAll { $0 === process }
        process.isCompanion = true
        process.judges = [:]
        process.caughtSystemCalls = .none
        try? process.setHardware([])
        companions.append(process)
        for thread in process.allThreads {
            if case .signal(let signal)? = thread.pending?.reason ?? thread.reported {
                thread.signal = thread.signal == 0 ? signal.rawValue : thread.signal
            }
            thread.pending = nil
            thread.haltReason = nil
            thread.action = .run
            guard thread.isStopped else { continue }
            if standsAtTrap(thread) {
                thread.isPassing = true
                passing.append(thread.id)
            } else if !isStopping {
                go(on: thread)
            }
        }
        wake()
    }

    /// Sets companions going that stopped without being asked.
    func resumeCompanions() {
        guard !companions.isEmpty, !isStopping else { return }
        for companion in companions {
            for thread in companion.allThreads where thread.isReadyToGo { go(on: thread) }
        }
    }

    /// What becomes of a companion's thread instead of a report.
    func unreported(_ reason: StopReason, of thread: Tracee) -> Outcome {
        switch reason {
        case .signal(let signal): .goesOn(signal: signal.rawValue)
        case .breakpoint: .passesTrap
        default: .goesOn(signal: 0)
        }
    }

    /// Threads of all processes with the same memory.
    func threads(sharing space: AddressSpace) -> [Tracee] {
        (traced + companions).filter { $0.space === space }.flatMap(\.allThreads)
    }

    /// Lets go of a companion that stands at the exec which gives it memory of its own.
    func releaseAtExec(_ companion: TracedProcess) {
        forgetCompanion(companion)
        try? Ptrace.detach(companion.id.rawValue, signal: 0)
    }

    func forgetCompanion(_ companion: TracedProcess) {
        for thread in companion.allThreads { threadIndex[thread.id] = nil }
        companions.removeAll { $0 === companion }
    }

    /// Whether others that the client debugs have the memory of a process.
    func isShared(_ process: TracedProcess) -> Bool {
        traced.contains { $0 !== process && $0.space === process.space }
    }

    /// Takes a breakpoint from one process only, where others have the same memory and keep it.
    ///
    /// - Returns: whether it stays in the memory.
    func leavesTrapToOthers(_ process: TracedProcess, _ address: TargetAddress) -> Bool {
        guard isShared(process), !isVforkPair(process), process.space.hasTrap(at: address) else {
            return false
        }
        process.foreignTraps.insert(address)
        let sharers = traced.filter { $0.space === process.space }
        guard sharers.allSatisfy({ $0.foreignTraps.contains(address) }) else { return true }
        for sharer in sharers { sharer.foreignTraps.remove(address) }
        return false
    }

    /// Whether the memory is shared only until a vfork child is done with it.
    func isVforkPair(_ process: TracedProcess) -> Bool {
        traced.contains { $0.space === process.space && !$0.vforkParents.isEmpty }
    }

    /// Lets go of companions whose memory nobody debugs any more.
    func releaseCompanions() {
        let alone = companions.filter { companion in
            !traced.contains { $0.space === companion.space }
        }
        guard !alone.isEmpty else { return }
        for companion in alone {
            stop(companion.allThreads)
            stop(companion.allThreads)
        }
        for companion in alone { companion.space.removeAllTraps() }
        for companion in alone {
            for thread in companion.allThreads { letGo(of: thread) }
            forgetCompanion(companion)
        }
    }

    /// Makes a companion one of the processes, for a client that attaches to it.
    func promote(_ companion: TracedProcess) throws(TargetError) -> ThreadID {
        stop(companion.allThreads)
        stop(companion.allThreads)
        guard let thread = companion.mainThread else {
            throw TargetError(
                .noSuchProcess,
                "process \(companion.id) ended while being attached to"
            )
        }
        companions.removeAll { $0 === companion }
        companion.isCompanion = false
        for thread in companion.allThreads { thread.action = nil }
        traced.append(companion)
        thread.reported = .attached
        lastReported = thread.threadID
        return thread.threadID
    }
}
