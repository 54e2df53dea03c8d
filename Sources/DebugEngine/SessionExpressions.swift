internal import DebugTarget
internal import Disassembly
internal import Symbols

extension DebugSession: ExpressionContext {
    /// Of the current process.
    public var addressByteCount: Int { currentProcess.map { wordBytes(of: $0) } ?? 8 }

    /// The value of a text that is one whole expression.
    public func evaluate(_ text: String) throws -> UInt64 {
        let (value, rest) = try evaluatePrefix(text)
        let left = rest.drop { $0 == " " }
        if !left.isEmpty { throw EngineError(.extraCharacters, String(left)) }
        return value
    }

    /// The value of the expression a text begins with, and the rest of the text.
    public func evaluatePrefix(_ text: String) throws -> (value: UInt64, rest: String) {
        switch expressionLanguage {
        case .masm: try ExpressionEvaluator.evaluatePrefix(text, in: self)
        case .cPlusPlus: try evaluateCPrefix(text)
        }
    }

    /// The number of an expression of the other language, `@@c++( )`.
    public func embeddedValue(_ text: String) throws -> UInt64 {
        let (value, rest) = try evaluateCPrefix(text)
        if !rest.allSatisfy({ $0 == " " }) { throw EngineError(.extraCharacters, rest) }
        return value
    }

    /// A register of the current thread; in an outer frame, as far as unwinding knows it, that
    /// frame's.
    public func registerValue(_ name: String) throws -> UInt64? {
        guard let thread = currentThread else { return nil }
        if currentFrame > 0, let frame = try? frame(currentFrame, of: thread),
            let value = frame.value(
                of: name,
                in: try target.targetDescription(of: thread.id.process)
            )
        {
            return value
        }
        return try registers(of: thread).value(name)
    }

    /// `$ip`, `$sp`, `$ra`, `$retreg`, `$tpid`, `$tid`, `$exentry`, `$t0` … `$t19`, or `$register`.
    public func pseudoRegisterValue(_ name: String) throws -> UInt64? {
        let lower = name.lowercased().filter { $0 != "$" }
        if lower.hasPrefix("t"), let index = Int(lower.dropFirst()),
            userRegisters.indices.contains(index)
        {
            return userRegisters[index]
        }
        if lower.hasPrefix("bp"), let id = Int(lower.dropFirst(2)) {
            return breakpoints[id]?.sites.first?.address
        }
        guard let thread = currentThread, let process = currentProcess else { return nil }
        switch lower {
        case "ip", "pc":
            return currentFrame > 0
                ? try frame(currentFrame, of: thread).pc : try programCounter(of: thread)
        case "sp", "csp":
            return currentFrame > 0
                ? try frame(currentFrame, of: thread).childStackPointer
                : try value(.stackPointer, of: thread)
        case "fp": return try value(.framePointer, of: thread)
        case "ra": return try frame(currentFrame, of: thread).returnAddress
        case "retreg":
            let isArm = try target.targetDescription(of: process.id).architecture == .arm64
            return try registers(of: thread).value(isArm ? "x0" : "rax")
        case "tpid", "dpid": return UInt64(UInt32(bitPattern: process.id.rawValue))
        case "tid": return UInt64(bitPattern: thread.id.number)
        case "dtid": return UInt64(thread.number)
        case "ptrsize": return 8
        case "pagesize": return 0x1000
        case "teb", "thread": return value(ofRegister: "fs_base", of: thread)
        case "frame": return UInt64(currentFrame)
        case "scopeip": return try frame(currentFrame, of: thread).pc
        case "argreg": return try registers(of: thread).value("rdi")
        case "ea":
            return try instruction(of: thread).flatMap { instruction in
                instruction.memoryOperand.flatMap { address(of: $0, instruction, thread) }
            }
        case "mod":
            return module(containing: try programCounter(of: thread), in: process)?.range.lowerBound
        case "exentry":
            guard let module = process.modules.first,
                let symbols = symbols(of: module, in: process)
            else { return nil }
            return symbols.entryPoint &+ module.bias
        default: return try registers(of: thread).value(lower)
        }
    }

    /// A pseudo-register of another thread than the current one.
    public func pseudoValue(_ name: String, of thread: ThreadState) throws -> UInt64? {
        let previous = (currentProcess, currentThread, currentFrame)
        defer { (currentProcess, currentThread, currentFrame) = previous }
        select(thread)
        return try pseudoRegisterValue(name)
    }

    /// The address of a symbol, or the start of a module of that name.
    public func symbolValue(_ name: String) throws -> UInt64? {
        guard let process = currentProcess else { return nil }
        if let found = symbol(name, in: process) { return found.address }
        guard !name.contains("!") else { return nil }
        return modules(named: name, in: process).first?.range.lowerBound
    }

    /// The first address of a source line.
    public func sourceLineValue(file: String, line: Int) throws -> UInt64? {
        guard let process = currentProcess else { return nil }
        return addresses(file: file, line: line, in: process).first
    }

    /// Memory that an expression needs.
    public func expressionMemory(at address: UInt64, count: Int) throws -> [UInt8] {
        let bytes = try readMemory(at: address, count: count)
        guard bytes.count == count else {
            throw EngineError(.memoryAccess, Format.address(address))
        }
        return bytes
    }
}
