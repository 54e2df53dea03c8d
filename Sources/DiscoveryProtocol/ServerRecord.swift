internal import BrokerProtocol

/// What a server writes into its file of the registry: its entry, and what tells whether it still runs.
public struct ServerRecord: Sendable, Equatable {
    /// What lists show of it.
    public var entry: ServerEntry
    /// When its process started, in clock ticks since the machine did (field 22 of `/proc/PID/stat`).
    public var startTicks: UInt64
    /// The machine's present life (`/proc/sys/kernel/random/boot_id`).
    public var bootID: String
    /// When the server began, in seconds since 1970.
    public var startedAt: Int

    /// The longest file, in bytes: one line.
    public static let bytesMax = BrokerLine.bytesMax + 1

    /// Describes a server.
    public init(entry: ServerEntry, startTicks: UInt64, bootID: String, startedAt: Int) {
        self.entry = entry
        self.startTicks = startTicks
        self.bootID = LineText.fitting(bootID, bytesMax: 64)
        self.startedAt = startedAt
    }

    /// Reads a file; nil for one that is damaged or none of ours.
    public init?(_ file: [UInt8]) {
        guard file.last == 0x0A, let line = try? BrokerLine(decoding: file.dropLast()),
            let entry = ServerEntry(line), entry.processID != nil,
            let start = line["start"].flatMap({ UInt64($0) }), let boot = line["boot"],
            let since = line["since"].flatMap({ Int($0) })
        else { return nil }
        self.init(entry: entry, startTicks: start, bootID: boot, startedAt: since)
    }

    /// The file.
    public var encoded: [UInt8] {
        var line = entry.line
        line.fields += [
            BrokerLine.Field(key: "start", value: "\(startTicks)"),
            BrokerLine.Field(key: "boot", value: bootID),
            BrokerLine.Field(key: "since", value: "\(startedAt)"),
        ]
        return line.encoded
    }
}
