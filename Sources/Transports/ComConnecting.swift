internal import BrokerProtocol

/// A connection to a channel that the far end has not answered yet; letting go of it gives it up.
public final class ComConnecting {
    private let port: ComPortClient
    private let control: ComControl
    private let token: BrokerToken
    /// The channel; nil for the question what the other end offers.
    private let channel: Int?

    init(_ port: ComPortClient, _ control: ComControl, _ token: BrokerToken, _ channel: Int?) {
        self.port = port
        self.control = control
        self.token = token
        self.channel = channel
    }

    /// Shows readable in poll(2) when `take` has something to say.
    public var descriptor: Int32 { control.descriptor }

    /// The connection.
    ///
    /// - Parameter timeoutMilliseconds: 0 does not wait, nil waits for ever.
    /// - Returns: nil while the far end has not answered.
    public func take(timeoutMilliseconds: Int?) throws(ComError) -> ComChannelStream? {
        let ending = try control.event(timeoutMilliseconds: timeoutMilliseconds) { message in
            switch message {
            case .opened(token): Ending.opened
            case .closed(token, _, let words): Ending.closed(words)
            default: nil
            }
        }
        switch ending {
        case .opened:
            return try port.makeStream(control, token, channel)
        case .closed(let words):
            guard let channel else {
                throw ComError(
                    .refused,
                    "The other end of \(port.portName) does not say what it offers (\(words)); is its "
                        + "dbgsrv of an older version?"
                )
            }
            throw ComError(
                .refused,
                "Channel \(channel) of \(port.portName) cannot be connected: \(words)."
            )
        case nil:
            if control.hasEnded { throw port.brokerGone() }
            return nil
        }
    }

    private enum Ending {
        case opened
        case closed(String)
    }

    /// What to say when nobody answered: what is known of the line says most.
    public func noAnswer(after milliseconds: Int) -> ComError {
        var link: String?
        var verdict: String?
        _ = try? control.event(timeoutMilliseconds: 0) { message -> Bool? in
            if case .link(let isUp, let words) = message { link = isUp ? nil : words }
            if case .verdict(let words) = message { verdict = words }
            return nil
        }
        let place = channel.map { "channel \($0) of " } ?? ""
        let waited = "within \(Double(milliseconds) / 1000) s"
        let known = verdict ?? link.map { "The line is down: \($0)." }
        return ComError(
            .timeout,
            "Nobody answered on \(place)\(port.portName) at \(port.settings.baudRate) baud "
                + waited
                + (known.map { ". " + $0 } ?? ", though the other end of the cable answers.")
        )
    }
}
