internal import DebugEngine
internal import Symbols

/// How a line that is being typed may go on.
extension CommandInterpreter {
    /// How many completions are given at the most.
    static let completionsMax = 200

    /// What may stand in the place of the line's last word: a command's name, a module's, a function's.
    public func completions(of line: String) -> [String] {
        // What is completed is the last command of several.
        let start = line.lastIndex(of: ";").map { line.index(after: $0) } ?? line.startIndex
        let words = line[start...].drop { $0 == " " }
            .split(separator: " ", omittingEmptySubsequences: false)
        guard let last = words.last, !last.isEmpty else { return [] }
        if words.count == 1 {
            let scripts = Self.scriptSigns.first { last.hasPrefix($0) }
            if let scripts { return fileNames(beginning: last.dropFirst(scripts.count), scripts) }
            let names = table.commands.flatMap(\.names) + aliases.named.keys
            return Self.sorted(names.filter { $0.hasPrefix(last) })
        }
        if Self.fileCommands.contains(String(words[0])) { return fileNames(beginning: last, "") }
        if words[0] == ".help" {
            return Self.sorted(table.commands.flatMap(\.names).filter { $0.hasPrefix(last) })
        }
        return Self.sorted(names(beginning: String(last)))
    }

    /// What stands before a script's name without a space.
    private static let scriptSigns = ["$$>a<", "$$><", "$$<", "$><", "$<"]
    /// Commands that take a file's name.
    private static let fileCommands: Set<String> = [
        ".logopen", ".logappend", ".writemem", ".readmem", ".dump", ".opendump", ".sympath",
        ".srcpath", ".exepath", ".sharelog", ".send_file", "$<", "$><", "$$<", "$$><", "$$>a<",
    ]

    /// Files of this machine, behind a sign that stays; folders end in a slash.
    private func fileNames(beginning path: Substring, _ sign: String) -> [String] {
        let slash = path.lastIndex(of: "/")
        let folder = slash.map { String(path[...$0]) } ?? ""
        let name = slash.map { path[path.index(after: $0)...] } ?? path
        let found = environment.fileNames(inFolder: folder.isEmpty ? "." : folder)
        return Self.sorted(
            found.filter { $0.hasPrefix(name) && (!name.isEmpty || !$0.hasPrefix(".")) }
                .map { sign + folder + $0 }
        )
    }

    private static func sorted(_ texts: [String]) -> [String] {
        Array(Set(texts).sorted().prefix(completionsMax))
    }

    private func names(beginning text: String) -> [String] {
        guard let process = session.currentProcess else { return [] }
        let parts = text.split(separator: "!", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else {
            return process.modules.map(\.name).filter { $0.hasPrefix(text) }.map { $0 + "!" }
        }
        // On a slow line only what is there already: nobody wants to wait for a key.
        let modules = session.modules(named: String(parts[0]), in: process).filter {
            !session.isLineSlow || $0.loadedSymbols != nil
        }
        guard !modules.isEmpty else { return [] }
        return session.symbols(matching: text + "*", in: process).map {
            "\(parts[0])!\($0.symbol.name)"
        }
    }
}
