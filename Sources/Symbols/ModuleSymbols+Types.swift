import CElfutils

extension ModuleSymbols {
    /// How many names or fields are given at once.
    static let listMax = 1 << 16

    /// The names of the types that match CDB's wildcards, sorted.
    public func typeNames(matching glob: String) -> [String] {
        let pattern = Glob(Self.withoutKeyword(glob))
        var found: Set<String> = []
        for unit in debugData?.namedUnits ?? [] {
            for (name, _) in unit.names.types where pattern.matches(name.utf8) {
                found.insert(name)
                if found.count == Self.listMax { return found.sorted() }
            }
        }
        return found.sorted()
    }

    /// The layout of a structure, class, union, enumeration or a typedef of one.
    public func typeLayout(named name: String) -> TypeLayout? {
        guard let named = type(named: name), let type = named.resolvedType else { return nil }
        let isEnumeration = type.tag == DW_TAG_enumeration_type
        let fields = type.children.lazy.compactMap { entry in
            isEnumeration ? self.enumerator(entry) : self.field(entry)
        }.prefix(Self.listMax)
        return TypeLayout(
            name: namer.name(of: type.name == nil ? named : type),
            size: type.byteSize ?? 0,
            isEnumeration: isEnumeration,
            fields: Array(fields)
        )
    }

    private func enumerator(_ entry: DebugEntry) -> TypeLayout.Field? {
        guard entry.tag == DW_TAG_enumerator, let value = entry.signed(DW_AT_const_value) else {
            return nil
        }
        return TypeLayout.Field(
            name: entry.name ?? "",
            typeName: "",
            offset: UInt64(bitPattern: value),
            size: 0
        )
    }

    private func field(_ entry: DebugEntry) -> TypeLayout.Field? {
        guard entry.isDataMember else { return nil }
        let isBase = entry.tag == DW_TAG_inheritance
        let place = MemberPlace(entry)
        return TypeLayout.Field(
            name: entry.name ?? (isBase ? entry.type?.name ?? "" : ""),
            typeName: namer.name(of: entry.type),
            offset: place?.offset ?? 0,
            size: entry.type?.byteSize ?? 0,
            bits: place?.bits,
            isBaseClass: isBase
        )
    }

    /// The type of that name; a definition with members wins over a typedef.
    func type(named name: String) -> DebugEntry? {
        let wanted = Self.withoutKeyword(name)
        var alias: DebugEntry?
        for unit in debugData?.namedUnits ?? [] {
            guard let entry = unit.names.type(named: wanted) else { continue }
            if entry.tag != DW_TAG_typedef { return entry }
            alias = alias ?? entry
        }
        return alias
    }

    private static func withoutKeyword(_ name: String) -> String {
        for word in ["struct ", "class ", "union ", "enum "] where name.hasPrefix(word) {
            return String(name.dropFirst(word.count))
        }
        return name
    }
}

extension DebugData {
    /// The scopes of a type, `ns::Outer::`; empty for C's and for types of units that are not in
    /// the file.
    func scopes(of type: DebugEntry) -> String {
        guard let unit = type.unit.flatMap({ unitsByEntry[$0.identity] }) else { return "" }
        return unit.names.scopes(of: type)
    }
}
