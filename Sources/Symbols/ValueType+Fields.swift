import CElfutils

extension ValueType {
    /// A member or base class of a structure, or a constant of an enumeration.
    public struct Field {
        /// Its name; empty for an anonymous member, the type's for a base class.
        public var name: String
        /// Its type.
        public var type: ValueType
        /// Where it begins, in bytes; nil where that depends on the object, as with a virtual base.
        public var offset: UInt64?
        /// A bit field's bits, counted from the low bit of the unit at `offset`.
        public var bits: Range<Int>?
        /// Whether it is a base class.
        public var isBaseClass: Bool
        /// Whether there is one for all objects.
        public var isStatic: Bool
        /// An enumeration's constant.
        public var constant: Int64?
    }

    /// The fields in the order of the declaration, at most 65,536.
    public var fields: [Field] {
        guard case .entry(_, let module) = form, let entry = resolvedEntry,
            entry.isStructure || entry.tag == DW_TAG_enumeration_type
        else { return [] }
        let found = entry.children.lazy.compactMap { Self.field($0, module) }
        return Array(found.prefix(ModuleSymbols.listMax))
    }

    private static func field(_ entry: DebugEntry, _ module: ModuleSymbols) -> Field? {
        if entry.tag == DW_TAG_enumerator {
            return Field(
                name: entry.name ?? "",
                type: .void,
                isBaseClass: false,
                isStatic: false,
                constant: entry.signed(DW_AT_const_value)
            )
        }
        let isStatic =
            !entry.isDataMember && (entry.tag == DW_TAG_member || entry.tag == DW_TAG_variable)
        guard entry.isDataMember || isStatic else { return nil }
        let isBase = entry.tag == DW_TAG_inheritance
        let place = isStatic ? nil : MemberPlace(entry)
        return Field(
            name: entry.name ?? (isBase ? entry.type?.name ?? "" : ""),
            type: ValueType(entry.type, module),
            offset: place?.offset,
            bits: place?.bits,
            isBaseClass: isBase,
            isStatic: isStatic
        )
    }
}
