internal import DebugTarget
internal import LinuxSystem

// Wait statuses, one by one: what each means and what becomes of the thread.

extension PtraceTarget {
    private static let trapSignal: Int32 = 5
    private static let segmentationFault: Int32 = 11

    /// What becomes of a thread that stopped.
    enum Outcome {
        /// It goes on as it was told, with that signal (0 for none).
        case goesOn(signal: Int32)
        /// It goes on once it has executed the instruction at the breakpoint where it stands.
        case passesTrap
        /// The client is told.
        case report(StopReason)
        /// It is not there any more, or has been dealt with.
        case done
    }

    /// Takes everything the kernel has to say now.
    func takeStatuses() {
        while let (thread, status) = TraceeWait.next() { take(status, of: thread) }
    }

    /// Takes one status.
    func take(_ status: WaitStatus, of id: Int32) {
        if released.contains(id) { return release(id, status) }
        switch status {
        case .exited(let status): return takeEnd(of: id, .exited(status))
        case .terminated(let signal): return takeEnd(of: id, .terminated(signal))
        case .event(.exec, _): return takeExec(of: id)
        case .signalled, .event, .systemCall: break
        }
        guard let thread = threadIndex[id] else {
            unclaimed[id] = status
            return
        }
        noteStop(of: thread, status)
        var outcome = outcome(of: thread, status)
        if thread.process.isCompanion, case .report(let reason) = outcome {
            outcome = unreported(reason, of: thread)
        }
        switch outcome {
        case .done: break
        case .goesOn(let signal) where thread.haltReason != nil:
            // Any stop takes back the kernel's note of the interrupt.
            if signal != 0 { thread.signal = signal }
            makePending(thread.haltReason ?? .halted, of: thread)
        case .goesOn(let signal):
            if signal != 0 { thread.signal = signal }
            let mayGo = isRunning || thread.process.isCompanion
            if mayGo, !isStopping, thread.isReadyToGo { go(on: thread) }
        case .passesTrap:
            thread.isPassing = true
            passing.append(id)
        case .report(let reason): makePending(reason, of: thread)
        }
    }

    private func noteStop(of thread: Tracee, _ status: WaitStatus) {
        thread.isInterruptSent = false
        thread.isUnresponsive = false
        thread.registers = nil
        thread.isModified = false
        thread.isMoved = false
        switch status {
        case .signalled: thread.state = .stopped(.signal)
        case .event(.stop, let signal) where signal != PtraceTarget.trapSignal:
            thread.state = .stopped(.group)
        default: thread.state = .stopped(.event)
        }
    }

    func makePending(_ reason: StopReason, of thread: Tracee) {
        stopCounter += 1
        var counter: TargetAddress?
        if case .breakpoint(let address) = reason { counter = address }
        thread.pending = Tracee.PendingStop(
            reason: reason,
            programCounter: counter,
            order: stopCounter
        )
    }

    private func outcome(of thread: Tracee, _ status: WaitStatus) -> Outcome {
        switch status {
        case .signalled(PtraceTarget.trapSignal): return trapOutcome(of: thread)
        case .signalled(let signal): return signalOutcome(of: thread, signal)
        case .event(.clone, _): return takeClone(by: thread)
        case .event(.fork, _): return takeFork(by: thread, sharesMemory: false)
        case .event(.vfork, _): return takeFork(by: thread, sharesMemory: true)
        case .event(.vforkDone, _): return takeVforkDone(by: thread)
        case .event(.exit, _):
            // Only leaders are asked to tell: a leader that ends before its threads is a zombie that
            // reports nothing, and would be waited for in vain.
            thread.action = nil
            try? Ptrace.resume(thread.id, .run, signal: 0)
            thread.state = .ending
            return .done
        case .event(.stop, _) where isTrapOnTheWay(to: thread):
            // No instruction is executed before that stop.
            try? Ptrace.resume(thread.id, .run, signal: 0)
            thread.state = .running
            thread.isInterruptSent = true
            return .done
        case .systemCall: return systemCallOutcome(of: thread)
        case .event, .exited, .terminated: return .goesOn(signal: 0)
        }
    }

    /// Whether a trap of ours has been raised in a thread that has stopped for something else first.
    ///
    /// The kernel takes an interrupt before it looks at signals. A thread that has just run into a
    /// breakpoint would be shown behind the trap instruction, and, let go of like that, be killed by the
    /// SIGTRAP that still waits for it.
    private func isTrapOnTheWay(to thread: Tracee) -> Bool {
        let process = thread.process
        let mayBe =
            thread.isStepping || !process.space.isEmpty || !process.hardwarePlan.slots.isEmpty
        guard mayBe else { return false }
        return Ptrace.pendingSignals(thread.id, maximum: 8).contains { information in
            SignalFields.number(information) == PtraceTarget.trapSignal
                && process.architecture.trapCause(code: SignalFields.code(information)) != nil
        }
    }

    // MARK: Signals

    func signalOutcome(of thread: Tracee, _ signal: Int32) -> Outcome {
        if let index = thread.signalsOnTheWay.firstIndex(of: signal) {
            thread.signalsOnTheWay.remove(at: index)
            return .goesOn(signal: signal)
        }
        if signal == PtraceTarget.segmentationFault, let address = trapWithoutExecution(of: thread)
        {
            return .report(.breakpoint(address))
        }
        // A client that steps has to know of the handler which it would otherwise find itself in.
        if passedSignals.contains(Signal(signal)), !thread.isStepping {
            return .goesOn(signal: signal)
        }
        return .report(.signal(Signal(signal)))
    }

    /// Where a thread stands if it could not execute a trap because the memory is not executable.
    ///
    /// Debuggers let functions that they call return to a breakpoint on the stack.
    private func trapWithoutExecution(of thread: Tracee) -> TargetAddress? {
        let process = thread.process
        guard !process.space.isEmpty,
            let counter = try? process.architecture.programCounter(of: thread.id)
        else { return nil }
        return process.space.hasTrap(at: counter) ? counter : nil
    }

    private func trapOutcome(of thread: Tracee) -> Outcome {
        guard let information = try? Ptrace.signalInformation(thread.id) else {
            return .goesOn(signal: 0)
        }
        switch thread.process.architecture.trapCause(code: SignalFields.code(information)) {
        case .instruction: return breakpointOutcome(of: thread)
        case .processor: return processorTrapOutcome(of: thread)
        case nil: return signalOutcome(of: thread, PtraceTarget.trapSignal)
        }
    }

    private func breakpointOutcome(of thread: Tracee) -> Outcome {
        let process = thread.process
        let architecture = process.architecture
        guard let counter = try? architecture.programCounter(of: thread.id) else {
            return .goesOn(signal: 0)
        }
        let address = counter - architecture.trapAdvance
        if process.space.hasTrap(at: address) {
            try? architecture.setProgramCounter(address, of: thread.id)
            if process.foreignTraps.contains(address) { return .passesTrap }
            let stops = judge(Breakpoint(.software, at: address), thread)
            return stops ? .report(.breakpoint(address)) : .passesTrap
        }
        let trap = architecture.trapInstruction
        if let present = try? process.space.read(at: address, count: trap.count), present == trap {
            // The program has a trap instruction of its own there.
            return .report(.signal(.trap))
        }
        // A breakpoint that was removed after the thread had run into it.
        try? architecture.setProgramCounter(address, of: thread.id)
        return .goesOn(signal: 0)
    }

    /// A finished step or a debug register.
    private func processorTrapOutcome(of thread: Tracee) -> Outcome {
        let process = thread.process
        let architecture = process.architecture
        if let hit = try? architecture.takeHardwareHit(
            of: process.hardwarePlan,
            thread: thread.id
        ) {
            if case .hardwareBreakpoint(let address) = hit,
                !judge(Breakpoint(.hardware, at: address), thread)
            {
                // The kernel has set the resume flag: it does not hit again.
                return .goesOn(signal: 0)
            }
            return .report(hit)
        }
        switch thread.action {
        case .step: return .report(.stepped)
        case .stepRange(let range):
            guard let counter = try? architecture.programCounter(of: thread.id) else {
                return .goesOn(signal: 0)
            }
            let stays = range.contains(counter) && !process.space.hasTrap(at: counter)
            return stays ? .goesOn(signal: 0) : .report(.stepped)
        case .run, nil:
            // The late end of a step over a breakpoint at a system call, or a trap flag that the
            // program set itself.
            if thread.isSteppingOver {
                thread.isSteppingOver = false
                return .goesOn(signal: 0)
            }
            return .report(.signal(.trap))
        }
    }

    // MARK: Threads and processes

    private func takeClone(by thread: Tracee) -> Outcome {
        guard let message = try? Ptrace.eventMessage(thread.id) else { return .goesOn(signal: 0) }
        let id = Int32(truncatingIfNeeded: message)
        let process = thread.process
        // clone(2) without CLONE_THREAD makes a process, and the kernel calls it a fork only when its
        // exit signal is SIGCHLD.
        guard isThread(id, of: process) else { return adoptChild(id, of: thread, as: .fork) }
        let child = process.addThread(id)
        threadIndex[id] = child
        child.action = action(for: child.threadID)
        child.inheritsOptions = thread.id == process.id.rawValue || thread.inheritsOptions
        if process.isCompanion { child.action = .run }
        if let first = unclaimed.removeValue(forKey: id) { take(first, of: id) }
        let isReported = reportedEvents.contains(.threads) && !process.isCompanion
        if isReported { makePending(.threadCreated, of: child) }
        return .goesOn(signal: 0)
    }

    private func isThread(_ id: Int32, of process: TracedProcess) -> Bool {
        Files.exists("/proc/\(process.id)/task/\(id)")
    }

    private func takeEnd(of id: Int32, _ ending: TracedProcess.Ending) {
        unclaimed[id] = nil
        guard let thread = threadIndex.removeValue(forKey: id) else { return }
        let process = thread.process
        if id == process.id.rawValue {
            finish(process, ending)
            return
        }
        process.removeThread(id)
        endSharing(of: process, by: id)
        if reportedEvents.contains(.threads), !process.isCompanion,
            case .exited(let status) = ending
        {
            endedThreads.append((thread.threadID, status))
        }
        // Where the leader was a zombie before we came, nothing more will be heard.
        if process.threads.isEmpty { finish(process, ending) }
    }

    private func finish(_ process: TracedProcess, _ ending: TracedProcess.Ending) {
        guard process.ending == nil else { return }
        process.ending = ending
        if process.isCompanion { return forgetCompanion(process) }
        for thread in process.allThreads { threadIndex[thread.id] = nil }
        for thread in process.order { process.removeThread(thread) }
        stopCounter += 1
        endedProcesses.append((process, stopCounter))
    }

    private func takeExec(of id: Int32) {
        if let companion = companions.first(where: { $0.id.rawValue == id }) {
            return releaseAtExec(companion)
        }
        guard let process = traced.first(where: { $0.id.rawValue == id }) else {
            unclaimed[id] = .event(.exec, signal: PtraceTarget.trapSignal)
            return
        }
        for thread in process.allThreads { threadIndex[thread.id] = nil }
        let previous = process.allThreads.first { $0.action != nil }?.action
        let leader = process.keepOnlyLeader()
        threadIndex[id] = leader
        leader.action = previous ?? .run
        leader.signalsOnTheWay = []
        leader.pending = nil
        leader.isPassing = false
        noteStop(of: leader, .event(.exec, signal: PtraceTarget.trapSignal))
        process.forgetHardware()
        process.allocations = [:]
        process.judges = [:]
        process.foreignTraps = []
        process.systemCallInstruction = nil
        process.vforkParents = []
        // The new leader may be a thread that was not asked to tell of its end.
        try? Ptrace.setOptions(id, options(forLaunched: process.wasLaunched, isLeader: true))
        renewSpace(of: process)
        let path = (try? ProcFS.linkDestination(of: "/proc/\(id)/exe")) ?? ""
        makePending(.executed(path: path), of: leader)
    }

    /// Opens the memory of the program that the process runs now.
    private func renewSpace(of process: TracedProcess) {
        let id = process.id.rawValue
        do throws(SystemError) {
            process.architecture = try NativeArchitecture(probing: id)
            process.space = AddressSpace(
                memory: try ProcessMemory(process: id, thread: id),
                trap: process.architecture.trapInstruction
            )
        } catch {
            // It was killed in the meantime; its end will be reported.
            process.space.removeAllTraps()
        }
    }
}
