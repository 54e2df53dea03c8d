internal import CoreFiles
public import DebugTarget
internal import Glibc
internal import LinuxSystem

// A debug target whose processes are core files. Each core is a process; nothing runs, nothing can be changed.

/// Core files as a target.
public final class CoreTarget: DebugTarget {
    /// How many cores may be open at once.
    public static let coresMax = 64

    var dumps: [ProcessID: CoreDump] = [:]
    /// The cores' processes, in order of opening.
    public private(set) var processes: [ProcessID] = []
    var notices: [String] = []

    /// Where a copy of a file of the target may be found on this machine, in order of preference.
    public var fileCandidates: (_ path: String) -> [String] = { [$0] }

    /// A target without a process.
    public init() {}

    /// Opens a core file.
    ///
    /// - Returns: the thread to show first.
    public func openDump(_ path: String) throws(TargetError) -> ThreadID {
        guard dumps.count < Self.coresMax else {
            throw TargetError(.invalid, "no more than \(Self.coresMax) core files can be open")
        }
        let dump = try CoreDump(path)
        var process = ProcessID(dump.core.process.id)
        // Cores of different boots or machines may have the same number.
        while dumps[process] != nil { process = ProcessID(process.rawValue &+ 1 & .max) }
        dumps[process] = dump
        processes.append(process)
        return ThreadID(process, Int64(dump.core.threads[0].id))
    }

    func dump(_ process: ProcessID) throws(TargetError) -> CoreDump {
        guard let dump = dumps[process] else {
            throw TargetError(.noSuchProcess, "there is no core file of process \(process)")
        }
        return dump
    }

    private var refusal: TargetError {
        TargetError(.unsupported, "No runnable debuggees: this is a core file")
    }

    // MARK: What cannot be done

    /// Refused: there is nothing to attach to.
    public func attach(to process: ProcessID) throws(TargetError) -> ThreadID { throw refusal }
    /// Refused.
    public func launch(_ request: LaunchRequest) throws(TargetError) -> ThreadID { throw refusal }
    /// Refused: it has ended already.
    public func kill(_ process: ProcessID) throws(TargetError) { throw refusal }
    /// Refused.
    public func resume(_ actions: [ResumeAction]) throws(TargetError) { throw refusal }
    /// Nothing runs.
    public func interrupt() throws(TargetError) {}
    /// Nothing happens.
    public func nextEvent() throws(TargetError) -> TargetEvent? { nil }
    /// There is nothing to wait for.
    public var eventDescriptor: Int32 { -1 }

    /// Refused.
    public func setRegisters(
        _ block: RegisterBlock,
        of thread: ThreadID
    ) throws(TargetError) { throw refusal }

    /// Refused.
    public func writeMemory(
        _ bytes: [UInt8],
        at address: TargetAddress,
        in process: ProcessID
    ) throws(TargetError) { throw refusal }

    /// Refused.
    public func insertBreakpoint(
        _ breakpoint: Breakpoint,
        in process: ProcessID
    ) throws(TargetError) { throw refusal }

    /// There are none.
    public func removeBreakpoint(
        _ breakpoint: Breakpoint,
        in process: ProcessID
    ) throws(TargetError) {}

    /// Closes a core file.
    public func detach(from process: ProcessID) throws(TargetError) {
        dumps[process] = nil
        processes.removeAll { $0 == process }
    }

    // MARK: What a core tells

    /// The threads, the one that died first.
    public func threads(of process: ProcessID) throws(TargetError) -> [ThreadSummary] {
        let dump = try dump(process)
        return dump.core.threads.enumerated().map { index, thread in
            var name = thread.name
            // The kernel tells the name of the thread that died.
            if name.isEmpty, index == 0 { name = dump.core.process.name }
            return ThreadSummary(thread: ThreadID(process, Int64(thread.id)), name: name)
        }
    }

    /// The registers that its machine had.
    public func targetDescription(
        of process: ProcessID
    ) throws(TargetError) -> TargetDescription {
        try dump(process).description
    }

    /// A thread's registers; those that were cut off are unavailable.
    public func registers(of thread: ThreadID) throws(TargetError) -> RegisterBlock {
        let dump = try dump(thread.process)
        return dump.core.registers(of: try dump.thread(thread))
    }

    /// Memory out of the core, or out of the file that was mapped there.
    public func readMemory(
        at address: TargetAddress,
        count: Int,
        in process: ProcessID
    ) throws(TargetError) -> [UInt8] {
        let dump = try dump(process)
        let bytes = dump.memory(at: address, count: count, fileCandidates)
        notices += dump.takeNotices()
        guard !bytes.isEmpty || count == 0 else {
            throw TargetError(.badAddress, "Memory at \(address) is not in \(dump.path).")
        }
        return bytes
    }

    /// What cores tell beyond that.
    public var processDetails: (any ProcessDetails)? { self }
    /// siginfo, where the core has it.
    public var signalInformation: (any SignalInformation)? { self }
    /// What they were made of.
    public var postMortem: (any PostMortem)? { self }
}

extension CoreTarget: SignalInformation {
    /// `siginfo_t` of the signal that a thread got.
    public func signalInformation(of thread: ThreadID) throws(TargetError) -> [UInt8] {
        let bytes = try dump(thread.process).thread(thread).signalInformation
        guard !bytes.isEmpty else {
            throw TargetError(
                .unsupported,
                "the core has no signal information of thread \(thread)"
            )
        }
        return bytes
    }

    /// Refused.
    public func setSignalInformation(
        _ bytes: [UInt8],
        of thread: ThreadID
    ) throws(TargetError) { throw refusal }
}

extension CoreTarget: PostMortem {
    /// What a core says of itself.
    public func description(of process: ProcessID) -> DumpDescription? {
        guard let dump = dumps[process] else { return nil }
        let core = dump.core
        let first = core.threads[0]
        return DumpDescription(
            path: dump.path,
            extent: core.remarks.extent,
            commandLine: core.process.commandLine,
            signal: first.signal > 0 ? Signal(first.signal) : nil,
            thread: ThreadID(process, Int64(first.id)),
            comment: core.remarks.comment,
            time: core.remarks.time,
            complaints: core.complaints
        )
    }

    /// What has been said of files since the last call.
    public func takeNotices() -> [String] {
        defer { notices = [] }
        return notices
    }
}
