import WireCore

/// When bytes handed to the kernel will have left the wire, and so when the next may be handed over.
///
/// A tty takes thousands of bytes at once and then holds up whatever comes later, so the link keeps its own
/// account: while more is waiting than `lead`, nothing goes out, and what is urgent waits for one frame at
/// most.
struct LineClock: Sendable {
    /// How long before the wire falls silent the next frame goes out: what a late wake-up may cost.
    static let leadNanoseconds: UInt64 = 4_000_000

    private let bitsPerCharacter: UInt64
    private let baudRate: UInt64
    /// When everything handed over so far has left the wire.
    private(set) var wireEnd: MonotonicInstant

    init(_ configuration: MuxConfiguration, at now: MonotonicInstant) {
        bitsPerCharacter = UInt64(configuration.bitsPerCharacter)
        baudRate = UInt64(configuration.baudRate)
        wireEnd = now
    }

    /// How long that many bytes take on the wire.
    func duration(bytes: Int) -> UInt64 {
        UInt64(bytes) * bitsPerCharacter * 1_000_000_000 / baudRate
    }

    /// How many bytes the wire carries in that time.
    func bytes(inNanoseconds interval: UInt64) -> Int {
        Int(interval / 1000 * baudRate / bitsPerCharacter / 1_000_000)
    }

    /// When the next frame may be handed over.
    var readyAt: MonotonicInstant {
        MonotonicInstant(
            nanoseconds: wireEnd.nanoseconds - min(wireEnd.nanoseconds, Self.leadNanoseconds)
        )
    }

    /// Whether the next frame may be handed over.
    func isReady(at now: MonotonicInstant) -> Bool { readyAt <= now }

    /// Whether the wire has been silent for that long.
    func hasBeenIdle(nanoseconds: UInt64, at now: MonotonicInstant) -> Bool {
        now.nanoseconds(since: wireEnd) >= nanoseconds
    }

    /// Counts bytes as handed over; returns when they will have left the wire.
    mutating func handOver(bytes: Int, at now: MonotonicInstant) -> MonotonicInstant {
        wireEnd = max(now, wireEnd).advanced(byNanoseconds: duration(bytes: bytes))
        return wireEnd
    }

    /// Adds time that turned out to be needed beyond the estimate.
    mutating func delay(nanoseconds: UInt64, at now: MonotonicInstant) {
        wireEnd = max(now, wireEnd).advanced(byNanoseconds: nanoseconds)
    }

    /// Takes everything handed over as gone.
    mutating func restart(at now: MonotonicInstant) { wireEnd = now }
}
