// Assembles one instruction of x86 at a time, as a debugger's user writes them to patch a program: Intel's syntax, the
// usual instructions of integers. The encodings are those of the "Intel 64 and IA-32 Architectures Software Developer's
// Manual", volume 2.

/// Turns lines of assembly into bytes.
public struct Assembler {
    /// The longest line, in characters.
    public static let lineLengthMax = 512
    /// How many bytes `db` takes at once.
    static let dataBytesMax = 256

    let is64Bit: Bool
    let address: UInt64
    private let value: (String) throws -> UInt64

    /// An assembler for one place.
    ///
    /// - Parameters:
    ///   - is64Bit: whether the processor runs 64-bit code there.
    ///   - address: where the instruction will stand; jumps are relative to it.
    ///   - value: evaluates an expression.
    public init(is64Bit: Bool, address: UInt64, value: @escaping (String) throws -> UInt64) {
        self.is64Bit = is64Bit
        self.address = address
        self.value = value
    }

    /// The bytes of an instruction.
    public func assemble(_ line: String) throws -> [UInt8] {
        guard line.count <= Self.lineLengthMax else { throw error("is too long a line", line) }
        let words = line.split(separator: " ", maxSplits: 1)
        guard let first = words.first else { return [] }
        let name = first.lowercased()
        let rest = words.count > 1 ? String(words[1]) : ""
        if name == "db" { return try data(rest) }
        let texts = rest.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        let operands = try rest.allSatisfy(\.isWhitespace) ? [] : texts.map { try operand($0) }
        guard let bytes = try encode(name, operands) else {
            throw error("is no instruction that a knows; db takes its bytes", line)
        }
        return bytes
    }

    private func error(_ words: String, _ text: String) -> EngineError {
        .sentence("'\(text)' \(words)")
    }

    private func data(_ text: String) throws -> [UInt8] {
        let words = text.split { $0 == " " || $0 == "," }
        guard !words.isEmpty, words.count <= Self.dataBytesMax else {
            throw error("is not 1 to \(Self.dataBytesMax) bytes for db", text)
        }
        return try words.map { word in
            guard let byte = UInt8(exactly: try value(String(word))) else {
                throw error("is no byte", String(word))
            }
            return byte
        }
    }

    // MARK: - Operands

    /// A general register.
    struct Register: Equatable {
        /// 0 to 15, as encoded.
        var number: Int
        /// In bytes.
        var size: Int
        /// ah, ch, dh, bh, which no REX prefix may stand before.
        var isHigh = false
        /// spl, bpl, sil, dil, which one has to.
        var needsREX: Bool { size == 1 && !isHigh && (4...7).contains(number) }
    }

    /// A place in memory.
    struct Memory {
        var base: Register?
        var index: Register?
        var scale = 1
        var displacement: Int64 = 0
        /// Relative to the next instruction.
        var isRelative = false
        /// In bytes, where it was said; 0 otherwise.
        var size = 0
    }

    enum Operand {
        case register(Register)
        case memory(Memory)
        case number(Int64)

        /// In bytes; nil where it is not known.
        var size: Int? {
            switch self {
            case .register(let register): register.size
            case .memory(let memory): memory.size == 0 ? nil : memory.size
            case .number: nil
            }
        }
    }

    private static let names64 = [
        "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
    ]

    /// A register by its name.
    static func register(_ text: String) -> Register? {
        let name = text.lowercased()
        if let number = ["ah", "ch", "dh", "bh"].firstIndex(of: name) {
            return Register(number: number + 4, size: 1, isHigh: true)
        }
        for (number, wide) in names64.enumerated() {
            let stem = String(wide.dropFirst())
            let low = number < 4 ? "\(stem.prefix(1))l" : stem + "l"
            for (other, size) in [(wide, 8), ("e" + stem, 4), (stem, 2), (low, 1)]
            where other == name {
                return Register(number: number, size: size)
            }
        }
        guard name.hasPrefix("r") else { return nil }
        for (suffix, size) in [("d", 4), ("w", 2), ("b", 1), ("", 8)] where name.hasSuffix(suffix) {
            if let number = Int(name.dropFirst().dropLast(suffix.count)), (8...15).contains(number)
            {
                return Register(number: number, size: size)
            }
        }
        return nil
    }

    private func operand(_ text: String) throws -> Operand {
        var rest = text.trimmed
        var size = 0
        for (word, bytes) in [("byte", 1), ("word", 2), ("dword", 4), ("qword", 8)] {
            let head = word + " ptr"
            guard rest.lowercased().hasPrefix(head) else { continue }
            size = bytes
            rest = String(rest.dropFirst(head.count)).trimmed
        }
        if let register = Self.register(rest) {
            if !is64Bit, register.size == 8 || register.number > 7 || register.needsREX {
                throw error("is no register of a 32-bit program", rest)
            }
            return .register(register)
        }
        if rest.hasPrefix("["), rest.hasSuffix("]") {
            var memory = try memory(String(rest.dropFirst().dropLast()))
            memory.size = size
            return .memory(memory)
        }
        guard !rest.isEmpty, size == 0 else { throw error("is no operand", text) }
        return .number(Int64(bitPattern: try value(rest)))
    }

    /// `base + index*scale + displacement`, in any order.
    private func memory(_ text: String) throws -> Memory {
        var memory = Memory()
        for (sign, term) in text.signedTerms {
            let factors = term.split(separator: "*").map { String($0).trimmed }
            if term.lowercased() == "rip" {
                memory.isRelative = true
            } else if let register = Self.register(factors[0]) {
                let scale = factors.count == 2 ? Int(factors[1]) : 1
                guard sign > 0, register.size == (is64Bit ? 8 : 4), let scale,
                    [1, 2, 4, 8].contains(scale)
                else { throw error("cannot be a part of an address", term) }
                if factors.count == 1, memory.base == nil {
                    memory.base = register
                } else if memory.index == nil, register.number != 4 {
                    (memory.index, memory.scale) = (register, scale)
                } else {
                    throw error("is one register too many for an address", term)
                }
            } else {
                memory.displacement &+= sign &* Int64(bitPattern: try value(term))
            }
        }
        if memory.isRelative, memory.base != nil || memory.index != nil {
            throw error("is no address: rip stands with a number only", text)
        }
        return memory
    }

    // MARK: - Instructions

    private static let fixed: [String: [UInt8]] = [
        "nop": [0x90], "int3": [0xcc], "ret": [0xc3], "leave": [0xc9], "hlt": [0xf4],
        "ud2": [0x0f, 0x0b], "syscall": [0x0f, 0x05], "cpuid": [0x0f, 0xa2], "cld": [0xfc],
        "std": [0xfd], "cli": [0xfa], "sti": [0xfb], "clc": [0xf8], "stc": [0xf9], "cmc": [0xf5],
        "pause": [0xf3, 0x90], "cdq": [0x99], "cqo": [0x48, 0x99], "cwde": [0x98],
        "cdqe": [0x48, 0x98], "pushfq": [0x9c], "popfq": [0x9d], "pushfd": [0x9c],
        "popfd": [0x9d], "rdtsc": [0x0f, 0x31], "endbr64": [0xf3, 0x0f, 0x1e, 0xfa],
        "endbr32": [0xf3, 0x0f, 0x1e, 0xfb],
    ]

    private static let arithmetic = ["add", "or", "adc", "sbb", "and", "sub", "xor", "cmp"]
    private static let shifts = ["rol": 0, "ror": 1, "shl": 4, "sal": 4, "shr": 5, "sar": 7]
    private static let unary = ["not": 2, "neg": 3, "mul": 4, "imul": 5, "div": 6, "idiv": 7]
    private static let conditions: [String: UInt8] = [
        "o": 0, "no": 1, "b": 2, "c": 2, "nae": 2, "ae": 3, "nb": 3, "nc": 3, "e": 4, "z": 4,
        "ne": 5, "nz": 5, "be": 6, "na": 6, "a": 7, "nbe": 7, "s": 8, "ns": 9, "p": 10, "pe": 10,
        "np": 11, "po": 11, "l": 12, "nge": 12, "ge": 13, "nl": 13, "le": 14, "ng": 14, "g": 15,
        "nle": 15,
    ]

    /// The bytes; nil when there is no such instruction with such operands.
    private func encode(_ name: String, _ operands: [Operand]) throws -> [UInt8]? {
        switch operands.count {
        case 0: return Self.fixed[name]
        case 1: return try encode(name, operands[0])
        case 2: return try encode(name, operands[0], operands[1])
        default: return nil
        }
    }

    private func encode(_ name: String, _ operand: Operand) throws -> [UInt8]? {
        if case .number(let number) = operand {
            switch name {
            case "int": return UInt8(exactly: number).map { [0xcd, $0] }
            case "ret": return UInt16(exactly: number).map { [0xc2] + bytes(Int64($0), 2) }
            case "push":
                if let short = Int8(exactly: number) { return [0x6a, UInt8(bitPattern: short)] }
                return Int32(exactly: number).map { [0x68] + bytes(Int64($0), 4) }
            case "call": return try branch([], [0xe8], to: number)
            case "jmp": return try branch([0xeb], [0xe9], to: number)
            default:
                guard name.hasPrefix("j"), let code = Self.conditions[String(name.dropFirst())]
                else { return nil }
                return try branch([0x70 + code], [0x0f, 0x80 + code], to: number)
            }
        }
        let wide = is64Bit ? 8 : 4
        switch name {
        case "push", "pop", "call", "jmp":
            guard (operand.size ?? wide) == wide else { return nil }
            if case .register(let register) = operand, name == "push" || name == "pop" {
                let code = UInt8((name == "push" ? 0x50 : 0x58) + register.number % 8)
                return (register.number > 7 ? [0x41] : []) + [code]
            }
            let forms: [String: (UInt8, Int)] = [
                "push": (0xff, 6), "pop": (0x8f, 0), "call": (0xff, 2), "jmp": (0xff, 4),
            ]
            guard let (opcode, digit) = forms[name] else { return nil }
            // 64 bits wide without being told.
            return try modified([opcode], digit, operand, size: 4)
        case "inc", "dec":
            return try sized([0xfe], name == "inc" ? 0 : 1, operand)
        default:
            if let digit = Self.unary[name] { return try sized([0xf6], digit, operand) }
            guard name.hasPrefix("set"), let code = Self.conditions[String(name.dropFirst(3))],
                (operand.size ?? 1) == 1
            else { return nil }
            return try modified([0x0f, 0x90 + code], 0, operand, size: 1)
        }
    }

    private func encode(_ name: String, _ left: Operand, _ right: Operand) throws -> [UInt8]? {
        if let digit = Self.arithmetic.firstIndex(of: name) {
            return try arithmetic(UInt8(digit), left, right)
        }
        if let digit = Self.shifts[name] { return try shift(digit, left, right) }
        switch (name, left, right) {
        case ("mov", _, .number(let number)): return try move(number, into: left)
        case ("mov", _, .register(let register)):
            return try paired([0x88], register, left)
        case ("mov", .register(let register), .memory): return try paired([0x8a], register, right)
        case ("lea", .register(let register), .memory(var memory)):
            guard register.size > 1 else { return nil }
            memory.size = register.size
            return try modified([0x8d], register, .memory(memory))
        case ("xchg", _, .register(let register)), ("test", _, .register(let register)):
            return try paired([name == "test" ? 0x84 : 0x86], register, left)
        case ("test", _, .number(let number)):
            let size = try self.size(left)
            let last = bytes(number, min(size, 4))
            guard fits(number, size) else { return nil }
            return try sized([0xf6], 0, left, trailing: last.count) + last
        case ("imul", .register(let register), _):
            guard register.size > 1, (right.size ?? register.size) == register.size else {
                return nil
            }
            return try modified([0x0f, 0xaf], register, right)
        case ("movzx", .register(let register), _), ("movsx", .register(let register), _):
            guard let size = right.size, size < 4, size < register.size else { return nil }
            let code: UInt8 = (name == "movzx" ? 0xb6 : 0xbe) + UInt8(size - 1)
            return try modified([0x0f, code], register, right)
        default: return nil
        }
    }

    private func arithmetic(
        _ digit: UInt8,
        _ left: Operand,
        _ right: Operand
    ) throws -> [UInt8]? {
        switch (left, right) {
        case (_, .register(let register)): return try paired([digit * 8], register, left)
        case (.register(let register), .memory):
            return try paired([digit * 8 + 2], register, right)
        case (_, .number(let number)):
            let size = try self.size(left)
            guard fits(number, size) else { return nil }
            if size > 1, let short = Int8(exactly: signed(number, size)) {
                return try modified([0x83], Int(digit), left, size: size, trailing: 1)
                    + [UInt8(bitPattern: short)]
            }
            let last = bytes(number, min(size, 4))
            return try sized([0x80], Int(digit), left, trailing: last.count) + last
        default: return nil
        }
    }

    private func shift(_ digit: Int, _ left: Operand, _ right: Operand) throws -> [UInt8]? {
        if case .register(let count) = right, count == Register(number: 1, size: 1) {
            return try sized([0xd2], digit, left)
        }
        guard case .number(let number) = right, let count = UInt8(exactly: number) else {
            return nil
        }
        if count == 1 { return try sized([0xd0], digit, left) }
        return try sized([0xc0], digit, left, trailing: 1) + [count]
    }

    private func move(_ number: Int64, into operand: Operand) throws -> [UInt8]? {
        let size = try self.size(operand)
        if case .register(let register) = operand {
            let low = UInt8(register.number % 8)
            if size == 8,
                !fits(number, 8) || number < 0 && Int32(exactly: number) == nil
                    || number > Int64(Int32.max)
            {
                return [0x48 | (register.number > 7 ? 1 : 0), 0xb8 + low] + bytes(number, 8)
            }
            if size < 8 {
                guard fits(number, size) else { return nil }
                var prefix: [UInt8] = size == 2 ? [0x66] : []
                if register.number > 7 {
                    prefix.append(0x41)
                } else if register.needsREX {
                    prefix.append(0x40)
                }
                return prefix + [(size == 1 ? 0xb0 : 0xb8) + low] + bytes(number, size)
            }
        }
        guard fits(number, size) else { return nil }
        let last = bytes(number, min(size, 4))
        return try sized([0xc6], 0, operand, trailing: last.count) + last
    }
}
