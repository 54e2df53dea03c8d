import CElfutils

/// A value on the way through a library's data structures: from member to member, from pointer to
/// what it points to.
///
/// A structure's bytes are read once, when its first member is asked for.
struct ValueView {
    let type: DebugEntry
    let source: ValueSource
    let formatter: ValueFormatter

    init?(_ type: DebugEntry?, _ source: ValueSource, _ formatter: ValueFormatter) {
        guard let type, let resolved = formatter.evaluator.module.completed(type) else {
            return nil
        }
        self.type = resolved
        self.source = source
        self.formatter = formatter
    }

    /// How many bytes an address takes.
    var pointerSize: UInt64 { UInt64(formatter.evaluator.module.wordBytes) }

    /// A value of a type in memory.
    func at(_ address: UInt64, as type: DebugEntry?) -> ValueView? {
        ValueView(type, ValueSource(.memory(address)), formatter)
    }

    /// Itself with its bytes read.
    var fetched: ValueView {
        ValueView(type, formatter.fetched(source, type.byteSize), formatter) ?? self
    }

    /// The member of that name, of base classes too; `a.b.c` goes from one to the next.
    subscript(path: String) -> ValueView? {
        path.split(separator: ".").reduce(ValueView?.some(self)) { view, name in
            view?.member(String(name), depth: 0)
        }
    }

    private func member(_ name: String, depth: Int) -> ValueView? {
        guard depth < ValueFormatter.depthMax else { return nil }
        var inner: [DebugEntry] = []
        for child in type.children.prefix(LibraryValues.membersMax) where child.isDataMember {
            if child.tag == DW_TAG_inheritance || child.name == nil {
                inner.append(child)
            } else if child.name == name {
                return part(child)
            }
        }
        for child in inner {
            if let found = part(child)?.member(name, depth: depth + 1) { return found }
        }
        return nil
    }

    /// A member or base class by its entry.
    func part(_ entry: DebugEntry) -> ValueView? {
        let place = MemberPlace(entry, object: source.address, formatter.evaluator)
        guard let place, let part = source.advanced(by: place.offset) else { return nil }
        return ValueView(entry.type, part, formatter)
    }

    /// The base classes, from left to right.
    var bases: [ValueView] {
        type.children.prefix(LibraryValues.membersMax).filter { $0.tag == DW_TAG_inheritance }
            .compactMap(part)
    }

    /// A number, a pointer or an enumeration's constant of up to eight bytes.
    var number: UInt64? {
        guard let size = type.byteSize, (1...8).contains(size) else { return nil }
        return formatter.number(source, size)
    }

    /// What a pointer points to.
    var pointee: ValueView? {
        guard type.tag == DW_TAG_pointer_type, let address = number, address != 0 else {
            return nil
        }
        return at(address, as: type.type)
    }

    /// The first pointer among the members, at whatever depth: what smart pointers come to.
    func firstPointer(depth: Int = 0) -> ValueView? {
        if type.tag == DW_TAG_pointer_type { return self }
        guard type.isStructure, depth < ValueFormatter.depthMax else { return nil }
        for child in type.children.prefix(LibraryValues.membersMax) where child.isDataMember {
            if let found = part(child)?.firstPointer(depth: depth + 1) { return found }
        }
        return nil
    }

    /// The name with its scopes, without `struct`.
    var qualifiedName: String { formatter.namer.plainName(of: type) }

    /// The types among the template's arguments, those of a pack one by one.
    var templateTypes: [DebugEntry?] { Self.templateTypes(of: type) }

    static func templateTypes(of type: DebugEntry) -> [DebugEntry?] {
        var found: [DebugEntry?] = []
        for child in type.children.prefix(LibraryValues.membersMax) {
            if child.tag == DW_TAG_template_type_parameter {
                found.append(child.type)
            } else if child.tag == DW_TAG_GNU_template_parameter_pack {
                found += templateTypes(of: child)
            }
        }
        return found
    }

    /// The numbers among the template's arguments.
    var templateNumbers: [UInt64] {
        type.children.prefix(LibraryValues.membersMax)
            .filter { $0.tag == DW_TAG_template_value_parameter }
            .compactMap { entry in
                entry.unsigned(DW_AT_const_value)
                    ?? entry.signed(DW_AT_const_value).map { UInt64(bitPattern: $0) }
            }
    }
}

extension TypedValue {
    private var view: ValueView? {
        guard case .entry(let entry, let module) = type.form, type.kind == .structure else {
            return nil
        }
        return ValueView(entry, source, formatter(module, ValueLimits()))
    }

    private func value(_ view: ValueView?) -> TypedValue? {
        guard let view, let module = type.module else { return nil }
        return TypedValue(ValueType(view.type, module), view.source, context, code: code)
    }

    /// The pointer inside of a smart pointer.
    public var smartTarget: TypedValue? {
        guard let view else { return nil }
        switch LibraryValues.plain(view.qualifiedName) {
        case "std::unique_ptr", "std::shared_ptr", "std::__shared_ptr", "alloc::boxed::Box":
            return value(view.firstPointer())
        default: return nil
        }
    }

    /// What the elements of a container begin at: a pointer or an array.
    public var containerStart: TypedValue? {
        guard let view else { return nil }
        switch LibraryValues.plain(view.qualifiedName) {
        case "std::vector": return value(view["_M_impl._M_start"] ?? view["__begin_"])
        case "std::array": return value(view["_M_elems"] ?? view["__elems_"])
        case "std::basic_string": return value(view["_M_dataplus._M_p"])
        case "std::basic_string_view": return value(view["_M_str"])
        case "std::span": return value(view["_M_ptr"])
        default: return nil
        }
    }
}

extension DebugEntry {
    /// The alignment that the System V ABI gives a type: that of its largest scalar.
    func alignment(depth: Int = 0) -> UInt64 {
        guard depth < ValueFormatter.depthMax, let type = resolvedType else { return 1 }
        if let own = type.unsigned(DW_AT_alignment), own > 0 { return own }
        if type.tag == DW_TAG_array_type { return type.type?.alignment(depth: depth + 1) ?? 1 }
        guard type.isStructure else { return max(1, min(16, type.byteSize ?? 1)) }
        return type.children.prefix(LibraryValues.membersMax).filter(\.isDataMember)
            .reduce(type.isPolymorphic ? 8 : 1) { most, member in
                max(most, member.type?.alignment(depth: depth + 1) ?? 1)
            }
    }

    private var isPolymorphic: Bool {
        children.prefix(16).contains { $0.name?.hasPrefix("_vptr") ?? false }
    }
}
