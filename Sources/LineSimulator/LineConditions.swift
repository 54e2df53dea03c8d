/// What one direction of a simulated serial line does to the bytes on it.
public struct LineConditions: Sendable, Equatable {
    /// Bits per second.
    public var baudRate: Int
    /// Bits a byte takes on the wire, start and stop bits included: 10 for 8N1.
    public var bitsPerCharacter = 10
    /// From a byte's last bit to its delivery, in nanoseconds.
    public var latencyNanoseconds: UInt64 = 0
    /// Deliveries happen only at multiples of this, as a USB adapter's latency timer makes them; 0: at once.
    public var deliveryIntervalNanoseconds: UInt64 = 0
    /// How many bytes may wait to be transmitted: the sender's hardware queue.
    public var queueBytesMax = 4096
    /// The chance that a bit is turned over, start and stop bits included.
    public var bitErrorRate = 0.0
    /// The chance that a byte is lost.
    public var dropRate = 0.0
    /// The chance that a random byte comes in before a byte.
    public var insertRate = 0.0
    /// The chance that a byte comes twice.
    public var duplicateRate = 0.0
    /// Bursts of noise, if there are any.
    public var bursts: BurstConditions?

    /// A perfect line of that rate.
    public init(baudRate: Int) {
        precondition(baudRate > 0, "a line has a baud rate")
        self.baudRate = baudRate
    }

    /// Whether bytes arrive as they were sent.
    var isPerfect: Bool {
        bitErrorRate == 0 && dropRate == 0 && insertRate == 0 && duplicateRate == 0 && bursts == nil
    }
}

/// Noise in bursts, after Gilbert and Elliott: the line is good or bad, and changes at random.
public struct BurstConditions: Sendable, Equatable {
    /// The mean length of a good time, in bytes.
    public var meanGoodBytes: Double
    /// The mean length of a bad time, in bytes.
    public var meanBadBytes: Double
    /// The chance that a bit is turned over in a bad time.
    public var badBitErrorRate: Double

    /// Describes bursts.
    public init(meanGoodBytes: Double, meanBadBytes: Double, badBitErrorRate: Double) {
        self.meanGoodBytes = meanGoodBytes
        self.meanBadBytes = meanBadBytes
        self.badBitErrorRate = badBitErrorRate
    }
}

/// One fault at one byte, for tests that try every position.
public struct PlannedFault: Sendable, Equatable {
    /// What happens.
    public enum Kind: Sendable, Equatable {
        /// A data bit, 0–7, is turned over.
        case flip(bit: Int)
        /// The byte is lost.
        case drop
        /// A byte comes in before it.
        case insert(UInt8)
        /// The byte comes twice.
        case duplicate
    }

    /// Which byte of the line's life, from 0.
    public var position: Int
    /// What happens to it.
    public var kind: Kind

    /// Plans a fault.
    public init(at position: Int, _ kind: Kind) {
        self.position = position
        self.kind = kind
    }
}

/// What has happened on one direction of a line.
public struct LineStatistics: Sendable, Equatable {
    /// Bytes that were sent.
    public var bytesIn = 0
    /// Bytes that were delivered.
    public var bytesOut = 0
    /// Bytes that had at least one bit turned over.
    public var damaged = 0
    /// Bytes that were lost, by chance or by a cut.
    public var lost = 0
    /// Bytes that came in or came twice.
    public var added = 0

    /// Nothing has happened.
    public init() {}
}
