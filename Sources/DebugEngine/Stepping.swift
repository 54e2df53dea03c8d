internal import DebugTarget
public import Disassembly
internal import Symbols

/// One instruction; `isOver` runs through calls and repeated string instructions.
struct InstructionStepPlan: ExecutionPlan {
    let isOver: Bool
    private var hasStarted = false

    init(isOver: Bool) {
        self.isOver = isOver
    }

    mutating func next(_ session: DebugSession, _ thread: ThreadState) throws -> PlanStep {
        defer { hasStarted = true }
        if hasStarted { return .finished }
        guard isOver, let instruction = try session.instruction(of: thread),
            instruction.isCall || instruction.mnemonic.hasPrefix("rep")
        else { return .resume(.step, []) }
        let stop = TemporaryStop(
            address: instruction.next.rawValue,
            thread: thread.id,
            stackAtLeast: try session.value(.stackPointer, of: thread)
        )
        return .resume(.run, [stop])
    }
}

/// Out of the current function.
struct StepOutPlan: ExecutionPlan {
    private var hasStarted = false

    mutating func next(_ session: DebugSession, _ thread: ThreadState) throws -> PlanStep {
        defer { hasStarted = true }
        if hasStarted { return .finished }
        let frames = try session.stack(of: thread, maximum: StepOutPlan.framesMax)
        guard let caller = frames.first(where: { $0.registers != frames[0].registers }) else {
            throw EngineError.sentence("The current function has no caller to run to")
        }
        let stop = TemporaryStop(
            address: caller.pc,
            thread: thread.id,
            stackAtLeast: caller.childStackPointer
        )
        return .resume(.run, [stop])
    }

    /// Inlined calls share their function's registers; this many of them are looked through.
    private static let framesMax = 32
}

/// One source line.
///
/// The thread steps through the addresses of its line. When it leaves them by a call, the call is
/// run through (or stopped in, past the prologue, when it has lines and `isOver` is false); when it
/// comes to another line at the start of a statement, the step is done.
struct SourceStepPlan: ExecutionPlan {
    /// How many instructions a procedure linkage stub may take.
    static let linkageStepsMax = 8

    private enum Phase {
        case start
        case stepping
        case linkage(returnTo: TemporaryStop, left: Int)
        /// In a function that was stepped into, up to where its parameters can be read.
        case prologue(Range<UInt64>)
        case done
    }

    let isOver: Bool
    private var phase = Phase.start
    private var line: SourceLocation?
    private var range: Range<UInt64> = 0..<0
    private var function: String?
    /// How many inlined calls the code at the start is in.
    private var inlinedDepth = 0

    init(isOver: Bool) {
        self.isOver = isOver
    }

    mutating func next(_ session: DebugSession, _ thread: ThreadState) throws -> PlanStep {
        let pc = try session.programCounter(of: thread)
        switch phase {
        case .start: return try start(session, thread, pc)
        case .stepping: return try step(session, thread, pc)
        case .linkage(let stop, let left):
            return try throughLinkage(session, thread, pc, stop, left)
        case .prologue(let range):
            return try throughPrologue(session, thread, pc, range)
        case .done: return .finished
        }
    }

    private mutating func start(
        _ session: DebugSession,
        _ thread: ThreadState,
        _ pc: UInt64
    ) throws -> PlanStep {
        guard let found = session.lineRange(at: pc, thread) else {
            // Without lines a step is an instruction.
            phase = .done
            var plan = InstructionStepPlan(isOver: isOver)
            return try plan.next(session, thread)
        }
        phase = .stepping
        line = found.location
        range = found.addresses
        function = session.functionName(at: pc, thread)
        inlinedDepth = session.inlinedDepth(at: pc, thread)
        return stepInRange
    }

    private var stepInRange: PlanStep { Self.step(in: range) }

    private static func step(in range: Range<UInt64>) -> PlanStep {
        .resume(.stepRange(TargetAddress(range.lowerBound)..<TargetAddress(range.upperBound)), [])
    }

    private mutating func step(
        _ session: DebugSession,
        _ thread: ThreadState,
        _ pc: UInt64
    ) throws -> PlanStep {
        if range.contains(pc) { return stepInRange }
        if session.mayBeEntry(pc, thread),
            let stop = try session.returnOfCall(from: range, thread, pc)
        {
            return try entered(session, thread, pc, stop)
        }
        guard session.functionName(at: pc, thread) == function else { return .finished }
        guard let found = session.lineRange(at: pc, thread) else { return .finished }
        let isSameLine =
            found.location.line == line?.line && found.location.file == line?.file
        let isStart = found.isStatement && pc == found.addresses.lowerBound
        // A step over runs through what was inlined into the line as through a call.
        let isInlinedCall = isOver && session.inlinedDepth(at: pc, thread) > inlinedDepth
        if found.location.line > 0, !isSameLine, isStart, !isInlinedCall { return .finished }
        range = found.addresses
        return stepInRange
    }

    /// A call was entered: through it, or into it.
    private mutating func entered(
        _ session: DebugSession,
        _ thread: ThreadState,
        _ pc: UInt64,
        _ stop: TemporaryStop
    ) throws -> PlanStep {
        guard !isOver else { return .resume(.run, [stop]) }
        if let address = session.steppedIntoAddress(pc, thread) {
            guard address > pc else { return .finished }
            phase = .prologue(pc..<address)
            return Self.step(in: pc..<address)
        }
        guard session.isLinkage(pc, thread) else { return .resume(.run, [stop]) }
        phase = .linkage(returnTo: stop, left: Self.linkageStepsMax)
        return .resume(.step, [])
    }

    /// Stepped, not run to a breakpoint, at which the other threads would stop too; what a prologue calls is run through.
    private func throughPrologue(
        _ session: DebugSession,
        _ thread: ThreadState,
        _ pc: UInt64,
        _ range: Range<UInt64>
    ) throws -> PlanStep {
        if range.contains(pc) { return Self.step(in: range) }
        guard session.mayBeEntry(pc, thread),
            let stop = try session.returnOfCall(from: range, thread, pc)
        else { return .finished }
        return .resume(.run, [stop])
    }

    private mutating func throughLinkage(
        _ session: DebugSession,
        _ thread: ThreadState,
        _ pc: UInt64,
        _ stop: TemporaryStop,
        _ left: Int
    ) throws -> PlanStep {
        if left > 0, session.isLinkage(pc, thread) {
            phase = .linkage(returnTo: stop, left: left - 1)
            return .resume(.step, [])
        }
        phase = .stepping
        return try entered(session, thread, pc, stop)
    }
}

extension DebugSession {
    /// Steps once: a source line or an instruction, as `l+t` has it.
    public func step(over isOver: Bool) throws -> StopReport {
        if sourceOptions.contains(.step), usesLines {
            return try run(SourceStepPlan(isOver: isOver), for: isOver ? "p" : "t")
        }
        return try stepInstruction(over: isOver)
    }

    /// Steps one instruction.
    public func stepInstruction(over isOver: Bool) throws -> StopReport {
        try run(InstructionStepPlan(isOver: isOver), for: isOver ? "p" : "t")
    }

    /// Runs until the current function has returned.
    public func stepOut() throws -> StopReport {
        try run(StepOutPlan(), for: "gu")
    }

    /// The longest instruction, in bytes.
    static let instructionBytesMax = 16

    /// The instruction a thread stands at.
    public func instruction(of thread: ThreadState) throws -> Instruction? {
        guard let process = process(of: thread) else { return nil }
        return try instructions(
            at: try programCounter(of: thread),
            maximum: 1,
            in: process
        ).first
    }

    /// The most instructions disassembled at a time.
    static let instructionsMax = 65_536

    /// Instructions from an address on, as far as memory can be read.
    public func instructions(
        at address: UInt64,
        maximum: Int,
        in process: ProcessState
    ) throws -> [Instruction] {
        let disassembler = try disassembler(for: process)
        let maximum = min(maximum, Self.instructionsMax)
        let count = Self.instructionBytesMax * maximum
        let bytes =
            try localCode(at: address, count: count, in: process)
            ?? readMemory(at: address, count: count, in: process)
        return disassembler.disassemble(bytes, at: TargetAddress(address), maximum: maximum)
    }

    /// The run-time addresses and the line around the code at an address.
    func lineRange(at pc: UInt64, _ thread: ThreadState) -> LineRange? {
        guard let process = process(of: thread),
            let (module, symbols) = symbols(at: pc, in: process),
            var found = symbols.lineRange(containing: pc &- module.bias)
        else { return nil }
        let low = found.addresses.lowerBound &+ module.bias
        let high = found.addresses.upperBound &+ module.bias
        guard low < high else { return nil }
        found.addresses = low..<high
        return found
    }

    /// How many inlined calls the code at an address is in.
    func inlinedDepth(at pc: UInt64, _ thread: ThreadState) -> Int {
        guard let process = process(of: thread),
            let (module, symbols) = symbols(at: pc, in: process)
        else { return 0 }
        return symbols.inlinedCalls(at: pc &- module.bias).count
    }

    func functionName(at pc: UInt64, _ thread: ThreadState) -> String? {
        guard let process = process(of: thread),
            let (module, symbols) = symbols(at: pc, in: process)
        else { return nil }
        return symbols.symbol(containing: pc &- module.bias)?.name
    }

    /// Whether a function may begin at an address: not inside one whose symbol is known.
    func mayBeEntry(_ pc: UInt64, _ thread: ThreadState) -> Bool {
        guard let process = process(of: thread),
            let (module, symbols) = symbols(at: pc, in: process),
            let symbol = symbols.symbol(containing: pc &- module.bias)
        else { return true }
        return symbol.address &+ module.bias == pc || symbol.kind == .procedureLinkage
    }

    /// When a thread has just been called from within the range: where that call returns to.
    func returnOfCall(
        from range: Range<UInt64>,
        _ thread: ThreadState,
        _ pc: UInt64
    ) throws -> TemporaryStop? {
        guard let process = process(of: thread) else { return nil }
        let stack = try value(.stackPointer, of: thread)
        let description = try target.targetDescription(of: process.id)
        let isArm = description.architecture == .arm64
        let address: UInt64
        if isArm {
            address = try value(.returnAddress, of: thread)
        } else {
            let size = wordBytes(of: process)
            let word = try readMemory(at: stack, count: size, in: process)
            guard word.count == size else { return nil }
            address = LittleEndian.value(word)
        }
        guard address > range.lowerBound, address <= range.upperBound, pc != address else {
            return nil
        }
        return TemporaryStop(
            address: address,
            thread: thread.id,
            stackAtLeast: isArm ? stack : stack &+ UInt64(wordBytes(of: process))
        )
    }

    /// Where to stop in a function just entered; nil when it has no lines.
    func steppedIntoAddress(_ pc: UInt64, _ thread: ThreadState) -> UInt64? {
        guard let process = process(of: thread),
            let (module, symbols) = symbols(at: pc, in: process),
            let line = symbols.sourceLocation(for: pc &- module.bias), line.line > 0
        else { return nil }
        guard let symbol = symbols.symbol(containing: pc &- module.bias),
            symbol.address &+ module.bias == pc,
            let address = symbols.breakpointAddress(forFunction: symbol.name)
        else { return pc }
        let past = address &+ module.bias
        return past >= pc && past < pc &+ max(symbol.size, 1) ? past : pc
    }

    /// Whether an address lies in a procedure linkage stub.
    func isLinkage(_ pc: UInt64, _ thread: ThreadState) -> Bool {
        guard let process = process(of: thread),
            let (module, symbols) = symbols(at: pc, in: process)
        else { return false }
        return symbols.symbol(containing: pc &- module.bias)?.kind == .procedureLinkage
    }
}
