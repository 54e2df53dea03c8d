public import BrokerProtocol

// What is said of a server, wherever it is said: in a file of the registry, to another machine, over a cable.
// It is always one line, `server type=… transport=… …`, in the form of docs/protocols/broker.md (L1, L2), so
// one reader serves all three. docs/protocols/discovery.md has the fields.

/// A server as a list shows it.
public struct ServerEntry: Sendable, Equatable {
    /// What kind of server it is, "Remote Process Server".
    public var type: String
    /// Its connection string as lists show it, passwords masked; empty where the reader knows it better.
    public var transport: String
    /// The program's name and version.
    public var program: String
    /// The server's process.
    public var processID: Int32?
    /// The channel of the cable that the list is about.
    public var channel: Int?
    /// For how long it has been known, in seconds.
    public var ageSeconds: Int?
    /// Whether its process has ended without removing the entry.
    public var isStale: Bool

    /// The process server's type, as the original writes it.
    public static let processServer = "Remote Process Server"
    /// The debugging server's type, as the original writes it.
    public static let debuggingServer = "Debugger Server"
    /// Anything else that a channel of a cable is given to.
    public static let channelService = "Channel Service"

    /// Bytes of a text at the most, as encoded.
    static let typeBytesMax = 120
    static let transportBytesMax = 400
    static let programBytesMax = 160

    /// Describes a server; what is too long is cut.
    public init(
        type: String,
        transport: String = "",
        program: String,
        processID: Int32? = nil,
        channel: Int? = nil,
        ageSeconds: Int? = nil,
        isStale: Bool = false
    ) {
        self.type = LineText.fitting(type, bytesMax: Self.typeBytesMax)
        self.transport = LineText.fitting(transport, bytesMax: Self.transportBytesMax)
        self.program = LineText.fitting(program, bytesMax: Self.programBytesMax)
        self.processID = processID
        self.channel = channel
        self.ageSeconds = ageSeconds
        self.isStale = isStale
    }

    /// Reads a line; nil for one that is about no server.
    ///
    /// Fields that nobody knows are passed over.
    public init?(_ line: BrokerLine) {
        guard line.keyword == Self.keyword, let type = line["type"], !type.isEmpty else {
            return nil
        }
        self.init(
            type: type,
            transport: line["transport"] ?? "",
            program: line["program"] ?? "",
            processID: line["pid"].flatMap { Int32($0) }.flatMap { $0 > 0 ? $0 : nil },
            channel: line["channel"].flatMap { Int($0) }.flatMap { 0...254 ~= $0 ? $0 : nil },
            ageSeconds: line["age"].flatMap { Int($0) }.map { min(max($0, 0), Self.ageMax) },
            isStale: line["stale"] == "1"
        )
    }

    /// The line.
    public var line: BrokerLine {
        var fields = [("type", type)]
        if !transport.isEmpty { fields.append(("transport", transport)) }
        fields.append(("program", program))
        if let processID { fields.append(("pid", "\(processID)")) }
        if let channel { fields.append(("channel", "\(channel)")) }
        if let ageSeconds { fields.append(("age", "\(ageSeconds)")) }
        if isStale { fields.append(("stale", "1")) }
        return BrokerLine(Self.keyword, fields)
    }

    static let keyword = "server"
    /// No machine is up for longer: a hundred years, in seconds.
    static let ageMax = 3_155_760_000
}

/// Texts that go into a line and onto somebody's terminal.
enum LineText {
    /// The text without what could move a terminal's cursor, cut to so many bytes as a line encodes it.
    static func fitting(_ text: String, bytesMax: Int) -> String {
        var fitting = String.UnicodeScalarView()
        var bytes = 0
        for scalar in text.unicodeScalars {
            let shown = isVisible(scalar) ? scalar : "?"
            let isPlain = 0x21...0x7E ~= shown.value && shown != "%"
            bytes += isPlain ? 1 : 3 * UTF8.width(shown)
            if bytes > bytesMax { break }
            fitting.append(shown)
        }
        return String(fitting)
    }

    private static func isVisible(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned: false
        default: true
        }
    }
}
