internal import DebugEngine
internal import Symbols

/// How a line that is being typed may go on.
extension CommandInterpreter {
    /// How many completions are given at the most.
    static let completionsMax = 200

    /// What may stand in the place of the line's last word: a command's name, a module's, a function's.
    public func completions(of line: String) -> [String] {
        let words = line.split(separator: " ", omittingEmptySubsequences: false)
        guard let last = words.last, !last.isEmpty else { return [] }
        if words.count == 1 {
            return Self.sorted(table.commands.flatMap(\.names).filter { $0.hasPrefix(last) })
        }
        return Self.sorted(names(beginning: String(last)))
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
