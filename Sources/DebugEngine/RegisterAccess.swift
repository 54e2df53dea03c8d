public import DebugTarget

/// A thread's registers by name, with the parts of x86 registers that have names of their own.
public struct RegisterView {
    /// What the registers are.
    public let description: TargetDescription
    /// Their values.
    public var block: RegisterBlock

    /// A register's value, or that of a named part (`eax`, `ax`, `al`, `zf`).
    public func value(_ name: String) -> UInt64? {
        let lower = name.lowercased()
        if let register = description.register(named: lower) { return block.value(of: register) }
        guard let part = RegisterPart(lower, description.architecture),
            let whole = description.register(named: part.register),
            let value = block.value(of: whole)
        else { return nil }
        return value >> part.shift & part.mask
    }

    /// Whether there is such a register at all, whatever its value.
    public func exists(_ name: String) -> Bool {
        let lower = name.lowercased()
        if description.register(named: lower) != nil { return true }
        guard let part = RegisterPart(lower, description.architecture) else { return false }
        return description.register(named: part.register) != nil
    }

    /// Changes the low bytes of a register and leaves the others as they are.
    ///
    /// - Returns: false when the register is smaller, or its value is not known.
    mutating func replaceLowBytes(of register: RegisterDescription, by bytes: [UInt8]) -> Bool {
        guard bytes.count <= register.byteCount, block.bytes(of: register) != nil else {
            return false
        }
        block.bytes.replaceSubrange(register.offset..<register.offset + bytes.count, with: bytes)
        return true
    }

    /// Changes a register or a named part; writing a 32-bit part clears the upper half, as the
    /// processor does.
    ///
    /// - Returns: false when there is no such register.
    public mutating func set(_ name: String, to value: UInt64) -> Bool {
        let lower = name.lowercased()
        if let register = description.register(named: lower) {
            block.set(value, of: register)
            return true
        }
        guard let part = RegisterPart(lower, description.architecture),
            let whole = description.register(named: part.register),
            let old = block.value(of: whole)
        else { return false }
        let kept = part.clearsRest ? 0 : old & ~(part.mask << part.shift)
        block.set(kept | (value & part.mask) << part.shift, of: whole)
        return true
    }
}

/// A part of a register that has a name.
struct RegisterPart {
    var register: String
    let shift: UInt64
    let mask: UInt64
    let clearsRest: Bool

    init?(_ name: String, _ architecture: Architecture) {
        let found = architecture == .arm64 ? Self.arm(name) : Self.x86(name)
        guard var found else { return nil }
        if architecture == .i386 {
            // The whole registers have 32 bits there.
            let isGeneral = found.register.hasPrefix("r") && found.mask <= 0xffff
            guard !found.register.hasPrefix("r") || isGeneral else { return nil }
            if isGeneral { found.register = "e" + found.register.dropFirst() }
        }
        self = found
    }

    private init(_ register: String, shift: UInt64 = 0, bits: UInt64, clearsRest: Bool = false) {
        self.register = register
        self.shift = shift
        mask = bits >= 64 ? .max : (1 << bits) - 1
        self.clearsRest = clearsRest
    }

    private static func arm(_ name: String) -> RegisterPart? {
        guard name.hasPrefix("w"), let number = Int(name.dropFirst()),
            (0...30).contains(number)
        else {
            return name == "lr" ? RegisterPart("x30", bits: 64) : nil
        }
        return RegisterPart("x\(number)", bits: 32, clearsRest: true)
    }

    private static let flags: [String: UInt64] = [
        "cf": 0, "pf": 2, "af": 4, "zf": 6, "sf": 7, "tf": 8, "if": 9, "df": 10, "of": 11,
    ]
    private static let letters: Set<String> = ["a", "b", "c", "d"]
    private static let words: Set<String> = ["si", "di", "bp", "sp"]

    private static func x86(_ name: String) -> RegisterPart? {
        if let bit = flags[name] { return RegisterPart("eflags", shift: bit, bits: 1) }
        if name == "efl" { return RegisterPart("eflags", bits: 32) }
        if name == "eip" { return RegisterPart("rip", bits: 32) }
        if let part = numbered(name) { return part }
        let first = String(name.prefix(1))
        if name.count == 2, letters.contains(first) {
            switch name.last {
            case "l": return RegisterPart("r\(first)x", bits: 8)
            case "h": return RegisterPart("r\(first)x", shift: 8, bits: 8)
            case "x": return RegisterPart("r\(name)", bits: 16)
            default: return nil
            }
        }
        if words.contains(name) { return RegisterPart("r\(name)", bits: 16) }
        if name.hasSuffix("l"), words.contains(String(name.dropLast())) {
            return RegisterPart("r\(name.dropLast())", bits: 8)
        }
        let rest = String(name.dropFirst())
        let isGeneral =
            words.contains(rest)
            || rest.count == 2 && rest.hasSuffix("x") && letters.contains(String(rest.prefix(1)))
        guard name.hasPrefix("e"), isGeneral else { return nil }
        return RegisterPart("r\(rest)", bits: 32, clearsRest: true)
    }

    /// `r8d`, `r8w`, `r8b`.
    private static func numbered(_ name: String) -> RegisterPart? {
        guard name.hasPrefix("r"), let number = Int(name.dropFirst().dropLast()),
            (8...15).contains(number)
        else { return nil }
        switch name.last {
        case "d": return RegisterPart("r\(number)", bits: 32, clearsRest: true)
        case "w": return RegisterPart("r\(number)", bits: 16)
        case "b": return RegisterPart("r\(number)", bits: 8)
        default: return nil
        }
    }
}

extension DebugSession {
    /// The registers of a thread.
    public func registers(of thread: ThreadState) throws -> RegisterView {
        RegisterView(
            description: try target.targetDescription(of: thread.id.process),
            block: try target.registers(of: thread.id)
        )
    }

    /// Stores registers.
    public func store(_ view: RegisterView, of thread: ThreadState) throws {
        try target.setRegisters(view.block, of: thread.id)
        stackCache = nil
    }

    /// The value of the register that plays a part, without asking where it came with the stop.
    func value(_ role: RegisterDescription.Role, of thread: ThreadState) throws -> UInt64 {
        let description = try target.targetDescription(of: thread.id.process)
        guard let register = description.register(playing: role) else {
            throw EngineError(.badRegister, "$\(role.rawValue)")
        }
        if let value = target.stopRegisters?.stopRegister(register, of: thread.id) { return value }
        let block = try target.registers(of: thread.id)
        guard let value = block.value(of: register) else {
            throw EngineError(.badRegister, register.name)
        }
        return value
    }

    /// A register by name, without asking where it came with the stop; nil where there is none.
    func value(ofRegister name: String, of thread: ThreadState) -> UInt64? {
        let description = try? target.targetDescription(of: thread.id.process)
        if let register = description?.register(named: name),
            let value = target.stopRegisters?.stopRegister(register, of: thread.id)
        {
            return value
        }
        return try? registers(of: thread).value(name)
    }

    /// The program counter of a thread.
    public func programCounter(of thread: ThreadState) throws -> UInt64 {
        try value(.programCounter, of: thread)
    }

    /// Moves a thread to another instruction.
    public func setProgramCounter(_ address: UInt64, of thread: ThreadState) throws {
        var view = try registers(of: thread)
        guard let register = view.description.register(playing: .programCounter) else { return }
        view.block.set(address, of: register)
        try store(view, of: thread)
    }
}
