/// Type names as people say them: without the template arguments that stand there by default.
public enum TypeText {
    /// Longer names are left as they are.
    static let lengthMax = 1 << 16

    /// `std::vector<int>` for `class std::vector<int, std::allocator<int> >`.
    public static func short(_ name: String) -> String {
        guard name.contains("<"), name.utf8.count <= lengthMax else { return keywordless(name) }
        return keywordless(shortened(name, depth: 0))
    }

    /// Without `class` in front of a library's type; a program's own types keep their words.
    private static func keywordless(_ name: String) -> String {
        for word in ["class ", "struct "] where name.hasPrefix(word + "std::") {
            return String(name.dropFirst(word.count))
        }
        return name
    }

    private static let strings: [(String, String)] = [
        ("std::basic_string<char>", "std::string"),
        ("std::basic_string<wchar_t>", "std::wstring"),
        ("std::basic_string_view<char>", "std::string_view"),
    ]

    private static let defaults = [
        "std::allocator<", "std::char_traits<", "std::less<", "std::hash<", "std::equal_to<",
        "std::default_delete<",
    ]

    private static func shortened(_ name: String, depth: Int) -> String {
        guard depth < 64, let open = name.firstIndex(of: "<"), !name.hasPrefix("<"),
            let close = matching(name, open)
        else { return plain(name) }
        let head = plain(String(name[..<open]))
        let inside = String(name[name.index(after: open)..<close])
        let tail = shortened(String(name[name.index(after: close)...]), depth: depth + 1)
        let arguments = NameParameters.split(inside)
        let kept =
            head.hasPrefix("std::") || head.contains(" std::")
            ? arguments.filter { argument in !defaults.contains { argument.hasPrefix($0) } }
            : arguments
        let texts = kept.map { shortened($0, depth: depth + 1) }
        var text = "\(head)<\(texts.joined(separator: ", "))>"
        for (long, short) in strings { text = text.replacing(long, with: short) }
        return text + tail
    }

    private static func plain(_ name: String) -> String {
        name.replacing("::__cxx11::", with: "::").replacing("::__1::", with: "::")
    }

    private static func matching(_ name: String, _ open: String.Index) -> String.Index? {
        var depth = 0
        for index in name[open...].indices {
            if name[index] == "<" { depth += 1 }
            if name[index] == ">" { depth -= 1 }
            if depth == 0 { return index }
        }
        return nil
    }
}

/// The arguments of a template or a function.
enum NameParameters {
    /// Splits at commas outside brackets.
    static func split(_ text: String) -> [String] {
        var parts: [String] = []
        var part = ""
        var depth = 0
        for character in text {
            if "<([{".contains(character) { depth += 1 }
            if ">)]}".contains(character) { depth -= 1 }
            if character == ",", depth == 0 {
                parts.append(part)
                part = ""
            } else if !(character == " " && part.isEmpty) {
                part.append(character)
            }
        }
        if !part.isEmpty { parts.append(part) }
        return parts.map { part in
            String(part.reversed().drop { $0 == " " }.reversed())
        }
    }
}
