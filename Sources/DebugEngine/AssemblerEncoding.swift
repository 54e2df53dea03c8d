// How operands and numbers become bytes: prefixes, ModRM, SIB, displacements.
extension Assembler {
    private var wide: Int { 8 }

    /// The size of an operand that has to say it.
    func size(_ operand: Operand) throws -> Int {
        guard let size = operand.size else {
            throw EngineError.sentence(
                "How wide the memory is has to be said: byte, word, dword or qword ptr"
            )
        }
        return size
    }

    /// Whether a number can be an immediate operand of that width; of eight bytes four are written.
    func fits(_ number: Int64, _ size: Int) -> Bool {
        switch size {
        case 1: return (-0x80...0xff).contains(number)
        case 2: return (-0x8000...0xffff).contains(number)
        case 4: return (-0x8000_0000...0xffff_ffff).contains(number)
        default: return Int32(exactly: number) != nil
        }
    }

    /// The number that the low bytes of one are.
    func signed(_ number: Int64, _ size: Int) -> Int64 {
        let shift = Int64(64 - size * 8)
        return (number << shift) >> shift
    }

    /// The low bytes of a number.
    func bytes(_ number: Int64, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: number >> Int64(8 * $0)) }
    }

    /// A jump or call: with one byte of distance where it has such a form and that is enough.
    func branch(_ short: [UInt8], _ long: [UInt8], to target: Int64) throws -> [UInt8] {
        let place = Int64(bitPattern: address)
        let near = target &- place &- Int64(short.count + 1)
        if !short.isEmpty, let distance = Int8(exactly: near) {
            return short + [UInt8(bitPattern: distance)]
        }
        let distance = target &- place &- Int64(long.count + 4)
        guard !is64Bit || Int32(exactly: distance) != nil else {
            throw EngineError.sentence(
                "\(Format.address(UInt64(bitPattern: target))) is further than a jump reaches (2 GB)"
            )
        }
        return long + bytes(distance, 4)
    }

    /// An instruction that has one form for bytes and, one behind it, another for everything wider.
    func sized(
        _ opcode: [UInt8],
        _ digit: Int,
        _ operand: Operand,
        trailing: Int = 0
    ) throws -> [UInt8] {
        let size = try self.size(operand)
        var code = opcode
        if size > 1 { code[code.count - 1] += 1 }
        return try modified(code, digit, operand, size: size, trailing: trailing)
    }

    /// The same with a register beside the operand.
    func paired(
        _ opcode: [UInt8],
        _ register: Register,
        _ operand: Operand
    ) throws -> [UInt8]? {
        guard (operand.size ?? register.size) == register.size else { return nil }
        var code = opcode
        if register.size > 1 { code[code.count - 1] += 1 }
        return try modified(code, register, operand)
    }

    /// An instruction with a register and an operand that ModRM names.
    func modified(_ opcode: [UInt8], _ register: Register, _ operand: Operand) throws -> [UInt8] {
        try modified(opcode, register.number, operand, size: register.size, register: register)
    }

    /// An instruction with an operand that ModRM names.
    ///
    /// - Parameters:
    ///   - digit: what ModRM's reg field says.
    ///   - size: how wide it works, in bytes.
    ///   - trailing: how many bytes of numbers come behind it.
    ///   - register: the register that `digit` is, where it is one.
    func modified(
        _ opcode: [UInt8],
        _ digit: Int,
        _ operand: Operand,
        size: Int,
        trailing: Int = 0,
        register: Register? = nil
    ) throws -> [UInt8] {
        var rex: UInt8 = size == wide ? 0x48 : 0
        var registers = [register].compactMap { $0 }
        if digit > 7 { rex |= 0x44 }
        var tail: [UInt8]
        let field = UInt8(digit % 8) << 3
        switch operand {
        case .register(let other):
            registers.append(other)
            if other.number > 7 { rex |= 0x41 }
            tail = [0xc0 | field | UInt8(other.number % 8)]
        case .memory(let memory):
            if let base = memory.base, base.number > 7 { rex |= 0x41 }
            if let index = memory.index, index.number > 7 { rex |= 0x42 }
            let length = (size == 2 ? 1 : 0) + (rex == 0 ? 0 : 1) + opcode.count + 5 + trailing
            tail = try place(memory, field, instructionLength: length)
        case .number: throw EngineError.sentence("A number cannot stand there")
        }
        if registers.contains(where: \.needsREX) { rex |= 0x40 }
        if rex != 0, registers.contains(where: \.isHigh) {
            throw EngineError.sentence("ah, bh, ch and dh cannot stand with such an operand")
        }
        return (size == 2 ? [0x66] : []) + (rex == 0 ? [] : [rex]) + opcode + tail
    }

    /// ModRM, SIB and displacement of a place in memory.
    private func place(
        _ memory: Memory,
        _ field: UInt8,
        instructionLength: Int
    ) throws -> [UInt8] {
        guard
            let displacement = Int32(exactly: memory.displacement)
                ?? (is64Bit ? nil : Int32(truncatingIfNeeded: memory.displacement))
        else {
            if is64Bit, memory.base == nil, memory.index == nil {
                // Far places are reached from the instruction, where they are near enough.
                let distance =
                    memory.displacement &- Int64(bitPattern: address) &- Int64(instructionLength)
                if Int32(exactly: distance) != nil { return [field | 5] + bytes(distance, 4) }
            }
            throw EngineError.sentence("An address is further than 32 bits reach")
        }
        let number = Int64(displacement)
        if memory.isRelative { return [field | 5] + bytes(number, 4) }
        guard let base = memory.base else {
            let index = memory.index.map { UInt8($0.number % 8) } ?? 4
            if memory.index == nil, !is64Bit { return [field | 5] + bytes(number, 4) }
            return [field | 4, scale(memory) | index << 3 | 5] + bytes(number, 4)
        }
        let low = UInt8(base.number % 8)
        // rbp and r13 have no form without a displacement.
        let isBare = number == 0 && low != 5
        let isShort = Int8(exactly: number) != nil
        let mode: UInt8 = isBare ? 0 : isShort ? 0x40 : 0x80
        let distance = isBare ? [] : bytes(number, isShort ? 1 : 4)
        guard memory.index != nil || low == 4 else { return [mode | field | low] + distance }
        let index = memory.index.map { UInt8($0.number % 8) } ?? 4
        return [mode | field | 4, scale(memory) | index << 3 | low] + distance
    }

    private func scale(_ memory: Memory) -> UInt8 {
        UInt8(memory.scale.trailingZeroBitCount) << 6
    }
}

extension String {
    /// Without spaces at its ends.
    var trimmed: String {
        let head = drop { $0 == " " || $0 == "\t" }
        return String(head.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }

    /// The parts between plus and minus signs, each with its sign; signs in parentheses part nothing.
    var signedTerms: [(sign: Int64, term: String)] {
        var terms: [(Int64, String)] = []
        var sign: Int64 = 1
        var term = ""
        var depth = 0
        for character in self {
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
            guard depth == 0, character == "+" || character == "-" else {
                term.append(character)
                continue
            }
            if !term.trimmed.isEmpty { terms.append((sign, term.trimmed)) }
            term = ""
            sign = character == "-" ? -1 : 1
        }
        if !term.trimmed.isEmpty { terms.append((sign, term.trimmed)) }
        return terms
    }
}
