public import LinuxSystem

/// The COM names that are written down: a text file of lines such as
/// `COM3 /dev/serial/by-id/usb-FTDI_A1B2-if00-port0` or `COM4 usb:0403:6001:A50285BI:00`.
///
/// What follows `#` is a comment. The files, of which a later one overrides single names of an earlier:
/// `/etc/dbgsrv/ports`, then `$XDG_CONFIG_HOME/dbgsrv/ports` (`~/.config/dbgsrv/ports`). When
/// `$DBGSRV_PORTS` names a file, only that one is read, and it must be there. People write the names of
/// paths; the names of devices are added when those are first seen (`PortMap.keep`).
///
/// A line that makes no sense costs its own name only: the others are good, and `damage` says what to mend.
public struct PortMap: Sendable, Equatable {
    /// One line of a file.
    public struct Entry: Sendable, Equatable {
        /// The N of COMN.
        public var number: Int
        /// What the name stands for.
        public var place: PortPlace

        /// Builds an entry.
        public init(number: Int, place: PortPlace) {
            self.number = number
            self.place = place
        }

        /// What the name stands for, as text.
        public var path: String { place.description }
    }

    /// The names, by number.
    public private(set) var entries: [Entry] = []
    /// The lines that make no sense.
    public private(set) var damage: [PortNameError] = []

    /// The longest file that is read.
    public static let fileBytesMax = 65_536
    /// The lines that are named in errors.
    static let damageMax = 16

    /// No names.
    public init() {}

    /// The names of the files of the search path.
    public static func standard(
        environment: (String) -> String? = environmentValue
    ) throws(PortNameError) -> PortMap {
        var map = PortMap()
        if let only = environment("DBGSRV_PORTS") {
            guard let text = fileText(only, maximum: fileBytesMax + 1) else {
                throw .mapUnreadable(path: only)
            }
            map.add(text, file: only)
            return map
        }
        for file in Self.searchPath(environment) {
            if let text = fileText(file, maximum: fileBytesMax + 1) { map.add(text, file: file) }
        }
        return map
    }

    /// Adds the names of a file's text.
    public mutating func add(_ text: String, file: String) {
        if text.utf8.count > Self.fileBytesMax { note(.mapTooLong(file: file)) }
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (index, line) in lines.enumerated() {
            let meaning = line.prefix { $0 != "#" }
            let words = meaning.split(whereSeparator: \.isWhitespace).map(String.init)
            if words.isEmpty { continue }
            guard words.count == 2, let number = PortDirectory.comNumber(words[0]),
                let place = PortPlace(words[1])
            else {
                let shown = String(line.prefix(Self.shownMax))
                note(.mapLine(file: file, line: index + 1, text: Self.printable(shown)))
                continue
            }
            set(Entry(number: number, place: place))
        }
    }

    private static let shownMax = 100

    private static func printable(_ text: String) -> String {
        String(
            text.unicodeScalars.map { scalar in
                scalar.properties.generalCategory == .control ? "?" : Character(scalar)
            }
        )
    }

    private mutating func note(_ error: PortNameError) {
        if damage.count < Self.damageMax { damage.append(error) }
    }

    /// What a number stands for.
    public func path(of number: Int) -> String? { place(of: number)?.description }

    func place(of number: Int) -> PortPlace? {
        entries.first { $0.number == number }?.place
    }

    /// The number of a device.
    func number(of identity: DeviceIdentity) -> Int? {
        entries.first { $0.place == .identity(identity) }?.number
    }

    mutating func set(_ entry: Entry) {
        entries.removeAll { $0.number == entry.number }
        entries.append(entry)
        entries.sort { $0.number < $1.number }
    }

    private static func searchPath(_ environment: (String) -> String?) -> [String] {
        [machineFile] + (userFile(environment).map { [$0] } ?? [])
    }

    /// The names of the machine.
    static let machineFile = "/etc/dbgsrv/ports"

    private static func userFile(_ environment: (String) -> String?) -> String? {
        if let folder = environment("XDG_CONFIG_HOME") { return "\(folder)/dbgsrv/ports" }
        return environment("HOME").map { "\($0)/.config/dbgsrv/ports" }
    }

    /// The file that new names are written to: root's are the machine's.
    static func fileToKeep(
        userID: UInt32,
        _ environment: (String) -> String? = environmentValue
    ) -> String? {
        environment("DBGSRV_PORTS") ?? (userID == 0 ? machineFile : userFile(environment))
    }
}
