// The command line behind -c, -cs and -pc. The shell has taken its quotes off already, so several words are
// the program's arguments as they are. One single word with blanks in it is a whole command line, as the
// original takes it, and is split the way a shell would: it may come from a configuration file or from a
// launcher that hands over one string.

/// Why a command line cannot be split.
enum CommandWordsError: Error, Equatable {
    /// There is no program.
    case empty
    /// A quote has no partner.
    case unterminated(quote: String)
    /// A backslash has nothing behind it.
    case danglingBackslash
    /// The program's own name is no UTF-8.
    case nameIsNoText
}

/// Splits command lines.
enum CommandWords {
    private static let blanks = Array(" \t\n\r".utf8)
    private static let apostrophe = UInt8(ascii: "'")
    private static let quote = UInt8(ascii: "\"")
    private static let backslash = UInt8(ascii: "\\")
    /// What a backslash stands before in double quotes to take its meaning away; elsewhere there it is itself.
    private static let escapable = Array("\"\\$`\n".utf8)

    /// The words of what stands behind an option, byte for byte.
    static func words(_ rest: [[UInt8]]) throws(CommandWordsError) -> [[UInt8]] {
        var words = rest
        if let only = rest.first, rest.count == 1, only.contains(where: blanks.contains) {
            words = try split(only)
        }
        guard let program = words.first, !program.isEmpty else { throw .empty }
        guard String(validating: program, as: UTF8.self) != nil else { throw .nameIsNoText }
        return words
    }

    /// Splits one string by the quoting rules of sh(1): '…', "…" and \; nothing else has a meaning, so `$`,
    /// `*` and `>` are themselves.
    static func split(_ line: [UInt8]) throws(CommandWordsError) -> [[UInt8]] {
        var words: [[UInt8]] = []
        // nil between words: an empty pair of quotes is a word too.
        var word: [UInt8]?
        var rest = line[...]
        while let byte = rest.popFirst() {
            switch byte {
            case _ where blanks.contains(byte):
                if let word { words.append(word) }
                word = nil
            case apostrophe:
                word = (word ?? []) + (try literal(&rest))
            case quote:
                word = (word ?? []) + (try quoted(&rest))
            case backslash:
                guard let next = rest.popFirst() else { throw .danglingBackslash }
                word = (word ?? []) + [next]
            default:
                word = (word ?? []) + [byte]
            }
        }
        if let word { words.append(word) }
        return words
    }

    private static func literal(
        _ rest: inout ArraySlice<UInt8>
    ) throws(CommandWordsError) -> ArraySlice<UInt8> {
        guard let end = rest.firstIndex(of: apostrophe) else { throw .unterminated(quote: "'") }
        defer { rest = rest[(end + 1)...] }
        return rest[..<end]
    }

    private static func quoted(
        _ rest: inout ArraySlice<UInt8>
    ) throws(CommandWordsError) -> [UInt8] {
        var text: [UInt8] = []
        while let byte = rest.popFirst() {
            if byte == quote { return text }
            if byte == backslash, let next = rest.first, escapable.contains(next) {
                text.append(next)
                rest.removeFirst()
            } else {
                text.append(byte)
            }
        }
        throw .unterminated(quote: "\"")
    }
}
