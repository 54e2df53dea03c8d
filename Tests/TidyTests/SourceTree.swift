import Foundation

/// The package's files as text.
struct SourceTree {
    struct File {
        /// From the package's top: `Sources/ChannelMux/Frame.swift`.
        let path: String
        let lines: [String]

        /// The target's name: the second component of the path.
        var target: String { path.split(separator: "/").dropFirst().first.map(String.init) ?? "" }
    }

    static let top = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// All files below a folder whose names end so, in order of path.
    static func files(below folder: String, endings: [String] = [".swift"]) throws -> [File] {
        let base = top.appendingPathComponent(folder)
        let names = FileManager.default.enumerator(atPath: base.path)?.allObjects ?? []
        return
            try names
            .compactMap { $0 as? String }
            .filter { name in endings.contains { name.hasSuffix($0) } }
            .sorted()
            .map { name in
                let text = try String(
                    contentsOf: base.appendingPathComponent(name),
                    encoding: .utf8
                )
                return File(path: "\(folder)/\(name)", lines: text.components(separatedBy: "\n"))
            }
    }
}

extension SourceTree.File {
    /// The modules that the file imports, with the line numbers.
    var imports: [(module: String, line: Int)] {
        lines.enumerated().compactMap { index, line in
            let words = line.split(separator: " ").map(String.init)
            guard let keyword = words.firstIndex(of: "import"), keyword <= 2,
                words[..<keyword].allSatisfy({ $0.hasPrefix("@") || accessLevels.contains($0) }),
                keyword + 1 < words.count
            else { return nil }
            let kinds = ["struct", "class", "enum", "protocol", "func", "var", "typealias", "let"]
            let named = kinds.contains(words[keyword + 1]) ? keyword + 2 : keyword + 1
            let module = words[named].split(separator: ".").first.map(String.init) ?? words[named]
            return (module, index + 1)
        }
    }
}

private let accessLevels: Set<String> = ["public", "package", "internal", "fileprivate", "private"]
