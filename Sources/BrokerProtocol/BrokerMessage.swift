/// What the broker says to a program: answers to its requests, in order, and events between them.
public enum BrokerMessage: Sendable, Equatable {
    /// The request was done.
    case ok([BrokerLine.Field])
    /// The request was not done.
    case error(BrokerErrorCode, String)
    /// Somebody connects to a channel that is listened on.
    case incoming(channel: Int, BrokerToken)
    /// The far end accepted a connection.
    case opened(BrokerToken)
    /// A connection has ended.
    case closed(BrokerToken, ConnectionEnd, String)
    /// The far end sent a BREAK.
    case breakReceived(BrokerToken, LineBreak)
    /// The far end answers, or does not any more.
    case link(isUp: Bool, String)
    /// What seems to be on the far end of the cable.
    case verdict(String)
    /// One figure of `status`.
    case figure(key: String, value: String)
}

/// How a connection ended.
public enum ConnectionEnd: String, Sendable, CaseIterable {
    /// Both sides had finished.
    case finished
    /// The far end did not accept it.
    case refused
    /// It broke.
    case reset
}

/// Why the broker did not do something.
public enum BrokerErrorCode: String, Sendable, CaseIterable {
    /// The request makes no sense.
    case badRequest = "bad-request"
    /// The broker speaks another version of the protocol.
    case version
    /// The request comes too early: `hello` and `open` first.
    case notOpen = "not-open"
    /// The port is in use with other settings.
    case settingsInUse = "settings-in-use"
    /// The port cannot be opened.
    case port
    /// Somebody on this machine listens on that channel already.
    case channelBusy = "channel-busy"
    /// There is no connection of that token.
    case unknownToken = "unknown-token"
    /// The far end's version does not know of what was asked for.
    case unsupported
    /// There are as many clients or connections as the broker takes.
    case tooMany = "too-many"
    /// The broker is ending.
    case ending
    /// The program may not use this broker.
    case permission
}

/// Messages to and from lines.
extension BrokerMessage {
    /// Decodes a line.
    public init(_ line: BrokerLine) throws(BrokerProtocolError) {
        if line.keyword == "ok" {
            self = .ok(line.fields)
            return
        }
        guard let decoder = Self.decoders.first(where: { $0.keyword == line.keyword }) else {
            throw .unknownKeyword(line.keyword)
        }
        var reader = FieldReader(line)
        let message = try decoder.decode(&reader)
        try reader.finish()
        self = message
    }

    /// The line of the message.
    public var line: BrokerLine {
        switch self {
        case .ok(let fields): BrokerLine("ok", fields.map { ($0.key, $0.value) })
        case .error(let code, let words):
            BrokerLine("error", [("code", code.rawValue)], words: words)
        case .incoming(let channel, let token):
            BrokerLine("incoming", [("channel", String(channel)), ("token", token.text)])
        case .opened(let token): BrokerLine("opened", [("token", token.text)])
        case .closed(let token, let end, let words):
            BrokerLine("closed", [("token", token.text), ("how", end.rawValue)], words: words)
        case .breakReceived(let token, let place): BrokerLine("break", place.fields(token))
        case .link(let isUp, let words):
            BrokerLine("link", [("up", isUp ? "1" : "0")], words: words)
        case .verdict(let words): BrokerLine("verdict", words: words)
        case .figure(let key, let value): BrokerLine("figure", [("key", key), ("value", value)])
        }
    }

    private struct Decoder: Sendable {
        let keyword: String
        let decode: @Sendable (inout FieldReader) throws(BrokerProtocolError) -> BrokerMessage
    }

    private static let decoders: [Decoder] = [
        Decoder(keyword: "error") { reader throws(BrokerProtocolError) in
            .error(try reader.choice("code"), reader.words)
        },
        Decoder(keyword: "incoming") { reader throws(BrokerProtocolError) in
            .incoming(channel: try reader.channel(), try reader.token())
        },
        Decoder(keyword: "opened") { reader throws(BrokerProtocolError) in
            .opened(try reader.token())
        },
        Decoder(keyword: "closed") { reader throws(BrokerProtocolError) in
            .closed(try reader.token(), try reader.choice("how"), reader.words)
        },
        Decoder(keyword: "break") { reader throws(BrokerProtocolError) in
            .breakReceived(try reader.token(), try LineBreak(&reader))
        },
        Decoder(keyword: "link") { reader throws(BrokerProtocolError) in
            .link(isUp: try reader.integer("up", in: 0...1) == 1, reader.words)
        },
        Decoder(keyword: "verdict") { reader throws(BrokerProtocolError) in
            .verdict(reader.words)
        },
        Decoder(keyword: "figure") { reader throws(BrokerProtocolError) in
            .figure(key: try reader.text("key"), value: try reader.text("value"))
        },
    ]
}
