// What a peer, a file's name or a process's name says may hold control characters: written raw, they would
// forge lines of a log or give orders to a terminal.

/// A text in which every control character is written `\x1b`, and every character that changes how the text
/// around it is shown (line and paragraph separators, bidirectional overrides) `\u{202e}`.
public func printableText(_ text: some StringProtocol) -> String {
    var shown = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
        switch scalar.value {
        case 0x00...0x1F, 0x7F...0x9F:
            let digits = String(scalar.value, radix: 16)
            shown.append(
                contentsOf: ("\\x" + (digits.count < 2 ? "0" : "") + digits).unicodeScalars
            )
        case 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF:
            let digits = String(scalar.value, radix: 16)
            shown.append(contentsOf: "\\u{\(digits)}".unicodeScalars)
        default: shown.append(scalar)
        }
    }
    return String(shown)
}

/// The words of a command line for people, separated by spaces.
public func printableText(_ words: [[UInt8]]) -> String {
    words.map { word in
        let text = printableText(String(decoding: word, as: UTF8.self))
        return text.isEmpty || text.contains(" ") ? "\"\(text)\"" : text
    }.joined(separator: " ")
}
