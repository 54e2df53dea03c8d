import WireCore

/// The sending half of selective repeat: which frames are under way, and which of them are lost.
///
/// A serial line never reorders. So a frame that went out before one that has arrived, and has not arrived
/// itself, is lost, and goes out again at once; transmissions are compared, not sequence numbers, so that
/// a lost retransmission is found in the same way (RFC 8985 calls this RACK). The damaged-frame flag and
/// the probe take care of a loss that nothing follows.
///
/// Sequence numbers count from 0 here and are cut to 8 bits on the wire.
struct LinkSender: Sendable {
    /// A frame under way.
    struct Flight: Sendable {
        var body: [UInt8]
        /// The how-manieth transmission of the link its latest one was.
        var order: UInt64
        var wireEnd: MonotonicInstant
        /// Whether the line was busy when it was handed over.
        var isQueued: Bool
        var transmissions = 1
        var isLost = false
    }

    /// What an acknowledgement brought to light.
    struct Outcome: Sendable, Equatable {
        /// Nanoseconds from the wire's end to the acknowledgement.
        var roundTrip: UInt64?
        /// Whether that was measured on a line that was busy.
        var isQueued = false
        var lostFrames = 0
        /// Bytes of those frames' bodies.
        var lostBytes = 0
        var madeProgress = false
    }

    /// The oldest sequence number not acknowledged.
    private(set) var base: UInt64 = 0
    /// The next new sequence number.
    private(set) var next: UInt64 = 0
    /// Bytes of frames under way.
    private(set) var bytesInFlight = 0
    private(set) var framesInFlight = 0
    private(set) var timeoutCount = 0
    /// Bytes of the frame sent last.
    private(set) var lastBytes = 0
    private var flights = [Flight?](repeating: nil, count: 256)
    private var lost: [UInt64] = []
    private var transmissionCount: UInt64 = 0
    private var lastWireEnd: MonotonicInstant?
    /// When a loss was last found by what arrived behind it, unless damage has been told of since.
    private var foundAt: MonotonicInstant?
    /// How much later than such a loss its damage may be told of: the receiver's 2 ms (MUX-20), and as much for its waking.
    private static let damageLagNanoseconds: UInt64 = 4_000_000
    private var poll: (nonce: UInt8, order: UInt64, wireEnd: MonotonicInstant)?

    private func slot(_ sequence: UInt64) -> Int { Int(sequence & 0xFF) }

    // MARK: Sending

    /// Notes a new frame as sent; its number was `next`.
    mutating func sent(_ body: [UInt8], wireEnd: MonotonicInstant, isQueued: Bool) {
        transmissionCount += 1
        flights[slot(next)] = Flight(
            body: body,
            order: transmissionCount,
            wireEnd: wireEnd,
            isQueued: isQueued
        )
        bytesInFlight += body.count
        framesInFlight += 1
        next += 1
        lastBytes = body.count
        lastWireEnd = wireEnd
    }

    /// Frames that have to go out again.
    var lostCount: Int { lost.count }

    /// The number of the frame that has to go out again first.
    var firstLost: UInt64? { lost.first }

    /// The body of a frame under way.
    func body(of sequence: UInt64) -> [UInt8]? { flights[slot(sequence)]?.body }

    /// Notes that `firstLost` went out again, possibly with another body.
    mutating func resentFirstLost(_ body: [UInt8], wireEnd: MonotonicInstant) {
        guard let sequence = lost.first, var flight = flights[slot(sequence)] else { return }
        lost.removeFirst()
        transmissionCount += 1
        bytesInFlight += body.count - flight.body.count
        flight.body = body
        flight.order = transmissionCount
        flight.wireEnd = wireEnd
        flight.transmissions += 1
        flight.isLost = false
        flights[slot(sequence)] = flight
        lastBytes = body.count
        lastWireEnd = wireEnd
    }

    /// Notes a POLL as sent.
    mutating func polled(nonce: UInt8, wireEnd: MonotonicInstant) {
        transmissionCount += 1
        poll = (nonce, transmissionCount, wireEnd)
        lastWireEnd = wireEnd
    }

    // MARK: Acknowledgements

    /// Takes what the peer has; what is older than what it said before is passed over.
    mutating func acknowledge(
        _ acknowledgement: Acknowledgement,
        shortestRoundTrip: UInt64,
        at now: MonotonicInstant
    ) -> Outcome {
        let distance = acknowledgement.next &- UInt8(truncatingIfNeeded: base)
        let end = base + UInt64(distance)
        guard end <= next else { return Outcome() }
        var outcome = Outcome()
        var arrived = Arrived()
        for sequence in base..<end {
            settle(sequence, &arrived, shortestRoundTrip, now, &outcome)
        }
        if end > base { base = end }
        settle(acknowledgement.bitmap, from: end + 1, &arrived, shortestRoundTrip, now, &outcome)
        if let nonce = acknowledgement.pollNonce, let poll, poll.nonce == nonce {
            arrived.order = max(arrived.order, poll.order)
            if poll.wireEnd <= now { outcome.roundTrip = now.nanoseconds(since: poll.wireEnd) }
            self.poll = nil
            timeoutCount = 0
        }
        if outcome.madeProgress { timeoutCount = 0 }
        loseFrames(before: arrived.order, &outcome)
        if outcome.lostFrames > 0 { foundAt = now }
        if acknowledgement.sawDamage { takeDamage(at: now, &outcome) }
        return outcome
    }

    private struct Arrived {
        /// The latest transmission that has surely arrived.
        var order: UInt64 = 0
        /// The latest one that a round trip can be measured on.
        var sampleOrder: UInt64 = 0
    }

    private mutating func settle(
        _ bitmap: ArraySlice<UInt8>,
        from first: UInt64,
        _ arrived: inout Arrived,
        _ shortestRoundTrip: UInt64,
        _ now: MonotonicInstant,
        _ outcome: inout Outcome
    ) {
        for (index, byte) in bitmap.enumerated() where byte != 0 {
            for bit in 0..<8 where byte >> UInt8(bit) & 1 == 1 {
                let sequence = first + UInt64(index * 8 + bit)
                guard sequence < next else { return }
                settle(sequence, &arrived, shortestRoundTrip, now, &outcome)
            }
        }
    }

    private mutating func settle(
        _ sequence: UInt64,
        _ arrived: inout Arrived,
        _ shortestRoundTrip: UInt64,
        _ now: MonotonicInstant,
        _ outcome: inout Outcome
    ) {
        guard let flight = flights[slot(sequence)] else { return }
        flights[slot(sequence)] = nil
        bytesInFlight -= flight.body.count
        framesInFlight -= 1
        if flight.isLost { lost.removeAll { $0 == sequence } }
        outcome.madeProgress = true
        let age = now.nanoseconds(since: flight.wireEnd)
        if flight.transmissions > 1 {
            // It may be the earlier transmission that has arrived after all.
            guard flight.wireEnd <= now, age >= shortestRoundTrip / 8 * 7 else { return }
        } else if flight.order > arrived.sampleOrder {
            arrived.sampleOrder = flight.order
            outcome.roundTrip = age
            outcome.isQueued = flight.isQueued
        }
        arrived.order = max(arrived.order, flight.order)
    }

    private mutating func loseFrames(before order: UInt64, _ outcome: inout Outcome) {
        guard order > 0, framesInFlight > lost.count else { return }
        for sequence in base..<next {
            guard let flight = flights[slot(sequence)], !flight.isLost, flight.order < order else {
                continue
            }
            lose(sequence, &outcome)
        }
    }

    /// A damaged frame came out of the line.
    ///
    /// What came behind it may have told so already, since damage is told of with a delay; else it was the oldest one that has
    /// left the wire.
    private mutating func takeDamage(at now: MonotonicInstant, _ outcome: inout Outcome) {
        defer { foundAt = nil }
        if let foundAt, now.nanoseconds(since: foundAt) <= Self.damageLagNanoseconds { return }
        loseOldest(at: now, &outcome)
    }

    private mutating func loseOldest(at now: MonotonicInstant, _ outcome: inout Outcome) {
        var oldest: (sequence: UInt64, flight: Flight)?
        for sequence in base..<next {
            guard let flight = flights[slot(sequence)], !flight.isLost else { continue }
            if let oldest, oldest.flight.order < flight.order { continue }
            oldest = (sequence, flight)
        }
        guard let (sequence, flight) = oldest, flight.wireEnd <= now else { return }
        lose(sequence, &outcome)
    }

    private mutating func lose(_ sequence: UInt64, _ outcome: inout Outcome) {
        outcome.lostFrames += 1
        outcome.lostBytes += flights[slot(sequence)]?.body.count ?? 0
        lose(sequence)
    }

    private mutating func lose(_ sequence: UInt64) {
        flights[slot(sequence)]?.isLost = true
        lost.append(sequence)
    }

    /// Takes everything under way for lost: the line was away.
    mutating func loseAll() {
        for sequence in base..<next where flights[slot(sequence)]?.isLost == false {
            lose(sequence)
        }
        timeoutCount = 0
        poll = nil
    }

    // MARK: The probe

    /// What to do when an acknowledgement is overdue.
    enum Probe: Equatable {
        /// A short frame, which goes out again itself, is now the first lost.
        case resend
        /// Ask.
        case poll
    }

    /// The doublings of the time-out that are made at most.
    private static let backoffMax = 5
    private static let timeoutNanosecondsMax: UInt64 = 1_000_000_000
    private static let resendBytesMax = 64

    /// When an acknowledgement is overdue; nil when none is awaited.
    func probeDeadline(timeout: UInt64) -> MonotonicInstant? {
        guard framesInFlight > lost.count, let lastWireEnd else { return nil }
        let backedOff = timeout << UInt64(min(timeoutCount, Self.backoffMax))
        return lastWireEnd.advanced(
            byNanoseconds: min(backedOff, max(timeout, Self.timeoutNanosecondsMax))
        )
    }

    /// Notes that an acknowledgement is overdue.
    mutating func probe(at now: MonotonicInstant) -> Probe {
        timeoutCount += 1
        lastWireEnd = now
        let oldest = (base..<next).first { flights[slot($0)]?.isLost == false }
        guard let oldest, let flight = flights[slot(oldest)],
            flight.body.count <= Self.resendBytesMax
        else { return .poll }
        lose(oldest)
        return .resend
    }
}
