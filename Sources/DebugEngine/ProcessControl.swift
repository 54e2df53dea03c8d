public import DebugTarget

// How processes come into the session and leave it.
extension DebugSession {
    /// Attaches to a process.
    ///
    /// - Returns: the report of the initial stop.
    public func attach(to id: ProcessID) throws -> StopReport {
        try requireProcesses()
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
        try requireProcesses()
        let thread = try target.launch(request)
        launchRequest = request
        let process = try adopt(thread.process, origin: .created, first: thread)
        return initialStop(of: process)
    }

    /// A kernel is no process that could be started or ended.
    private func requireProcesses() throws {
        if isKernel { throw EngineError(.notSupported, "") }
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

    /// Lets go of a process that stands on as after SIGSTOP, until SIGCONT or another debugger lets it run (`.abandon`).
    ///
    /// A signal that it stands for is not delivered.
    public func abandon(_ process: ProcessState) throws {
        if isPostMortem || isKernel { throw EngineError(.notSupported, "") }
        let thread = process.threads.first { $0 === currentThread } ?? process.threads.first
        guard let thread else { throw EngineError(.noDebuggee, "") }
        try removeAllBreakpoints(of: process)
        // The thread meets the signal before its next instruction, alone. Where that is not reported, because it stops at
        // once, the interrupt is; and a stop that is in force, or under way, outlasts the detaching.
        try target.resume([ResumeAction(.thread(thread.id), .run, signal: .stop)])
        try target.interrupt()
        let event = try waitForEvent()
        switch event {
        case .exited(let id, _), .terminated(let id, _):
            _ = ended(id, "")
            throw EngineError.sentence("The process has ended meanwhile")
        default: break
        }
        try target.detach(from: process.id)
        remove(process)
    }

    /// Ends a process.
    public func kill(_ process: ProcessState) throws {
        if isPostMortem { throw EngineError(.notSupported, "") }
        try requireProcesses()
        try target.kill(process.id)
        remove(process)
    }

    /// Ends the current process, if it still is, and starts its program anew.
    public func restart() throws -> StopReport {
        try requireProcesses()
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
