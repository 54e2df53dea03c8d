internal import WireCore

/// All commands, found by what a line begins with.
struct CommandTable: Sendable {
    /// The whole table.
    static let standard = CommandTable(
        executionCommands + breakpointCommands + registerCommands + memoryCommands
            + memoryEditCommands + stackCommands + threadCommands + moduleCommands
            + symbolCommands + disassemblyCommands + variableCommands + typeCommands
            + sourceCommands + processCommands + sessionCommands + sharingCommands + pathCommands
            + evaluationCommands + expressionCommands + dumpCommands
            + scriptCommands + aliasCommands + scriptFileCommands + printCommands
            + eventCommands + breakpointEditCommands + memoryListCommands + memoryFileCommands
            + assembleCommands + stateCommands + outputCommands + memoryHoldCommands
            + traceCommands + analysisCommands + processFactCommands + toolCommands
            + helpCommands
    )

    let commands: [Command]
    private let byName: [String: Command]

    init(_ commands: [Command]) {
        self.commands = commands
        var table: [String: Command] = [:]
        for command in commands {
            for name in command.names {
                precondition(table[name] == nil, "two commands are called \(name)")
                table[name] = command
            }
        }
        byName = table
    }

    func command(named name: String) -> Command? {
        byName[name] ?? byName[name.lowercased()]
    }

    /// The command a text begins with, its name and suffix as written, and the text behind them.
    func find(
        _ text: String
    ) -> (command: Command, name: String, suffix: String, rest: String)? {
        let head = Self.head(of: text)
        guard !head.isEmpty else { return nil }
        // The longest name first; what is left of the head must be letters the command allows.
        for length in stride(from: head.count, through: 1, by: -1) {
            let name = String(head.prefix(length))
            let suffix = String(head.dropFirst(length))
            guard let command = command(named: name),
                suffix.allSatisfy({ command.suffixes.contains($0) })
            else { continue }
            return (command, name, suffix, String(text.dropFirst(head.count)))
        }
        return nil
    }

    /// The part of a text that names a command: `.word`, letters, or a sign.
    private static func head(of text: String) -> String {
        guard let first = text.first else { return "" }
        if first == "." || first == "!" {
            return String(first)
                + text.dropFirst().prefix { $0.isLetter || $0.isNumber || $0 == "_" }
        }
        if first.isLetter {
            let letters = String(text.prefix { $0.isLetter })
            if letters == "l", let sign = text.dropFirst().first, sign == "+" || sign == "-" {
                return letters + String(sign)
            }
            return letters
        }
        if text.hasPrefix("??") { return "??" }
        if text.hasPrefix("||") { return "||" }
        if text.hasPrefix("$$") { return "$$" }
        return String(first)
    }

    /// The name of a command that looks most like a word that is none; nil when none does.
    func nearest(to word: String) -> String? {
        nearestMatch(to: word, among: commands.flatMap(\.names).filter { $0.count > 2 })
    }
}
