import CElfutils
import Glibc

/// Turns linkage names into the names that people wrote.
enum Demangler {
    /// Longer linkage names are left as they are.
    static let lengthMax = 8192

    /// The whole demangled name, or nil when the name is not mangled.
    static func demangle(_ linkageName: String) -> String? {
        guard linkageName.utf8.count <= lengthMax else { return nil }
        if linkageName.hasPrefix("_Z") { return itanium(linkageName).map(withoutRustHash) }
        if linkageName.hasPrefix("_R") { return RustDemangler.demangle(linkageName) }
        if linkageName.hasPrefix("$s") || linkageName.hasPrefix("$S") { return swift(linkageName) }
        return nil
    }

    private static func itanium(_ name: String) -> String? {
        guard ManglingBound.admits(name) else { return nil }
        var status: CInt = 0
        guard let text = __cxa_demangle(name, nil, nil, &status) else { return nil }
        defer { free(text) }
        return status == 0 ? String(cString: text) : nil
    }

    private static func swift(_ name: String) -> String? {
        guard let text = swift_demangle(name, name.utf8.count, nil, nil, 0) else { return nil }
        defer { free(text) }
        return String(cString: text)
    }

    /// Rust's legacy mangling is C++'s with a last component `h` and 16 hexadecimal digits, and
    /// with `$LT$`-like escapes for what C++ names cannot hold.
    private static func withoutRustHash(_ name: String) -> String {
        guard let colons = name.range(ofLast: "::h"),
            name[colons.upperBound...].utf8.count == 16,
            name[colons.upperBound...].allSatisfy(\.isHexDigit)
        else { return name }
        return unescapeRust(String(name[..<colons.lowerBound]))
    }

    private static let rustEscapes: [(String, String)] = [
        ("$LT$", "<"), ("$GT$", ">"), ("$RF$", "&"), ("$BP$", "*"), ("$LP$", "("), ("$RP$", ")"),
        ("$C$", ","), ("$SP$", "@"), ("$u20$", " "), ("$u27$", "'"), ("$u5b$", "["),
        ("$u5d$", "]"), ("$u7b$", "{"), ("$u7d$", "}"), ("$u3b$", ";"), ("$u2b$", "+"),
        ("$u22$", "\""), ("..", "::"),
    ]

    private static func unescapeRust(_ name: String) -> String {
        let plain = rustEscapes.reduce(name) { text, escape in
            text.replacing(escape.0, with: escape.1)
        }
        // An underscore stands before what could not begin a C++ name.
        let bare = plain.replacing("::_<", with: "::<").replacing("::_{", with: "::{")
        return bare.hasPrefix("_<") ? String(bare.dropFirst()) : bare
    }

    /// The name without parameters, and without the return type that template functions have:
    /// `int ns::f<int>(char) const` becomes `ns::f<int>`.
    static func withoutParameters(_ demangled: String) -> String {
        // Rust writes no parameters.
        if demangled.contains("{closure#") || demangled.contains("{{closure}}") { return demangled }
        // Swift's result comes last: `program.work(Swift.Int) -> ()`.
        if demangled.contains(") -> ") || demangled.contains(" throws -> "),
            let open = demangled.firstIndex(of: "("), open > demangled.startIndex
        {
            return String(demangled[..<open])
        }
        let text = Array(demangled.utf8)
        let parts = NameParts(text)
        guard let open = parts.parameters, open > 0 else { return demangled }
        let hasReturnType = text[open - 1] == UInt8(ascii: ">")
        return String(decoding: text[(hasReturnType ? parts.name : 0)..<open], as: UTF8.self)
    }
}

/// Where the parts of a demangled name begin.
private struct NameParts {
    /// The parameters: the last parenthesis of the outermost level that the name does not go on
    /// after, as it does in `(anonymous namespace)::f` and `f(int)::local`.
    private(set) var parameters: Int?
    /// The name, after the last space of the outermost level; one in `operator new` does not count.
    private(set) var name = 0
    /// The brackets that are open.
    ///
    /// A `>` that closes none is an operator, as in `A<(2>1)>`.
    private var open: [UInt8] = []
    private var afterSpace = 0
    private var isOperator = false

    init(_ text: [UInt8]) {
        var index = 0
        while index < text.count {
            if let end = Self.operatorName(in: text, at: index) {
                isOperator = true
                index = end
            } else {
                read(text, index)
                index += 1
            }
        }
    }

    private mutating func read(_ text: [UInt8], _ index: Int) {
        switch text[index] {
        case UInt8(ascii: "("), UInt8(ascii: "["), UInt8(ascii: "{"):
            if open.isEmpty, text[index] == UInt8(ascii: "(") {
                parameters = index
                name = afterSpace
            }
            open.append(text[index])
        case UInt8(ascii: "<"): open.append(text[index])
        case UInt8(ascii: ">"):
            if open.last == UInt8(ascii: "<") { open.removeLast() }
        case UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: "}"):
            while open.popLast() == UInt8(ascii: "<") {}
            if open.isEmpty, text[(index + 1)...].starts(with: "::".utf8) { parameters = nil }
        case UInt8(ascii: " ") where open.isEmpty && !isOperator: afterSpace = index + 1
        default: break
        }
    }

    /// The index after `operator` and its punctuation, when they stand at `index`; a template's own
    /// bracket comes after a space (`operator<< <char>`).
    private static func operatorName(in text: [UInt8], at index: Int) -> Int? {
        let word = "operator".utf8
        guard text[index] == UInt8(ascii: "o"), text[index...].starts(with: word),
            index == 0 || text[index - 1] == UInt8(ascii: ":")
                || text[index - 1] == UInt8(ascii: " ")
        else { return nil }
        let after = index + word.count
        if text[after...].starts(with: "()".utf8) || text[after...].starts(with: "[]".utf8) {
            return after + 2
        }
        let punctuation = text[after...].prefix(3).prefix { "<>-=!+*/%^&|~,".utf8.contains($0) }
        return after + punctuation.count
    }
}

extension String {
    /// The last occurrence of a piece of text.
    func range(ofLast piece: String) -> Range<String.Index>? {
        ranges(of: piece).last
    }
}
