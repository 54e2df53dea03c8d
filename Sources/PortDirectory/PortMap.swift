public import LinuxSystem

/// The user's own COM names: a text file of lines such as `COM3 /dev/serial/by-id/usb-FTDI_A1B2-if00-port0`.
///
/// What follows `#` is a comment. The files, of which a later one overrides single names of an earlier:
/// `/etc/dbgsrv/ports`, then `$XDG_CONFIG_HOME/dbgsrv/ports` (`~/.config/dbgsrv/ports`). When
/// `$DBGSRV_PORTS` names a file, only that one is read, and it must be there.
public struct PortMap: Sendable, Equatable {
    /// One line of a file.
    public struct Entry: Sendable, Equatable {
        /// The N of COMN.
        public var number: Int
        /// The device or a symlink to it.
        public var path: String
    }

    /// The names, by number.
    public private(set) var entries: [Entry] = []

    /// No names.
    public init() {}

    /// The names of the files of the search path.
    public static func standard(
        environment: (String) -> String? = environmentValue
    ) throws(PortNameError) -> PortMap {
        var map = PortMap()
        if let only = environment("DBGSRV_PORTS") {
            guard let text = fileText(only) else { throw .mapUnreadable(path: only) }
            try map.add(text, file: only)
            return map
        }
        for file in Self.searchPath(environment) {
            if let text = fileText(file) { try map.add(text, file: file) }
        }
        return map
    }

    /// Adds the names of a file's text.
    public mutating func add(_ text: String, file: String) throws(PortNameError) {
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (index, line) in lines.enumerated() {
            let meaning = line.prefix { $0 != "#" }
            let words = meaning.split(whereSeparator: \.isWhitespace).map(String.init)
            if words.isEmpty { continue }
            guard words.count == 2, let number = PortDirectory.comNumber(words[0]),
                words[1].hasPrefix("/")
            else {
                throw .mapLine(file: file, line: index + 1, text: String(line))
            }
            set(Entry(number: number, path: words[1]))
        }
    }

    /// The path of a number.
    public func path(of number: Int) -> String? {
        entries.first { $0.number == number }?.path
    }

    private mutating func set(_ entry: Entry) {
        entries.removeAll { $0.number == entry.number }
        entries.append(entry)
        entries.sort { $0.number < $1.number }
    }

    private static func searchPath(_ environment: (String) -> String?) -> [String] {
        var files = ["/etc/dbgsrv/ports"]
        if let folder = environment("XDG_CONFIG_HOME") {
            files.append("\(folder)/dbgsrv/ports")
        } else if let home = environment("HOME") {
            files.append("\(home)/.config/dbgsrv/ports")
        }
        return files
    }
}
