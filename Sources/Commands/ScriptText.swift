internal import DebugEngine

/// Cuts script texts apart: statements by `;`, conditions in parentheses, blocks in braces.
enum ScriptText {
    /// What a reading position is inside of.
    private struct Nesting {
        var isQuoted = false
        var isEscaped = false
        var braces = 0
        var parentheses = 0

        /// Takes a character in; tells whether it stands outside quotes.
        mutating func take(_ character: Character) -> Bool {
            if isEscaped {
                isEscaped = false
                return false
            }
            if isQuoted {
                if character == "\\" { isEscaped = true }
                if character == "\"" { isQuoted = false }
                return false
            }
            switch character {
            case "\"": isQuoted = true
            case "{": braces += 1
            case "}": braces -= 1
            case "(": parentheses += 1
            case ")": parentheses -= 1
            default: break
            }
            return true
        }
    }

    /// The statements of a line: `;` separates them outside quotes and braces, in the head of a
    /// `.for` not even there; a command that takes the rest of the line keeps it.
    static func statements(_ line: String, keepsRest: (Substring) -> Bool) -> [String] {
        var pieces: [String] = []
        var rest = line[...]
        while true {
            rest = rest.drop { $0.isWhitespace }
            guard !rest.isEmpty else { return pieces }
            if rest.first == "*" || keepsRest(rest) {
                append(CommandText.trim(rest), to: &pieces)
                return pieces
            }
            let end = separator(in: rest, skipsParentheses: rest.hasPrefix(".for")) ?? rest.endIndex
            append(CommandText.trim(rest[..<end]), to: &pieces)
            rest = end < rest.endIndex ? rest[rest.index(after: end)...] : ""
        }
    }

    /// `.else`, `.elsif` and a block belong to the statement before, though a `;` (a line's end in
    /// a script) stands between.
    private static func append(_ piece: String, to pieces: inout [String]) {
        if piece.isEmpty { return }
        let continues =
            piece.hasPrefix("{") || piece.hasPrefix(".else") || piece.hasPrefix(".elsif")
        if continues, let last = pieces.last, last.hasPrefix(".") {
            pieces[pieces.count - 1] = last + " " + piece
        } else {
            pieces.append(piece)
        }
    }

    private static func separator(
        in text: Substring,
        skipsParentheses: Bool
    ) -> Substring.Index? {
        var nesting = Nesting()
        for index in text.indices {
            let isPlain = nesting.take(text[index])
            guard isPlain, text[index] == ";", nesting.braces <= 0 else { continue }
            if skipsParentheses, nesting.parentheses > 0 { continue }
            return index
        }
        return nil
    }

    /// The text between an opening sign and the one that closes it, and what follows; nil when the
    /// text does not begin with one or it is never closed.
    static func enclosed(
        _ text: Substring,
        by open: Character,
        _ close: Character
    ) -> (inside: String, rest: Substring)? {
        guard text.first == open else { return nil }
        var nesting = Nesting()
        var depth = 0
        for index in text.indices {
            guard nesting.take(text[index]) else { continue }
            if text[index] == open { depth += 1 }
            if text[index] == close { depth -= 1 }
            if depth == 0 {
                let inside = text[text.index(after: text.startIndex)..<index]
                return (String(inside), text[text.index(after: index)...])
            }
        }
        return nil
    }

    /// The parts of a text at `;` outside quotes and parentheses, empty ones too.
    static func parts(_ text: String) -> [String] {
        var nesting = Nesting()
        var parts = [""]
        for character in text {
            let isPlain = nesting.take(character)
            if isPlain, character == ";", nesting.parentheses <= 0, nesting.braces <= 0 {
                parts.append("")
            } else {
                parts[parts.count - 1].append(character)
            }
        }
        return parts
    }

    /// The lines of a script as one: without comments that would swallow what comes after them.
    static func condensed(_ lines: [String]) -> String {
        lines.map { CommandText.trim($0) }
            .filter { !$0.isEmpty && !$0.hasPrefix("*") && !isComment($0) }
            .joined(separator: ";")
    }

    private static func isComment(_ line: String) -> Bool {
        line.hasPrefix("$$") && !line.hasPrefix("$$<") && !line.hasPrefix("$$>")
    }
}

extension CommandCall {
    private mutating func skipToBlock() {
        rest = String(rest.drop { $0.isWhitespace || $0 == ";" })
    }

    /// `( … )`.
    mutating func parenthesized() throws -> String {
        skipToBlock()
        guard let found = ScriptText.enclosed(rest[...], by: "(", ")") else {
            throw EngineError(.syntax, rest)
        }
        rest = String(found.rest)
        return found.inside
    }

    /// `{ … }`.
    mutating func block() throws -> String {
        skipToBlock()
        guard let found = ScriptText.enclosed(rest[...], by: "{", "}") else {
            throw EngineError(.syntax, rest)
        }
        rest = String(found.rest)
        return found.inside
    }

    /// Takes a word such as `.else` if it comes next.
    mutating func takeKeyword(_ word: String) -> Bool {
        let copy = rest
        skipToBlock()
        let next = rest.dropFirst(word.count).first
        guard rest.hasPrefix(word), !(next?.isLetter ?? false) else {
            rest = copy
            return false
        }
        rest = String(rest.dropFirst(word.count))
        return true
    }

    /// Carries out what stands behind a block without a `;` between.
    mutating func runRemainder() throws {
        let text = remainder()
        if !text.isEmpty { try interpreter.run(text) }
    }
}
