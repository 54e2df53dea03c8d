/// How long frames may be: by baud rate, by who uses the line, and by measured loss.
struct FrameSizer: Sendable {
    /// Mean bytes on the wire from one loss to the next.
    private var lossDistance: Double = 24_000
    private var bytesSinceLoss = 0
    /// How many losses that mean is of, as far as it is counted.
    private var lossesKnown = 0
    /// How many of the latest losses in a row came much sooner than that.
    private var unlikelyCount = 0

    private static let lossesKnownMax = 16
    private static let unlikelyFactor = 16.0
    private static let unlikelyMax = 2

    /// A lone transfer's frames take about this long; an interactive line's frames do not exceed the other.
    private static let loneNanoseconds: UInt64 = 57_000_000
    private static let interactiveNanoseconds: UInt64 = 10_000_000
    private static let interactiveWireBytesMin = 64
    private static let payloadMin = 24
    private static let burstFramesMin = 4
    private static let lonePayload = 192...2048

    private let lonePayloadMax: Int
    private let interactivePayloadMax: Int

    init(_ clock: LineClock) {
        let lone = clock.bytes(inNanoseconds: Self.loneNanoseconds)
        lonePayloadMax = min(max(lone, Self.lonePayload.lowerBound), Self.lonePayload.upperBound)
        let wireBytes = max(
            clock.bytes(inNanoseconds: Self.interactiveNanoseconds),
            Self.interactiveWireBytesMin
        )
        // The leading zero, the second byte of a long connection id, COBS' byte per 254.
        let overhead = Wire.dataOverhead + 2 + wireBytes / 254
        interactivePayloadMax = min(wireBytes - overhead, Self.lonePayload.upperBound)
    }

    /// Counts bytes handed to the line.
    mutating func sent(bytes: Int) { bytesSinceLoss += bytes }

    /// Counts frames found to be lost together, which had so many bytes.
    ///
    /// Many at once are a burst of noise, which shorter frames would not have escaped.
    mutating func lost(frames count: Int, bytes: Int) {
        guard count > 0 else { return }
        let losses = count >= Self.burstFramesMin ? 1 : count
        // Where in a frame it was hit is not known: half of it had passed.
        let passed = Double(max(bytesSinceLoss - bytes / 2, 1)) / Double(losses)
        for _ in 0..<losses { learn(distance: passed) }
        bytesSinceLoss = 0
    }

    /// The first loss tells more than what was assumed, and so do two in a row that hardly fit what is known; then the mean
    /// of the latest ones counts.
    private mutating func learn(distance: Double) {
        unlikelyCount = distance * Self.unlikelyFactor < lossDistance ? unlikelyCount + 1 : 0
        if unlikelyCount >= Self.unlikelyMax { (lossesKnown, unlikelyCount) = (0, 0) }
        lossesKnown = min(lossesKnown + 1, Self.lossesKnownMax)
        lossDistance = max(lossDistance + (distance - lossDistance) / Double(lossesKnown), 1)
    }

    /// The longest payload of a frame now.
    ///
    /// With `h` bytes of overhead and a loss every `d` bytes, `n` bytes of payload bring
    /// n/(n+h)·e^(-(n+h)/d), which is highest at n = (√(h²+4hd)-h)/2.
    func payloadMax(isInteractive: Bool) -> Int {
        let distance = max(lossDistance, Double(bytesSinceLoss))
        let overhead = Double(Wire.dataOverhead)
        let root = (overhead * overhead + 4 * overhead * distance).squareRoot()
        let best = Int((root - overhead) / 2)
        let longest = isInteractive ? interactivePayloadMax : lonePayloadMax
        return min(max(best, Self.payloadMin), longest)
    }
}
