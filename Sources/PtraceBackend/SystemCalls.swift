public import DebugTarget
internal import LinuxSystem

// System calls executed by the debuggee for us. A stopped thread is led to a system call instruction in the
// vDSO, which every process has, so that nothing need be written into its code; it executes that one
// instruction and gets all its registers back, the number of the call that it may stand in included, so
// that the kernel restarts that one as if nothing had been.

/// A system call to be executed by a debuggee.
struct InjectedCall {
    var number: UInt64
    /// Up to six.
    var arguments: [UInt64]
}

extension PtraceTarget: MemoryAllocation {
    /// The most memory of one allocation, in bytes.
    private static let allocationBytesMax: UInt64 = 1 << 30
    /// The most allocations of a process.
    private static let allocationsMax = 4096
    private static let pageByteCount: UInt64 = 4096
    private static let privateAndAnonymous: UInt64 = 0x22

    /// Maps memory into a stopped process.
    public func allocate(
        _ byteCount: UInt64,
        _ permissions: MemoryPermissions,
        by thread: ThreadID
    ) throws(TargetError) -> TargetAddress {
        let tracee = try stoppedThread(thread)
        let process = tracee.process
        guard byteCount > 0, byteCount <= PtraceTarget.allocationBytesMax,
            process.allocations.count < PtraceTarget.allocationsMax
        else {
            throw TargetError(
                .invalid,
                "\(byteCount) bytes are not allocated: at most "
                    + "\(PtraceTarget.allocationBytesMax) at a time, "
                    + "\(PtraceTarget.allocationsMax) times"
            )
        }
        let pages = (byteCount + PtraceTarget.pageByteCount - 1) / PtraceTarget.pageByteCount
        let call = InjectedCall(
            number: process.architecture.mapCallNumber,
            arguments: [
                0, pages * PtraceTarget.pageByteCount, UInt64(permissions.rawValue),
                PtraceTarget.privateAndAnonymous, .max, 0,
            ]
        )
        let address = TargetAddress(try perform(call, "mmap", on: tracee))
        process.allocations[address] = pages * PtraceTarget.pageByteCount
        return address
    }

    /// Unmaps memory that was allocated.
    public func release(_ address: TargetAddress, by thread: ThreadID) throws(TargetError) {
        let tracee = try stoppedThread(thread)
        guard let count = tracee.process.allocations[address] else {
            throw TargetError(.invalid, "no memory was allocated at \(address)")
        }
        let call = InjectedCall(
            number: tracee.process.architecture.unmapCallNumber,
            arguments: [address.rawValue, count]
        )
        _ = try perform(call, "munmap", on: tracee)
        tracee.process.allocations[address] = nil
    }

    /// Unmaps what the client has left, unless a thread executes it.
    func releaseAllocations(of process: TracedProcess) {
        guard !process.allocations.isEmpty,
            let thread = process.allThreads.first(where: \.isStopped)
        else { return }
        let counters = process.allThreads.compactMap {
            try? process.architecture.programCounter(of: $0.id)
        }
        for (address, count) in process.allocations
        where !counters.contains(where: { $0 - address < count }) {
            try? release(address, by: thread.threadID)
        }
    }

    /// Has a thread execute a system call.
    ///
    /// - Returns: what the call returned.
    private func perform(
        _ call: InjectedCall,
        _ name: String,
        on thread: Tracee
    ) throws(TargetError) -> UInt64 {
        let instruction = try systemCallInstruction(in: thread.process)
        let result = try executeAlone(on: thread) { architecture throws(SystemError) in
            try architecture.enterSystemCall(call, at: instruction, of: thread.id)
        } result: { architecture throws(SystemError) in
            try architecture.systemCallResult(of: thread.id)
        }
        guard let result else {
            throw TargetError(
                .invalid,
                "thread \(thread.id) could not execute \(name)(2): it ended or was stopped otherwise"
            )
        }
        let errorsFrom = UInt64(bitPattern: -4095)
        guard result < errorsFrom else {
            let number = Int32(truncatingIfNeeded: -Int64(bitPattern: result))
            throw TargetError(
                .system(number),
                "\(name)(2) in process \(thread.process.id): \(SystemError.reason(for: number))"
            )
        }
        return result
    }

    private func systemCallInstruction(
        in process: TracedProcess
    ) throws(TargetError) -> TargetAddress {
        if let known = process.systemCallInstruction { return known }
        let wanted = process.architecture.systemCallInstruction
        for region in try memoryRegions(of: process.id) where region.name == "[vdso]" {
            let start = region.range.lowerBound
            let count = Int(clamping: region.range.upperBound - start)
            guard let bytes = try? process.space.read(at: start, count: count) else { continue }
            for index in bytes.indices where bytes[index...].starts(with: wanted) {
                process.systemCallInstruction = start + UInt64(index)
                return start + UInt64(index)
            }
        }
        throw TargetError(
            .unsupported,
            "process \(process.id) has no vDSO to make system calls from"
        )
    }

    /// Has a thread execute one instruction while all others stand, and gives it back everything it had.
    ///
    /// - Returns: the result; nil when the step did not end as a step.
    private func executeAlone(
        on thread: Tracee,
        prepare: (any TracedArchitecture) throws(SystemError) -> Void,
        result: (any TracedArchitecture) throws(SystemError) -> UInt64
    ) throws(TargetError) -> UInt64? {
        let architecture = thread.process.architecture
        let state = try translating { () throws(SystemError) in
            try architecture.callState(of: thread.id)
        }
        let kept = KeptStop(thread)
        kept.clear(thread)
        let wasStopping = isStopping
        isStopping = true
        defer { isStopping = wasStopping }
        var deferred = DeferredSignals()
        var answer: UInt64?
        repeat {
            guard (try? prepare(architecture)) != nil else { break }
            thread.action = .step
            go(on: thread)
            guard waitForStep(of: thread, mayWait: false) else { break }
        } while deferred.take(from: thread)
        if thread.isStopped, thread.pending?.reason == .stepped {
            answer = try? result(architecture)
        }
        if thread.isStopped { try? architecture.restoreCallState(state, of: thread.id) }
        kept.putBack(thread)
        giveBack((0, nil), deferred, to: thread)
        return answer
    }
}

/// What a thread stopped for and was told to do, while it executes something for us.
private struct KeptStop {
    private let pending: Tracee.PendingStop?
    private let reported: StopReason?
    private let action: ResumeAction.Kind?
    private let signal: Int32
    private let information: [UInt8]?

    init(_ thread: Tracee) {
        pending = thread.pending
        reported = thread.reported
        action = thread.action
        signal = thread.signal
        // A signal's details are lost with the stop, and needed when it is delivered after all.
        let isSignal = thread.state == .stopped(.signal)
        information =
            thread.signalInformation
            ?? (isSignal ? try? Ptrace.signalInformation(thread.id) : nil)
    }

    func clear(_ thread: Tracee) {
        thread.pending = nil
        thread.signal = 0
        thread.signalInformation = nil
    }

    func putBack(_ thread: Tracee) {
        thread.pending = pending
        thread.reported = reported
        thread.action = action
        thread.signal = signal
        thread.signalInformation = information
        thread.isModified = true
        thread.registers = nil
    }
}
