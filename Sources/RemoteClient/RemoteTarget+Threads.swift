public import DebugTarget
internal import GDBRemoteProtocol

extension RemoteTarget {
    /// How many threads a list may name.
    static let threadsMax = 65_536

    /// The threads of a process.
    public func threads(of process: ProcessID) throws(TargetError) -> [ThreadSummary] {
        if let known = stop.threads[process] { return known }
        let all = try readThreadList()
        for owner in processes {
            stop.threads[owner] = all.filter { $0.thread.process == owner }
        }
        let own = stop.threads[process] ?? []
        if own.isEmpty, let thread = stop.eventThread, thread.process == process {
            return [ThreadSummary(thread: thread, name: "")]
        }
        return own
    }

    /// The thread that a reference from the stub names; nil where it means all or any.
    ///
    /// Numbers that no Linux kernel gives out are an error. A stub without processes may number threads
    /// as it likes within 32 bits (kgdb has negative ones, sent as eight digits).
    func thread(
        _ reference: ThreadReference,
        assuming assumed: ProcessID?
    ) throws(TargetError) -> ThreadID? {
        if let process = reference.process {
            for case .number(let number) in [process, reference.thread] {
                try requireKernelID(number, within: 1...Int64(Int32.max))
            }
        } else if case .number(let number) = reference.thread {
            try requireKernelID(number, within: Int64(Int32.min)...Int64(UInt32.max))
        }
        return reference.threadID(assuming: assumed)
    }

    /// A process id from the stub, if it can be one.
    func checked(_ process: ProcessID) throws(TargetError) -> ProcessID {
        try requireKernelID(Int64(process.rawValue), within: 1...Int64(Int32.max))
        return process
    }

    private func requireKernelID(
        _ number: Int64,
        within range: ClosedRange<Int64>
    ) throws(TargetError) {
        guard range.contains(number) else {
            throw TargetError(
                .invalid,
                "\(peerName) speaks of process or thread \(number), which no Linux has."
            )
        }
    }

    /// All threads of all processes, by whichever packet the stub has.
    func readThreadList() throws(TargetError) -> [ThreadSummary] {
        if features.supports("qXfer:threads:read") {
            return try readThreadDocument()
        }
        var threads: [ThreadSummary] = []
        var listed = 0
        var reply = try exchange("qfThreadInfo", "the list of threads")
        while !isRefusal(reply) {
            guard let portion = ThreadListReply.threads(ofPayload: reply) else {
                throw failure(reply, "the list of threads")
            }
            guard !portion.isEmpty else { break }
            listed += portion.count
            guard listed <= Self.threadsMax else { break }
            for reference in portion {
                if let thread = try thread(reference, assuming: assumedProcess) {
                    threads.append(ThreadSummary(thread: thread, name: ""))
                }
            }
            reply = try exchange("qsThreadInfo", "the rest of the list of threads")
        }
        return threads
    }

    private func readThreadDocument() throws(TargetError) -> [ThreadSummary] {
        let document = try readObject("threads", annex: "", "the list of threads")
        guard let root = XMLReader.parse(document), root.name == "threads" else {
            throw TargetError(.invalid, "\(peerName) sent a list of threads that is no XML.")
        }
        var threads: [ThreadSummary] = []
        for element in root.children("thread").prefix(Self.threadsMax) {
            guard let id = element.attributes["id"], let reference = ThreadReference(id.utf8),
                let thread = try thread(reference, assuming: assumedProcess)
            else { continue }
            threads.append(
                ThreadSummary(
                    thread: thread,
                    name: element.attributes["name"] ?? "",
                    core: element.attributes["core"].flatMap { Int($0) }
                )
            )
        }
        return threads
    }

    /// The thread a stub without thread ids in its stop replies means.
    func currentThread() throws(TargetError) -> ThreadID {
        let reply = try exchange("qC", "the current thread")
        if reply.starts(with: "QC".utf8),
            let reference = ThreadReference(reply.dropFirst(2)),
            case .number(let number) = reference.thread
        {
            if let thread = try thread(reference, assuming: assumedProcess) { return thread }
            return ThreadID(ProcessID(Int32(clamping: max(number, 1))), number)
        }
        let process = assumedProcess ?? ProcessID(1)
        return ThreadID(process, Int64(process.rawValue))
    }
}
