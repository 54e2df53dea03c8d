/// One connection as this side sees it.
struct Connection: Sendable {
    enum Phase: Sendable, Equatable {
        /// The slot is free.
        case vacant
        /// Ours; the peer has not answered.
        case connecting
        /// The peer's; nobody listens yet.
        case parked
        /// The peer's; our user has not answered.
        case offered
        case open
        /// Ours, and over for the user; the peer has not released the id yet.
        case ending
    }

    enum Queue: Sendable, Equatable {
        case none, sparse, bulk
    }

    /// Data before ACCEPT, where OPEN does not wait.
    static let earlyBytesMax = 1024
    static let windowBytes = 1024...1_048_576

    var phase = Phase.vacant
    var id: ConnectionID
    var channel = ChannelNumber(unchecked: 0)
    var isOurs = false
    var waits = false
    /// The id on the wire, once there is one.
    var wireID: UInt16?
    /// No sequenced frame before that one has anything of this connection.
    var firstSequence: UInt64 = 0
    /// One more than the number of the last sequenced frame with anything of this connection.
    var lastSequenceEnd: UInt64 = 0
    /// The peer, which accepted it, has forgotten it.
    var isReleased = false

    var outgoing = OutgoingStream()
    var wantsWritable = false
    var incoming = IncomingStream()
    /// How far the peer may be ahead of the user.
    var window: UInt32 = 0
    var isCreditQueued = false
    /// What came before the user took the connection.
    var early: [UInt8] = []

    var queue = Queue.none
    /// Bytes that it may still send in this turn.
    var deficit = 0

    var stalledSince: UInt64?
    var stalledNanoseconds: UInt64 = 0

    init(id: ConnectionID) {
        self.id = id
    }

    /// Whether there is anything for a frame.
    var isReady: Bool {
        guard wireID != nil, phase == .open || phase == .connecting else { return false }
        return outgoing.isReady
    }

    /// Begins to remember what coded chunks may refer to, when there may be any.
    ///
    /// - Parameter isWelcome: whether the peer takes coded chunks already.
    mutating func prepareCoding(isOffered: Bool, isWelcome: Bool) {
        outgoing.encoder = isOffered ? StreamEncoder(isWelcome: isWelcome) : nil
        incoming.decoder = isOffered ? StreamDecoder() : nil
    }

    /// Drops everything that is under way in both directions.
    mutating func forgetStreams() {
        outgoing = OutgoingStream()
        incoming = IncomingStream()
        early = []
        wantsWritable = false
    }
}
