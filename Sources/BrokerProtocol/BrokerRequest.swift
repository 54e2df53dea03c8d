/// What a program asks of the broker.
public enum BrokerRequest: Sendable, Equatable {
    /// First on a control connection.
    case hello(version: Int, program: String)
    /// Uses the port with these settings.
    case open(LineSettings)
    /// Takes connections to a channel.
    case listen(channel: Int)
    /// Lets the other end of the cable know what this program serves on a channel, as long as it listens on it.
    case offer(channel: Int, type: String, transport: String)
    /// Opens a connection on which the other end says what it offers.
    case directory
    /// Opens a connection to a channel; `waits` for a listener when there is none.
    case connect(channel: Int, waits: Bool)
    /// Wants the messages about a connection here, not where it came in.
    case adopt(BrokerToken)
    /// Asks for the broker's figures.
    case status
    /// Goes in order; connections closed from now on were not killed.
    case bye
    /// Sends a BREAK on a connection, behind the bytes that were written to its data connection so far.
    case sendBreak(BrokerToken, LineBreak)
    /// First and only line of a data connection; `takesBreaks` asks for the far end's BREAKs.
    case data(BrokerToken, takesBreaks: Bool)

    /// The version of the protocol.
    public static let version = 1
}

/// The port's settings as a program states them.
public struct LineSettings: Sendable, Hashable {
    /// Bits per second.
    public var baudRate: Int
    /// `none`, `even` or `odd`.
    public var parity: String
    /// 1 or 2.
    public var stopBits: Int
    /// `none`, `rts-cts` or `xon-xoff`.
    public var flowControl: String
    /// `on`, `off` or `leave`: what is done with the modem line DTR.
    public var dtr: String
    /// `on`, `off` or `leave`: what is done with the modem line RTS.
    public var rts: String

    /// Settings, 8N1 unless told otherwise.
    public init(
        baudRate: Int,
        parity: String = "none",
        stopBits: Int = 1,
        flowControl: String = "none",
        dtr: String = "leave",
        rts: String = "leave"
    ) {
        self.baudRate = baudRate
        self.parity = parity
        self.stopBits = stopBits
        self.flowControl = flowControl
        self.dtr = dtr
        self.rts = rts
    }

    static let parities = ["none", "even", "odd"]
    static let flowControls = ["none", "rts-cts", "xon-xoff"]
    static let modemLines = ["on", "off", "leave"]
}

/// Requests to and from lines.
extension BrokerRequest {
    /// Decodes a line.
    public init(_ line: BrokerLine) throws(BrokerProtocolError) {
        guard let decoder = Self.decoders.first(where: { $0.keyword == line.keyword }) else {
            throw .unknownKeyword(line.keyword)
        }
        var reader = FieldReader(line)
        let request = try decoder.decode(&reader)
        try reader.finish()
        self = request
    }

    /// The line of the request.
    public var line: BrokerLine {
        switch self {
        case .hello(let version, let program):
            BrokerLine("hello", [("version", String(version)), ("program", program)])
        case .open(let settings):
            BrokerLine(
                "open",
                [
                    ("baud", String(settings.baudRate)), ("parity", settings.parity),
                    ("stop", String(settings.stopBits)), ("flow", settings.flowControl),
                    ("dtr", settings.dtr), ("rts", settings.rts),
                ]
            )
        case .listen(let channel): BrokerLine("listen", [("channel", String(channel))])
        case .offer(let channel, let type, let transport):
            BrokerLine(
                "offer",
                [("channel", String(channel)), ("type", type), ("transport", transport)]
            )
        case .directory: BrokerLine("directory")
        case .connect(let channel, let waits):
            BrokerLine("connect", [("channel", String(channel)), ("wait", waits ? "1" : "0")])
        case .adopt(let token): BrokerLine("adopt", [("token", token.text)])
        case .status: BrokerLine("status")
        case .bye: BrokerLine("bye")
        case .sendBreak(let token, let place): BrokerLine("break", place.fields(token))
        case .data(let token, let takesBreaks):
            BrokerLine("data", [("token", token.text)] + (takesBreaks ? [("breaks", "1")] : []))
        }
    }

    private struct Decoder: Sendable {
        let keyword: String
        let decode: @Sendable (inout FieldReader) throws(BrokerProtocolError) -> BrokerRequest
    }

    private static let decoders: [Decoder] = [
        Decoder(keyword: "hello") { reader throws(BrokerProtocolError) in
            .hello(
                version: try reader.integer("version", in: 1...Int(UInt16.max)),
                program: try reader.text("program")
            )
        },
        Decoder(keyword: "open") { reader throws(BrokerProtocolError) in
            .open(
                LineSettings(
                    baudRate: try reader.integer("baud", in: 1...Int(Int32.max)),
                    parity: try reader.word("parity", of: LineSettings.parities),
                    stopBits: try reader.integer("stop", in: 1...2),
                    flowControl: try reader.word("flow", of: LineSettings.flowControls),
                    dtr: try reader.word("dtr", of: LineSettings.modemLines),
                    rts: try reader.word("rts", of: LineSettings.modemLines)
                )
            )
        },
        Decoder(keyword: "listen") { reader throws(BrokerProtocolError) in
            .listen(channel: try reader.channel())
        },
        Decoder(keyword: "offer") { reader throws(BrokerProtocolError) in
            .offer(
                channel: try reader.channel(),
                type: try reader.text("type"),
                transport: try reader.text("transport")
            )
        },
        Decoder(keyword: "directory") { _ throws(BrokerProtocolError) in .directory },
        Decoder(keyword: "connect") { reader throws(BrokerProtocolError) in
            .connect(
                channel: try reader.channel(),
                waits: try reader.integer("wait", in: 0...1) == 1
            )
        },
        Decoder(keyword: "adopt") { reader throws(BrokerProtocolError) in
            .adopt(try reader.token())
        },
        Decoder(keyword: "status") { _ throws(BrokerProtocolError) in .status },
        Decoder(keyword: "bye") { _ throws(BrokerProtocolError) in .bye },
        Decoder(keyword: "break") { reader throws(BrokerProtocolError) in
            .sendBreak(try reader.token(), try LineBreak(&reader))
        },
        Decoder(keyword: "data") { reader throws(BrokerProtocolError) in
            .data(try reader.token(), takesBreaks: try reader.has("breaks"))
        },
    ]
}
