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
    /// The threads of one process.
    struct List {
        var summaries: [ThreadSummary]
        var members: Set<ThreadID>
    }

    private var lists: [ProcessID: List] = [:]

    func list(of process: ProcessID) -> List? { lists[process] }

    mutating func keep(_ summaries: [ThreadSummary], of process: ProcessID) -> List {
        let list = List(summaries: summaries, members: Set(summaries.map(\.thread)))
        lists[process] = list
        return list
    }

    mutating func forget() { lists = [:] }
}

extension ServerSession {
    /// The threads of a process that stands.
    func threads(of process: ProcessID) throws(TargetError) -> ThreadLists.List {
        if let known = threadLists.list(of: process) { return known }
        return threadLists.keep(try target.threads(of: process), of: process)
    }

    /// Forgets what holds only as long as nothing moves.
    func forgetState() {
        transfers.forget()
        threadLists.forget()
    }

    /// Finds the thread a reference means; `any` takes the current one of that process if it is alive.
    func thread(_ reference: ThreadReference) throws(TargetError) -> ThreadID {
        let process = try process(of: reference)
        let threads = try threads(of: process)
        if case .number(let number) = reference.thread {
            // The classic form does not name the process.
            if reference.process == nil { return try thread(numbered: number) }
            let wanted = ThreadID(process, number)
            guard threads.members.contains(wanted) else {
                throw TargetError(
                    .noSuchProcess,
                    "process \(process) has no thread \(number) (any more)"
                )
            }
            return wanted
        }
        if let general = selection.general, general.process == process,
            threads.members.contains(general)
        {
            return general
        }
        guard let first = threads.summaries.first else {
            throw TargetError(.noSuchProcess, "process \(process) has no threads any more")
        }
        return first.thread
    }

    private func thread(numbered number: Int64) throws(TargetError) -> ThreadID {
        for process in target.processes {
            let wanted = ThreadID(process, number)
            if try threads(of: process).members.contains(wanted) { return wanted }
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
