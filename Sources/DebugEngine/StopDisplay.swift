internal import DebugTarget
public import Disassembly
internal import Symbols

// How a place in the code is shown: a symbol line, the instruction, the source line.
extension DebugSession {
    /// Prints what a stop prints: the event's own lines, then where the current thread stands.
    public func show(_ report: StopReport, withRegisters: Bool = false) {
        observer?.didStop(report)
        report.lines.forEach { output.line($0) }
        if currentThread != nil, !report.isExit { showLocation(withRegisters: withRegisters) }
    }

    /// Prints where the current thread stands.
    public func showLocation(withRegisters: Bool = false) {
        guard let thread = currentThread, let process = currentProcess else { return }
        do {
            let pc = try programCounter(of: thread)
            if withRegisters, outputMask.contains(.promptRegisters) {
                output.line(try RegisterText.general(registers(of: thread)))
            }
            refreshModules(of: process)
            let sourceLine = sourceTextLine(pc, in: process)
            if sourceOptions.contains(.only), let sourceLine { return output.line(sourceLine) }
            if promptItems.contains(.symbol) { output.line(codeHeader(pc, in: process)) }
            if let sourceLine { output.line(sourceLine) }
            if promptItems.contains(.instruction) {
                try showInstruction(of: thread, in: process)
            }
        } catch {
            output.line("\(describe(error))", .error)
        }
    }

    /// An error of any kind as a line of text.
    public func describe(_ error: any Error) -> String {
        switch error {
        case let error as EngineError:
            error.kind == .sentence ? error.text : "\(error.kind.rawValue) error in '\(error.text)'"
        case let error as TargetError: error.message
        default: "\(error)"
        }
    }

    private func showInstruction(of thread: ThreadState, in process: ProcessState) throws {
        guard let instruction = try instruction(of: thread) else {
            let address = Format.address(try programCounter(of: thread))
            return output.line("\(address) ??              ???")
        }
        let text = instructionText(instruction, in: process)
        let effective = instruction.memoryOperand.flatMap { operand in
            promptItems.contains(.effectiveAddress)
                ? effectiveAddress(operand, of: instruction, thread) : nil
        }
        output.line(effective.map { "\(text) \($0)" } ?? text)
    }

    /// `> 15:     return 0;` for the line of an address, where source text is wanted and found.
    private func sourceTextLine(_ pc: UInt64, in process: ProcessState) -> String? {
        guard sourceOptions.contains(.text) || sourceOptions.contains(.only),
            promptItems.contains(.source),
            let location = sourceLocation(pc, in: process),
            let lines = sourceLines(location.file), lines.indices.contains(location.line - 1)
        else { return nil }
        return "> \(Format.leftPad(String(location.line), to: 4)): \(lines[location.line - 1])"
    }

    /// `module!symbol+0x12 [file @ 15]:`, or the bare address outside all modules.
    public func codeHeader(_ address: UInt64, in process: ProcessState) -> String {
        let name = symbolicAddress(address, in: process)?.text ?? Format.address(address)
        return name + sourceSuffix(address, in: process) + ":"
    }

    /// ` [file @ 15]`, or nothing.
    public func sourceSuffix(_ address: UInt64, in process: ProcessState) -> String {
        guard sourceOptions.contains(.line), let location = sourceLocation(address, in: process)
        else { return "" }
        return " [\(location.file) @ \(location.line)]"
    }

    /// Address, bytes in 16 columns, mnemonic in 8, operands with symbols.
    public func instructionText(_ instruction: Instruction, in process: ProcessState) -> String {
        let bytes = Format.pad(Format.bytes(instruction.bytes), to: 15)
        let head = "\(Format.address(instruction.address)) \(bytes) "
        let operands = operandText(instruction, in: process)
        if operands.isEmpty { return head + instruction.mnemonic }
        return head + Format.pad(instruction.mnemonic, to: 7) + " " + operands
    }

    /// The operands; an address in them becomes `symbol (address)`.
    private func operandText(_ instruction: Instruction, in process: ProcessState) -> String {
        var address: UInt64?
        if let target = instruction.branchTarget {
            address = target.rawValue
        } else if let operand = instruction.memoryOperand, operand.base == "rip",
            operand.index == nil
        {
            address = instruction.next.rawValue &+ UInt64(bitPattern: operand.displacement)
        }
        guard let address, let name = symbolicAddress(address, in: process)?.text else {
            return instruction.operands
        }
        let digits = Format.address(address)
        guard let place = instruction.operands.firstRange(of: digits) else {
            return instruction.operands
        }
        // A branch's address stands alone, one in memory in brackets already.
        return instruction.operands.replacing(digits, with: "\(name) (\(digits))", subrange: place)
    }

    /// Where a memory operand is with the registers as they are; nil when one is not known.
    public func address(
        of operand: MemoryOperand,
        _ instruction: Instruction,
        _ thread: ThreadState
    ) -> UInt64? {
        var address = UInt64(bitPattern: operand.displacement)
        if operand.base == "rip" {
            address &+= instruction.next.rawValue
        } else if let base = operand.base {
            guard let value = value(ofRegister: base, of: thread) else { return nil }
            address &+= value
        }
        if let index = operand.index {
            guard let value = value(ofRegister: index, of: thread) else { return nil }
            address &+= value &* UInt64(operand.scale)
        }
        if let segment = operand.segment, segment == "fs" || segment == "gs" {
            address &+= value(ofRegister: segment + "_base", of: thread) ?? 0
        }
        return address
    }

    /// `ss:00000073`b6cfe618=00007ffc2e6731dc`: what a memory operand means with the registers as
    /// they are.
    private func effectiveAddress(
        _ operand: MemoryOperand,
        of instruction: Instruction,
        _ thread: ThreadState
    ) -> String? {
        guard operand.size > 0, operand.size <= 8, !instruction.isCall || operand.base != "rip"
        else {
            return nil
        }
        guard let address = address(of: operand, instruction, thread) else { return nil }
        let segment = operand.segment ?? "ds"
        let bytes = (try? readMemory(at: address, count: operand.size)) ?? []
        let value =
            bytes.count == operand.size
            ? Format.hex(LittleEndian.value(bytes), width: operand.size * 2)
            : String(repeating: "?", count: operand.size * 2)
        return "\(segment):\(Format.address(address))=\(value)"
    }
}

extension String {
    /// The text with one part of it replaced.
    fileprivate func replacing(
        _ part: String,
        with other: String,
        subrange: Range<String.Index>
    ) -> String {
        self[..<subrange.lowerBound] + other + self[subrange.upperBound...]
    }

    /// Where a part first occurs.
    fileprivate func firstRange(of part: String) -> Range<String.Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(part) {
                return start..<index(start, offsetBy: part.count)
            }
            start = index(after: start)
        }
        return nil
    }
}
