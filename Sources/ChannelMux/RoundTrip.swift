import WireCore

/// The time from a frame's last bit on the wire to the arrival of its acknowledgement (RFC 6298, with the
/// estimated end of transmission in the place of the time of writing).
struct RoundTrip: Sendable {
    private(set) var smoothed: UInt64?
    private var variation: UInt64 = 0
    private var minimum: UInt64?
    private var formerMinimum: UInt64?
    private var minimumSince: MonotonicInstant?
    private var standing: UInt64 = .max
    private var standingSamples = 0

    private static let minimumLifeNanoseconds: UInt64 = 10_000_000_000
    private static let standingSamplesMax = 16
    private static let standingNanosecondsMin: UInt64 = 1_500_000

    /// The shortest of the last 10 to 20 seconds.
    var shortest: UInt64? {
        guard let minimum else { return formerMinimum }
        return min(minimum, formerMinimum ?? minimum)
    }

    /// Takes a sample.
    ///
    /// - Returns: how much longer than assumed the bytes wait before they reach the wire, when all recent
    ///   samples agree that they do: the real line is slower than its nominal rate.
    mutating func add(_ sample: UInt64, isQueued: Bool, at now: MonotonicInstant) -> UInt64? {
        if let smoothed {
            let difference = smoothed > sample ? smoothed - sample : sample - smoothed
            variation = (3 * variation + difference) / 4
            self.smoothed = (7 * smoothed + sample) / 8
        } else {
            smoothed = sample
            variation = sample / 2
        }
        updateMinimum(sample, at: now)
        return isQueued ? standingQueue(sample) : nil
    }

    private mutating func updateMinimum(_ sample: UInt64, at now: MonotonicInstant) {
        let since = minimumSince ?? now
        if minimumSince == nil || now.nanoseconds(since: since) > Self.minimumLifeNanoseconds {
            formerMinimum = minimum
            minimum = sample
            minimumSince = now
        } else {
            minimum = min(minimum ?? sample, sample)
        }
    }

    private mutating func standingQueue(_ sample: UInt64) -> UInt64? {
        standing = min(standing, sample)
        standingSamples += 1
        guard standingSamples >= Self.standingSamplesMax else { return nil }
        let excess = standing - min(standing, shortest ?? standing)
        standing = .max
        standingSamples = 0
        return excess >= Self.standingNanosecondsMin ? excess : nil
    }

    /// How long after the end of a frame on the wire its acknowledgement is overdue: the peer waits a little
    /// for data to carry it, and then for the frame that it is just sending.
    func timeout(ownFrame: UInt64, peerFrame: UInt64) -> UInt64 {
        let waits = AckTimer.delay(frameNanoseconds: ownFrame) + peerFrame
        guard let smoothed else { return 100_000_000 + waits }
        return smoothed + max(4 * variation, 2_000_000) + waits
    }
}
