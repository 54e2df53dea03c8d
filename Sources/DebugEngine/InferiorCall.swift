internal import DebugTarget
internal import Symbols

/// A call of a function of the debuggee by the System V ABI for x86-64 (3.2).
struct InferiorCall {
    /// What a function is given.
    enum Argument {
        /// In an integer register, or on the stack.
        case integer(UInt64)
        /// In a vector register, or on the stack.
        case real([UInt8])
        /// A structure of one or two words, all of them in registers of their kinds or all on the stack.
        case words([(value: UInt64, isReal: Bool)])
        /// In memory, by value: on the stack.
        case memory([UInt8])
    }

    /// What lies below the stack pointer and belongs to the function that was interrupted.
    static let redZoneBytes: UInt64 = 128
    static let integerRegisters = ["rdi", "rsi", "rdx", "rcx", "r8", "r9"]
    static let argumentsMax = 64
    /// The longest text or structure that is put on the debuggee's stack.
    static let bytesMax = 1 << 16

    var function: UInt64
    var arguments: [Argument] = []
    /// Where a structure is returned that registers do not hold; so many bytes.
    var resultBytes: UInt64?

    /// What a call came back with.
    struct Result {
        var integers: [UInt64]
        var reals: [[UInt8]]
        /// Bytes of a result in memory.
        var memory: [UInt8]?
    }
}

extension DebugSession {
    /// Copies bytes below the stack of the current thread and gives their address and the stack
    /// pointer to go on from.
    func place(_ bytes: [UInt8], below stack: UInt64) throws -> UInt64 {
        let address = (stack &- UInt64(bytes.count)) & ~15
        try writeMemory(bytes, at: address)
        return address
    }

    /// Where the stack of a call may begin: below everything that is in use.
    func callStack(of thread: ThreadState) throws -> UInt64 {
        (try value(.stackPointer, of: thread) &- InferiorCall.redZoneBytes) & ~15
    }

    /// Calls a function on the current thread, which is afterwards as it was before, whatever
    /// happens in the call.
    func perform(_ call: InferiorCall, stack: UInt64) throws -> InferiorCall.Result {
        let thread = try requireThread(for: ".call")
        guard let process = process(of: thread) else { throw EngineError(.noDebuggee, ".call") }
        let description = try target.targetDescription(of: process.id)
        guard description.architecture == .x86_64 else {
            throw EngineError.sentence("Functions can be called on x86-64 only, so far")
        }
        guard let home = process.modules.first, let symbols = symbols(of: home, in: process) else {
            throw EngineError.sentence("A call needs the program's file for a place to return to")
        }
        let saved = try registers(of: thread)
        let frameNumber = currentFrame
        let pending = thread.pendingSignal
        let back = symbols.entryPoint &+ home.bias
        var (view, result) = try prepared(call, stack: stack, returningTo: back, saved)
        thread.pendingSignal = nil
        defer {
            if processes.contains(where: { $0 === process }) {
                try? store(saved, of: thread)
                thread.pendingSignal = pending
                select(thread)
                currentFrame = frameNumber
            }
        }
        // A system call that was interrupted must not begin anew in the call.
        _ = view.set("orig_rax", to: UInt64.max)
        try store(view, of: thread)
        let report = try run(GoPlan(stops: [back]), for: ".call")
        guard processes.contains(where: { $0 === process }), currentThread === thread,
            try programCounter(of: thread) == back
        else { throw failure(report, thread) }
        view = try registers(of: thread)
        return try finished(&result, view)
    }

    private func failure(_ report: StopReport, _ thread: ThreadState) -> EngineError {
        let reason = report.lines.first ?? "it stopped before its end"
        let place = (try? programCounter(of: thread)).flatMap { symbolText($0) } ?? "?"
        return .sentence(
            "The call did not come back: \(reason), at \(place); the registers are as they were before"
        )
    }

    /// The registers and the stack with which the function begins.
    private func prepared(
        _ call: InferiorCall,
        stack: UInt64,
        returningTo back: UInt64,
        _ saved: RegisterView
    ) throws -> (RegisterView, InferiorCall.Result) {
        var view = saved
        var top = stack
        var result = InferiorCall.Result(integers: [], reals: [])
        var integers = InferiorCall.integerRegisters[...]
        if let count = call.resultBytes {
            top = (top &- count) & ~15
            result.memory = [UInt8](repeating: 0, count: Int(count))
            _ = view.set(integers.removeFirst(), to: top)
        }
        var reals = 0
        var onStack: [UInt8] = []
        for argument in call.arguments {
            switch argument {
            case .integer(let value):
                if let register = integers.popFirst() {
                    _ = view.set(register, to: value)
                } else {
                    onStack += LittleEndian.bytes(value, count: 8)
                }
            case .real(let bytes):
                if reals < 8, setVector("xmm\(reals)", bytes, &view) {
                    reals += 1
                } else {
                    onStack += bytes + [UInt8](repeating: 0, count: max(0, 8 - bytes.count))
                }
            case .words(let words):
                let realCount = words.filter(\.isReal).count
                if integers.count >= words.count - realCount, reals + realCount <= 8 {
                    for word in words {
                        if word.isReal {
                            let bytes = LittleEndian.bytes(word.value, count: 8)
                            _ = setVector("xmm\(reals)", bytes, &view)
                            reals += 1
                        } else {
                            _ = view.set(integers.removeFirst(), to: word.value)
                        }
                    }
                } else {
                    for word in words { onStack += LittleEndian.bytes(word.value, count: 8) }
                }
            case .memory(let bytes):
                onStack += bytes + [UInt8](repeating: 0, count: (8 - bytes.count % 8) % 8)
            }
        }
        top = (top &- UInt64(onStack.count)) & ~15
        if !onStack.isEmpty { try writeMemory(onStack, at: top) }
        top &-= 8
        try writeMemory(LittleEndian.bytes(back, count: 8), at: top)
        _ = view.set("rsp", to: top)
        _ = view.set("rip", to: call.function)
        _ = view.set("rax", to: UInt64(reals))
        return (view, result)
    }

    private func setVector(_ name: String, _ bytes: [UInt8], _ view: inout RegisterView) -> Bool {
        guard let register = view.description.register(named: name) else { return false }
        return view.replaceLowBytes(of: register, by: bytes)
    }

    private func finished(
        _ result: inout InferiorCall.Result,
        _ view: RegisterView
    ) throws -> InferiorCall.Result {
        result.integers = ["rax", "rdx"].map { view.value($0) ?? 0 }
        result.reals = ["xmm0", "xmm1"].map { name in
            view.description.register(named: name).flatMap { view.block.bytes(of: $0) }
                .map(Array.init) ?? []
        }
        if let memory = result.memory {
            let address = result.integers[0]
            result.memory = try readMemory(at: address, count: memory.count)
        }
        return result
    }
}
