internal import BrokerProtocol
public import LinuxSystem

/// One connection on a channel of a serial port.
///
/// The descriptor is a plain stream socket: read, write, poll and shutdown work as on any other, and it may be
/// handed to another process.
public final class ComChannelStream {
    /// The channel's bytes, both ways; it does not block.
    public let descriptor: OwnedDescriptor
    /// The far end for people, `com /dev/ttyS1 channel 7`.
    public let peerName: String
    /// The line's bits per second.
    public let baudRate: Int
    /// The channel, 0–254.
    public let channel: Int

    private let control: ComControl
    private let token: BrokerToken
    private var reason: String?
    private var bytesRead = 0
    private var bytesWritten = 0
    private var breaks: [LineBreak] = []
    private var linkWords: String?

    init(
        _ descriptor: OwnedDescriptor,
        _ control: ComControl,
        _ token: BrokerToken,
        peerName: String,
        baudRate: Int,
        channel: Int
    ) {
        self.descriptor = descriptor
        self.control = control
        self.token = token
        self.peerName = peerName
        self.baudRate = baudRate
        self.channel = channel
    }

    deinit { close() }

    /// How long the end of the control connection may come behind the end of the stream: the kernel closes
    /// the sockets of a broker that was killed one after another.
    private static let endMillisecondsMax = 2000

    /// Why the stream broke, for a stream whose descriptor has ended: "the peer restarted"; nil when both
    /// sides had finished or it still stands.
    public var lastReason: String? {
        guard reason == nil else { return reason }
        let wait = hasHungUp ? Self.endMillisecondsMax : 0
        let end = try? control.event(timeoutMilliseconds: wait) { [token] message in
            if case .closed(token, let end, let words) = message { (end, words) } else { nil }
        }
        if let (end, words) = end {
            reason = end == .finished ? nil : words
        } else if control.hasEnded {
            reason = "the broker of the port has ended"
        }
        return reason
    }

    /// What the broker last said of a line that is down, "the far end does not answer"; nil while it is up.
    public var lineTrouble: String? {
        let latest = try? control.event(timeoutMilliseconds: 0) { message -> String?? in
            if case .link(let isUp, let words) = message { .some(isUp ? nil : words) } else { nil }
        }
        if let latest { linkWords = latest }
        return linkWords
    }

    private var hasHungUp: Bool {
        var requests = [PollRequest(descriptor.number, read: false)]
        _ = try? pollDescriptors(&requests, timeoutMilliseconds: 0)
        return requests[0].isReadable
    }

    // MARK: - Bytes and BREAKs

    /// Shows readable in poll(2) when the broker has something to say, such as that a BREAK came.
    public var noticeDescriptor: Int32 { control.hasEnded ? -1 : control.descriptor }

    /// Reads from the descriptor, not past a BREAK: while one comes before the next byte, nil; empty at the end.
    public func read(maximum: Int) throws(SystemError) -> [UInt8]? {
        let room = nextBreak.map { max(0, $0.after - bytesRead) } ?? maximum
        guard room > 0 else { return nil }
        let bytes = try descriptor.read(maximum: min(maximum, room))
        bytesRead += bytes?.count ?? 0
        return bytes
    }

    /// Writes to the descriptor.
    ///
    /// - Returns: how many bytes it took.
    public func write(_ bytes: ArraySlice<UInt8>) throws(SystemError) -> Int {
        let taken = try descriptor.write(bytes)
        bytesWritten += taken
        return taken
    }

    /// Sends a BREAK behind what `write` has written.
    ///
    /// - Throws: when the far end does not know of BREAKs, or the connection is over.
    public func sendBreak(milliseconds: Int) throws(ComError) {
        let place = LineBreak(after: bytesWritten, milliseconds: milliseconds)
        _ = try control.request(.sendBreak(token, place))
    }

    /// Whether a BREAK that is known of comes before the next byte.
    public var hasBreak: Bool { breaks.first.map { $0.after <= bytesRead } ?? false }

    /// The length in milliseconds of a BREAK that comes before the next byte; nil when there is none.
    public func takeBreak() -> Int? {
        guard let place = nextBreak, place.after <= bytesRead else { return nil }
        breaks.removeFirst()
        return place.milliseconds
    }

    /// What the broker said of a BREAK it said before it passed later bytes on.
    private var nextBreak: LineBreak? {
        let arrived = try? control.events { [token] message in
            if case .breakReceived(token, let place) = message { place } else { nil }
        }
        breaks += arrived ?? []
        return breaks.first
    }

    /// Says that no more bytes will be written; the other direction stays open.
    public func finishWriting() {
        UnixSocket.finishWriting(descriptor)
    }

    /// Says that the stream is being left on purpose; the descriptor closes when its last owner lets go.
    ///
    /// Without this word the broker takes the end of this process for its death and tells the far end so.
    public func close() {
        control.leave()
    }
}
