import CElfutils

/// Shows values of library types as what they hold.
///
/// Whatever a damaged container says, no more is read than `ValueLimits` allow: numbers of elements are
/// checked against what memory can hold, chains of nodes end at the number of elements shown.
struct LibraryValues {
    /// How many members of a library's type are looked at.
    static let membersMax = 1024
    /// A container that says it has more elements than this is damaged or not yet constructed.
    static let countMax: UInt64 = 1 << 40
    /// How deep a search tree is followed; one of `countMax` elements is not deeper.
    static let treeDepthMax = 96

    let formatter: ValueFormatter
    /// How many structures and pointers lie around the value.
    let depth: Int

    init(_ formatter: ValueFormatter, depth: Int) {
        self.formatter = formatter
        self.depth = depth
    }

    /// What a structure holds; nil when it is of no type that is known here.
    func value(of type: DebugEntry, _ source: ValueSource) -> VariableValue? {
        guard depth < ValueFormatter.depthMax, let view = ValueView(type, source, formatter) else {
            return nil
        }
        // Swift wraps generic types in structures without names.
        if let wrapped = type.wrappedSwiftType {
            return value(of: wrapped, source)
        }
        guard let name = type.name else { return nil }
        let mangled = type.linkageName ?? name
        if mangled.hasPrefix("$s"), let value = swift(view, mangled) { return value }
        let full = formatter.namer.plainName(of: type)
        let plain = Self.plain(full)
        if plain.hasPrefix("std::"), let value = standard(plain, view.fetched) { return value }
        if let value = rust(plain, full, view) { return value }
        return nil
    }

    /// The name without template arguments and without the scopes that libraries add for versions.
    static func plain(_ name: String) -> String {
        var plain = String(name.prefix { $0 != "<" })
        for scope in ["__cxx11::", "__1::", "__ndk1::"] {
            plain = plain.replacing(scope, with: "")
        }
        return plain
    }

    // MARK: C++

    private func standard(_ name: String, _ view: ValueView) -> VariableValue? {
        switch name {
        case "std::basic_string": return string(view)
        case "std::basic_string_view": return stringView(view)
        case "std::vector": return vector(view)
        case "std::array": return array(view)
        case "std::map", "std::multimap", "std::set", "std::multiset": return tree(view)
        case "std::unordered_map", "std::unordered_multimap", "std::unordered_set",
            "std::unordered_multiset":
            return hashTable(view)
        case "std::list": return list(view)
        case "std::forward_list": return forwardList(view)
        case "std::deque": return deque(view) ?? blockDeque(view)
        case "std::optional": return optional(view)
        case "std::variant": return variant(view)
        case "std::pair": return pair(view)
        case "std::tuple": return tuple(view)
        case "std::unique_ptr": return uniquePointer(view)
        case "std::shared_ptr", "std::weak_ptr": return sharedPointer(view)
        default: return wrapper(name, view)
        }
    }

    /// Types that are little more than one member.
    private func wrapper(_ name: String, _ view: ValueView) -> VariableValue? {
        switch name {
        case "std::stack", "std::queue", "std::priority_queue": return inner(view["c"])
        case "std::atomic", "std::__atomic_base":
            return inner(
                view["_M_i"] ?? view["_M_b._M_i"] ?? view["_M_p"] ?? view["_M_fp"]
                    ?? view["__a_.__a_value"]
            )
        case "std::reference_wrapper": return inner(view["_M_data"])
        case "std::initializer_list":
            guard let count = view["_M_len"]?.number, let start = view["_M_array"] else {
                return nil
            }
            return elements(start.type.type, at: start.number, count: count)
        case "std::span":
            guard let start = view["_M_ptr"] else { return nil }
            let count =
                view["_M_extent._M_extent_value"]?.number ?? view.templateNumbers.first
            return count.flatMap { elements(start.type.type, at: start.number, count: $0) }
        case "std::filesystem::path": return inner(view["_M_pathname"])
        case "std::chrono::duration":
            guard let ticks = view["__r"].flatMap(inner) else { return nil }
            return ticks
        default: return nil
        }
    }

    // MARK: What is common to all

    /// The value of a part as that of the whole.
    func inner(_ view: ValueView?) -> VariableValue? {
        guard let view else { return nil }
        var value = formatter.value(view.type, view.source, depth: depth + 1)
        value.isSummary = true
        return value
    }

    /// `{ size=3 }` with the elements that `next` gives, one call for each.
    func list(
        count: UInt64,
        prefix: String = "",
        _ next: (UInt64) -> Variable?
    ) -> VariableValue? {
        guard count <= Self.countMax else { return nil }
        var value = VariableValue(text: "\(prefix){ size=\(count) }", isSummary: true)
        guard formatter.isExpanded(depth) else { return value }
        let shown = UInt64(formatter.shown(count))
        value.isTruncated = shown < count
        for index in 0..<shown {
            guard let child = next(index) else {
                value.isTruncated = true
                value.text += " <damaged>"
                break
            }
            value.children.append(child)
        }
        return value
    }

    /// Elements that lie side by side, read in one go.
    func elements(_ type: DebugEntry?, at address: UInt64?, count: UInt64) -> VariableValue? {
        guard let type, let address, let size = type.byteSize, size > 0 else { return nil }
        let shown = min(count, UInt64(max(0, formatter.limits.elements)))
        var whole = ValueSource(.memory(address))
        if formatter.isExpanded(depth), shown > 0 {
            whole = formatter.fetched(
                whole,
                shown.multipliedReportingOverflow(by: size).partialValue
            )
        }
        return list(count: count) { index in
            guard let part = whole.advanced(by: index &* size) else { return nil }
            return child("[\(index)]", type, part)
        }
    }

    /// An element or part under a name.
    func child(_ name: String, _ type: DebugEntry?, _ source: ValueSource) -> Variable {
        Variable(
            name: name,
            typeName: formatter.namer.name(of: type),
            address: source.address,
            value: formatter.value(type, source, depth: depth + 1)
        )
    }

    func child(_ name: String, _ view: ValueView) -> Variable {
        child(name, view.type, view.source)
    }

    /// A text of a known length.
    func text(at address: UInt64, count: UInt64, width: UInt64 = 1) -> VariableValue? {
        guard count <= Self.countMax, (1...4).contains(width) else { return nil }
        let wanted = min(count, UInt64(max(0, formatter.limits.stringBytes)))
        guard wanted > 0 else {
            return VariableValue(text: count == 0 ? "\"\"" : "\"\"...", isSummary: true)
        }
        guard
            let bytes = formatter.evaluator.frame.memory.read(
                at: address,
                count: Int(wanted * width)
            )
        else {
            let place = ScalarText.pointer(address)
            return VariableValue(
                text: "\"--- memory read error at address \(place) ---\"",
                isSummary: true
            )
        }
        return text(bytes, width: Int(width), isCut: wanted < count)
    }

    func text(_ bytes: [UInt8], width: Int = 1, isCut: Bool = false) -> VariableValue {
        var narrow = bytes
        if width > 1 {
            let units = stride(from: 0, to: bytes.count - width + 1, by: width).map { start in
                bytes[start..<start + width].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            }
            let text =
                width == 2
                ? String(decoding: units.map { UInt16(truncatingIfNeeded: $0) }, as: UTF16.self)
                : String(decoding: units, as: UTF32.self)
            narrow = Array(text.utf8)
        }
        return VariableValue(
            text: StringText.quoted(narrow) + (isCut ? "..." : ""),
            isSummary: true
        )
    }
}
