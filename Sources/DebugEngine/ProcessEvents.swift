internal import DebugTarget

// What becomes of the session's processes and threads when the target tells of changes.
extension DebugSession {
    /// Takes a process into the session, its threads numbered in the target's order.
    @discardableResult
    func adopt(
        _ id: ProcessID,
        origin: ProcessState.Origin,
        first: ThreadID
    ) throws -> ProcessState {
        if processes.isEmpty {
            nextProcessNumber = 0
            nextThreadNumber = 0
        }
        let process = ProcessState(number: nextProcessNumber, id: id, origin: origin)
        nextProcessNumber += 1
        processes.append(process)
        try refreshThreads(of: process)
        if let thread = try threadState(first) {
            eventThread = thread
            select(thread)
        }
        return process
    }

    /// Brings the thread list up to date: new ones get numbers, ended ones go.
    public func refreshThreads(of process: ProcessState) throws {
        let listed = try target.threads(of: process.id)
        let ids = Set(listed.map(\.thread))
        process.threads.removeAll { !ids.contains($0.id) }
        for summary in listed {
            if let known = process.threads.first(where: { $0.id == summary.thread }) {
                known.name = summary.name
            } else {
                let state = ThreadState(number: nextThreadNumber, id: summary.thread)
                state.name = summary.name
                nextThreadNumber += 1
                process.threads.append(state)
            }
        }
    }

    /// The state of a thread; one not seen before gets its number, one of a foreign process is nil.
    func threadState(_ id: ThreadID) throws -> ThreadState? {
        guard let process = processes.first(where: { $0.id == id.process }) else { return nil }
        if let known = process.threads.first(where: { $0.id == id }) { return known }
        try refreshThreads(of: process)
        if let found = process.threads.first(where: { $0.id == id }) { return found }
        let state = ThreadState(number: nextThreadNumber, id: id)
        nextThreadNumber += 1
        process.threads.append(state)
        return state
    }

    /// Takes an ended process out of the session.
    func ended(_ id: ProcessID, _ how: String) -> StopReport {
        var report = StopReport(kind: .exit)
        guard let process = processes.first(where: { $0.id == id }) else { return report }
        let hexID = Format.hex(UInt64(UInt32(bitPattern: id.rawValue)))
        let text = "Exit process \(process.number):\(hexID), \(how)"
        let thread = eventThread.flatMap { $0.id.process == id ? $0.id : nil }
        let place = Self.place(thread ?? ThreadID(id, Int64(id.rawValue)))
        report.lines = [note(place: place, text)]
        remove(process)
        return report
    }

    /// Forgets a process; another one, if there is any, becomes current.
    func remove(_ process: ProcessState) {
        processes.removeAll { $0 === process }
        stackCache = nil
        if eventThread?.id.process == process.id { eventThread = nil }
        breakpoints.update { breakpoint in
            breakpoint.sites.removeAll { $0.process == process.id }
            // A location found in a process that is gone is looked up anew in the next one.
            breakpoint.isDeferred = true
        }
        guard currentProcess === process else { return }
        currentProcess = processes.last
        currentThread = currentProcess?.threads.first
        currentFrame = 0
    }

    /// After a stop the module list may have changed where nobody announces it.
    func markModulesStale() {
        for process in processes where !process.isStatic {
            let isAnnounced = process.moduleEventAddress != nil
            if !process.hasModuleList && !isAnnounced
                || !isAnnounced && hasUnresolvedBreakpoints(in: process)
            {
                process.modulesAreStale = true
            }
        }
    }

    /// A forked child runs on by itself, unless children are followed.
    ///
    /// The child of a vfork uses its parent's memory: breakpoints leave it until the child is done.
    func letGo(of child: ThreadID, parent: ThreadState, sharesMemory: Bool) throws {
        if followsChildren {
            let process = try adopt(child.process, origin: .child, first: child)
            process.executablePath = self.process(of: parent)?.executablePath ?? ""
            select(parent)
            return
        }
        if sharesMemory, let process = process(of: parent) {
            try removeAllBreakpoints(of: process)
            process.isSharedWithChild = true
        }
        try target.detach(from: child.process)
    }

    /// The process runs another program: nothing known of its memory holds any more.
    func didExecute(_ path: String, _ thread: ThreadState) {
        guard let process = process(of: thread) else { return }
        process.executablePath = path
        process.modules = []
        process.inserted = []
        process.moduleEventAddress = nil
        process.moduleListAddress = nil
        process.hasModuleList = false
        process.isStatic = false
        process.modulesAreStale = true
        breakpoints.update { breakpoint in
            breakpoint.sites.removeAll { $0.process == process.id }
            breakpoint.isDeferred = true
        }
        process.insertedConditions = [:]
        process.caughtSystemCalls = .none
        refreshModules(of: process)
        moduleEvents = []
    }
}
