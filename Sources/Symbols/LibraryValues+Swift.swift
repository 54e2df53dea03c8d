import CElfutils

// Swift's DWARF says of a library type its mangled name and its size, and nothing of what is inside:
// the layouts here are the ABI's (docs/ABI in the Swift sources), for 64 bits.
extension LibraryValues {
    func swift(_ view: ValueView, _ name: String) -> VariableValue? {
        guard let full = Demangler.demangle(name) else { return nil }
        return swift(full, view.source)
    }

    private func word(_ source: ValueSource, _ offset: UInt64 = 0, _ size: UInt64 = 8) -> UInt64? {
        source.advanced(by: offset).flatMap { formatter.number($0, size) }
    }

    /// How many bytes a value of a type takes, as far as this file knows.
    private static func size(of type: String) -> UInt64? {
        if let (_, size) = numbers[type] { return size }
        if type == "Swift.String" { return 16 }
        if type.hasPrefix("Swift.Array<") || type.hasPrefix("Swift.Dictionary<") { return 8 }
        return nil
    }

    static let numbers: [String: (encoding: ScalarEncoding, size: UInt64)] = [
        "Swift.Int": (.signed, 8), "Swift.Int64": (.signed, 8), "Swift.Int32": (.signed, 4),
        "Swift.Int16": (.signed, 2), "Swift.Int8": (.signed, 1),
        "Swift.UInt": (.unsigned, 8), "Swift.UInt64": (.unsigned, 8),
        "Swift.UInt32": (.unsigned, 4), "Swift.UInt16": (.unsigned, 2),
        "Swift.UInt8": (.unsigned, 1), "Swift.Double": (.floating, 8),
        "Swift.Float": (.floating, 4), "Swift.Bool": (.boolean, 1),
    ]

    /// The arguments of a generic type's name.
    private static func arguments(of type: String, _ generic: String) -> String? {
        guard type.hasPrefix(generic + "<"), type.hasSuffix(">") else { return nil }
        return String(type.dropFirst(generic.count + 1).dropLast())
    }

    private func swift(_ type: String, _ source: ValueSource) -> VariableValue? {
        if let (encoding, size) = Self.numbers[type] {
            guard var bytes = formatter.bytes(source, size) else { return nil }
            if encoding == .boolean { bytes[0] &= 1 }
            return ScalarText(encoding: encoding.number, bytes: bytes).value
        }
        if type == "Swift.String" { return swiftString(source) }
        if let element = Self.arguments(of: type, "Swift.Array") {
            return swiftArray(element, source)
        }
        if let wrapped = Self.arguments(of: type, "Swift.Optional") {
            return swiftOptional(wrapped, source)
        }
        return nil
    }

    private func swiftString(_ source: ValueSource) -> VariableValue? {
        guard let first = word(source), let second = word(source, 8) else { return nil }
        let discriminator = UInt8(second >> 56)
        // Up to fifteen bytes of text lie in the value itself.
        if discriminator & 0xe0 == 0xe0 {
            let count = Int(discriminator & 0xf)
            guard let bytes = formatter.bytes(source, 16) else { return nil }
            return text(Array(bytes.prefix(count)))
        }
        // Native and immortal strings have their text 32 bytes behind the object's address.
        guard discriminator & 0x50 == 0 || discriminator & 0x80 != 0 else { return nil }
        let count = first & 0xffff_ffff_ffff
        return text(at: (second & 0x0fff_ffff_ffff_ffff) &+ 32, count: count)
    }

    private func swiftArray(_ element: String, _ source: ValueSource) -> VariableValue? {
        guard let storage = word(source), let size = Self.size(of: element),
            let count = formatter.number(ValueSource(.memory(storage &+ 16)), 8)
        else { return nil }
        let shown = min(count, UInt64(max(0, formatter.limits.elements)))
        var whole = ValueSource(.memory(storage &+ 32))
        if formatter.isExpanded(depth), shown > 0 { whole = formatter.fetched(whole, shown * size) }
        return list(count: count) { index in
            guard let place = whole.advanced(by: index &* size),
                let value = swift(element, place)
            else { return nil }
            return Variable(
                name: "[\(index)]",
                typeName: element,
                address: place.address,
                value: value
            )
        }
    }

    private func swiftOptional(_ wrapped: String, _ source: ValueSource) -> VariableValue? {
        let none = VariableValue(text: "nil", isSummary: true)
        if wrapped == "Swift.String" {
            // A string's second word is never 0.
            return word(source, 8) == 0 ? none : swift(wrapped, source)
        }
        if wrapped.hasPrefix("Swift.Array<") {
            return word(source) == 0 ? none : swift(wrapped, source)
        }
        guard let (encoding, size) = Self.numbers[wrapped] else { return nil }
        if encoding == .boolean { return word(source, 0, 1) == 2 ? none : swift(wrapped, source) }
        guard let tag = word(source, size, 1) else { return nil }
        return tag & 1 == 1 ? none : swift(wrapped, source)
    }
}

extension DebugEntry {
    /// The mangled name of a Swift type.
    var swiftName: String? {
        guard let mangled = linkageName ?? name, mangled.hasPrefix("$s") else { return nil }
        return mangled
    }

    /// The type that a structure without a name stands for.
    var wrappedSwiftType: DebugEntry? {
        guard isStructure, name == nil else { return nil }
        let members = children.prefix(3).filter(\.isDataMember)
        guard members.count == 1, members[0].name == nil, let type = members[0].type?.resolvedType,
            type.name != nil, type.swiftName != nil
        else { return nil }
        return type
    }

    /// What a Swift number is.
    var swiftNumber: ScalarEncoding? {
        guard isStructure, let mangled = swiftName, let full = Demangler.demangle(mangled) else {
            return nil
        }
        return LibraryValues.numbers[full]?.encoding
    }
}
