/// A load segment of an ELF file (`PT_LOAD`).
public struct Segment: Sendable, Equatable {
    /// Where it lies without the load bias (`p_vaddr`).
    public var address: UInt64
    /// How many bytes it takes in memory (`p_memsz`).
    public var memorySize: UInt64
    /// Where its bytes start in the file (`p_offset`).
    public var fileOffset: UInt64
    /// How many bytes the file has for it (`p_filesz`).
    public var fileSize: UInt64
    /// Whether it may be read.
    public var isReadable: Bool
    /// Whether it may be written.
    public var isWritable: Bool
    /// Whether it may be executed.
    public var isExecutable: Bool

    /// Builds a segment.
    public init(
        address: UInt64,
        memorySize: UInt64,
        fileOffset: UInt64,
        fileSize: UInt64,
        isReadable: Bool,
        isWritable: Bool,
        isExecutable: Bool
    ) {
        self.address = address
        self.memorySize = memorySize
        self.fileOffset = fileOffset
        self.fileSize = fileSize
        self.isReadable = isReadable
        self.isWritable = isWritable
        self.isExecutable = isExecutable
    }
}

/// How much is known of a module's code.
public enum SymbolStatus: Sendable, Equatable {
    /// DWARF: names, types, lines.
    case dwarf
    /// Names and addresses from the ELF symbol tables only.
    case elfSymbols
    /// Nothing.
    case none
}

/// A name for an address, from an ELF symbol table.
public struct Symbol: Sendable, Equatable {
    /// What the name stands for.
    public enum Kind: Sendable, Equatable {
        /// Code.
        case function
        /// A variable or constant.
        case data
        /// A thread-local variable; its address is an offset in the module's TLS block.
        case threadLocal
        /// An entry of the procedure linkage table, made up as `name@plt`.
        case procedureLinkage
        /// Anything else (labels of assembler code, linker marks).
        case other
    }

    /// The name without parameters and return type: `ns::Class<int>::method`.
    public var name: String
    /// The whole demangled name: `ns::Class<int>::method(char const*) const`; `name` where the
    /// language has no mangling.
    public var signature: String
    /// The name in the symbol table.
    public var linkageName: String
    /// Where it lies, without the load bias.
    public var address: UInt64
    /// Its size in bytes; 0 when the table does not say.
    public var size: UInt64
    /// What it stands for.
    public var kind: Kind
    /// Whether it is visible outside its compilation unit.
    public var isGlobal: Bool

    /// Builds a symbol.
    public init(
        name: String,
        signature: String,
        linkageName: String,
        address: UInt64,
        size: UInt64,
        kind: Kind,
        isGlobal: Bool
    ) {
        self.name = name
        self.signature = signature
        self.linkageName = linkageName
        self.address = address
        self.size = size
        self.kind = kind
        self.isGlobal = isGlobal
    }
}

/// A place in a source file.
public struct SourceLocation: Sendable, Hashable {
    /// The full path as the compiler recorded it.
    public var file: String
    /// The line, from 1; 0 for code that belongs to no line.
    public var line: Int
    /// The column, from 1; 0 when not recorded.
    public var column: Int

    /// Builds a location.
    public init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }
}

/// The code around an address that belongs to one line: what a source step runs through.
public struct LineRange: Sendable, Equatable {
    /// The line; its number is 0 for code the compiler made up.
    public var location: SourceLocation
    /// The neighbouring rows of that line, without the load bias.
    public var addresses: Range<UInt64>
    /// Whether the row of the address is recommended as a stop (`is_stmt`).
    public var isStatement: Bool

    /// Builds a range.
    public init(location: SourceLocation, addresses: Range<UInt64>, isStatement: Bool) {
        self.location = location
        self.addresses = addresses
        self.isStatement = isStatement
    }
}

/// A call that the compiler replaced by the function's body.
public struct InlinedCall: Sendable, Equatable {
    /// The inlined function's name, with its scopes (`ns::f`).
    public var function: String
    /// Where the call stood; nil when not recorded.
    public var callSite: SourceLocation?
    /// Where this copy's code begins (the lowest address), without the load bias.
    public var entry: UInt64
    /// How many inlined calls there are down to this one, from 1: tells calls of one function apart.
    public var depth: Int

    /// Builds a call.
    public init(function: String, callSite: SourceLocation?, entry: UInt64, depth: Int = 1) {
        self.function = function
        self.callSite = callSite
        self.entry = entry
        self.depth = depth
    }
}
