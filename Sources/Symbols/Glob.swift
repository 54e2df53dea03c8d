internal import WireCore

/// CDB's wildcards: `*` stands for any characters, `?` for one; upper and lower case are the same.
struct Glob {
    private let pattern: [UInt8]
    /// The longest run of letters, digits and underscores that mangling leaves as it is; lower
    /// case.
    let longestIdentifier: [UInt8]

    /// Prepares a pattern.
    init(_ text: String) {
        pattern = text.utf8.map(Self.lowercase)
        longestIdentifier =
            pattern.split { !Self.isIdentifier($0) }.map(Array.init)
            .filter { !Self.mayBeAbbreviated($0) }.max { $0.count < $1.count } ?? []
    }

    /// Words that demanglers write for codes of their own.
    ///
    /// A piece of a pattern may be a piece of one.
    private static let abbreviations: [[UInt8]] = [
        "std", "allocator", "basic_string", "basic_istream", "basic_ostream", "basic_iostream",
        "char_traits", "operator", "new", "delete", "bool", "char", "wchar_t", "char8_t",
        "char16_t",
        "char32_t", "short", "int", "__int128", "long", "float", "__float128", "double", "unsigned",
        "signed", "void", "const", "volatile", "restrict", "nullptr", "vtable", "typeinfo", "name",
        "for", "anonymous", "namespace", "guard", "variable", "construction", "reference",
        "temporary", "thunk", "virtual", "covariant", "non", "to", "clone", "lambda", "unnamed",
        "type", "decltype", "auto", "true", "false", "noexcept", "initializer", "function",
        "default",
        "arg", "sizeof", "alignof", "static_cast", "dynamic_cast", "const_cast", "throw", "hidden",
        "alias", "transaction", "safe", "tls", "init", "wrapper",
    ].map { Array($0.utf8) }

    private static func mayBeAbbreviated(_ piece: [UInt8]) -> Bool {
        abbreviations.contains { word in
            word.indices.contains { word[$0...].starts(with: piece) }
        }
    }

    private static func isIdentifier(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "_"):
            true
        default: false
        }
    }

    /// Whether the whole name matches.
    func matches(_ name: some Sequence<UInt8>) -> Bool {
        matchesWildcards(pattern, Array(name)) { wanted, character in
            wanted == UInt8(ascii: "?") || wanted == Self.lowercase(character)
        }
    }

    static func lowercase(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }
}
