internal import DebugTarget
internal import GDBRemoteProtocol

/// Which threads packets without a thread id are about.
struct ThreadChoice {
    /// `Hg`: registers and memory; nil for any.
    var general: ThreadID?
    /// `Hc`: `c` and `s`.
    var resumed = ThreadReference.all

    /// After a stop the thread that stopped is meant.
    mutating func stopped(_ thread: ThreadID?) {
        general = thread
        resumed = .all
    }
}

/// The threads of the processes as they stand, so that the many packets about single threads do not list
/// all of them anew.
struct ThreadLists {
    private var summaries: [ProcessID: [ThreadSummary]] = [:]
    private var identifiers: [ProcessID: (ordered: [ThreadID], members: Set<ThreadID>)] = [:]

    func summaries(of process: ProcessID) -> [ThreadSummary]? { summaries[process] }

    mutating func keep(_ list: [ThreadSummary], of process: ProcessID) {
        summaries[process] = list
    }

    func first(of process: ProcessID) -> ThreadID? { identifiers[process]?.ordered.first }

    /// Whether a thread is on the list; nil when there is no list yet.
    func contains(_ thread: ThreadID) -> Bool? {
        identifiers[thread.process]?.members.contains(thread)
    }

    mutating func keep(_ list: [ThreadID], of process: ProcessID) {
        identifiers[process] = (list, Set(list))
    }

    mutating func forget() {
        summaries = [:]
        identifiers = [:]
    }
}

extension ServerSession {
    /// The threads of a process that stands, with all that is known of each.
    func threads(of process: ProcessID) throws(TargetError) -> [ThreadSummary] {
        if let known = threadLists.summaries(of: process) { return known }
        let list = try target.threads(of: process)
        threadLists.keep(list, of: process)
        return list
    }

    private func isThere(_ thread: ThreadID) throws(TargetError) -> Bool {
        if let known = threadLists.contains(thread) { return known }
        threadLists.keep(try target.threadIDs(of: thread.process), of: thread.process)
        return threadLists.contains(thread) ?? false
    }

    private func firstThread(of process: ProcessID) throws(TargetError) -> ThreadID? {
        if let first = threadLists.first(of: process) { return first }
        let list = try target.threadIDs(of: process)
        threadLists.keep(list, of: process)
        return list.first
    }

    /// Forgets what holds only as long as nothing moves.
    func forgetState() {
        transfers.forget()
        threadLists.forget()
    }

    /// Finds the thread a reference means; `any` takes the current one of that process if it is alive.
    func thread(_ reference: ThreadReference) throws(TargetError) -> ThreadID {
        let process = try process(of: reference)
        if case .number(let number) = reference.thread {
            // The classic form does not name the process.
            if reference.process == nil { return try thread(numbered: number) }
            let wanted = ThreadID(process, number)
            guard try isThere(wanted) else {
                throw TargetError(
                    .noSuchProcess,
                    "process \(process) has no thread \(number) (any more)"
                )
            }
            return wanted
        }
        if let general = selection.general, general.process == process, try isThere(general) {
            return general
        }
        guard let first = try firstThread(of: process) else {
            throw TargetError(.noSuchProcess, "process \(process) has no threads any more")
        }
        return first
    }

    private func thread(numbered number: Int64) throws(TargetError) -> ThreadID {
        for process in target.processes {
            let wanted = ThreadID(process, number)
            if try isThere(wanted) { return wanted }
        }
        throw TargetError(.noSuchProcess, "there is no thread \(number) (any more)")
    }

    private func process(of reference: ThreadReference) throws(TargetError) -> ProcessID {
        if let process = reference.processID(assuming: nil) {
            guard target.processes.contains(process) else {
                throw TargetError(.noSuchProcess, "process \(process) is not being debugged")
            }
            return process
        }
        if let general = selection.general, target.processes.contains(general.process) {
            return general.process
        }
        guard let first = target.processes.first else {
            throw TargetError(.invalid, "no process is being debugged: attach or run first")
        }
        return first
    }

    /// The thread registers are read from.
    func currentThread() throws(TargetError) -> ThreadID {
        if let general = selection.general, target.processes.contains(general.process) {
            return general
        }
        return try thread(.any)
    }

    /// The process memory is read from.
    func currentProcess() throws(TargetError) -> ProcessID {
        if let general = selection.general, target.processes.contains(general.process) {
            return general.process
        }
        guard let first = target.processes.first else {
            throw TargetError(.invalid, "no process is being debugged: attach or run first")
        }
        return first
    }

    /// A thread's id as this client writes it.
    func reference(_ thread: ThreadID) -> ThreadReference {
        ThreadReference(thread, multiprocess: personality.multiprocess)
    }
}
