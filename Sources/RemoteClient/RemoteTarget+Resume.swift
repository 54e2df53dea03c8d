public import DebugTarget
internal import GDBRemoteProtocol
internal import LinuxSystem

extension RemoteTarget {
    /// Sets threads going with `vCont`, or `Hc` and `c`, `s` where there is none.
    public func resume(_ actions: [ResumeAction]) throws(TargetError) {
        guard !actions.isEmpty else { return }
        steppingThreads = Set(
            actions.compactMap { action in
                if action.kind == .run { return nil }
                if case .thread(let thread) = action.scope { return thread }
                return stop.eventThread
            }
        )
        let packet: [UInt8]
        if resumeAbilities.contains("c") && resumeAbilities.contains("s") {
            packet = ResumeRequest(actions.map { element(for: $0) }).payload
        } else {
            packet = try classicPacket(for: actions)
        }
        try sendBehindDeferred(packet)
        stop = StopCache()
        viewingThread = nil
        interruptIsPending = false
        interruptTime = nil
        isRunning = true
    }

    /// What was put off goes out with what sets threads going; its answers come before the stop.
    private func sendBehindDeferred(_ packet: [UInt8]) throws(TargetError) {
        if deferred.contains(where: { $0.purpose != .unanswered }) { selectedThread = nil }
        let before = deferred.filter { $0.purpose == .unanswered }
        deferred = []
        try link.send(all: before.map(\.payload) + [packet])
        for _ in before { _ = try link.next("removing breakpoints") }
    }

    private func element(for action: ResumeAction) -> ResumeRequest.Element {
        let signal = action.signal.map { signals.number(of: $0) }
        let wire: ResumeRequest.Action
        switch action.kind {
        case .run: wire = .run(signal: signal)
        case .step: wire = .step(signal: signal)
        case .stepRange(let range):
            // A stub without `r` steps once; the caller sees where that led.
            let canRange = resumeAbilities.contains("r") && signal == nil
            wire = canRange ? .stepRange(range) : .step(signal: signal)
        }
        switch action.scope {
        case .all: return ResumeRequest.Element(wire)
        case .thread(let thread):
            return ResumeRequest.Element(
                wire,
                threads: ThreadReference(thread, multiprocess: isMultiprocess)
            )
        case .process(let process):
            let threads = isMultiprocess ? ThreadReference(allThreadsOf: process) : nil
            return ResumeRequest.Element(wire, threads: threads)
        }
    }

    /// `c`, `s` or their forms with a signal; the first action decides.
    private func classicPacket(for actions: [ResumeAction]) throws(TargetError) -> [UInt8] {
        let first = actions[0]
        var reference = ThreadReference(process: nil, thread: .all)
        if case .thread(let thread) = first.scope {
            reference = ThreadReference(thread, multiprocess: isMultiprocess)
        }
        let request = ThreadSelection(purpose: "c", thread: reference)
        _ = try exchange(request.payload, "choosing the thread to resume")
        let isStep = first.kind != .run
        guard let signal = first.signal else { return [UInt8](text: isStep ? "s" : "c") }
        var packet = [UInt8](text: isStep ? "S" : "C")
        packet.append(hexByte: signals.number(of: signal))
        return packet
    }

    /// Sends 0x03; when an earlier one has had its time without effect, the connection is given up.
    public func interrupt() throws(TargetError) {
        guard isRunning else { return }
        interruptIsPending = true
        let now = monotonicNanoseconds()
        let patience = UInt64(options.interruptGraceMilliseconds) * 1_000_000
        if let interruptTime, now - interruptTime >= patience {
            throw link.lose(
                "Ctrl+C: \(peerName) does not stop the target; the connection is given up"
            )
        }
        interruptTime = interruptTime ?? now
        try link.sendInterrupt()
    }

    /// The next event that has arrived.
    public func nextEvent() throws(TargetError) -> TargetEvent? {
        if !pendingEvents.isEmpty { return pendingEvents.removeFirst() }
        guard isRunning else { return nil }
        for _ in 0..<PacketLink.queuedPacketsMax {
            guard let payload = try link.poll() else { return nil }
            if let event = try event(for: payload) { return event }
        }
        throw link.lose("\(peerName) sends packets that tell of nothing")
    }

    private func event(for payload: [UInt8]) throws(TargetError) -> TargetEvent? {
        if let error = ErrorReply(payload: payload) {
            isRunning = false
            let words = error.text.isEmpty ? "error \(error.number)" : error.text
            throw TargetError(.invalid, "\(peerName) could not resume the target: \(words)")
        }
        switch StopReply(payload: payload) {
        case .output(let bytes): return .output(bytes)
        case .stopped(let stop):
            isRunning = false
            let thread = try accept(stop, expectedProcess: nil)
            return .stopped(thread, try reason(of: stop, thread))
        case .exited(let status, let process):
            return .exited(try ended(process), status: Int32(status))
        case .terminated(let signal, let process):
            let known = signals.signal(of: signal) ?? .kill
            return .terminated(try ended(process), known)
        case .noneResumed:
            isRunning = false
            return .stopped(try survivor(), .interrupted)
        case .hostCall:
            // A program with gdb's own system calls; it is told that the call is not available.
            try link.send([UInt8](text: "F-1,270f"))
            return nil
        case .threadExited(let status, let reference):
            // Only comes when it was asked for (QThreadEvents), and then everything stands.
            guard let thread = try thread(reference, assuming: assumedProcess) else { return nil }
            isRunning = false
            forgetStop()
            return .threadExited(thread, status: Int32(truncatingIfNeeded: status))
        case nil:
            throw link.lose(
                "\(peerName) sent something that is no stop reply: \(printable(payload.prefix(60)))"
            )
        }
    }

    private func ended(_ process: ProcessID?) throws(TargetError) -> ProcessID {
        isRunning = false
        guard let process = process ?? assumedProcess ?? processes.first else {
            throw TargetError(.disconnected, "\(peerName) reports the end of an unknown process.")
        }
        removeProcess(try checked(process))
        return process
    }

    private func survivor() throws(TargetError) -> ThreadID {
        guard let thread = try readThreadList().first?.thread else { return try currentThread() }
        return thread
    }

    /// Takes over what a stop reply says of threads and registers.
    func accept(
        _ reply: ThreadStop,
        expectedProcess: ProcessID?
    ) throws(TargetError) -> ThreadID {
        if assumedProcess == nil { assumedProcess = expectedProcess }
        var found: ThreadID?
        if let reference = reply.thread {
            found = try self.thread(reference, assuming: expectedProcess ?? assumedProcess)
        }
        if found == nil, case .number(let number)? = reply.thread?.thread, number > 0 {
            found = ThreadID(ProcessID(Int32(clamping: number)), number)
        }
        let thread: ThreadID
        if let found { thread = found } else { thread = try currentThread() }
        stop.eventThread = thread
        // Stubs differ in whether a stop selects its thread; where it was selected before, it still is.
        if selectedThread != ThreadReference(thread, multiprocess: isMultiprocess) {
            selectedThread = nil
        }
        var values: [Int: [UInt8]] = [:]
        for register in reply.registers { values[register.number] = register.bytes }
        stop.expedited[thread] = values
        adopt(reply.notes, of: thread)
        return thread
    }

    private func reason(
        of reply: ThreadStop,
        _ thread: ThreadID
    ) throws(TargetError) -> StopReason {
        defer { interruptIsPending = false }
        if let cause = reply.cause { return try reason(for: cause, thread) }
        if let address = reply.watchedAddress {
            return .watchpoint(access(at: address, of: thread.process), address)
        }
        guard let signal = signals.signal(of: reply.signal) else { return .interrupted }
        if signal == .trap { return try trapReason(thread) }
        if interruptIsPending, signal == .interrupt || signal == .stop { return .interrupted }
        return .signal(signal)
    }

    /// What the watchpoint at an address was planted for.
    private func access(at address: TargetAddress, of process: ProcessID) -> WatchAccess {
        for breakpoint in breakpoints.planted[process] ?? [] where breakpoint.address == address {
            if case .watch(let access, _) = breakpoint.kind { return access }
        }
        return .write
    }

    private func reason(
        for cause: ThreadStop.Cause,
        _ thread: ThreadID
    ) throws(TargetError) -> StopReason {
        switch cause {
        case .softwareBreakpoint: return .breakpoint(try programCounter(of: thread))
        case .hardwareBreakpoint: return .hardwareBreakpoint(try programCounter(of: thread))
        case .watchpoint(let access, let address): return .watchpoint(access, address)
        case .syscallEntry(let number): return .syscallEntry(Int(truncatingIfNeeded: number))
        case .syscallReturn(let number): return .syscallReturn(Int(truncatingIfNeeded: number))
        case .fork(let child): return try forkReason(child) { .forked(child: $0) }
        case .vfork(let child): return try forkReason(child) { .vforked(child: $0) }
        case .vforkDone: return .vforkDone
        case .clone, .threadCreated: return .threadCreated
        case .exec(let path):
            descriptions[thread.process] = nil
            executablePaths[thread.process] = nil
            breakpoints.planted[thread.process] = nil
            breakpoints.replacedBytes[thread.process] = nil
            return .executed(path: path)
        case .library: return .modulesChanged
        }
    }

    private func forkReason(
        _ child: ThreadReference,
        _ make: (ThreadID) -> StopReason
    ) throws(TargetError) -> StopReason {
        guard let thread = try thread(child, assuming: nil) else {
            throw TargetError(.invalid, "\(peerName) reports a fork without saying of whom.")
        }
        addProcess(thread.process)
        return make(thread)
    }

    /// Tells a breakpoint from a step where the stub only says SIGTRAP.
    private func trapReason(_ thread: ThreadID) throws(TargetError) -> StopReason {
        let address = try programCounter(of: thread)
        let planted = breakpoints.planted[thread.process] ?? []
        if planted.contains(Breakpoint(.software, at: address)) { return .breakpoint(address) }
        if planted.contains(Breakpoint(.hardware, at: address)) {
            return .hardwareBreakpoint(address)
        }
        let before = address - 1
        if !features.supports("swbreak"), planted.contains(Breakpoint(.software, at: before)) {
            try moveProgramCounter(of: thread, to: before)
            return .breakpoint(before)
        }
        return steppingThreads.contains(thread) ? .stepped : .signal(.trap)
    }

    private func programCounter(of thread: ThreadID) throws(TargetError) -> TargetAddress {
        let description = try targetDescription(of: thread.process)
        guard let register = description.register(playing: .programCounter) else {
            throw TargetError(.invalid, "\(peerName) describes no program counter.")
        }
        if let value = stopRegister(register, of: thread) { return TargetAddress(value) }
        return TargetAddress(try registers(of: thread).value(of: register) ?? 0)
    }

    private func moveProgramCounter(
        of thread: ThreadID,
        to address: TargetAddress
    ) throws(TargetError) {
        let description = try targetDescription(of: thread.process)
        guard let register = description.register(playing: .programCounter) else { return }
        var block = try registers(of: thread)
        block.set(address.rawValue, of: register)
        try setRegisters(block, of: thread)
    }
}
