/// A variable, a parameter, a field or an array element with its value.
public struct Variable: Sendable, Equatable {
    /// Its name; `[3]` for an array element, empty for an anonymous member.
    public var name: String
    /// Its type as C writes it, with CDB's `struct`, `class`, `union`, `enum` words.
    public var typeName: String
    /// Whether it is a parameter.
    public var isParameter: Bool
    /// How many lexical blocks lie around it in its function, 0 for the function's own.
    public var scopeDepth: Int
    /// The inlined function it belongs to; nil for the frame's own function.
    public var inlinedFunction: String?
    /// How many inlined calls lie around it, 0 for the frame's own function.
    public var inlinedDepth = 0
    /// Where it lies in memory, a run-time address; nil when it is not in memory.
    public var address: UInt64?
    /// The register it lies in; nil when it is not in one.
    public var register: String?
    /// In bytes; nil where it is not known.
    public var size: UInt64?
    /// Its offset in the structure around it, in bytes; 0 outside structures.
    public var offset: UInt64
    /// Its value.
    public var value: VariableValue

    /// Builds a variable.
    public init(
        name: String,
        typeName: String,
        isParameter: Bool = false,
        scopeDepth: Int = 0,
        inlinedFunction: String? = nil,
        address: UInt64? = nil,
        register: String? = nil,
        offset: UInt64 = 0,
        value: VariableValue
    ) {
        self.name = name
        self.typeName = typeName
        self.isParameter = isParameter
        self.scopeDepth = scopeDepth
        self.inlinedFunction = inlinedFunction
        self.address = address
        self.register = register
        self.offset = offset
        self.value = value
    }
}

/// A value as CDB shows it.
public struct VariableValue: Sendable, Equatable {
    /// The text: `0n24`, `0x00007fff``ffffe3a0 "hello"`, `struct point`, `<value unavailable>`.
    public var text: String
    /// The value of a scalar, sign- or zero-extended; nil for anything else.
    public var scalar: UInt64?
    /// Members or elements, down to the depth that was asked for.
    public var children: [Variable]
    /// Whether a member list or element list was cut at a limit.
    public var isTruncated: Bool
    /// Whether text and children are those of a container, not the members that it is made of.
    public var isSummary: Bool

    /// Builds a value.
    public init(
        text: String,
        scalar: UInt64? = nil,
        children: [Variable] = [],
        isTruncated: Bool = false,
        isSummary: Bool = false
    ) {
        self.text = text
        self.scalar = scalar
        self.children = children
        self.isTruncated = isTruncated
        self.isSummary = isSummary
    }

    /// What is shown where no value can be had.
    public static let unavailable = VariableValue(text: "<value unavailable>")

    /// Whether there is a value.
    public var isAvailable: Bool { self != .unavailable }
}

/// How much of a value is fetched and formatted: every byte may come over a slow line.
public struct ValueLimits: Sendable, Equatable {
    /// How many levels of members and elements are added as children; 0 for none.
    public var depth: Int
    /// How many elements of an array are added.
    public var elements: Int
    /// How many bytes of a string are read through a character pointer; 0 for no strings.
    public var stringBytes: Int
    /// Whether library types are shown as what they hold, not as what they are made of.
    public var showsSummaries: Bool

    /// Builds limits; the defaults suit a list of locals.
    public init(
        depth: Int = 0,
        elements: Int = 100,
        stringBytes: Int = 64,
        showsSummaries: Bool = true
    ) {
        self.depth = depth
        self.elements = elements
        self.stringBytes = stringBytes
        self.showsSummaries = showsSummaries
    }
}

/// A type's layout for `dt`.
public struct TypeLayout: Sendable, Equatable {
    /// One member of a structure, class or union, or one enumerator.
    public struct Field: Sendable, Equatable {
        /// Its name; empty for an anonymous member, the type's name for a base class.
        public var name: String
        /// Its type's name.
        public var typeName: String
        /// Where it begins in the structure, in bytes; an enumerator's value.
        public var offset: UInt64
        /// Its size in bytes.
        public var size: UInt64
        /// First bit and width of a bit field, counted from the low bit of the unit at `offset`.
        public var bits: Range<Int>?
        /// Whether it is a base class.
        public var isBaseClass: Bool

        /// Builds a field.
        public init(
            name: String,
            typeName: String,
            offset: UInt64,
            size: UInt64,
            bits: Range<Int>? = nil,
            isBaseClass: Bool = false
        ) {
            self.name = name
            self.typeName = typeName
            self.offset = offset
            self.size = size
            self.bits = bits
            self.isBaseClass = isBaseClass
        }
    }

    /// The type's name.
    public var name: String
    /// Its size in bytes.
    public var size: UInt64
    /// Whether the fields are enumerators.
    public var isEnumeration: Bool
    /// The fields in the order of the declaration.
    public var fields: [Field]

    /// Builds a layout.
    public init(name: String, size: UInt64, isEnumeration: Bool, fields: [Field]) {
        self.name = name
        self.size = size
        self.isEnumeration = isEnumeration
        self.fields = fields
    }
}
