/// Counters and gauges of one link, for `dbgcom stats`.
public struct MuxStatistics: Sendable, Equatable {
    /// Frames handed to the line.
    public var framesOut = 0
    /// Bytes handed to the line.
    public var bytesOut = 0
    /// Frames that arrived whole.
    public var framesIn = 0
    /// Bytes that arrived from the line.
    public var bytesIn = 0
    /// Payload bytes handed to the line, retransmissions not counted.
    public var payloadBytesOut = 0
    /// Payload bytes delivered.
    public var payloadBytesIn = 0
    /// Bytes that compression spared the line.
    public var savedBytesOut = 0
    /// Frames that arrived damaged.
    public var damagedFrames = 0
    /// Frames that arrived a second time.
    public var duplicateFrames = 0
    /// Frames sent again.
    public var retransmittedFrames = 0
    /// Probes sent because an acknowledgement did not come.
    public var probeTimeouts = 0
    /// Things the peer said that no peer keeping the rules says.
    public var protocolErrors = 0
    /// Times the session went on after a silence or an unplugged line.
    public var resumes = 0
    /// Smoothed round trip, microseconds, without the time of the bytes themselves; 0 before a sample.
    public var roundTripMicroseconds = 0
    /// The shortest round trip, microseconds; 0 before a sample.
    public var shortestRoundTripMicroseconds = 0
    /// Payload bytes of the longest frame that would be sent now.
    public var framePayloadMax = 0
    /// Frames sent and not yet acknowledged.
    public var framesInFlight = 0
    /// This side's epoch.
    public var epoch: UInt32 = 0
    /// The peer's epoch; 0 when there is none.
    public var peerEpoch: UInt32 = 0
    /// One entry for every connection, by slot.
    public var connections: [ConnectionStatistics] = []

    /// All zero.
    public init() {}
}

/// Gauges of one connection.
public struct ConnectionStatistics: Sendable, Equatable {
    /// The connection.
    public var id: ConnectionID
    /// The number it met on.
    public var channel: ChannelNumber
    /// Bytes taken by `send` and not yet sent for the first time.
    public var queuedBytes: Int
    /// Bytes the peer would still accept.
    public var creditBytes: Int
    /// Payload bytes sent, retransmissions not counted.
    public var bytesSent: Int
    /// Payload bytes delivered.
    public var bytesReceived: Int
    /// Milliseconds spent with bytes queued and no credit.
    public var stallMilliseconds: Int
}
