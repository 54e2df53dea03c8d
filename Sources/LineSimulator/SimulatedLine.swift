public import WireCore

// One direction of a serial line on somebody else's clock.
//
//     inject ──▶ [ queue, paced by the baud rate ] ──▶ [ latency ] ──▶ [ faults ] ──▶ deliver
//
// Bytes are kept in runs: within a run one byte follows the other without a pause, so the time of each is
// known from the run's first. Times inside are picoseconds from the line's beginning, because a bit at 3 Mbaud
// is no whole number of nanoseconds. They last for 200 days.

/// One direction of a simulated serial line: bytes and time in, bytes and time out.
public struct SimulatedLine: Sendable {
    /// What the line does to bytes; may change at any time, for bytes injected or delivered from then on.
    public var conditions: LineConditions {
        didSet { updateRates() }
    }
    /// Whether the line is cut: what would be delivered is lost.
    public var isCut = false
    /// Faults at fixed bytes.
    public var plannedFaults: [PlannedFault] = []
    /// What has happened.
    public private(set) var statistics = LineStatistics()

    private struct Run {
        /// When the last bit of the byte at `head` is on the wire.
        var headEnd: UInt64
        var bytes: [UInt8]
        var head = 0
        let byteTime: UInt64

        var count: Int { bytes.count - head }
        var lastEnd: UInt64 { headEnd + UInt64(max(count - 1, 0)) * byteTime }

        /// How many bytes are on the wire, or past it, by then.
        func countEnded(by time: UInt64) -> Int {
            time < headEnd ? 0 : min(count, Int((time - headEnd) / byteTime) + 1)
        }
    }

    private let start: MonotonicInstant
    private var runs: [Run] = []
    private var generator: SeededGenerator
    private var byteTime: UInt64 = 1
    private var isBad = false

    /// Makes a silent line.
    public init(_ conditions: LineConditions, seed: UInt64, at now: MonotonicInstant) {
        self.conditions = conditions
        start = now
        generator = SeededGenerator(seed: seed)
        updateRates()
    }

    private mutating func updateRates() {
        byteTime = max(
            1,
            UInt64(conditions.bitsPerCharacter) * 1_000_000_000_000 / UInt64(conditions.baudRate)
        )
    }

    private func picoseconds(_ now: MonotonicInstant) -> UInt64 {
        now.nanoseconds(since: start) * 1000
    }

    private func instant(atPicoseconds time: UInt64) -> MonotonicInstant {
        start.advanced(byNanoseconds: (time + 999) / 1000)
    }

    /// How many bytes the queue has room for.
    public func room(at now: MonotonicInstant) -> Int {
        let time = picoseconds(now)
        let waiting = runs.reduce(0) { $0 + $1.count - $1.countEnded(by: time) }
        return max(0, conditions.queueBytesMax - waiting)
    }

    /// Puts bytes into the queue.
    ///
    /// - Returns: how many there was room for; the rest was not taken.
    @discardableResult
    public mutating func inject(_ bytes: ArraySlice<UInt8>, at now: MonotonicInstant) -> Int {
        let taken = bytes.prefix(room(at: now))
        guard !taken.isEmpty else { return 0 }
        statistics.bytesIn += taken.count
        let time = picoseconds(now)
        if let last = runs.indices.last, runs[last].lastEnd >= time,
            runs[last].byteTime == byteTime, runs[last].count > 0
        {
            runs[last].bytes += taken
        } else {
            let free = max(time, runs.last?.lastEnd ?? 0)
            runs.append(
                Run(headEnd: free + byteTime, bytes: Array(taken), byteTime: byteTime)
            )
        }
        return taken.count
    }

    /// When the next byte can be delivered, nil when none is under way.
    public var nextDeadline: MonotonicInstant? {
        guard let first = runs.first else { return nil }
        let ready = first.headEnd + conditions.latencyNanoseconds * 1000
        return instant(atPicoseconds: alignedUp(ready))
    }

    private func alignedUp(_ time: UInt64) -> UInt64 {
        let interval = conditions.deliveryIntervalNanoseconds * 1000
        return interval == 0 ? time : (time + interval - 1) / interval * interval
    }

    /// Takes the bytes that have come out by now.
    public mutating func deliver(at now: MonotonicInstant) -> [UInt8] {
        var time = picoseconds(now)
        let interval = conditions.deliveryIntervalNanoseconds * 1000
        if interval > 0 { time = time / interval * interval }
        let latency = conditions.latencyNanoseconds * 1000
        guard time >= latency else { return [] }
        var delivered: [UInt8] = []
        while let run = runs.first {
            let count = run.countEnded(by: time - latency)
            if count == 0 { break }
            pass(run.bytes[run.head..<(run.head + count)], to: &delivered)
            advanceFirstRun(by: count)
        }
        statistics.bytesOut += delivered.count
        return delivered
    }

    private mutating func advanceFirstRun(by count: Int) {
        if count == runs[0].count {
            runs.removeFirst()
            return
        }
        runs[0].head += count
        runs[0].headEnd += UInt64(count) * runs[0].byteTime
        if runs[0].head > 65_536 {
            runs[0].bytes.removeFirst(runs[0].head)
            runs[0].head = 0
        }
    }

    // MARK: Faults

    private var bytesPassed: Int {
        statistics.bytesOut + statistics.lost - statistics.added
    }

    private mutating func pass(_ bytes: ArraySlice<UInt8>, to delivered: inout [UInt8]) {
        if isCut {
            statistics.lost += bytes.count
        } else if conditions.isPerfect && plannedFaults.isEmpty {
            delivered += bytes
        } else {
            let position = bytesPassed + delivered.count
            for (offset, byte) in bytes.enumerated() {
                passFaulty(byte, at: position + offset, to: &delivered)
            }
        }
    }

    private mutating func passFaulty(_ byte: UInt8, at position: Int, to delivered: inout [UInt8]) {
        if let fault = plannedFaults.first(where: { $0.position == position }) {
            return carryOut(fault.kind, byte, to: &delivered)
        }
        if happens(conditions.insertRate) {
            carryOut(.insert(UInt8.random(in: 0...255, using: &generator)), nil, to: &delivered)
        }
        if happens(conditions.dropRate) {
            statistics.lost += 1
            return
        }
        guard let received = afterBitErrors(byte) else { return }
        delivered.append(received)
        if happens(conditions.duplicateRate) {
            statistics.added += 1
            delivered.append(received)
        }
    }

    private mutating func carryOut(
        _ fault: PlannedFault.Kind,
        _ byte: UInt8?,
        to delivered: inout [UInt8]
    ) {
        switch fault {
        case .flip(let bit):
            statistics.damaged += 1
            if let byte { delivered.append(byte ^ (1 << UInt8(bit & 7))) }
        case .drop:
            statistics.lost += 1
        case .insert(let stranger):
            statistics.added += 1
            delivered.append(stranger)
            if let byte { delivered.append(byte) }
        case .duplicate:
            statistics.added += 1
            if let byte { delivered += [byte, byte] }
        }
    }

    /// The byte as a UART receives it, nil when a damaged start bit made it miss the byte.
    private mutating func afterBitErrors(_ byte: UInt8) -> UInt8? {
        let rate = currentBitErrorRate()
        guard rate > 0, happens(rate * Double(conditions.bitsPerCharacter)) else { return byte }
        statistics.damaged += 1
        let hit = Int.random(in: 0..<conditions.bitsPerCharacter, using: &generator)
        switch hit {
        case 0:
            statistics.damaged -= 1
            statistics.lost += 1
            return nil
        case 1...8:
            return byte ^ (1 << UInt8(hit - 1))
        default:
            // A stop bit that is not one: the receiver takes up the line in the middle of the next byte.
            return UInt8.random(in: 0...255, using: &generator)
        }
    }

    private mutating func currentBitErrorRate() -> Double {
        guard let bursts = conditions.bursts else { return conditions.bitErrorRate }
        if happens(1 / (isBad ? bursts.meanBadBytes : bursts.meanGoodBytes)) { isBad.toggle() }
        return isBad ? bursts.badBitErrorRate : conditions.bitErrorRate
    }

    private mutating func happens(_ chance: Double) -> Bool {
        chance > 0 && Double.random(in: 0..<1, using: &generator) < chance
    }
}
