public import DebugTarget
internal import LinuxSystem

extension PtraceTarget {
    /// What stops a tracee.
    func options(forLaunched wasLaunched: Bool, isLeader: Bool) -> Ptrace.Options {
        var options: Ptrace.Options = [
            .markSystemCalls, .fork, .vfork, .clone, .exec, .vforkDone,
        ]
        if isLeader { options.insert(.exit) }
        // What we started must not be left behind by a tracer that dies.
        if wasLaunched { options.insert(.exitKill) }
        return options
    }

    /// Attaches to a running process and stops all its threads.
    public func attach(to process: ProcessID) throws(TargetError) -> ThreadID {
        if let companion = companions.first(where: { $0.id == process }) {
            return try promote(companion)
        }
        try refuseHopeless(process)
        let deadline = monotonicNanoseconds() + PtraceTarget.attachDeadlineNanoseconds
        try awaitInterruptible(process, until: deadline)
        return try seizeAndAdopt(process, until: deadline)
    }

    func seizeAndAdopt(
        _ process: ProcessID,
        until deadline: UInt64
    ) throws(TargetError) -> ThreadID {
        var seized: [Int32] = []
        do throws(TargetError) {
            seized = try seizeThreads(of: process)
            return try adopt(process, threads: seized, until: deadline)
        } catch {
            abandon(seized.filter { threadIndex[$0] == nil })
            throw error
        }
    }

    /// Waits until a process can be stopped, as long as it has not been touched yet: a thread that has been
    /// seized can only be let go of when it stops.
    private func awaitInterruptible(
        _ process: ProcessID,
        until deadline: UInt64
    ) throws(TargetError) {
        while ProcFS.statistics(process: process.rawValue, thread: process.rawValue)?.state == "D" {
            guard monotonicNanoseconds() < deadline else { throw doesNotStop(process) }
            waitForChange()
        }
    }

    private func doesNotStop(_ process: ProcessID) -> TargetError {
        let id = process.rawValue
        let name = ProcFS.name(process: id, thread: id)
        let children = ((try? ProcFS.processes()) ?? []).filter {
            ProcFS.statistics(of: $0)?.parent == id
        }
        var reason = "it is in an uninterruptible wait"
        if let child = children.first {
            reason +=
                ", probably until its child \(child) runs another program or ends (vfork): "
                + "try again then, or attach to \(child)"
        }
        return TargetError(.invalid, "process \(id) (\(name)) does not stop: \(reason)")
    }

    /// Says why an attach cannot work before it is tried, where /proc tells more than ptrace(2) would.
    private func refuseHopeless(_ process: ProcessID) throws(TargetError) {
        let id = process.rawValue
        guard id > 0, let statistics = ProcFS.statistics(of: id) else {
            throw TargetError(.noSuchProcess, "there is no process \(id)")
        }
        guard id != Files.ownProcess else {
            throw TargetError(.notPermitted, "process \(id) is the debug server itself")
        }
        guard !traced.contains(where: { $0.id == process }) else {
            throw TargetError(.invalid, "process \(id) is being debugged in this session already")
        }
        guard !statistics.isKernelThread else {
            throw TargetError(
                .notPermitted,
                "\(id) (\(statistics.name)) is a thread of the kernel and cannot be debugged"
            )
        }
        if let group = ProcFS.status(of: id, "Tgid").flatMap({ Int32($0) }), group != id {
            throw TargetError(
                .invalid,
                "\(id) is a thread of process \(group): attach to \(group) instead"
            )
        }
        if let tracer = ProcFS.status(of: id, "TracerPid").flatMap({ Int32($0) }), tracer != 0 {
            throw alreadyTraced(process, by: tracer)
        }
        if statistics.state == "Z", (try? ProcFS.threads(of: id).count) ?? 1 <= 1 {
            throw TargetError(
                .noSuchProcess,
                "process \(id) (\(statistics.name)) has ended and waits only for its parent "
                    + "\(statistics.parent) to take note"
            )
        }
    }

    /// - Parameter thread: what `TracerPid` says, which is a thread of the tracer.
    private func alreadyTraced(_ process: ProcessID, by thread: Int32) -> TargetError {
        let tracer = ProcFS.status(of: thread, "Tgid").flatMap { Int32($0) } ?? thread
        let name = ProcFS.statistics(of: tracer)?.name ?? "unknown"
        return TargetError(
            .alreadyTraced,
            "process \(process) is being traced already by process \(tracer) (\(name)): "
                + "detach that one first"
        )
    }

    /// Seizes every thread; those that are born meanwhile are attached by the kernel, or found by the next
    /// look at the list.
    private func seizeThreads(of process: ProcessID) throws(TargetError) -> [Int32] {
        var seized: [Int32] = []
        // A list read while threads end may leave others out, so two in a row have to bring nothing new.
        var quietLooks = 0
        while quietLooks < 2 {
            quietLooks += 1
            let present = try translating { () throws(SystemError) in
                try ProcFS.threads(of: process.rawValue)
            }
            for thread in present where !seized.contains(thread) && !isKnownNewborn(thread) {
                let isLeader = thread == process.rawValue
                do throws(SystemError) {
                    let options = options(forLaunched: false, isLeader: isLeader)
                    try Ptrace.seize(thread, options: options)
                } catch {
                    if isEnding(thread, of: process) { continue }
                    if isAutomaticallyAttached(thread, of: process) {
                        if takeBack(thread) {
                            seized.append(thread)
                            quietLooks = 0
                        }
                        continue
                    }
                    abandon(seized)
                    throw refusal(process, error)
                }
                seized.append(thread)
                released.remove(thread)
                quietLooks = 0
            }
        }
        guard !seized.isEmpty else {
            throw TargetError(.noSuchProcess, "process \(process) ended while being attached to")
        }
        return seized
    }

    /// Keeps a thread that was to be let go of as soon as it stops.
    ///
    /// - Returns: whether it was.
    private func takeBack(_ thread: Int32) -> Bool { released.remove(thread) != nil }

    private func isKnownNewborn(_ thread: Int32) -> Bool {
        unclaimed[thread] != nil || threadIndex[thread] != nil
    }

    private func isEnding(_ thread: Int32, of process: ProcessID) -> Bool {
        let statistics = ProcFS.statistics(process: process.rawValue, thread: thread)
        return statistics == nil || statistics?.state == "Z" || statistics?.state == "X"
    }

    /// Whether the kernel attached a thread that was born of one of ours.
    private func isAutomaticallyAttached(_ thread: Int32, of process: ProcessID) -> Bool {
        let path = "/proc/\(process)/task/\(thread)/status"
        guard let text = ProcFS.text(of: path) else { return true }
        let line = text.split(separator: "\n").first { $0.hasPrefix("TracerPid:") }
        let tracer = line?.split(separator: "\t").last.flatMap { Int32($0) }
        return tracer == Files.ownThread
    }

    private func refusal(_ process: ProcessID, _ error: SystemError) -> TargetError {
        let id = process.rawValue
        guard error.errorNumber == 1 else {
            let code: TargetError.Code =
                error.errorNumber == 3 ? .noSuchProcess : .system(error.errorNumber)
            return TargetError(code, "cannot attach to process \(id): \(error.reason)")
        }
        if let tracer = ProcFS.status(of: id, "TracerPid").flatMap({ Int32($0) }), tracer != 0 {
            return alreadyTraced(process, by: tracer)
        }
        let refusal = AttachRefusal.facts(of: id, reason: error.reason)
        return TargetError(.notPermitted, refusal.sentence)
    }

    /// Makes a process of seized threads and stops them.
    private func adopt(
        _ id: ProcessID,
        threads seized: [Int32],
        until deadline: UInt64
    ) throws(TargetError) -> ThreadID {
        let first = seized.contains(id.rawValue) ? id.rawValue : seized[0]
        try translating { () throws(SystemError) in try Ptrace.interrupt(first) }
        guard let status = unclaimed[first] ?? nextStatus(of: first, until: deadline) else {
            throw doesNotStop(id)
        }
        switch status {
        case .exited, .terminated:
            throw TargetError(.noSuchProcess, "process \(id) ended while being attached to")
        default: unclaimed[first] = status
        }
        let process = try translating { () throws(SystemError) in
            let trap = try NativeArchitecture(probing: first)
            return TracedProcess(
                id: id,
                wasLaunched: false,
                space: AddressSpace(
                    memory: try ProcessMemory(process: id.rawValue, thread: first),
                    trap: trap.trapInstruction
                ),
                architecture: trap
            )
        }
        traced.append(process)
        for thread in seized { threadIndex[thread] = process.addThread(thread) }
        if let status = unclaimed.removeValue(forKey: first) { take(status, of: first) }
        stop(isNonStop ? process.allThreads : nil)
        stopStragglers(of: process)
        for thread in process.allThreads { thread.action = nil }
        guard let thread = process.mainThread else {
            forget(process)
            throw TargetError(.noSuchProcess, "process \(id) ended while being attached to")
        }
        thread.reported = .attached
        lastReported = thread.threadID
        return thread.threadID
    }

    /// Finds the threads that no list had so far: now that all others stand, only they can start more.
    ///
    /// The kernel ends a list early when the thread that it is at ends, so two in a row have to bring nothing.
    private func stopStragglers(of process: TracedProcess) {
        var quietLooks = 0
        while process.ending == nil, quietLooks < 2 {
            quietLooks += 1
            let known = Set(process.allThreads.map(\.id))
            let present = (try? ProcFS.threads(of: process.id.rawValue)) ?? []
            for thread in present where !known.contains(thread) && !isKnownNewborn(thread) {
                if isEnding(thread, of: process.id) {
                    // A leader that has ended stays on the list as long as there are others.
                    if thread != process.id.rawValue { quietLooks = 0 }
                    continue
                }
                let options = options(forLaunched: false, isLeader: false)
                let isSeized = (try? Ptrace.seize(thread, options: options)) != nil
                guard takeBack(thread) || isSeized else { continue }
                threadIndex[thread] = process.addThread(thread)
                quietLooks = 0
            }
            stop(isNonStop ? process.allThreads : nil)
        }
    }

    func forget(_ process: TracedProcess) {
        for thread in process.allThreads { threadIndex[thread.id] = nil }
        traced.removeAll { $0 === process }
        endedProcesses.removeAll { $0.process === process }
    }
}
