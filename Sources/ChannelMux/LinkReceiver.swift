import WireCore

/// The receiving half of selective repeat: which sequenced frames are there, and when to say so.
struct LinkReceiver: Sendable {
    /// Where an arriving frame stands.
    enum Arrival: Sendable, Equatable {
        /// The one expected next.
        case inOrder
        /// One or more before it are missing.
        case ahead(UInt64)
        /// It was there before.
        case duplicate
        /// No peer that keeps to the window sends it.
        case outside
    }

    /// The sequence number expected next.
    private(set) var next: UInt64 = 0
    /// One more than the highest there is.
    private var end: UInt64 = 0
    /// What must wait for the frames before it, by sequence number; present and empty when nothing must.
    private var held = [[Chunk]?](repeating: nil, count: 256)

    private func slot(_ sequence: UInt64) -> Int { Int(sequence & 0xFF) }

    /// Whether a frame before one that is there is missing.
    var hasGap: Bool { end > next }

    /// Judges the sequence number of a frame.
    func arrival(_ sequence: UInt8) -> Arrival {
        let distance = sequence &- UInt8(truncatingIfNeeded: next)
        if distance == 0 { return .inOrder }
        let number = next + UInt64(distance)
        if Int(distance) <= Wire.windowFramesMax {
            return held[slot(number)] == nil ? .ahead(number) : .duplicate
        }
        return Int(distance) >= 256 - Wire.windowFramesMax ? .duplicate : .outside
    }

    /// Notes a frame that came ahead, with those of its chunks that have to wait.
    mutating func hold(_ chunks: [Chunk], at sequence: UInt64) {
        held[slot(sequence)] = chunks
        end = max(end, sequence + 1)
    }

    /// Notes that the frame expected next is done.
    mutating func advance() {
        next += 1
        end = max(end, next)
    }

    /// The waiting chunks of the frame expected next, if it is there.
    mutating func takeHeld() -> [Chunk]? {
        let index = slot(next)
        guard let chunks = held[index] else { return nil }
        held[index] = nil
        return chunks
    }

    /// What to tell the peer.
    var acknowledgement: Acknowledgement {
        var bitmap: [UInt8] = []
        if hasGap {
            let count = Int(end - next) - 1
            bitmap = [UInt8](repeating: 0, count: (count + 7) / 8)
            for index in 0..<count where held[slot(next + 1 + UInt64(index))] != nil {
                bitmap[index / 8] |= 1 << UInt8(index % 8)
            }
        }
        return Acknowledgement(next: UInt8(truncatingIfNeeded: next), bitmap: bitmap[...])
    }
}

/// When an acknowledgement has to go out.
struct AckTimer: Sendable {
    private static let delayNanoseconds: ClosedRange<UInt64> = 5_000_000...20_000_000
    private static let framesPerAck = 2
    /// How often damage is reported at most: noise must not fill the other direction.
    private static let damageIntervalNanoseconds: UInt64 = 2_000_000

    /// A damaged frame has arrived since the last acknowledgement.
    private(set) var sawDamage = false
    /// The nonce of a POLL that waits for its answer.
    private(set) var pollNonce: UInt8?
    private var isDueNow = false
    private var deadline: MonotonicInstant?
    private var frames = 0
    private var damageReportedAt: MonotonicInstant?

    /// How long an acknowledgement waits for data to carry it.
    static func delay(frameNanoseconds: UInt64) -> UInt64 {
        min(max(frameNanoseconds, delayNanoseconds.lowerBound), delayNanoseconds.upperBound)
    }

    /// A sequenced frame has arrived.
    mutating func received(
        isUrgent: Bool,
        frameNanoseconds: UInt64,
        at now: MonotonicInstant
    ) {
        frames += 1
        let isLong = frameNanoseconds >= Self.delayNanoseconds.upperBound
        if isUrgent || isLong || frames >= Self.framesPerAck {
            isDueNow = true
        } else if deadline == nil {
            deadline = now.advanced(byNanoseconds: Self.delay(frameNanoseconds: frameNanoseconds))
        }
    }

    /// Something that is no frame of this session has arrived.
    mutating func damaged(at now: MonotonicInstant) {
        sawDamage = true
        let earliest = damageReportedAt?.advanced(byNanoseconds: Self.damageIntervalNanoseconds)
        guard let earliest, earliest > now else {
            isDueNow = true
            return
        }
        deadline = min(deadline ?? earliest, earliest)
    }

    /// The peer asks.
    mutating func polled(nonce: UInt8) {
        pollNonce = nonce
        isDueNow = true
    }

    /// The peer may have missed the last acknowledgement.
    mutating func repeatNow() { isDueNow = true }

    /// Whether an acknowledgement has to go out now.
    func isDue(at now: MonotonicInstant) -> Bool {
        if isDueNow { return true }
        guard let deadline else { return false }
        return deadline <= now
    }

    /// Whether anything has arrived since the last acknowledgement.
    var hasNews: Bool { frames > 0 || isDueNow }

    /// Whether it says more than a sequenced frame can carry along.
    var needsOwnFrame: Bool { sawDamage || pollNonce != nil }

    /// When an acknowledgement has to go out, if later than now.
    var delayedUntil: MonotonicInstant? { isDueNow ? nil : deadline }

    /// An acknowledgement went out in a frame of its own.
    mutating func sent(at now: MonotonicInstant) {
        if sawDamage { damageReportedAt = now }
        sawDamage = false
        pollNonce = nil
        carried()
    }

    /// An acknowledgement went along with a sequenced frame.
    mutating func carried() {
        guard !needsOwnFrame else { return }
        isDueNow = false
        deadline = nil
        frames = 0
    }
}
