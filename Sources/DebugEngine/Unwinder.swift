internal import DebugTarget
public import Symbols

/// One frame of a stack, or an inlined call in one.
public struct StackFrame {
    /// The registers as they are in this frame.
    public var registers: UnwindRegisters
    /// The stack pointer in this frame: CDB's "Child-SP".
    public var childStackPointer: UInt64
    /// Where the frame returns to; 0 when it is the outermost.
    public var returnAddress: UInt64
    /// The function where the compiler inlined it; nil for a frame of its own.
    public var inlined: InlinedCall?
    /// The source line of an inlined frame's code, or of the call in it.
    public var location: SourceLocation?

    /// The program counter.
    public var pc: UInt64 { registers.pc }

    /// A register by name, as far as the call frame information tells it.
    func value(of name: String, in description: TargetDescription) -> UInt64? {
        guard let register = description.register(named: name.lowercased()) else { return nil }
        if register.role == .programCounter { return pc }
        return register.dwarfNumber.flatMap { registers[$0] }
    }
}

extension DebugSession {
    /// The deepest stack walked.
    public static let framesMax = 65_536

    /// The frames of a thread, innermost first, at most `maximum`.
    public func stack(of thread: ThreadState, maximum: Int) throws -> [StackFrame] {
        if let cache = stackCache, cache.thread == thread.id,
            cache.isComplete || cache.frames.count >= maximum
        {
            return Array(cache.frames.prefix(maximum))
        }
        guard let process = process(of: thread) else { throw EngineError(.noDebuggee, "k") }
        var walk = StackWalk(session: self, process: process)
        let first = try unwindRegisters(of: thread)
        let isComplete = walk.run(from: first, maximum: maximum)
        stackCache = (thread.id, walk.frames, isComplete)
        return Array(walk.frames.prefix(maximum))
    }

    /// One frame by its number.
    public func frame(_ number: Int, of thread: ThreadState) throws -> StackFrame {
        let frames =
            (0..<Self.framesMax).contains(number)
            ? try stack(of: thread, maximum: number + 2) : []
        guard frames.indices.contains(number) else {
            let text = Format.hex(UInt64(bitPattern: Int64(number)))
            throw EngineError.sentence("Cannot find frame 0x\(text)")
        }
        return frames[number]
    }

    /// The registers of a thread's innermost frame.
    func unwindRegisters(of thread: ThreadState) throws -> UnwindRegisters {
        let view = try registers(of: thread)
        var frame = UnwindRegisters(pc: try programCounter(of: thread))
        for register in view.description.registers {
            guard let number = register.dwarfNumber, let bytes = view.block.bytes(of: register)
            else { continue }
            frame[number] = LittleEndian.value(bytes.prefix(8))
        }
        return frame
    }

    /// The DWARF numbers of stack and frame pointer.
    func stackRegisters(
        of process: ProcessState
    ) throws -> (stackPointer: Int, framePointer: Int, isArm: Bool) {
        switch try target.targetDescription(of: process.id).architecture {
        case .arm64: (31, 29, true)
        case .x86_64: (7, 6, false)
        case .i386: (4, 5, false)
        }
    }
}

/// Walks a stack by call frame information, by frame pointers where there is none.
private struct StackWalk {
    let session: DebugSession
    let process: ProcessState
    private(set) var frames: [StackFrame] = []

    init(session: DebugSession, process: ProcessState) {
        self.session = session
        self.process = process
    }

    /// Walks on until the end of the stack or the limit; tells whether the end was reached.
    mutating func run(from first: UnwindRegisters, maximum: Int) -> Bool {
        guard let numbers = try? session.stackRegisters(of: process) else { return true }
        var current: UnwindRegisters? = first
        while let frame = current {
            if frames.count >= maximum { return false }
            if session.host.takeInterrupt() { return true }
            let caller = next(after: frame, numbers)
            append(frame, stackPointer: frame[numbers.stackPointer] ?? 0, caller)
            current = caller
        }
        return true
    }

    private mutating func append(
        _ frame: UnwindRegisters,
        stackPointer: UInt64,
        _ caller: UnwindRegisters?
    ) {
        let lookup = frame.lookupAddress
        var location = session.sourceLocation(lookup, in: process)
        if let (module, symbols) = session.symbols(at: lookup, in: process) {
            for call in symbols.inlinedCalls(at: lookup &- module.bias) {
                frames.append(
                    StackFrame(
                        registers: frame,
                        childStackPointer: stackPointer,
                        returnAddress: caller?.pc ?? 0,
                        inlined: call,
                        location: location
                    )
                )
                location = call.callSite
            }
        }
        frames.append(
            StackFrame(
                registers: frame,
                childStackPointer: stackPointer,
                returnAddress: caller?.pc ?? 0,
                inlined: nil,
                location: location
            )
        )
    }

    private func next(
        after frame: UnwindRegisters,
        _ numbers: (stackPointer: Int, framePointer: Int, isArm: Bool)
    ) -> UnwindRegisters? {
        let memory = session.memoryReader(for: process)
        var caller: UnwindRegisters?
        if let (module, symbols) = session.symbols(at: frame.lookupAddress, in: process) {
            caller = symbols.unwind(frame, bias: module.bias, memory: memory)
            let isKnownCode = symbols.symbolStatus == .dwarf
            if caller == nil, isKnownCode { return nil }
        }
        let found = caller ?? byFramePointer(frame, numbers, memory)
        guard let found, found.pc != 0 else { return nil }
        return progress(from: frame, to: found, numbers.stackPointer) ? found : nil
    }

    /// Whether a caller lies further up the stack; anything else is a damaged stack or a loop.
    private func progress(
        from frame: UnwindRegisters,
        to caller: UnwindRegisters,
        _ stackPointer: Int
    ) -> Bool {
        // A frame that a signal interrupted may lie on another stack than the handler's.
        if !caller.pcIsReturnAddress { return caller != frame }
        guard let inner = frame[stackPointer], let outer = caller[stackPointer] else {
            return false
        }
        // A leaf on arm64 has no stack of its own.
        return outer > inner || outer == inner && !frame.pcIsReturnAddress
    }

    /// The caller by the chain of frame pointers: `[fp]` the caller's, behind it the return address.
    private func byFramePointer(
        _ frame: UnwindRegisters,
        _ numbers: (stackPointer: Int, framePointer: Int, isArm: Bool),
        _ memory: any MemoryReader
    ) -> UnwindRegisters? {
        let word = session.wordBytes(of: process)
        guard let pointer = frame[numbers.framePointer], pointer % UInt64(word) == 0,
            let stack = frame[numbers.stackPointer], pointer >= stack,
            let words = memory.read(at: pointer, count: 2 * word)
        else { return nil }
        let address = LittleEndian.value(words[word...])
        guard session.module(containing: address, in: process) != nil else { return nil }
        var caller = UnwindRegisters(pc: address)
        caller.pcIsReturnAddress = true
        caller.cfa = pointer &+ UInt64(2 * word)
        caller[numbers.framePointer] = LittleEndian.value(words[..<word])
        caller[numbers.stackPointer] = pointer &+ UInt64(2 * word)
        return caller
    }
}
