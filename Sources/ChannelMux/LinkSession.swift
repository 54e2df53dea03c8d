import WireCore

/// What lives as long as a session, that is, as the two epochs.
struct LinkSession: Sendable {
    /// So much of the window is kept for control frames, so that data cannot hold them up.
    private static let controlReserveFrames: UInt64 = 8
    private static let windowFramesMin = 8
    private static let ackNanoseconds: UInt64 = 25_000_000
    /// Control chunks that wait at most: more come together only for a peer that goes on asking and
    /// acknowledges nothing.
    static let controlItemsMax = 4 * ConnectionTable.limitMax

    var sender = LinkSender()
    var receiver = LinkReceiver()
    var acks = AckTimer()
    var roundTrip = RoundTrip()
    var control = FIFO<ControlItem>()
    var scheduler = Scheduler()
    /// Connections whose slots are given back once everything of them has been acknowledged.
    var closing: [ConnectionID] = []
    /// Connections with parts of chunks under way.
    var split: [ConnectionID] = []
    var isPollDue = false
    private var pollNonce: UInt8 = 0
    private var longest = 0
    private var formerLongest = 0
    private var longestSince: MonotonicInstant?
    private static let longestNanoseconds: UInt64 = 1_000_000_000
    let outgoing: FrameCheck
    let incoming: FrameCheck
    let peer: Peer
    let takesOddIDs: Bool

    init(ownEpoch: UInt32, peer: Peer) {
        self.peer = peer
        outgoing = FrameCheck(
            sender: ownEpoch,
            receiver: peer.epoch,
            isFlowControlSafe: peer.features.contains(.flowControlSafe)
        )
        incoming = FrameCheck(sender: peer.epoch, receiver: ownEpoch)
        takesOddIDs = ownEpoch > peer.epoch
    }

    mutating func nextPollNonce() -> UInt8 {
        pollNonce &+= 1
        return pollNonce
    }

    /// Bytes of the longest frame that the peer sent in the last one or two seconds.
    var longestReceived: Int { max(longest, formerLongest) }

    mutating func received(bytes: Int, at now: MonotonicInstant) {
        if let longestSince, now.nanoseconds(since: longestSince) <= Self.longestNanoseconds {
            longest = max(longest, bytes)
        } else {
            formerLongest = longest
            longest = bytes
            longestSince = now
        }
    }

    // MARK: What there is to send

    /// Whether an acknowledgement or a probe is due.
    func hasUrgentWork(at now: MonotonicInstant) -> Bool { isPollDue || acks.isDue(at: now) }

    var hasControlOrLost: Bool { sender.firstLost != nil || mayStartControl }

    /// Whether another sequenced frame is likely to follow the one being built.
    var hasMoreToSend: Bool { !scheduler.isEmpty || !control.isEmpty || sender.lostCount > 1 }

    /// Whether an acknowledgement is due that no sequenced frame carries along.
    func acknowledgesAlone(at now: MonotonicInstant, canCarry: Bool) -> Bool {
        acks.isDue(at: now) && (!canCarry || acks.needsOwnFrame || receiver.hasGap)
    }

    /// All that the peer can be told.
    var acknowledgement: Acknowledgement {
        var acknowledgement = receiver.acknowledgement
        acknowledgement.sawDamage = acks.sawDamage
        acknowledgement.pollNonce = acks.pollNonce
        return acknowledgement
    }

    /// What a sequenced frame carries along.
    var carriedAcknowledgement: UInt8? {
        acks.hasNews ? UInt8(truncatingIfNeeded: receiver.next) : nil
    }

    private var span: UInt64 { sender.next - sender.base }

    /// Whether a new data frame may go out beside those under way.
    func mayStartData(_ clock: LineClock, payloadMax: Int) -> Bool {
        guard span + Self.controlReserveFrames < UInt64(peer.windowFramesMax) || span == 0 else {
            return false
        }
        if sender.framesInFlight < Self.windowFramesMin { return true }
        let frame = clock.duration(bytes: payloadMax + Wire.dataOverhead)
        let trip = (roundTrip.shortest ?? 0) + 3 * frame + Self.ackNanoseconds
        let window = min(3 * clock.bytes(inNanoseconds: trip), peer.receiveBytesMax)
        return sender.bytesInFlight < window
    }

    /// Whether there is control to send, and it may go out.
    var mayStartControl: Bool {
        !control.isEmpty && span < UInt64(peer.windowFramesMax)
    }
}
