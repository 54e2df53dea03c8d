public import DebugTarget
internal import LinuxSystem

// Stops that are decided here: breakpoints with judges, and caught system calls.

extension PtraceTarget: BreakpointJudging {
    /// Gives a breakpoint that is planted a judge, or none.
    public func setJudge(
        _ judge: (any BreakpointJudge)?,
        of breakpoint: Breakpoint,
        in process: ProcessID
    ) throws(TargetError) {
        let traced = try self.process(process)
        let isPlanted =
            breakpoint.kind == .software
            ? traced.space.hasTrap(at: breakpoint.address)
            : traced.hardware.contains(breakpoint)
        guard isPlanted else {
            throw TargetError(.invalid, "there is no breakpoint at \(breakpoint.address)")
        }
        traced.judges[breakpoint] = judge
    }

    /// Whether a thread that has come to a breakpoint stops there.
    func judge(_ breakpoint: Breakpoint, _ thread: Tracee) -> Bool {
        guard let judge = thread.process.judges[breakpoint] else { return true }
        let verdict = judge.judge(StoppedScene(target: self, tracee: thread))
        if !verdict.output.isEmpty { queue.append(.output(verdict.output)) }
        return verdict.stops
    }
}

/// A thread at a breakpoint, whose registers are read once and only when they are asked for.
private final class StoppedScene: BreakpointScene {
    private let target: PtraceTarget
    private let tracee: Tracee
    private lazy var state = try? tracee.process.architecture.callState(of: tracee.id)

    init(target: PtraceTarget, tracee: Tracee) {
        self.target = target
        self.tracee = tracee
    }

    var thread: ThreadID { tracee.threadID }

    func register(_ number: Int) -> UInt64? {
        let architecture = tracee.process.architecture
        if let state, let value = architecture.value(ofRegister: number, in: state) {
            return value
        }
        let registers = architecture.description.registers
        guard let wanted = registers.first(where: { $0.number == number }) else { return nil }
        return try? target.registers(of: tracee.threadID).value(of: wanted)
    }

    func memory(at address: TargetAddress, count: Int) -> [UInt8] {
        (try? tracee.process.space.read(at: address, count: count)) ?? []
    }
}

extension PtraceTarget: SystemCallCatching {
    /// Chooses the system calls that stop a process.
    public func catchSystemCalls(
        _ selection: SystemCallSelection,
        in process: ProcessID
    ) throws(TargetError) {
        let traced = try self.process(process)
        traced.caughtSystemCalls = selection
    }

    /// What becomes of a thread that enters or leaves a system call.
    func systemCallOutcome(of thread: Tracee) -> Outcome {
        guard let number = try? thread.process.architecture.systemCallNumber(of: thread.id),
            thread.process.caughtSystemCalls.contains(number),
            let isEntry = try? Ptrace.entersSystemCall(thread.id)
        else { return .goesOn(signal: 0) }
        return .report(isEntry ? .syscallEntry(number) : .syscallReturn(number))
    }
}
