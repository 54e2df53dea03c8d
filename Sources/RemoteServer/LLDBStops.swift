internal import DebugTarget
internal import GDBRemoteProtocol

// Stops as lldb wants them: why in its own words, all threads with what they do, and what it would ask for
// next: registers and the frames' links.

extension ServerSession {
    /// How many frames' links are sent along with a stop, on a fast and on a slow link.
    private var frameLinksMax: Int { profile.isSlow ? 4 : 16 }
    /// With more threads than this, stop replies do not list all of their program counters.
    private static let countersMax = 64

    static var lldbThreadPackets: [PacketEntry] {
        [
            PacketEntry("jThreadsInfo") { session, _ throws(TargetError) in
                let states = try session.threadStates(withRegisters: true)
                return .payload(ThreadState.document(states).payload)
            },
            PacketEntry("qThreadStopInfo") { session, packet throws(TargetError) in
                let digits = packet.dropFirst("qThreadStopInfo".utf8.count)
                guard let reference = ThreadReference(digits) else { return .malformed(packet) }
                let thread = try session.thread(reference)
                return .payload(StopReply.stopped(session.lldbStop(thread)).payload)
            },
            PacketEntry("qWatchpointSupportInfo:") { session, _ in
                guard let count = session.target.watchpointCountMax else { return .unsupported }
                return .payload([UInt8](text: "num:\(count);"))
            },
        ]
    }

    /// The stop of a thread as it was shown, or that it was only stopped with the others.
    func lldbStop(_ thread: ThreadID) -> ThreadStop {
        let reason = shownReason(of: thread)
        var stop = ThreadStop(
            signal: reason.map { lldbSignal($0) } ?? 0,
            thread: reference(thread),
            cause: reason.flatMap { lldbCause($0) },
            registers: generalRegisters(of: thread)
        )
        let list = try? threads(of: thread.process)
        let name = list?.first { $0.thread == thread }?.name ?? ""
        if !name.isEmpty { stop.notes.append(nameNote(name)) }
        if let reason, let words = lldbReason(reason) {
            stop.notes.append(.init("reason", words.word))
            if let details = words.details {
                let digits = String(decoding: Hex.encode(details.utf8), as: UTF8.self)
                stop.notes.append(.init("description", digits))
            }
        }
        if personality.listsThreads { addThreadList(to: &stop, of: thread.process) }
        stop.notes += frameLinks(of: thread).map(\.note)
        return stop
    }

    private func nameNote(_ name: String) -> ThreadStop.Note {
        let isPlain = name.utf8.allSatisfy { byte in
            byte > 0x20 && byte < 0x7f && !";:#$}*".utf8.contains(byte)
        }
        return isPlain
            ? .init("name", name)
            : .init("hexname", String(decoding: Hex.encode(name.utf8), as: UTF8.self))
    }

    private func addThreadList(to stop: inout ThreadStop, of process: ProcessID) {
        guard let states = try? threadStates(withRegisters: false) else { return }
        let ids = states.map { reference(ThreadID(process, $0.thread)).text }
        stop.notes.append(.init("threads", ids.joined(separator: ",")))
        if states.count <= ServerSession.countersMax {
            let counters = states.map { state in
                counter(of: ThreadID(process, state.thread)).map { Hex.text($0) } ?? "0"
            }
            stop.notes.append(.init("thread-pcs", counters.joined(separator: ",")))
        }
        guard states.count > 1 else { return }
        let digits = Hex.encode(ThreadState.document(states).description.utf8)
        // Without it lldb asks for each thread, which is slow but works.
        guard digits.count < packetBytesMax / 2 else { return }
        stop.notes.append(.init("jstopinfo", String(decoding: digits, as: UTF8.self)))
    }

    /// All threads of the current process.
    private func threadStates(withRegisters: Bool) throws(TargetError) -> [ThreadState] {
        let process = try currentProcess()
        return try threads(of: process).map { summary in
            let reason = shownReason(of: summary.thread)
            return ThreadState(
                thread: summary.thread.number,
                name: summary.name,
                reason: reason.flatMap { lldbReason($0) },
                signal: reason.map { lldbSignal($0) } ?? 0,
                registers: withRegisters ? expeditedRegisters(of: summary.thread) : [],
                memory: withRegisters ? frameLinks(of: summary.thread) : []
            )
        }
    }

    /// Why a thread was shown to have stopped; attaching stops all threads for the same reason.
    private func shownReason(of thread: ThreadID) -> StopReason? {
        guard let shownStop else { return nil }
        let isShared = shownStop.reason == .attached && shownStop.thread.process == thread.process
        return shownStop.thread == thread || isShared ? shownStop.reason : nil
    }

    // MARK: Reasons

    private func lldbSignal(_ reason: StopReason) -> UInt8 {
        let signal: Signal =
            switch reason {
            case .signal(let signal): signal
            case .attached, .launched, .interrupted, .halted: .stop
            default: .trap
            }
        return personality.signals.number(of: signal)
    }

    private func lldbReason(_ reason: StopReason) -> LLDBStopReason? {
        switch reason {
        case .attached, .launched, .interrupted, .halted, .signal: LLDBStopReason("signal")
        case .stepped: LLDBStopReason("trace")
        case .breakpoint, .hardwareBreakpoint: LLDBStopReason("breakpoint")
        case .watchpoint(_, let address):
            // The address watched, the register, the address hit.
            LLDBStopReason(
                "watchpoint",
                details: "\(address.rawValue) 0 \(address.rawValue)"
            )
        case .forked(let child): forkReason("fork", child)
        case .vforked(let child): forkReason("vfork", child)
        case .vforkDone: LLDBStopReason("vforkdone")
        case .executed: LLDBStopReason("exec")
        case .syscallEntry, .syscallReturn, .threadCreated, .modulesChanged: nil
        }
    }

    private func forkReason(_ word: String, _ child: ThreadID) -> LLDBStopReason {
        LLDBStopReason(word, details: "\(child.process) \(child.number)")
    }

    private func lldbCause(_ reason: StopReason) -> ThreadStop.Cause? {
        switch reason {
        case .breakpoint: personality.reportsBreakpoints ? .softwareBreakpoint : nil
        case .hardwareBreakpoint: personality.reportsBreakpoints ? .hardwareBreakpoint : nil
        default: nil
        }
    }

    // MARK: What goes along

    private func generalRegisters(of thread: ThreadID) -> [ThreadStop.Register] {
        guard let description = try? target.targetDescription(of: thread.process),
            let block = try? target.registers(of: thread)
        else { return [] }
        let wordBits = description.architecture.pointerByteCount * 8
        return description.registers.filter { register in
            register.feature.hasSuffix(".core") && register.group == nil
                && (register.bitSize == wordBits || register.role != nil)
        }.compactMap { register in
            block.bytes(of: register).map { .init(number: register.number, bytes: Array($0)) }
        }
    }

    private func counter(of thread: ThreadID) -> UInt64? {
        value(of: .programCounter, of: thread)
    }

    private func value(of role: RegisterDescription.Role, of thread: ThreadID) -> UInt64? {
        guard let description = try? target.targetDescription(of: thread.process),
            let register = description.register(playing: role),
            let block = try? target.registers(of: thread)
        else { return nil }
        return block.value(of: register)
    }

    /// The saved frame pointers and return addresses of a chain of frames, which unwinding begins with.
    private func frameLinks(of thread: ThreadID) -> [MemoryPiece] {
        guard let description = try? target.targetDescription(of: thread.process),
            description.architecture != .i386,
            var frame = value(of: .framePointer, of: thread)
        else { return [] }
        var pieces: [MemoryPiece] = []
        while pieces.count < frameLinksMax, frame != 0, frame % 8 == 0,
            let bytes = try? target.readMemory(
                at: TargetAddress(frame),
                count: 16,
                in: thread.process
            ), bytes.count == 16
        {
            pieces.append(MemoryPiece(address: TargetAddress(frame), bytes: bytes))
            let next = bytes[..<8].reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
            // The stack grows downwards: a link that leads down is none.
            guard next > frame else { break }
            frame = next
        }
        return pieces
    }
}
