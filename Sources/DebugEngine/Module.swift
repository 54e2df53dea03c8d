internal import DebugTarget
public import Symbols

/// A file mapped into a process: the program itself, a shared library, the dynamic linker, the
/// vdso.
public final class Module {
    /// How far its symbols are.
    public enum SymbolState {
        /// Nobody has asked for them yet.
        case deferred
        /// They are there.
        case loaded(ModuleSymbols)
        /// They cannot be had, and why.
        case failed(String)
    }

    /// The name in expressions (`libc_so`).
    public let name: String
    /// The file's path on the target.
    public let path: String
    /// What is added to the file's addresses.
    public let bias: UInt64
    /// The addresses it covers.
    public internal(set) var range: Range<UInt64>
    /// The GNU build-id, empty when not known.
    public internal(set) var buildID: [UInt8]
    /// The local file with the same contents, when there is one.
    public internal(set) var localPath: String?
    /// Its symbols.
    public internal(set) var symbolState = SymbolState.deferred

    /// Whether the user asked for its file whatever its size (`.reload /f`).
    public var mayFetchAnySize = false

    init(path: String, bias: UInt64, range: Range<UInt64>, buildID: [UInt8]) {
        name = Module.expressionName(ofPath: path)
        self.path = path
        self.bias = bias
        self.range = range
        self.buildID = buildID
    }

    /// How many bytes it covers; `range.count` is an Int, which a hostile file's range need not fit.
    public var byteCount: UInt64 { range.upperBound - range.lowerBound }

    /// The symbols if they are loaded.
    public var loadedSymbols: ModuleSymbols? {
        if case .loaded(let symbols) = symbolState { symbols } else { nil }
    }

    /// The name that expressions use: the file's name without its last extension, everything but
    /// letters and digits made `_`: `libc_so`, `ld_linux_x86_64_so`, `libstdc___so`.
    public static func expressionName(ofPath path: String) -> String {
        let file = path == "[vdso]" ? "linux-vdso.so.1" : Format.baseName(path)
        let end = file.lastIndex(of: ".").flatMap { $0 == file.startIndex ? nil : $0 }
        let stem = file[..<(end ?? file.endIndex)]
        return String(
            stem.unicodeScalars.map { scalar in
                let isKept =
                    scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
                    || scalar == "_"
                return isKept ? Character(scalar) : "_"
            }
        )
    }

    /// Whether what a user wrote before `!` means this module: its name, or the name without `_so`.
    public func isNamed(_ text: String) -> Bool {
        let wanted = text.lowercased()
        let own = name.lowercased()
        return own == wanted || own == wanted + "_so"
    }
}
