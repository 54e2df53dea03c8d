internal import DebugTarget
internal import LinuxSystem

// Stepping over breakpoints. A thread that was shown at a breakpoint must execute the instruction under the
// trap without missing the trap for others: everything is stopped at this point anyway, so each such
// thread executes its one instruction alone, with the trap withdrawn, before the rest is set going.
//
// The instruction may be a system call that waits for another thread. Once the thread is inside the
// kernel, the instruction has been fetched, so the trap goes back and the others run; the step ends later.

extension PtraceTarget {
    /// How long an instruction that enters the kernel may take before the others are set going.
    private static let systemCallPatienceNanoseconds: UInt64 = 5_000_000
    /// How many of these a thread must be found in an uninterruptible sleep to count as inside a system call.
    private static let looksAtSleepMax = 20

    func stepOverTraps() {
        // Where the client has put a thread, it wants what is there to happen: gdb goes past a breakpoint
        // instruction of the program's own that way.
        for thread in allThreads where thread.action != nil && thread.isStopped {
            guard thread.isToPassItsTrap else { continue }
            stepOverTrap(thread)
            if hasReportable { return }
        }
    }

    /// Steps over the trap that a thread stands at, if it does.
    private func stepOverTrap(_ thread: Tracee) {
        thread.isPassing = false
        guard let counter = trapAddress(of: thread) else { return }
        stepOver(counter, thread)
    }

    /// Whether a trap of ours is the next thing that a stopped thread would execute.
    func standsAtTrap(_ thread: Tracee) -> Bool { trapAddress(of: thread) != nil }

    private func trapAddress(of thread: Tracee) -> TargetAddress? {
        guard !thread.process.space.isEmpty,
            let counter = try? thread.process.architecture.programCounter(of: thread.id),
            thread.process.space.hasTrap(at: counter)
        else { return nil }
        return counter
    }

    /// Leads threads past breakpoints whose judges have let them go on, while those that share their memory stand.
    ///
    /// Where there is something to report, all threads are about to be stopped; they are led past it when they
    /// are set going again.
    func passTraps() {
        guard !passing.isEmpty, !isStopping else { return }
        while !passing.isEmpty, !mustStop {
            guard let thread = threadIndex[passing.removeFirst()], thread.isPassing,
                thread.isStopped, thread.action != nil,
                isRunning || thread.process.isCompanion
            else { continue }
            stop(threads(sharing: thread.process.space).filter { $0 !== thread })
            // Another thread may have ended the process meanwhile.
            guard threadIndex[thread.id] === thread, thread.isPassing else { continue }
            stepOverTrap(thread)
        }
        resumeIdle()
    }

    private func stepOver(_ address: TargetAddress, _ thread: Tracee) {
        let process = thread.process
        let instruction = (try? process.space.read(at: address, count: 4)) ?? []
        let mayWait = process.architecture.entersKernel(instruction)
        guard (try? process.space.withdrawTrap(at: address)) != nil else { return }
        defer { try? process.space.replaceTrap(at: address) }
        let wanted = thread.action
        let held = (signal: thread.signal, information: thread.signalInformation)
        thread.signal = 0
        thread.signalInformation = nil
        var deferred = DeferredSignals()
        isStopping = true
        defer { isStopping = false }
        repeat {
            thread.action = .step
            go(on: thread)
            guard waitForStep(of: thread, mayWait: mayWait) else {
                thread.action = wanted
                thread.isSteppingOver = wanted == .run
                giveBack(held, deferred, to: thread)
                return
            }
        } while deferred.take(from: thread)
        thread.action = wanted
        finishStep(of: thread, wanted)
        giveBack(held, deferred, to: thread)
    }

    /// Waits for the end of the one instruction, which may also be long in fetching a page of memory.
    ///
    /// - Returns: whether the thread has stopped (or ended); otherwise it waits in the kernel.
    func waitForStep(of thread: Tracee, mayWait: Bool) -> Bool {
        let limit = monotonicNanoseconds() + PtraceTarget.stopDeadlineNanoseconds
        let patience =
            mayWait
            ? PtraceTarget.systemCallPatienceNanoseconds : PtraceTarget.stopDeadlineNanoseconds
        var looks = 0
        while thread.state == .running, threadIndex[thread.id] === thread {
            let deadline = min(limit, monotonicNanoseconds() + patience)
            if let status = nextStatus(of: thread.id, until: deadline) {
                take(status, of: thread.id)
                continue
            }
            looks += 1
            // On a busy machine it may not have had its turn yet: then the trap must not go back.
            if monotonicNanoseconds() >= limit || waitsInKernel(thread, looks) { return false }
        }
        return true
    }

    /// Whether a thread that was set going sleeps in the kernel: its instruction has been fetched then.
    ///
    /// An uninterruptible sleep may also be the fetch itself, until it lasts.
    private func waitsInKernel(_ thread: Tracee, _ looks: Int) -> Bool {
        let process = thread.process.id.rawValue
        switch ProcFS.statistics(process: process, thread: thread.id)?.state {
        case "S": return true
        case "D": return looks >= PtraceTarget.looksAtSleepMax
        default: return false
        }
    }

    /// Turns the end of the step into what the client asked for.
    private func finishStep(of thread: Tracee, _ wanted: ResumeAction.Kind?) {
        guard thread.isStopped, thread.pending?.reason == .stepped else { return }
        switch wanted {
        case .run, nil: thread.pending = nil
        case .step: break
        case .stepRange(let range):
            guard let counter = try? thread.process.architecture.programCounter(of: thread.id),
                range.contains(counter), !thread.process.space.hasTrap(at: counter)
            else { return }
            thread.pending = nil
        }
    }

    /// Hands the thread the signals that had to wait for the step.
    func giveBack(
        _ held: (signal: Int32, information: [UInt8]?),
        _ deferred: DeferredSignals,
        to thread: Tracee
    ) {
        if held.signal != 0 {
            thread.signal = held.signal
            thread.signalInformation = held.information
        }
        for (signal, information) in deferred.signals {
            // A client that steps is told of the signal rather than of the step's end.
            let isFree = thread.pending == nil || thread.pending?.reason == .stepped
            if thread.isStopped, isFree, thread.signal == 0 {
                thread.signalInformation = information
                if case .report(let reason) = signalOutcome(of: thread, signal) {
                    makePending(reason, of: thread)
                } else {
                    thread.signal = signal
                }
            } else {
                // Reported or passed when it arrives again.
                try? signalThread(process: thread.process.id.rawValue, thread: thread.id, signal)
            }
        }
    }
}

/// Signals that arrived while a thread stepped over a breakpoint.
struct DeferredSignals {
    /// Each with its siginfo.
    var signals: [(signal: Int32, information: [UInt8])] = []
    private static let countMax = 64

    /// Takes an asynchronous signal off the thread.
    ///
    /// - Returns: whether there was one, so that the step has to be tried again.
    mutating func take(from thread: Tracee) -> Bool {
        guard thread.isStopped else { return false }
        guard let pending = thread.pending else {
            guard thread.signal != 0 else {
                // Interrupted or in a group stop: nothing was executed.
                return signals.count < DeferredSignals.countMax
            }
            return keep(thread.signal, of: thread)
        }
        guard case .signal(let signal) = pending.reason,
            let information = try? Ptrace.signalInformation(thread.id),
            !SignalFields.isFault(information)
        else { return false }
        thread.pending = nil
        return keep(signal.rawValue, of: thread)
    }

    private mutating func keep(_ signal: Int32, of thread: Tracee) -> Bool {
        thread.signal = 0
        guard let information = try? Ptrace.signalInformation(thread.id) else { return false }
        signals.append((signal, information))
        return signals.count < DeferredSignals.countMax
    }
}
