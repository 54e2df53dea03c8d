/// Where the client looks for symbols, binaries and sources; each a list separated by `;`.
public struct SearchPaths {
    /// A longer source file is cut.
    public static let sourceByteCountMax = 16 << 20

    /// The symbol path (`.sympath`, `-y`): folders with binaries or debug files.
    public var symbols: [String] = []
    /// The image path (`.exepath`, `-i`): folders with binaries.
    public var images: [String] = []
    /// The source path (`.srcpath`, `-srcpath`).
    public var sources: [String] = []

    /// The program that a dump was made of, where the user named it.
    public var program: String?

    /// Empty paths: each file is looked for at its own place only.
    public init() {}

    /// Takes a `;`-separated list apart.
    public static func split(_ text: String) -> [String] {
        text.split(separator: ";").map { trim($0) }.filter { !$0.isEmpty }
    }

    private static func trim(_ text: Substring) -> String {
        let start = text.drop { $0 == " " }
        return String(start.reversed().drop { $0 == " " }.reversed())
    }

    /// Plain folders of the symbol and image path; `srv*`, `cache*` and other prefixes are not
    /// folders.
    private var imageFolders: [String] {
        (images + symbols).filter { !$0.contains("*") }
    }

    /// Where a local copy of a binary may lie, in order of preference.
    public func imageCandidates(for path: String) -> [String] {
        let name = Format.baseName(path)
        let rooted = path.hasPrefix("/") ? path : "/" + path
        return imageFolders.flatMap { ["\($0)/\(name)", $0 + rooted] } + [path]
    }

    /// Folders laid out like /usr/lib/debug.
    public var debugFolders: [String] { symbols.filter { !$0.contains("*") } }

    /// Where a source file may lie, in order of preference.
    ///
    /// Below each folder first the whole path, then ever shorter ends of it, down to the name
    /// alone.
    public func sourceCandidates(for file: String) -> [String] {
        let parts = file.split(separator: "/").filter { $0 != "." }
        let tails = parts.indices.map { parts[$0...].joined(separator: "/") }
        return sources.flatMap { folder in tails.map { "\(folder)/\($0)" } } + [file]
    }
}
