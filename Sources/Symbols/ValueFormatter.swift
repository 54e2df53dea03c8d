import CElfutils

/// A value that is somewhere: a location, and how far into it.
struct ValueSource {
    var location: Location
    var offset = 0
    /// Its run-time address, also when the bytes have been fetched already.
    var address: UInt64?

    init(_ location: Location) {
        self.location = location
        if case .memory(let address) = location { self.address = address }
    }

    /// What lies `distance` bytes further on; nil when it is absurdly far.
    func advanced(by distance: UInt64) -> ValueSource? {
        var next = self
        next.address = address.map { $0 &+ distance }
        if case .memory(let start) = location {
            next.location = .memory(start &+ distance)
            return next
        }
        guard distance <= UInt64(LocationReader.bytesMax) else { return nil }
        next.offset += Int(distance)
        return next
    }
}

/// Turns values into CDB's text by their types.
///
/// What stands for a structure is decided in `structure(_:_:depth:)` alone: its members, or for a
/// type of a library what `LibraryValues` makes of it.
struct ValueFormatter {
    /// How deep references and members may nest, whatever the limits say.
    static let depthMax = 16
    /// How many members and elements are formatted for one caller, whatever the limits say.
    static let childrenMax = 20_000
    /// Structures and arrays up to this size are fetched whole before what is in them is formatted:
    /// over a slow line one large read is far better than many small ones.
    static let prefetchMax: UInt64 = 4096

    /// What is left of `childrenMax`.
    private final class Allowance {
        var children = ValueFormatter.childrenMax
    }

    let evaluator: FrameEvaluator
    let namer: TypeNamer
    let limits: ValueLimits
    private let allowance = Allowance()

    init(evaluator: FrameEvaluator, namer: TypeNamer, limits: ValueLimits) {
        self.evaluator = evaluator
        self.namer = namer
        self.limits = limits
    }

    /// Whether members or elements at this depth are wanted.
    func isExpanded(_ depth: Int) -> Bool {
        depth < min(limits.depth, Self.depthMax) && allowance.children > 0
    }

    /// The value with its bytes fetched, where it is in memory and small.
    func fetched(_ source: ValueSource, _ size: UInt64?) -> ValueSource {
        guard case .memory(let address) = source.location, let size,
            (1...Self.prefetchMax).contains(size), let bytes = bytes(source, size)
        else { return source }
        var source = source
        source.location = .bytes(bytes)
        source.address = address
        source.offset = 0
        return source
    }

    /// How many of `count` children are shown.
    func shown(_ count: UInt64) -> Int {
        let shown = min(count, UInt64(max(0, min(limits.elements, allowance.children))))
        allowance.children -= Int(shown)
        return Int(shown)
    }

    /// The value of a type at a place.
    func value(_ type: DebugEntry?, _ source: ValueSource, depth: Int = 0) -> VariableValue {
        guard depth <= Self.depthMax, let type, let resolved = evaluator.module.completed(type)
        else {
            return .unavailable
        }
        switch resolved.tag {
        case DW_TAG_base_type: return base(resolved, source)
        case DW_TAG_enumeration_type: return enumeration(resolved, source)
        case DW_TAG_pointer_type: return pointer(resolved, source)
        case DW_TAG_reference_type, DW_TAG_rvalue_reference_type:
            return reference(resolved, source, depth: depth)
        case DW_TAG_array_type: return array(resolved, source, depth: depth)
        case let tag where resolved.isStructure && tag != 0:
            return structure(resolved, source, depth: depth)
        default: return raw(resolved, source)
        }
    }

    /// The bytes of a value.
    func bytes(_ source: ValueSource, _ count: UInt64) -> [UInt8]? {
        guard count <= UInt64(LocationReader.bytesMax) else { return nil }
        return evaluator.reader.bytes(source.location, offset: source.offset, count: Int(count))
    }

    func number(_ source: ValueSource, _ size: UInt64) -> UInt64? {
        guard (1...8).contains(size) else { return nil }
        return bytes(source, size)?.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    // MARK: Scalars

    private func base(_ type: DebugEntry, _ source: ValueSource) -> VariableValue {
        guard let size = type.byteSize, let bytes = bytes(source, size) else { return .unavailable }
        let encoding = Int(clamping: type.unsigned(DW_AT_encoding) ?? 0)
        return ScalarText(encoding: encoding, bytes: bytes).value
    }

    private func enumeration(_ type: DebugEntry, _ source: ValueSource) -> VariableValue {
        guard let size = type.byteSize, let bits = number(source, size) else { return .unavailable }
        let unused = 64 - size * 8
        var isSigned = false
        var flags: [(name: String, bits: UInt64)] = []
        for child in type.children where child.tag == DW_TAG_enumerator {
            guard let constant = child.signed(DW_AT_const_value) else { continue }
            isSigned = isSigned || constant < 0
            if flags.count < 64 { flags.append((child.name ?? "", UInt64(bitPattern: constant))) }
            if UInt64(bitPattern: constant) << unused == bits << unused {
                let number = ScalarText.decimal(UInt64(bitPattern: constant))
                return VariableValue(
                    text: "\(child.name ?? "") (\(number))",
                    scalar: UInt64(bitPattern: constant)
                )
            }
        }
        let extended = Int64(bitPattern: bits << unused) >> Int64(unused)
        let scalar = isSigned ? UInt64(bitPattern: extended) : bits
        let number = ScalarText.decimal(scalar)
        let text = Self.flags(flags, in: scalar).map { "\($0) (\(number))" }
        return VariableValue(text: text ?? "\(number) (no matching enumerator)", scalar: scalar)
    }

    /// `A | C`, where all constants are single bits and these make up the value.
    private static func flags(_ all: [(name: String, bits: UInt64)], in value: UInt64) -> String? {
        let single = all.filter { $0.bits != 0 }
        guard value != 0, single.allSatisfy({ $0.bits.nonzeroBitCount == 1 }) else { return nil }
        let present = single.filter { value & $0.bits != 0 }
        guard present.reduce(0, { $0 | $1.bits }) == value else { return nil }
        return present.map(\.name).joined(separator: " | ")
    }

    private func pointer(_ type: DebugEntry, _ source: ValueSource) -> VariableValue {
        guard let address = number(source, type.byteSize ?? 8) else { return .unavailable }
        var text = ScalarText.pointer(address)
        if let target = type.type, target.isCharacter, address != 0, limits.stringBytes > 0 {
            let strings = StringReader(memory: evaluator.frame.memory, limit: limits.stringBytes)
            text += " " + strings.text(at: address)
        } else if address != 0, isFunction(type.type),
            let name = evaluator.frame.symbolText?(address)
        {
            text += " " + name
        }
        return VariableValue(text: text, scalar: address)
    }

    /// Whether pointers to the type lead to code or to a table of code.
    private func isFunction(_ type: DebugEntry?) -> Bool {
        guard let type = type?.resolvedType else { return false }
        if type.tag == DW_TAG_subroutine_type { return true }
        return type.tag == DW_TAG_pointer_type
            && type.type?.resolvedType?.tag == DW_TAG_subroutine_type
    }

    private func reference(
        _ type: DebugEntry,
        _ source: ValueSource,
        depth: Int
    ) -> VariableValue {
        guard let address = number(source, type.byteSize ?? 8) else { return .unavailable }
        var value = value(type.type, ValueSource(.memory(address)), depth: depth + 1)
        value.text = "\(ScalarText.pointer(address)) \(value.text)"
        return value
    }

    private func raw(_ type: DebugEntry, _ source: ValueSource) -> VariableValue {
        guard let size = type.byteSize, size > 0, let bytes = bytes(source, size) else {
            return .unavailable
        }
        return ScalarText(encoding: 0, bytes: bytes).value
    }

    // MARK: Aggregates

    private func structure(
        _ type: DebugEntry,
        _ source: ValueSource,
        depth: Int
    ) -> VariableValue {
        if case .unavailable = source.location { return .unavailable }
        if limits.showsSummaries,
            let summary = LibraryValues(self, depth: depth).value(of: type, source)
        {
            return summary
        }
        var value = VariableValue(text: namer.name(of: type))
        if type.flag(DW_AT_declaration) { value.text += " <incomplete type>" }
        guard isExpanded(depth) else { return value }
        let object = fetched(source, type.byteSize)
        let members = type.children.filter(\.isDataMember)
        let shown = shown(UInt64(members.count))
        value.isTruncated = shown < members.count
        value.children = members.prefix(shown).map { self.member($0, of: object, depth: depth + 1) }
        return value
    }

    private func member(_ entry: DebugEntry, of source: ValueSource, depth: Int) -> Variable {
        let place = MemberPlace(entry, object: source.address, evaluator)
        let isBase = entry.tag == DW_TAG_inheritance
        var variable = Variable(
            name: entry.name ?? (isBase ? entry.type?.name ?? "" : ""),
            typeName: namer.name(of: entry.type),
            value: .unavailable
        )
        guard let place, let part = source.advanced(by: place.offset) else { return variable }
        variable.address = part.address
        variable.offset = place.offset
        if let bits = place.bits {
            variable.value = bitField(type: entry.type, part, bits)
        } else {
            variable.value = value(entry.type, part, depth: depth)
        }
        return variable
    }

    func bitField(
        type declared: DebugEntry?,
        _ source: ValueSource,
        _ bits: Range<Int>
    ) -> VariableValue {
        let count = (bits.upperBound + 7) / 8
        guard bits.count <= 64, let bytes = bytes(source, UInt64(count)) else {
            return .unavailable
        }
        let type = declared?.resolvedType
        let field = BitField.bytes(
            bits,
            of: bytes,
            isSigned: type?.isSignedInteger == true,
            size: Int(min(8, type?.byteSize ?? 8))
        )
        return value(declared, ValueSource(.bytes(field)))
    }

    private func array(
        _ type: DebugEntry,
        _ source: ValueSource,
        depth: Int
    ) -> VariableValue {
        let counts = type.dimensions.map { count(of: $0) }
        return elements(type, counts, source, depth: depth)
    }

    /// A dimension of a variable-length array has its bound in an expression or a variable.
    private func count(of dimension: DebugEntry) -> UInt64? {
        if let count = dimension.constantCount { return count }
        for (name, extra) in [(DW_AT_count, 0), (DW_AT_upper_bound, 1)] as [(Int, UInt64)] {
            if let variable = dimension.reference(name) {
                let place = variable.inherited(DW_AT_location).flatMap { evaluator.location($0) }
                let size = variable.type?.byteSize ?? 8
                if let place, let bound = number(ValueSource(place), size) { return bound &+ extra }
            } else if let attribute = dimension.inherited(name) {
                return evaluator.value(attribute).map { $0 &+ extra }
            }
        }
        return nil
    }

    private func elements(
        _ type: DebugEntry,
        _ counts: [UInt64?],
        _ source: ValueSource,
        depth: Int
    ) -> VariableValue {
        if case .unavailable = source.location { return .unavailable }
        let brackets = counts.map { "[\($0.map { String($0) } ?? "")]" }.joined()
        var value = VariableValue(text: namer.name(of: type.type) + " " + brackets)
        guard let element = type.type, let count = counts.first ?? 0 else { return value }
        let inner = Array(counts.dropFirst())
        if inner.isEmpty, element.isCharacter, limits.stringBytes > 0 {
            value.text += characters(source, count)
        }
        guard isExpanded(depth), let stride = stride(type, element, inner) else { return value }
        let shown = UInt64(shown(count))
        value.isTruncated = shown < count
        let whole = fetched(source, shown.multipliedReportingOverflow(by: stride).partialValue)
        for index in 0..<shown {
            guard let part = whole.advanced(by: index &* stride) else { break }
            let content =
                inner.isEmpty
                ? self.value(element, part, depth: depth + 1)
                : elements(type, inner, part, depth: depth + 1)
            value.children.append(
                Variable(
                    name: "[\(index)]",
                    typeName: namer.name(of: element),
                    address: part.address,
                    offset: index &* stride,
                    value: content
                )
            )
        }
        return value
    }

    private func stride(_ type: DebugEntry, _ element: DebugEntry, _ inner: [UInt64?]) -> UInt64? {
        let size = type.unsigned(DW_AT_byte_stride) ?? element.byteSize
        return inner.reduce(size) { total, count in
            guard let total, let count else { return nil }
            let (product, overflow) = total.multipliedReportingOverflow(by: count)
            return overflow ? nil : product
        }
    }

    private func characters(_ source: ValueSource, _ count: UInt64) -> String {
        let wanted = min(count, UInt64(limits.stringBytes))
        guard wanted > 0, let bytes = bytes(source, wanted) else { return "" }
        let isCut = !bytes.contains(0) && wanted < count
        return " " + StringText.quoted(Array(bytes.prefix { $0 != 0 })) + (isCut ? "..." : "")
    }
}
