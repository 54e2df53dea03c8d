internal import BrokerProtocol
internal import DiscoveryProtocol

/// Takes connections to one channel of a serial port.
public final class ComChannelListener {
    /// The channel, 0–254.
    public let channel: Int
    /// Where it listens, for people: `com /dev/ttyS1 channel 7`.
    public var name: String { "com \(port.devicePath) channel \(channel)" }

    private let port: ComPortClient
    private let offering: ServerEntry?
    private var control: ComControl?

    init(port: ComPortClient, channel: Int, offering: ServerEntry?) {
        self.port = port
        self.channel = channel
        self.offering = offering
    }

    /// Shows readable in poll(2) when `accept` has something to say; -1 while there is no broker.
    ///
    /// It is another one after `renew`.
    public var descriptor: Int32 { control?.descriptor ?? -1 }

    /// Listens (again), starting a broker when there is none.
    public func renew() throws(ComError) {
        control = nil
        let fresh = try port.newControl()
        if let offering {
            // A broker that an older version of dbgcom has left running does not know of this.
            let offer = BrokerRequest.offer(
                channel: channel,
                type: offering.type,
                transport: offering.transport
            )
            _ = try? fresh.request(offer)
        }
        // Those who have waited for a listener come right behind the answer.
        fresh.leaveRestToPoll()
        guard try fresh.request(.listen(channel: channel)) != nil else { throw port.brokerGone() }
        control = fresh
    }

    /// The next connection; nil when there is none now.
    ///
    /// - Throws: `ComError.Kind.broker` when the broker has ended; `renew` brings the listener back.
    public func accept() throws(ComError) -> ComChannelStream? {
        guard let control else { throw port.brokerGone() }
        while let token = try control.event(timeoutMilliseconds: 0, Self.incomingToken) {
            if let stream = try port.adopt(token, channel: channel) { return stream }
        }
        if control.hasEnded {
            self.control = nil
            throw port.brokerGone()
        }
        return nil
    }

    private static func incomingToken(_ message: BrokerMessage) -> BrokerToken? {
        guard case .incoming(_, let token) = message else { return nil }
        return token
    }
}
