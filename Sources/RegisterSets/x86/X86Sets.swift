public import DebugTarget

// Register blocks out of what the kernel keeps, and back. The sets may come from a core file, so their sizes are not
// to be relied on: what is not there is unavailable.

extension X86Layout {
    /// What the registers are.
    public var description: TargetDescription {
        TargetDescription(
            architecture: width.architecture,
            registers: registers.map(\.description)
        )
    }

    /// A thread's registers out of its general set and its XSAVE (or FXSAVE) area.
    public func block(general: [UInt8], extended: [UInt8]) -> RegisterBlock {
        var block = RegisterBlock(bytes: [])
        block.bytes.reserveCapacity(registers.count * 16)
        for register in registers {
            let count = register.description.byteCount
            switch register.place {
            case .general(let index):
                append(general, index * width.wordByteCount, count, of: register, to: &block)
            case .extended(let offset):
                append(extended, offset, count, of: register, to: &block)
            case .control(let offset, let mask):
                let value = Self.load(extended, offset).map { $0 & mask }
                append(value, of: register, to: &block)
            case .tagWord:
                let isThere = extended.count >= X86ExtendedState.legacyByteCount
                let word = isThere ? X86ExtendedState.fullTagWord(extended) : nil
                append(word, of: register, to: &block)
            }
        }
        return block
    }

    private func append(
        _ set: [UInt8],
        _ offset: Int,
        _ count: Int,
        of register: X86Register,
        to block: inout RegisterBlock
    ) {
        if offset + count <= set.count {
            block.bytes += set[offset..<(offset + count)]
        } else {
            block.bytes += repeatElement(0, count: count)
            block.unavailable.insert(register.description.number)
        }
    }

    private func append(
        _ value: UInt32?,
        of register: X86Register,
        to block: inout RegisterBlock
    ) {
        if value == nil { block.unavailable.insert(register.description.number) }
        block.bytes += Self.bytes(value ?? 0)
    }

    private static func load(_ bytes: [UInt8], _ offset: Int) -> UInt32? {
        guard offset + 4 <= bytes.count else { return nil }
        return bytes[offset..<(offset + 4)].reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    private static func bytes(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) }
    }

    /// Stores a register of the XSAVE area in it; nothing happens outside of the area.
    public func store(_ bytes: [UInt8], of register: X86Register, in area: inout [UInt8]) {
        switch register.place {
        case .general: break
        case .extended(let offset):
            guard offset + bytes.count <= area.count else { return }
            area.replaceSubrange(offset..<(offset + bytes.count), with: bytes)
        case .control(let offset, let mask):
            guard let old = Self.load(area, offset), let new = Self.load(bytes, 0) else { return }
            let value = new & mask | old & ~mask
            area.replaceSubrange(offset..<(offset + 4), with: Self.bytes(value))
        case .tagWord:
            guard area.count >= X86ExtendedState.legacyByteCount, let word = Self.load(bytes, 0)
            else { return }
            X86ExtendedState.setTagWord(word, in: &area)
        }
    }
}

/// The sets that the kernel keeps of a thread, made from registers of any target.
public struct X86RegisterSets: Sendable, Equatable {
    /// `struct user_regs_struct` (NT_PRSTATUS).
    public var general: [UInt8]
    /// FXSAVE's 512 bytes (NT_FPREGSET, NT_PRXFPREG); empty where the target has no such registers.
    public var legacy: [UInt8]
    /// The XSAVE area (NT_X86_XSTATE); empty where there is nothing in it that is not in `legacy`.
    public var extended: [UInt8]

    /// Takes registers by their names; those that the target does not have are 0, and `orig_rax` -1: in no system call.
    public init(_ block: RegisterBlock, _ description: TargetDescription) {
        let width: X86Width = description.architecture == .i386 ? .bits32 : .bits64
        let source = NamedRegisters(block, description)
        let components = source.components
        let layout = X86Layout(width, components: components)
        let byteCount = X86ExtendedComponents.standardByteCount(components)
        var area = [UInt8](repeating: 0, count: byteCount)
        var general = [UInt8](repeating: 0, count: width.generalByteCount)
        for register in layout.registers {
            let name = register.description.name
            guard var bytes = source[name] else { continue }
            let count = register.description.byteCount
            bytes = Array((bytes + repeatElement(0, count: count)).prefix(count))
            if case .general(let index) = register.place {
                let start = index * width.wordByteCount
                general.replaceSubrange(start..<(start + count), with: bytes)
            } else {
                layout.store(bytes, of: register, in: &area)
            }
        }
        let hasVectors = source["xmm0"] != nil || source["st0"] != nil
        self.general = general
        legacy = hasVectors ? Array(area[..<X86ExtendedState.legacyByteCount]) : []
        extended = hasVectors && components != .init() ? area : []
        if !extended.isEmpty {
            let enabled = components.enabledBits
            for index in 0..<2 {
                let bits = UInt8(truncatingIfNeeded: enabled >> (8 * UInt16(index)))
                extended[X86ExtendedState.enabledOffset + index] = bits
                extended[X86ExtendedState.presenceOffset + index] = bits
            }
        }
    }
}

/// A target's registers under the names that gdb gives them.
private struct NamedRegisters {
    private var values: [String: [UInt8]] = [:]

    init(_ block: RegisterBlock, _ description: TargetDescription) {
        for register in description.registers {
            if let bytes = block.bytes(of: register) { values[register.name] = Array(bytes) }
        }
        if description.architecture == .x86_64, values["orig_rax"] == nil {
            values["orig_rax"] = [UInt8](repeating: 0xff, count: 8)
        }
        if description.architecture == .i386, values["orig_eax"] == nil {
            values["orig_eax"] = [UInt8](repeating: 0xff, count: 4)
        }
        // lldb's stubs have rflags, and ymm registers as a whole.
        if values["eflags"] == nil { values["eflags"] = values["rflags"] }
        for index in 0..<16 where values["ymm\(index)h"] == nil {
            if let whole = values["ymm\(index)"], whole.count == 32 {
                values["ymm\(index)h"] = Array(whole[16...])
            }
        }
    }

    subscript(name: String) -> [UInt8]? { values[name] }

    /// What the target has, where the standard layout has it.
    var components: X86ExtendedComponents {
        var components = X86ExtendedComponents()
        let standard = X86ExtendedComponents.standard
        if values["ymm0h"] != nil { components.upperHalves = standard.upperHalves }
        if values["k0"] != nil, values["zmm0h"] != nil {
            components.masks = standard.masks
            components.wideHalves = standard.wideHalves
            components.furtherVectors = standard.furtherVectors
        }
        if values["pkru"] != nil { components.protectionKeys = standard.protectionKeys }
        return components
    }
}
