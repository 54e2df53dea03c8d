public import DebugTarget

// How processes come into the session and leave it.
extension DebugSession {
    /// Attaches to a process.
    ///
    /// - Returns: the report of the initial stop.
    public func attach(to id: ProcessID) throws -> StopReport {
        let thread = try target.attach(to: id)
        let process = try adopt(id, origin: .attached, first: thread)
        process.isSuspended = target.jobControl?.isSuspended(id) ?? false
        return initialStop(of: process)
    }

    /// Lets a process run again that job control has stopped: it gets SIGCONT with the next `g`.
    public func endSuspension(of process: ProcessState) {
        guard process.isSuspended else { return }
        process.isSuspended = false
        let thread = process.threads.first { !$0.isHeld } ?? process.threads.first
        // One is enough: SIGCONT sets all threads of a process going.
        if thread?.pendingSignal == nil { thread?.pendingSignal = .proceed }
    }

    /// Starts the program that the target was given for the purpose (`dbgsrv -pc`).
    ///
    /// - Returns: the report of the initial stop.
    public func launchImplicitly() throws -> StopReport {
        guard let ability = target.implicitLaunch else {
            throw EngineError.sentence(
                "this server has no implicit command line; it is given by dbgsrv -pc COMMAND LINE"
            )
        }
        let thread = try ability.launchImplicitly()
        let process = try adopt(thread.process, origin: .created, first: thread)
        return initialStop(of: process)
    }

    /// Starts a program.
    ///
    /// - Returns: the report of the initial stop.
    public func launch(_ request: LaunchRequest) throws -> StopReport {
        let thread = try target.launch(request)
        launchRequest = request
        let process = try adopt(thread.process, origin: .created, first: thread)
        return initialStop(of: process)
    }

    /// Takes over the processes that the target came with.
    ///
    /// - Returns: the report of their stop, nil when there are none.
    public func adoptExisting(_ thread: ThreadID) throws -> StopReport? {
        var report: StopReport?
        for id in target.processes {
            let launched = target.processDetails?.wasLaunched(id) ?? false
            let first = id == thread.process ? thread : ThreadID(id, Int64(id.rawValue))
            let process = try adopt(id, origin: launched ? .created : .attached, first: first)
            let stop = initialStop(of: process)
            if id == thread.process { report = stop }
        }
        if let state = try threadState(thread) { select(state) }
        return report
    }

    private func initialStop(of process: ProcessState) -> StopReport {
        refreshModules(of: process)
        resolveBreakpoints(in: process)
        moduleEvents = []
        guard let thread = currentThread else { return StopReport() }
        return StopReport(lines: [note(thread, SignalText.breakInstruction)], kind: .interrupt)
    }

    /// Lets a process run on without the debugger.
    public func detach(_ process: ProcessState) throws {
        if !isPostMortem { try removeAllBreakpoints(of: process) }
        try target.detach(from: process.id)
        remove(process)
    }

    /// Ends a process.
    public func kill(_ process: ProcessState) throws {
        if isPostMortem { throw EngineError(.notSupported, "") }
        try target.kill(process.id)
        remove(process)
    }

    /// Ends the current process, if it still is, and starts its program anew.
    public func restart() throws -> StopReport {
        guard let request = launchRequest else {
            throw EngineError.sentence(
                "The debuggee was not started by this debugger and cannot be restarted"
            )
        }
        if let process = processes.first(where: { $0.origin == .created }) { try kill(process) }
        return try launch(request)
    }

    /// The signal of the current thread is not delivered when it goes on (`gh`).
    public func dropPendingSignal() {
        currentThread?.pendingSignal = nil
    }
}
