internal import BrokerProtocol
internal import WireCore

/// Where BREAKs stand among the bytes of a connection, in both directions.
struct ConnectionBreaks {
    /// BREAKs that wait for the bytes before them, or for a data socket.
    static let waitingMax = 64
    /// A program that is slow to read its messages is not drowned in BREAKs: so many may follow each other at
    /// once, and then as many as a line can have.
    static let burstMax = 16
    static let intervalNanoseconds: UInt64 = 20_000_000

    private enum Receiver {
        case unknown([LineBreak])
        case takes
        case ignores
    }

    private var bytesSent = 0
    private var waiting: [LineBreak] = []
    private var bytesReceived = 0
    private var receiver = Receiver.unknown([])
    private var allowance = ConnectionBreaks.burstMax
    private var allowanceTime: MonotonicInstant?

    // MARK: - Outwards

    /// Takes a BREAK of the local program; false when it lies in what was sent already, or too many wait.
    mutating func append(_ place: LineBreak) -> Bool {
        guard place.after >= waiting.last?.after ?? bytesSent, waiting.count < Self.waitingMax
        else { return false }
        waiting.append(place)
        return true
    }

    /// How many bytes may be sent before the next BREAK.
    var bytesUntilNext: Int { waiting.first.map { $0.after - bytesSent } ?? Int.max }

    /// Whether a BREAK comes before the next byte.
    var isDue: Bool { bytesUntilNext == 0 }

    /// The length of the BREAK that comes next, in milliseconds.
    mutating func takeDue() -> Int? { isDue ? waiting.removeFirst().milliseconds : nil }

    /// Bytes were sent.
    mutating func sent(_ count: Int) { bytesSent += count }

    // MARK: - Inwards

    /// A data socket has come; answers the BREAKs that it has missed.
    mutating func attach(takesBreaks: Bool) -> [LineBreak] {
        guard case .unknown(let missed) = receiver else { return [] }
        receiver = takesBreaks ? .takes : .ignores
        return takesBreaks ? missed : []
    }

    /// Bytes came from the far end.
    mutating func received(_ count: Int) { bytesReceived += count }

    /// A BREAK came from the far end; answers it when the program is to be told now.
    mutating func received(milliseconds: Int, at now: MonotonicInstant) -> LineBreak? {
        guard takeAllowance(at: now) else { return nil }
        let place = LineBreak(after: bytesReceived, milliseconds: milliseconds)
        switch receiver {
        case .takes: return place
        case .ignores: return nil
        case .unknown(let missed):
            if missed.count < Self.waitingMax { receiver = .unknown(missed + [place]) }
            return nil
        }
    }

    private mutating func takeAllowance(at now: MonotonicInstant) -> Bool {
        let grown = now.nanoseconds(since: allowanceTime ?? now) / Self.intervalNanoseconds
        if allowanceTime == nil || grown > 0 { allowanceTime = now }
        allowance = min(Self.burstMax, Int(clamping: grown) + allowance)
        guard allowance > 0 else { return false }
        allowance -= 1
        return true
    }
}
