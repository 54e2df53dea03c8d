import CElfutils

/// A value with its type, wherever it is: in memory, in a register, or only here.
public struct TypedValue {
    /// Where a value can be changed.
    public enum Place: Sendable, Equatable {
        /// In memory, at a run-time address.
        case memory(UInt64)
        /// In a register, by its DWARF number.
        case register(Int)
        /// It is a result, or in several parts.
        case nowhere
    }

    /// Its type.
    public let type: ValueType
    /// The bits that a bit field takes, counted from the low bit of the byte at its address.
    public let bits: Range<Int>?
    let source: ValueSource
    let context: FrameContext
    /// The code that the frame is at, for arrays whose length is a variable.
    let code: (address: UInt64, function: DebugEntry)?

    init(
        _ type: ValueType,
        _ source: ValueSource,
        _ context: FrameContext,
        bits: Range<Int>? = nil,
        code: (address: UInt64, function: DebugEntry)? = nil
    ) {
        self.type = type
        self.source = source
        self.context = context
        self.bits = bits
        self.code = code
    }

    /// A value in memory.
    public init(_ type: ValueType, at address: UInt64, in context: FrameContext) {
        self.init(type, ValueSource(.memory(address)), context)
    }

    /// A value that is nowhere but here.
    public init(_ type: ValueType, bytes: [UInt8], in context: FrameContext) {
        self.init(type, ValueSource(.bytes(bytes)), context)
    }

    /// The frame that it belongs to.
    public var frameContext: FrameContext { context }

    /// Its run-time address; nil where it has none.
    public var address: UInt64? { bits == nil ? source.address : nil }

    /// Where it can be changed.
    public var place: Place {
        switch source.location {
        case .memory(let address): return .memory(address)
        case .register(let number) where source.offset == 0: return .register(number)
        case .bytes: return source.address.map { .memory($0) } ?? .nowhere
        default: return .nowhere
        }
    }

    /// Whether there is nothing to be had of it.
    public var isOptimizedAway: Bool {
        if case .unavailable = source.location { true } else { false }
    }

    /// The register it lies in, by name.
    public var registerName: String? {
        guard case .register(let number) = source.location else { return nil }
        return type.module?.registerLayout?.name(of: number)
    }

    /// Its bytes, the bits of a bit field moved down; nil where they cannot be read.
    public func bytes(count: UInt64? = nil) -> [UInt8]? {
        guard let size = count ?? type.byteSize, size <= UInt64(LocationReader.bytesMax) else {
            return nil
        }
        let reader = LocationReader(registers: context.registers, memory: context.memory)
        guard let bits else {
            return reader.bytes(source.location, offset: source.offset, count: Int(size))
        }
        let wanted = (bits.upperBound + 7) / 8
        guard bits.count <= 64,
            let bytes = reader.bytes(source.location, offset: source.offset, count: wanted)
        else { return nil }
        let isSigned = type.kind == .scalar(.signed) || type.isSignedEnumeration
        return BitField.bytes(bits, of: bytes, isSigned: isSigned, size: Int(min(8, size)))
    }

    /// The value of a scalar, pointer or enumeration of up to eight bytes, not extended.
    public var word: UInt64? {
        guard let size = type.byteSize, (1...8).contains(size) else { return nil }
        return bytes()?.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The same bytes as another type; nil where a register does not have as many.
    public func reinterpreted(as type: ValueType) -> TypedValue {
        TypedValue(type, source, context, bits: nil, code: code)
    }

    /// What a pointer or reference leads to, with another address than its own where given.
    public func pointee(at address: UInt64? = nil) -> TypedValue? {
        guard let target = type.target, let address = address ?? word else { return nil }
        return TypedValue(target, ValueSource(.memory(address)), context, code: code)
    }

    /// What a reference refers to; any other value is itself.
    public var dereferenced: TypedValue {
        guard type.kind == .reference, let pointee = pointee() else { return self }
        return pointee
    }

    /// An element of an array.
    public func element(_ index: UInt64) -> TypedValue? {
        guard type.kind == .array, let element = type.target, let size = element.byteSize,
            let place = source.advanced(by: index &* size)
        else { return nil }
        return TypedValue(element, place, context, code: code)
    }
}

// MARK: - Text

extension TypedValue {
    /// The value as CDB shows it.
    public func described(_ limits: ValueLimits = ValueLimits(depth: 1)) -> VariableValue {
        switch type.form {
        case .void: return VariableValue(text: "")
        case .scalar(_, let encoding, _):
            guard let bytes = bytes() else { return .unavailable }
            return ScalarText(encoding: encoding.number, bytes: bytes).value
        case .entry(let entry, let module):
            if type.kind == .function { return functionText }
            let formatter = formatter(module, limits)
            if let bits { return formatter.bitField(type: entry, source, bits) }
            return formatter.value(entry, source)
        case .pointer(let target), .reference(let target):
            return described(pointerTo: target, limits)
        case .array(let element, let count):
            return described(element, count, limits)
        case .function: return functionText
        }
    }

    private var functionText: VariableValue {
        guard let address = source.address else { return .unavailable }
        let name = context.symbolText.flatMap { $0(address) }
        return VariableValue(
            text: ScalarText.pointer(address) + (name.map { " \($0)" } ?? ""),
            scalar: address
        )
    }

    func formatter(_ module: ModuleSymbols, _ limits: ValueLimits) -> ValueFormatter {
        let evaluator = FrameEvaluator(
            module: module,
            frame: context,
            address: code?.address ?? 0,
            function: code?.function
        )
        return ValueFormatter(evaluator: evaluator, namer: module.namer, limits: limits)
    }

    private func described(pointerTo target: ValueType, _ limits: ValueLimits) -> VariableValue {
        guard let address = word else { return .unavailable }
        var text = ScalarText.pointer(address)
        if target.isCharacter, address != 0, limits.stringBytes > 0 {
            let strings = StringReader(memory: context.memory, limit: limits.stringBytes)
            text += " " + strings.text(at: address)
        } else if target.kind == .function, let name = context.symbolText?(address) {
            text += " " + name
        }
        return VariableValue(text: text, scalar: address)
    }

    private func described(
        _ element: ValueType,
        _ count: UInt64,
        _ limits: ValueLimits
    ) -> VariableValue {
        var value = VariableValue(text: "\(element.name) [\(count)]")
        if element.isCharacter, let bytes = bytes(count: min(count, UInt64(limits.stringBytes))) {
            let text = StringText.quoted(Array(bytes.prefix { $0 != 0 }))
            value.text += " " + text + (bytes.contains(0) || bytes.count == count ? "" : "...")
        }
        guard limits.depth > 0, let size = element.byteSize else { return value }
        let shown = min(count, UInt64(max(0, limits.elements)))
        value.isTruncated = shown < count
        var inner = limits
        inner.depth -= 1
        let whole = fetched(byteCount: shown &* size)
        for index in 0..<shown {
            guard let part = whole.element(index) else { break }
            value.children.append(
                Variable(
                    name: "[\(index)]",
                    typeName: element.name,
                    address: part.source.address,
                    offset: index &* size,
                    value: part.described(inner)
                )
            )
        }
        return value
    }

    /// The value with its bytes read in one go, where they are in memory and not too many.
    func fetched(byteCount: UInt64) -> TypedValue {
        guard case .memory = source.location, byteCount > 0,
            let bytes = bytes(count: byteCount)
        else { return self }
        var place = source
        place.location = .bytes(bytes)
        place.offset = 0
        return TypedValue(type, place, context, bits: bits, code: code)
    }
}

/// Bits inside of bytes.
enum BitField {
    /// The bits moved down and extended, as bytes of the field's type.
    static func bytes(_ bits: Range<Int>, of bytes: [UInt8], isSigned: Bool, size: Int) -> [UInt8] {
        var value: UInt64 = 0
        for (position, bit) in bits.enumerated() where bytes[bit / 8] >> (bit % 8) & 1 == 1 {
            value |= 1 << UInt64(position)
        }
        if isSigned, bits.count < 64, value >> UInt64(bits.count - 1) & 1 == 1 {
            value |= UInt64.max << UInt64(bits.count)
        }
        return (0..<max(0, size)).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
    }

    /// The bytes with the bits changed to those of a value.
    public static func replaced(_ bits: Range<Int>, of bytes: [UInt8], by value: UInt64) -> [UInt8]
    {
        var changed = bytes
        for (position, bit) in bits.enumerated() where bit / 8 < changed.count {
            let mask = UInt8(1) << UInt8(bit % 8)
            if value >> UInt64(position) & 1 == 1 {
                changed[bit / 8] |= mask
            } else {
                changed[bit / 8] &= ~mask
            }
        }
        return changed
    }
}

extension TypedValue {
    /// The bytes to store at the value's place so that it becomes another; of a bit field with the
    /// bits around it.
    public func storedBytes(_ bytes: [UInt8]) -> [UInt8]? {
        guard let bits else { return bytes }
        let wanted = (bits.upperBound + 7) / 8
        let reader = LocationReader(registers: context.registers, memory: context.memory)
        guard
            let around = reader.bytes(source.location, offset: source.offset, count: wanted)
        else { return nil }
        let value = bytes.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return BitField.replaced(bits, of: around, by: value)
    }
}

/// Reads zero-terminated text.
struct StringReader {
    let memory: any MemoryReader
    /// In bytes.
    let limit: Int

    /// The text at an address in quotes; pages are read one by one, since the next may not exist.
    func text(at address: UInt64) -> String {
        var found: [UInt8] = []
        while found.count < limit {
            let next = address &+ UInt64(found.count)
            let page = Int(4096 - next % 4096)
            guard let bytes = memory.read(at: next, count: min(page, limit - found.count)) else {
                break
            }
            found += bytes.prefix { $0 != 0 }
            if bytes.contains(0) { return StringText.quoted(found) }
        }
        if found.isEmpty {
            return "\"--- memory read error at address \(ScalarText.pointer(address)) ---\""
        }
        return StringText.quoted(found) + "..."
    }
}
