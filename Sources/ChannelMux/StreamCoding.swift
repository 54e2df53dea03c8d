import Deflate

// Compression of one direction of one connection. A coded chunk is a complete raw deflate stream that may
// refer to the last 4096 bytes of the connection's stream, however those travelled; a chunk that would not
// get shorter goes as it is. So nothing has to be kept in step but the stream itself: the sender may change
// its mind at every chunk, and what a direction remembers is at most these 4096 bytes.

/// The last bytes of a stream.
struct StreamHistory: Sendable {
    private(set) var bytes: [UInt8] = []

    /// Bytes kept beyond what is needed, so that they are moved once in a while only.
    private static let slackBytes = 1024
    static let bytesMax = Deflate.historyBytesMax + slackBytes

    mutating func append(_ more: some Collection<UInt8>) {
        bytes += more
        if bytes.count > Self.bytesMax {
            bytes.removeFirst(bytes.count - Deflate.historyBytesMax)
        }
    }

    /// What a chunk may refer to.
    var recent: ArraySlice<UInt8> { bytes.suffix(Deflate.historyBytesMax) }
}

/// The sending side: what is worth coding, and how much goes into a chunk.
struct StreamEncoder: Sendable {
    /// Bytes below which coding cannot pay.
    private static let chunkBytesMin = 6
    /// Bytes after which it is judged whether coding pays.
    private static let spanBytes = 4096
    /// Bytes that go as they are before coding is tried again.
    private static let pauseBytes = 16_384...262_144
    /// Ratios are counted in 256ths.
    private static let unit = 256
    private static let sampleBytesMin = 256

    /// Whether the peer takes coded chunks.
    var isWelcome: Bool
    private var history = StreamHistory()
    /// How many bytes of the stream one byte on the line has stood for lately.
    private var ratio = Self.unit
    private var spanIn = 0
    private var spanOut = 0
    private var pauseLeft = 0
    private var nextPause = Self.pauseBytes.lowerBound

    init(isWelcome: Bool) { self.isWelcome = isWelcome }

    var historyBytes: Int { history.bytes.count }

    /// Whether coding has been given up for a while.
    var isPaused: Bool { pauseLeft > 0 }

    /// How many bytes of the stream will about fill that many on the line.
    func span(payloadMax: Int) -> Int {
        guard isWelcome, !isPaused else { return payloadMax }
        // An eighth less than what would fit if all went on as before: what is too long is cut up.
        let span = payloadMax * ratio / Self.unit * 7 / 8
        return min(max(span, payloadMax), Wire.codedSpanBytesMax)
    }

    /// Takes the next bytes of the stream; their coding when it is to be sent in their place.
    mutating func encode(_ bytes: ArraySlice<UInt8>) -> [UInt8]? {
        defer { history.append(bytes) }
        guard isWelcome, bytes.count <= Wire.codedSpanBytesMax else { return nil }
        if isPaused {
            pauseLeft -= min(pauseLeft, bytes.count)
            return nil
        }
        guard bytes.count >= Self.chunkBytesMin else { return nil }
        let coded = Deflate.compress(bytes, history: history.recent)
        judge(count: bytes.count, codedCount: coded?.count ?? bytes.count)
        return coded
    }

    private mutating func judge(count: Int, codedCount: Int) {
        if count >= Self.sampleBytesMin {
            let sample = max(count * Self.unit / max(codedCount, 1), Self.unit)
            ratio = sample < ratio ? sample : (3 * ratio + sample) / 4
        }
        spanIn += count
        spanOut += codedCount
        guard spanIn >= Self.spanBytes else { return }
        if spanOut * 16 > spanIn * 15 {
            pauseLeft = nextPause
            nextPause = min(nextPause * 2, Self.pauseBytes.upperBound)
        } else {
            nextPause = Self.pauseBytes.lowerBound
        }
        spanIn = 0
        spanOut = 0
    }
}

/// The receiving side.
struct StreamDecoder: Sendable {
    private var history = StreamHistory()
    /// Parts of a coded chunk that is not complete.
    private var pending: [UInt8] = []

    var historyBytes: Int { history.bytes.count }

    /// The bytes of the stream in a piece, which is the next one; nil when the peer broke the rules.
    mutating func take(_ piece: StreamPiece, countMax: Int) -> [UInt8]? {
        guard piece.isCoded else {
            guard pending.isEmpty, piece.bytes.count <= countMax else { return nil }
            history.append(piece.bytes)
            return Array(piece.bytes)
        }
        guard pending.count + piece.bytes.count <= Wire.codedSpanBytesMax else { return nil }
        if !piece.isFinal {
            pending += piece.bytes
            return []
        }
        let coded = pending.isEmpty ? piece.bytes : (pending + piece.bytes)[...]
        pending = []
        let limit = min(countMax, Wire.codedSpanBytesMax)
        guard let bytes = Deflate.expand(coded, history: history.recent, countMax: limit) else {
            return nil
        }
        history.append(bytes)
        return bytes
    }
}
