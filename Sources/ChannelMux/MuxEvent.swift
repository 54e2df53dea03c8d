/// What the link tells its owner.
public enum MuxEvent: Sendable, Equatable {
    /// The far end answers; connections can be opened, and those of before go on.
    case linkUp(peerIdentity: String)
    /// The far end does not answer any more, in words; connections are kept for the grace time.
    case linkDown(reason: String)
    /// What seems to be on the far end of the cable.
    case lineVerdict(LineVerdict)
    /// The peer wants a connection to a number that is listened on; answer with `accept` or `refuse`.
    case incoming(ConnectionID, ChannelNumber)
    /// The peer accepted our connection.
    case opened(ConnectionID)
    /// The peer refused our connection, which is gone.
    case refused(ConnectionID, ResetReason)
    /// Bytes of the peer, in order; say `consumed` when they have been passed on.
    case received(ConnectionID, [UInt8])
    /// The peer will send no more; the other direction stays open.
    case peerFinished(ConnectionID)
    /// Both directions have finished and everything was delivered; the handle is gone.
    case closed(ConnectionID)
    /// The connection broke; the handle is gone.
    case reset(ConnectionID, ResetReason)
    /// The peer sent a BREAK, behind the bytes received so far.
    case breakReceived(ConnectionID, milliseconds: Int)
    /// The peer's modem lines are so, from behind the bytes received so far.
    case modemLines(ConnectionID, ModemLines)
    /// The send queue, which had been full, has room again.
    case writable(ConnectionID)
}

/// Why a connection was refused or broken; the raw value is the wire's.
public enum ResetReason: UInt8, Sendable, CaseIterable {
    /// The peer's process was replaced by a new one.
    case peerRestarted = 1
    /// The line stayed silent for longer than the grace time.
    case lineLost = 2
    /// The local program behind the connection ended or closed it.
    case clientDied = 3
    /// The listener did not want the connection.
    case refused = 4
    /// The listener serves somebody else.
    case busy = 5
    /// Nobody listens on that channel.
    case noListener = 6
    /// The peer broke the rules of the protocol.
    case protocolError = 7
    /// Something took too long.
    case timeout = 8
    /// A person or a service manager ended it.
    case administrator = 9
    /// The peer left the link in order.
    case left = 10
    /// The peer has as many connections as it can hold.
    case tooManyConnections = 11
    /// The line belongs to something else now.
    case lineClosed = 12

    /// One clause for people: "the peer restarted".
    public var words: String {
        switch self {
        case .peerRestarted: "the peer restarted"
        case .lineLost: "the line was lost"
        case .clientDied: "the program at the other end went away"
        case .refused: "the connection was refused"
        case .busy: "the channel is busy"
        case .noListener: "nobody listens on the channel"
        case .protocolError: "the peer broke the protocol"
        case .timeout: "the peer took too long"
        case .administrator: "an administrator ended the connection"
        case .left: "the peer left the link"
        case .tooManyConnections: "there are too many connections"
        case .lineClosed: "the line was closed"
        }
    }
}

/// The caller asked for something that cannot be had now.
public enum ChannelError: Error, Sendable, Equatable {
    /// Somebody on this side listens on that number already.
    case busy(ChannelNumber)
    /// The handle is of no connection, or of one that cannot send (any more).
    case notOpen
    /// This side has as many connections as it can hold.
    case tooManyConnections(limit: Int)
    /// The link was left with `leave`.
    case left
}
