import CElfutils

/// What the bits of a scalar mean.
public enum ScalarEncoding: Sendable, Equatable {
    /// False and true.
    case boolean
    /// An integer with a sign.
    case signed
    /// An integer without one.
    case unsigned
    /// `char`, where it has a sign.
    case signedCharacter
    /// `unsigned char`.
    case unsignedCharacter
    /// `char16_t` and its kin.
    case unicode
    /// A floating-point number.
    case floating
    /// Complex and decimal numbers, and what is not known.
    case other

    init(_ encoding: Int) {
        switch encoding {
        case DW_ATE_boolean: self = .boolean
        case DW_ATE_signed: self = .signed
        case DW_ATE_unsigned, DW_ATE_address: self = .unsigned
        case DW_ATE_signed_char: self = .signedCharacter
        case DW_ATE_unsigned_char: self = .unsignedCharacter
        case DW_ATE_UTF: self = .unicode
        case DW_ATE_float: self = .floating
        default: self = .other
        }
    }

    /// DWARF's number for it.
    var number: Int {
        switch self {
        case .boolean: DW_ATE_boolean
        case .signed: DW_ATE_signed
        case .unsigned: DW_ATE_unsigned
        case .signedCharacter: DW_ATE_signed_char
        case .unsignedCharacter: DW_ATE_unsigned_char
        case .unicode: DW_ATE_UTF
        case .floating: DW_ATE_float
        case .other: 0
        }
    }
}

/// A type of a value: one that a module's DWARF describes, or one made of such.
public struct ValueType {
    /// What kind of type it is, behind typedefs and qualifiers.
    public enum Kind: Sendable, Equatable {
        /// No value at all.
        case void
        /// A number.
        case scalar(ScalarEncoding)
        /// An enumeration.
        case enumeration
        /// A pointer.
        case pointer
        /// A reference, or one to a value about to go.
        case reference
        /// A pointer to a member.
        case memberPointer
        /// An array.
        case array
        /// A structure, class or union.
        case structure
        /// A function.
        case function
        /// Anything else.
        case other
    }

    indirect enum Form {
        case void
        case entry(DebugEntry, ModuleSymbols)
        case scalar(name: String, encoding: ScalarEncoding, size: Int)
        case pointer(ValueType)
        case reference(ValueType)
        case array(ValueType, UInt64)
        /// A function of which nothing is known but what it is taken to return.
        case function(ValueType)
    }

    let form: Form

    init(_ form: Form) {
        self.form = form
    }

    init(_ entry: DebugEntry?, _ module: ModuleSymbols) {
        form = entry.map { .entry($0, module) } ?? .void
    }

    /// The type without values.
    public static var void: ValueType { ValueType(.void) }

    /// A type of numbers that no module need know.
    public static func scalar(
        _ name: String,
        _ encoding: ScalarEncoding,
        size: Int
    ) -> ValueType {
        ValueType(.scalar(name: name, encoding: encoding, size: size))
    }

    /// The type of pointers to values of this one.
    public var pointer: ValueType { ValueType(.pointer(self)) }

    /// The type of references to values of this one.
    public var reference: ValueType { ValueType(.reference(self)) }

    /// The type of arrays of values of this one.
    public func array(count: UInt64) -> ValueType { ValueType(.array(self, count)) }

    /// The type of functions that return values of this one and whose parameters are not known.
    public var function: ValueType { ValueType(.function(self)) }

    /// The module that knows it, or what it is made of.
    var module: ModuleSymbols? {
        switch form {
        case .entry(_, let module): module
        case .pointer(let target), .reference(let target), .array(let target, _),
            .function(let target):
            target.module
        case .void, .scalar: nil
        }
    }

    /// The entry behind typedefs and qualifiers, a definition where there is one.
    var resolvedEntry: DebugEntry? {
        guard case .entry(let entry, let module) = form else { return nil }
        return module.completed(entry)
    }

    /// What it is, behind typedefs and qualifiers.
    public var kind: Kind {
        switch form {
        case .void: return .void
        case .scalar(_, let encoding, _): return .scalar(encoding)
        case .pointer: return .pointer
        case .reference: return .reference
        case .array: return .array
        case .function: return .function
        case .entry:
            guard let entry = resolvedEntry else { return .void }
            return Self.kind(of: entry)
        }
    }

    private static func kind(of entry: DebugEntry) -> Kind {
        switch entry.tag {
        case DW_TAG_base_type:
            return .scalar(ScalarEncoding(Int(clamping: entry.unsigned(DW_AT_encoding) ?? 0)))
        case DW_TAG_enumeration_type: return .enumeration
        case DW_TAG_pointer_type: return .pointer
        case DW_TAG_reference_type, DW_TAG_rvalue_reference_type: return .reference
        case DW_TAG_ptr_to_member_type: return .memberPointer
        case DW_TAG_array_type: return .array
        case DW_TAG_subroutine_type, DW_TAG_subprogram: return .function
        // `decltype(nullptr)`.
        case DW_TAG_unspecified_type: return .other
        default:
            if let number = entry.swiftNumber { return .scalar(number) }
            return entry.isStructure ? .structure : .other
        }
    }

    /// As C declares it, with `struct`, `class`, `union` and `enum` words.
    public var name: String { declaration(around: "") }

    /// C declares inside out.
    private func declaration(around inner: String) -> String {
        switch form {
        case .void: return inner.isEmpty ? "void" : "void \(inner)"
        case .scalar(let name, _, _): return inner.isEmpty ? name : "\(name) \(inner)"
        case .pointer(let target): return target.declaration(around: target.bound("*" + inner))
        case .reference(let target): return target.declaration(around: target.bound("&" + inner))
        case .array(let element, let count):
            return element.declaration(around: "\(inner)[\(count)]")
        case .function(let result): return result.declaration(around: "\(inner)()")
        case .entry(let entry, let module):
            return module.namer.declaration(of: entry, around: inner)
        }
    }

    private func bound(_ inner: String) -> String {
        kind == .array || kind == .function ? "(\(inner))" : inner
    }

    /// How many bytes an address takes where the type is at home.
    private var wordBytes: Int {
        switch form {
        case .void, .scalar: 8
        case .pointer(let target), .reference(let target), .array(let target, _),
            .function(let target):
            target.wordBytes
        case .entry(_, let module): module.wordBytes
        }
    }

    /// How many bytes a value takes; nil when that is not known.
    public var byteSize: UInt64? {
        switch form {
        case .void, .function: return nil
        case .scalar(_, _, let size): return UInt64(size)
        case .pointer, .reference: return UInt64(wordBytes)
        case .array(let element, let count):
            guard let size = element.byteSize else { return nil }
            let (product, overflow) = size.multipliedReportingOverflow(by: count)
            return overflow ? nil : product
        case .entry: return resolvedEntry?.byteSize
        }
    }

    /// What a pointer or reference leads to, an array holds, a function returns, and an
    /// enumeration is stored as; nil for other types.
    public var target: ValueType? {
        switch form {
        case .void, .scalar: return nil
        case .pointer(let target), .reference(let target), .array(let target, _),
            .function(let target):
            return target
        case .entry(_, let module):
            guard let entry = resolvedEntry else { return nil }
            switch kind {
            case .pointer, .reference, .function: return ValueType(entry.type, module)
            case .enumeration: return entry.type.map { ValueType($0, module) }
            case .array: return innerElement(entry, module)
            default: return nil
            }
        }
    }

    /// An array of arrays has all its dimensions in one entry.
    private func innerElement(_ entry: DebugEntry, _ module: ModuleSymbols) -> ValueType {
        entry.dimensions.dropFirst().reversed().reduce(ValueType(entry.type, module)) {
            type,
            next in
            type.array(count: next.constantCount ?? 0)
        }
    }

    /// How many elements an array has, as far as its type says.
    public var elementCount: UInt64? {
        switch form {
        case .array(_, let count): return count
        case .entry: return resolvedEntry?.dimensions.first?.constantCount
        default: return nil
        }
    }

    /// Whether strings are made of it.
    public var isCharacter: Bool {
        switch form {
        case .entry(let entry, _): return entry.isCharacter
        case .scalar(_, let encoding, let size):
            return size == 1 && (encoding == .signedCharacter || encoding == .unsignedCharacter)
        default: return false
        }
    }

    /// Whether an enumeration has negative constants or is stored as a signed type.
    public var isSignedEnumeration: Bool {
        guard let entry = resolvedEntry, entry.tag == DW_TAG_enumeration_type else { return false }
        return entry.type?.resolvedType?.isSignedInteger ?? false
    }

    /// The types of a function's parameters, an object's first; nil when it is none.
    public var parameters: [ValueType]? {
        guard case .entry(_, let module) = form, kind == .function, let entry = resolvedEntry else {
            return nil
        }
        return entry.origin.children.filter { $0.tag == DW_TAG_formal_parameter }.prefix(64).map {
            ValueType($0.type, module)
        }
    }
}

extension ModuleSymbols {
    /// The type behind typedefs and qualifiers; for a mere declaration the definition of that name.
    func completed(_ entry: DebugEntry) -> DebugEntry? {
        guard let type = entry.tag == DW_TAG_subprogram ? entry : entry.resolvedType else {
            return nil
        }
        guard type.isStructure || type.tag == DW_TAG_enumeration_type,
            type.flag(DW_AT_declaration), let name = type.name
        else { return type }
        let full = (debugData?.scopes(of: type) ?? "") + name
        guard let found = self.type(named: full)?.resolvedType, !found.flag(DW_AT_declaration)
        else { return type }
        return found
    }
}
