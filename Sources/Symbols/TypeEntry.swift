import CElfutils

/// What an entry says as a type.
extension DebugEntry {
    private static let aliases: Set<Int> = [
        DW_TAG_typedef, DW_TAG_const_type, DW_TAG_volatile_type, DW_TAG_restrict_type,
        DW_TAG_atomic_type, DW_TAG_immutable_type, DW_TAG_packed_type, DW_TAG_shared_type,
    ]
    private static let structures: Set<Int> = [
        DW_TAG_structure_type, DW_TAG_class_type, DW_TAG_union_type, DW_TAG_interface_type,
    ]

    /// Whether it has members.
    var isStructure: Bool { Self.structures.contains(tag) }

    /// The type behind typedefs and qualifiers, the definition where this one is a declaration that
    /// a type unit completes; nil for `void` and for circles.
    var resolvedType: DebugEntry? {
        var entry = self
        for _ in 0..<Self.chainMax {
            if Self.aliases.contains(entry.tag) {
                guard let next = entry.type else { return nil }
                entry = next
            } else if entry.has(DW_AT_signature), let next = entry.reference(DW_AT_signature) {
                entry = next
            } else {
                return entry
            }
        }
        return nil
    }

    /// How many bytes a value of the type takes; nil when that is not known without a frame.
    var byteSize: UInt64? { byteSize(depth: 0) }

    private func byteSize(depth: Int) -> UInt64? {
        guard depth < Self.chainMax, let type = resolvedType else { return nil }
        if let size = type.unsigned(DW_AT_byte_size) { return size }
        switch type.tag {
        case DW_TAG_pointer_type, DW_TAG_reference_type, DW_TAG_rvalue_reference_type:
            return type.addressByteCount
        case DW_TAG_array_type:
            let counts = type.dimensions.map(\.constantCount)
            guard let element = type.type?.byteSize(depth: depth + 1) else { return nil }
            return counts.reduce(element) { size, count in
                guard let size, let count else { return nil }
                let (product, overflow) = size.multipliedReportingOverflow(by: count)
                return overflow ? nil : product
            }
        case DW_TAG_enumeration_type, DW_TAG_ptr_to_member_type:
            return type.type?.byteSize(depth: depth + 1) ?? 8
        default: return nil
        }
    }

    /// An array's dimensions, the outermost first.
    var dimensions: [DebugEntry] {
        children.filter { $0.tag == DW_TAG_subrange_type || $0.tag == DW_TAG_enumeration_type }
    }

    /// How many elements a dimension has; nil when it is not a constant.
    var constantCount: UInt64? {
        if tag == DW_TAG_enumeration_type {
            return UInt64(children.reduce(0) { $0 + ($1.tag == DW_TAG_enumerator ? 1 : 0) })
        }
        if let count = constant(DW_AT_count) { return count >= 0 ? UInt64(count) : nil }
        guard let upper = constant(DW_AT_upper_bound) else { return nil }
        let lower = constant(DW_AT_lower_bound) ?? 0
        let (distance, overflow) = upper.subtractingReportingOverflow(lower)
        // GCC writes the length 0 as the upper bound -1, in whatever size.
        if overflow || distance < 0 || distance == Int64(UInt32.max) { return 0 }
        return UInt64(distance) + 1
    }

    /// A constant attribute that is neither an expression nor a reference.
    private func constant(_ name: Int) -> Int64? {
        guard var attribute = inherited(name) else { return nil }
        switch Int(dwarf_whatform(&attribute)) {
        case DW_FORM_data1, DW_FORM_data2, DW_FORM_data4, DW_FORM_data8, DW_FORM_udata:
            return unsigned(name).flatMap { Int64(exactly: $0) } ?? -1
        case DW_FORM_sdata, DW_FORM_implicit_const:
            return signed(name)
        default: return nil
        }
    }

    /// Whether it is a character type, as strings are made of.
    var isCharacter: Bool {
        guard let type = resolvedType, type.tag == DW_TAG_base_type,
            let encoding = type.unsigned(DW_AT_encoding).map(Int.init(clamping:))
        else { return false }
        return [DW_ATE_signed_char, DW_ATE_unsigned_char].contains(encoding)
            || (encoding == DW_ATE_UTF && type.byteSize == 1)
    }
}

/// Writes types as C declares them.
struct TypeNamer {
    /// Gives the scopes of a named type, `ns::Outer::`.
    let scopes: (DebugEntry) -> String

    /// How many types one name is made of; a damaged file may nest them without end.
    private static let piecesMax = 512

    /// The name of a type; `void` for none.
    func name(of type: DebugEntry?) -> String { declaration(of: type, around: "") }

    /// The declaration of something of the type; C declares inside out.
    func declaration(of type: DebugEntry?, around inner: String) -> String {
        TypeDeclaration(scopes: scopes, pieces: Self.piecesMax)
            .declaration(of: type, around: inner, depth: 0)
    }

    /// A structure's name with its scopes and without a keyword.
    func plainName(of type: DebugEntry) -> String { scopes(type) + (type.name ?? "") }
}

/// Writes one declaration.
private final class TypeDeclaration {
    private let scopes: (DebugEntry) -> String
    private var pieces: Int

    init(scopes: @escaping (DebugEntry) -> String, pieces: Int) {
        self.scopes = scopes
        self.pieces = pieces
    }

    /// C declares inside out: `around` is what stands where a variable's name would, `*` for a
    /// pointer.
    func declaration(of type: DebugEntry?, around inner: String, depth: Int) -> String {
        guard let type else { return join("void", inner) }
        pieces -= 1
        guard depth < DebugEntry.chainMax, pieces > 0 else { return join("...", inner) }
        func target(_ inner: String) -> String {
            declaration(of: type.type, around: inner, depth: depth + 1)
        }
        switch type.tag {
        case DW_TAG_pointer_type: return target(Self.bound("*" + inner, to: type.type))
        case DW_TAG_reference_type: return target(Self.bound("&" + inner, to: type.type))
        case DW_TAG_rvalue_reference_type: return target(Self.bound("&&" + inner, to: type.type))
        case DW_TAG_array_type: return target(inner + Self.brackets(of: type))
        case DW_TAG_subroutine_type, DW_TAG_subprogram:
            return target(inner + parameters(of: type, depth: depth))
        case DW_TAG_ptr_to_member_type:
            let owner = type.reference(DW_AT_containing_type)?.name ?? ""
            return target(Self.bound("\(owner)::*\(inner)", to: type.type))
        case DW_TAG_const_type: return qualified("const", type, inner, depth)
        case DW_TAG_volatile_type: return qualified("volatile", type, inner, depth)
        case DW_TAG_restrict_type, DW_TAG_atomic_type, DW_TAG_immutable_type, DW_TAG_packed_type,
            DW_TAG_shared_type:
            return target(inner)
        default: return join(plainName(of: type), inner)
        }
    }

    /// A qualifier of a pointer comes behind the asterisk, any other before the type.
    private func qualified(
        _ word: String,
        _ type: DebugEntry,
        _ inner: String,
        _ depth: Int
    ) -> String {
        if type.type?.tag == DW_TAG_pointer_type {
            let spaced = inner.isEmpty ? " \(word)" : " \(word) \(inner)"
            return declaration(of: type.type, around: spaced, depth: depth + 1)
        }
        let rest = declaration(of: type.type, around: inner, depth: depth + 1)
        // An array of constants may be said to be constant itself.
        return rest.hasPrefix("\(word) ") ? rest : "\(word) \(rest)"
    }

    /// Pointers to arrays and functions need parentheses.
    private static func bound(_ inner: String, to target: DebugEntry?) -> String {
        let tags: Set<Int?> = [DW_TAG_array_type, DW_TAG_subroutine_type]
        return tags.contains(target?.tag) ? "(\(inner))" : inner
    }

    private static func brackets(of array: DebugEntry) -> String {
        array.dimensions.map { "[\($0.constantCount.map { String($0) } ?? "")]" }.joined()
    }

    private func parameters(of function: DebugEntry, depth: Int) -> String {
        var names: [String] = []
        for child in function.children {
            guard pieces > 0 else { break }
            switch child.tag {
            case DW_TAG_formal_parameter:
                names.append(declaration(of: child.type, around: "", depth: depth + 1))
            case DW_TAG_unspecified_parameters: names.append("...")
            default: break
            }
        }
        return "(" + (names.isEmpty ? "void" : names.joined(separator: ", ")) + ")"
    }

    private func plainName(of type: DebugEntry) -> String {
        let words = [
            DW_TAG_structure_type: "struct ", DW_TAG_class_type: "class ",
            DW_TAG_union_type: "union ", DW_TAG_enumeration_type: "enum ",
            DW_TAG_interface_type: "interface ",
        ]
        // A type unit's type is a mere signature where it is used.
        if type.name == nil, type.has(DW_AT_signature),
            let unit = type.reference(DW_AT_signature), unit.name != nil
        {
            return plainName(of: unit)
        }
        if let wrapped = type.wrappedSwiftType { return plainName(of: wrapped) }
        guard let name = type.name else { return (words[type.tag] ?? "") + "<unnamed-tag>" }
        if let mangled = type.swiftName, let swift = Demangler.demangle(mangled) { return swift }
        return (words[type.tag] ?? "") + scopes(type) + name
    }

    private func join(_ name: String, _ inner: String) -> String {
        inner.isEmpty || inner.hasPrefix(" ") ? name + inner : "\(name) \(inner)"
    }
}
