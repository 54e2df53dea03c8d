internal import DebugTarget
internal import GDBRemoteProtocol

// Setting the target going, and what it reports.

extension ServerSession {
    static var resumePackets: [PacketEntry] {
        [
            PacketEntry("vCont?") { session, _ in
                let stop = session.target.nonStopControl == nil ? [] : ["t"]
                return .payload(
                    ResumeAbilities(actions: ["c", "C", "s", "S"] + stop + ["r"]).payload
                )
            },
            PacketEntry("vCont;") { session, packet throws(TargetError) in
                guard let request = ResumeRequest(payload: packet) else {
                    return .malformed(packet)
                }
                if session.isNonStop { return try session.resumeIndependently(request) }
                var actions: [ResumeAction] = []
                for element in request.elements { actions.append(try session.action(element)) }
                return try session.resume(actions)
            },
            PacketEntry("vCtrlC") { session, _ in
                session.requestInterrupt()
                return .ok
            },
        ]
            + ["c", "s", "C", "S"].map { name in
                PacketEntry(name) { session, packet throws(TargetError) in
                    try session.resumeClassically(packet)
                }
            }
    }

    private func resume(_ actions: [ResumeAction]) throws(TargetError) -> Reply {
        try target.resume(actions)
        if isNonStop { return .ok }
        beginRunning()
        if hasQueuedInterrupt { requestInterrupt() }
        return .later
    }

    func requestInterrupt() {
        // What crosses a stop on its way counts when the client, to which that stop meant nothing, has the program go
        // on (the manual's "Interrupts"). lldb makes sure by itself, and takes the second stop for the program's own.
        let isRunning = isRunning || isNonStop
        hasQueuedInterrupt =
            !isRunning && !personality.isLLDB && !personality.stopEndsInterrupt
            && !target.processes.isEmpty
        guard isRunning else { return }
        do throws(TargetError) {
            try target.interrupt()
        } catch {
            finish(.targetLost(error.message))
        }
    }

    func action(_ element: ResumeRequest.Element) throws(TargetError) -> ResumeAction {
        let kind: ResumeAction.Kind
        var number: UInt8?
        switch element.action {
        case .run(let signal): (kind, number) = (.run, signal)
        case .step(let signal): (kind, number) = (.step, signal)
        case .stepRange(let range): kind = range.isEmpty ? .step : .stepRange(range)
        case .stop:
            throw TargetError(.invalid, "vCont;t belongs to non-stop mode (QNonStop:1)")
        }
        return ResumeAction(
            scope(of: element.threads ?? .all),
            kind,
            signal: number.flatMap { personality.signals.signal(of: $0) }
        )
    }

    func scope(of reference: ThreadReference) -> ResumeAction.Scope {
        let assumed = selection.general?.process ?? target.processes.first
        if let thread = reference.threadID(assuming: assumed) {
            // The classic form names threads of all processes.
            if reference.process == nil, case .number(let number) = reference.thread,
                let found = try? self.thread(
                    ThreadReference(process: nil, thread: .number(number))
                )
            {
                return .thread(found)
            }
            return .thread(thread)
        }
        if let process = reference.processID(assuming: nil) { return .process(process) }
        return .all
    }

    /// `c`, `s`, `C`, `S`, with an optional address to go on at.
    private func resumeClassically(_ packet: [UInt8]) throws(TargetError) -> Reply {
        var reader = PayloadReader(packet.dropFirst())
        let letter = packet[0]
        var signal: Signal?
        if letter == UInt8(ascii: "C") || letter == UInt8(ascii: "S") {
            guard let digits = reader.take(2), let number = Hex.number(digits) else {
                return .malformed(packet)
            }
            signal = personality.signals.signal(of: UInt8(number))
            _ = reader.skip(";" as Unicode.Scalar)
        }
        if !reader.isAtEnd {
            guard let address = reader.hexNumber(), reader.isAtEnd else {
                return .malformed(packet)
            }
            try move(try currentThread(), to: TargetAddress(address))
        }
        let isStep = letter == UInt8(ascii: "s") || letter == UInt8(ascii: "S")
        let chosen = scope(of: selection.resumed)
        guard isStep || signal != nil else { return try resume([ResumeAction(chosen, .run)]) }
        // Step one thread, or give one thread the signal; the others run.
        let thread = try currentThread()
        let own = ResumeAction(.thread(thread), isStep ? .step : .run, signal: signal)
        return try resume(chosen == .all ? [own, ResumeAction(.all, .run)] : [own])
    }

    private func move(_ thread: ThreadID, to address: TargetAddress) throws(TargetError) {
        let description = try target.targetDescription(of: thread.process)
        guard let counter = description.register(playing: .programCounter) else { return }
        var block = try target.registers(of: thread)
        block.set(address.rawValue, of: counter)
        try target.setRegisters(block, of: thread)
    }

    // MARK: Events

    func take(_ event: TargetEvent) {
        if isNonStop { return note(event) }
        guard let reply = stopReply(for: event) else { return }
        if case .output(let bytes) = reply {
            sendOutput(bytes)
            return
        }
        forgetState()
        isRunning = false
        lastStop = reply
        send(reply.payload)
    }

    func stopReply(for event: TargetEvent) -> StopReply? {
        switch event {
        case .stopped(let thread, let reason):
            selection.stopped(thread)
            return .stopped(threadStop(thread, reason))
        case .exited(let process, let status):
            selection.stopped(nil)
            let wire = UInt8(truncatingIfNeeded: status)
            return .exited(status: wire, process: personality.multiprocess ? process : nil)
        case .terminated(let process, let signal):
            selection.stopped(nil)
            let wire = personality.signals.number(of: signal)
            return .terminated(signal: wire, process: personality.multiprocess ? process : nil)
        case .threadExited(let thread, let status):
            let wire = UInt64(UInt32(bitPattern: status))
            return .threadExited(status: wire, reference(thread))
        case .noneResumed: return noneResumed()
        case .output(let bytes): return .output(bytes)
        }
    }

    /// `N`, or for a client that does not know it the stop of some thread.
    private func noneResumed() -> StopReply {
        selection.stopped(nil)
        if personality.noResumed { return .noneResumed }
        guard let process = target.processes.first,
            let thread = (try? target.threadIDs(of: process))?.first
        else { return .noneResumed }
        selection.stopped(thread)
        return .stopped(threadStop(thread, .stepped))
    }

    func sendOutput(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let portion = rest.prefix((packetBytesMax - 1) / 2)
            send(StopReply.output(Array(portion)).payload)
            rest = rest.dropFirst(portion.count)
        }
    }

    /// What a stop looks like to this client.
    func threadStop(_ thread: ThreadID, _ reason: StopReason) -> ThreadStop {
        shownStop = (thread, reason)
        if personality.isLLDB { return lldbStop(thread) }
        let signal: Signal =
            switch reason {
            case .signal(let signal): signal
            case .interrupted: .interrupt
            default: .trap
            }
        return ThreadStop(
            signal: reason == .halted ? 0 : personality.signals.number(of: signal),
            thread: reference(thread),
            core: nil,
            cause: cause(reason),
            registers: expeditedRegisters(of: thread),
            notes: snapshotNotes(of: thread, isWhole: reason != .stepped)
        )
    }

    private func cause(_ reason: StopReason) -> ThreadStop.Cause? {
        switch reason {
        case .breakpoint: personality.reportsBreakpoints ? .softwareBreakpoint : nil
        case .hardwareBreakpoint: personality.reportsBreakpoints ? .hardwareBreakpoint : nil
        case .watchpoint(let access, let address): .watchpoint(access, address)
        case .syscallEntry(let number): .syscallEntry(UInt64(number))
        case .syscallReturn(let number): .syscallReturn(UInt64(number))
        case .forked(let child): .fork(child: reference(child))
        case .vforked(let child): .vfork(child: reference(child))
        case .vforkDone: .vforkDone
        case .threadCreated: .threadCreated
        case .executed(let path): personality.execEvents ? .exec(path: path) : nil
        case .modulesChanged: .library
        case .attached, .launched, .signal, .interrupted, .halted, .stepped: nil
        }
    }

    /// The registers a client needs at every stop: frame pointer, stack pointer, program counter.
    func expeditedRegisters(of thread: ThreadID) -> [ThreadStop.Register] {
        guard let description = try? target.targetDescription(of: thread.process),
            let block = try? target.registers(of: thread)
        else { return [] }
        let roles: [RegisterDescription.Role] = [.framePointer, .stackPointer, .programCounter]
        return roles.compactMap { role in
            guard let register = description.register(playing: role),
                let bytes = block.bytes(of: register)
            else { return nil }
            return ThreadStop.Register(number: register.number, bytes: Array(bytes))
        }
    }
}
