internal import DebugEngine

/// One command: its names, what `.help` says of it, and what it does.
struct Command: Sendable {
    /// The names it answers to, the main one first.
    let names: [String]
    /// Letters that may follow the name directly, as in `kb` or `lmv`.
    var suffixes = ""
    /// How it is written.
    let usage: String
    /// What it does, in a line.
    let summary: String
    /// What `.help NAME` adds.
    var details = ""
    /// Whether everything up to the end of the line belongs to it, `;` too.
    var takesRestOfLine = false
    /// What it does.
    let run: @Sendable (inout CommandCall) throws -> Void
}

/// A command at work: what the user wrote and where its text goes.
struct CommandCall {
    let interpreter: CommandInterpreter
    /// The name as written.
    let name: String
    /// The letters behind the name.
    let suffix: String
    /// The text behind the name that has not been read yet.
    var rest: String
    /// The thread a prefix (`~2`) named.
    var prefixThread: ThreadState?

    var session: DebugSession { interpreter.session }
    var output: any OutputSink { interpreter.output }

    mutating func skipSpaces() {
        rest = String(rest.drop { $0 == " " || $0 == "\t" })
    }

    /// Whether nothing is left but spaces.
    var isAtEnd: Bool { rest.allSatisfy { $0 == " " || $0 == "\t" } }

    /// The next word up to a space; nil at the end.
    mutating func word() -> String? {
        skipSpaces()
        guard !rest.isEmpty else { return nil }
        let word = String(rest.prefix { $0 != " " && $0 != "\t" })
        rest = String(rest.dropFirst(word.count))
        return word
    }

    /// Everything that is left, without the spaces around it.
    mutating func remainder() -> String {
        defer { rest = "" }
        return CommandText.trim(rest)
    }

    /// Takes a word if it comes next.
    mutating func take(_ wanted: String) -> Bool {
        var copy = self
        guard copy.word() == wanted else { return false }
        self = copy
        return true
    }

    /// The value of the expression that comes next.
    mutating func expression() throws -> UInt64 {
        skipSpaces()
        guard !rest.isEmpty else {
            throw EngineError.sentence("The command needs an expression: \(usage)")
        }
        let (value, left) = try session.evaluatePrefix(rest)
        rest = left
        return value
    }

    /// A text in double quotes, with `\"` and `\\` in it; nil when none comes next.
    mutating func quoted() throws -> String? {
        skipSpaces()
        guard rest.first == "\"" else { return nil }
        var text = ""
        var isEscaped = false
        var index = rest.index(after: rest.startIndex)
        while index < rest.endIndex {
            let character = rest[index]
            index = rest.index(after: index)
            if isEscaped {
                text.append(CommandText.unescaped(character))
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if character == "\"" {
                rest = String(rest[index...])
                return text
            } else {
                text.append(character)
            }
        }
        throw EngineError(.syntax, rest)
    }

    /// An error when something is left over.
    func requireEnd() throws {
        if !isAtEnd { throw EngineError(.extraCharacters, CommandText.trim(rest)) }
    }

    /// How the command is written.
    var usage: String { interpreter.table.command(named: name)?.usage ?? name }

    /// Throws when the user pressed Ctrl+C.
    func checkInterrupt() throws {
        if session.host.takeInterrupt() { throw EngineError(.userInterrupt, name + suffix) }
    }

    /// The current process, or CDB's error.
    func process() throws -> ProcessState { try session.requireProcess(for: name + suffix) }

    /// The current thread, or CDB's error.
    func thread() throws -> ThreadState { try session.requireThread(for: name + suffix) }
}

/// Small things done with command texts.
enum CommandText {
    static func trim(_ text: some StringProtocol) -> String {
        let start = text.drop { $0 == " " || $0 == "\t" }
        let reversed = start.reversed().drop { $0 == " " || $0 == "\t" || $0 == "\n" || $0 == "\r" }
        return String(reversed.reversed())
    }

    /// What `\x` means in a quoted text.
    static func unescaped(_ character: Character) -> Character {
        switch character {
        case "n": "\n"
        case "t": "\t"
        case "r": "\r"
        case "0": "\0"
        default: character
        }
    }
}
