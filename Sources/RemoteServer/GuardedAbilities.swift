internal import AccessPolicy
internal import DebugTarget

// The optional abilities of a guarded target. Each is handed out only where the target has it.

extension GuardedTarget {
    fileprivate static func missing(_ what: String) -> TargetError {
        TargetError(.unsupported, "this target has no \(what)")
    }
}

extension GuardedTarget: ProcessListing {
    func listProcesses() throws(TargetError) -> [ProcessSummary] {
        try demand(.list, "processes")
        guard let listing = target.processListing else { throw Self.missing("list of processes") }
        return try listing.listProcesses()
    }
}

extension GuardedTarget: SystemTables {
    var tables: [(name: String, title: String, description: String)] {
        target.systemTables?.tables ?? []
    }

    func table(named name: String) throws(TargetError) -> SystemTable? {
        try demand(.list, "table \(name)")
        guard let tables = target.systemTables else { throw Self.missing("tables") }
        return try tables.table(named: name)
    }
}

extension GuardedTarget: ProcessDetails {
    private func details() throws(TargetError) -> any ProcessDetails {
        guard let details = target.processDetails else { throw Self.missing("details") }
        return details
    }

    func auxiliaryVector(of process: ProcessID) throws(TargetError) -> [UInt8] {
        try demand(.attach, "auxiliary vector", in: process)
        return try details().auxiliaryVector(of: process)
    }

    func linkerDebugPointer(of process: ProcessID) throws(TargetError) -> TargetAddress? {
        try demand(.attach, "modules", in: process)
        return try details().linkerDebugPointer(of: process)
    }

    func executablePath(of process: ProcessID) throws(TargetError) -> String {
        if !target.processes.contains(process) { try demand(.list, "executable", in: nil) }
        return try details().executablePath(of: process)
    }

    func memoryRegions(of process: ProcessID) throws(TargetError) -> [MemoryRegion] {
        try demand(.attach, "memory map", in: process)
        return try details().memoryRegions(of: process)
    }

    func modules(of process: ProcessID) throws(TargetError) -> [LoadedModule] {
        try demand(.attach, "modules", in: process)
        return try details().modules(of: process)
    }

    func wasLaunched(_ process: ProcessID) -> Bool {
        target.processDetails?.wasLaunched(process) ?? false
    }
}

extension GuardedTarget: SignalInformation {
    private func ability() throws(TargetError) -> any SignalInformation {
        guard let ability = target.signalInformation else { throw Self.missing("siginfo") }
        return ability
    }

    func signalInformation(of thread: ThreadID) throws(TargetError) -> [UInt8] {
        try demand(.attach, "siginfo", in: thread.process)
        return try ability().signalInformation(of: thread)
    }

    func setSignalInformation(_ bytes: [UInt8], of thread: ThreadID) throws(TargetError) {
        try demand(.writeMemory, "siginfo of thread \(thread.number)", in: thread.process)
        auditor.noteWrite(thread.process, "siginfo of thread \(thread.number)")
        try ability().setSignalInformation(bytes, of: thread)
    }
}

extension GuardedTarget: SignalPolicy {
    var passedSignals: Set<Signal> {
        get { target.signalPolicy?.passedSignals ?? [] }
        set { target.signalPolicy?.passedSignals = newValue }
    }

    /// Not the client's to choose where signals are not.
    var signalsKeptOnDetach: Set<Signal>? {
        get { target.signalPolicy?.signalsKeptOnDetach }
        set {
            guard policy.generalRefusal(.kill) == nil else { return }
            target.signalPolicy?.signalsKeptOnDetach = newValue
        }
    }
}

extension GuardedTarget: BreakpointJudging {
    func setJudge(
        _ judge: (any BreakpointJudge)?,
        of breakpoint: Breakpoint,
        in process: ProcessID
    ) throws(TargetError) {
        guard let ability = target.breakpointJudging else { throw Self.missing("conditions") }
        // Judges read registers and memory.
        if judge != nil { try demand(.attach, "a breakpoint's condition", in: process) }
        try demand(.breakpoints, "breakpoint at \(breakpoint.address)", in: process)
        try ability.setJudge(judge, of: breakpoint, in: process)
    }
}

extension GuardedTarget: TargetFiles {
    private func table() throws(TargetError) -> any TargetFiles {
        guard let files = target.files else { throw Self.missing("files") }
        return files
    }

    func open(_ path: String, flags: OpenFlags, mode: UInt32) throws(TargetError) -> Int {
        let changing: OpenFlags = [.writeOnly, .readWrite, .append, .create, .truncate]
        let writes = !flags.isDisjoint(with: changing)
        let reads = !flags.contains(.writeOnly)
        let activity: AuditRecord.Activity = writes ? .writeFile : .readFile
        return try auditor.noting(activity, nil, path) { () throws(TargetError) in
            if writes, let words = refusal(.writeFiles) { throw TargetError(.notPermitted, words) }
            if reads, let words = refusal(.readFiles) { throw TargetError(.notPermitted, words) }
            if refusal(.writeFiles) != nil { try refuseSpecial(path) }
            return try table().open(path, flags: flags, mode: mode)
        }
    }

    /// Opening a FIFO, a socket or a device does something to it, and so does reading some of the kernel's
    /// files; who may not write gets regular files only.
    private func refuseSpecial(_ path: String) throws(TargetError) {
        let status = try table().status(ofPath: path, followingLinks: true)
        let regularFile: UInt32 = 0o100000
        guard status.mode & 0o170000 == regularFile else {
            throw TargetError(
                .notPermitted,
                "only regular files can be opened where writing is not allowed"
            )
        }
    }

    func close(_ file: Int) throws(TargetError) { try table().close(file) }

    func read(_ file: Int, count: Int, at offset: UInt64) throws(TargetError) -> [UInt8] {
        try table().read(file, count: count, at: offset)
    }

    func write(
        _ bytes: [UInt8],
        to file: Int,
        at offset: UInt64
    ) throws(TargetError) -> Int {
        try demand(.writeFiles, "file \(file)")
        return try table().write(bytes, to: file, at: offset)
    }

    func status(of file: Int) throws(TargetError) -> FileStatus {
        try table().status(of: file)
    }

    func status(
        ofPath path: String,
        followingLinks: Bool
    ) throws(TargetError) -> FileStatus {
        try demand(.readFiles, path)
        return try table().status(ofPath: path, followingLinks: followingLinks)
    }

    func remove(_ path: String) throws(TargetError) {
        try auditor.noting(.writeFile, nil, path) { () throws(TargetError) in
            if let words = refusal(.writeFiles) { throw TargetError(.notPermitted, words) }
            try table().remove(path)
        }
    }

    func linkDestination(of path: String) throws(TargetError) -> String {
        try demand(.readFiles, path)
        return try table().linkDestination(of: path)
    }

    func useFileSystem(of process: ProcessID?) throws(TargetError) {
        try table().useFileSystem(of: process)
    }
}
