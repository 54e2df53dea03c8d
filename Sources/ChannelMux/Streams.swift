// The two directions of a connection.
//
// A stream travels as chunks, numbered one by one, each in a sequenced frame of the link. A frame that is lost
// goes out again as it was, except when the line has become so bad that a frame of that length hardly ever
// gets through: then an empty frame takes its number, and its chunk goes out in parts under new numbers. So
// a place in a stream is a chunk's number and a position within the chunk.

/// Where bytes stand in a stream.
struct StreamPosition: Sendable, Comparable {
    /// The chunk's number, from 0; its low 8 bits travel.
    var order: UInt64
    /// Bytes of the chunk before it.
    var start = 0

    static func < (left: Self, right: Self) -> Bool {
        (left.order, left.start) < (right.order, right.start)
    }

    /// The position in the chunk of which the low 8 bits are known, nearest to another chunk; nil before the
    /// stream's beginning.
    init?(order: UInt8, start: Int = 0, near other: UInt64) {
        let difference = Int64(Int8(bitPattern: order &- UInt8(truncatingIfNeeded: other)))
        guard difference >= 0 || other >= UInt64(-difference) else { return nil }
        self.order = UInt64(Int64(other) + difference)
        self.start = start
    }

    init(order: UInt64) { self.order = order }
}

/// A chunk, or a part of one, out of its turn.
struct StreamPiece: Sendable, Equatable {
    var position: StreamPosition
    var bytes: ArraySlice<UInt8>
    /// The chunk ends behind it.
    var isFinal: Bool
    /// The stream ends behind it.
    var isLast: Bool
    /// The chunk is coded.
    var isCoded: Bool
    /// The chunk is this, and has no bytes.
    var mark: StreamMark?

    /// Whether all of another piece is in this one.
    func covers(_ other: StreamPiece) -> Bool {
        position.order == other.position.order && position.start <= other.position.start
            && position.start + bytes.count >= other.position.start + other.bytes.count
    }
}

/// What one side sends on a connection.
struct OutgoingStream: Sendable {
    /// Chunks that a stream runs on at most beyond one that goes out in parts: their numbers must stay
    /// comparable in 8 bits.
    private static let splitSpanMax: UInt64 = 100
    /// Marks that wait for the bytes before them.
    private static let marksMax = 64

    var queue = ByteQueue()
    /// How far the peer lets it run: a byte offset modulo 2³².
    var limit: UInt32 = 0
    private(set) var sentOffset: UInt32 = 0
    private(set) var nextOrder: UInt64 = 0
    private(set) var sentCount = 0
    /// Bytes that coding spared the line.
    private(set) var savedCount = 0
    /// Codes chunks, on connections where that was offered.
    var encoder: StreamEncoder?
    var isFinishing = false
    var finishSent = false
    private var resend: [StreamPiece] = []
    /// What stands where in the stream, by the count of bytes before it.
    private var marks: [(position: Int, mark: StreamMark)] = []
    /// The oldest chunk that goes out in parts, until all parts are acknowledged.
    private var splitFloor: UInt64?
    /// One more than the number of the last frame with a part.
    private var splitFence: UInt64 = 0

    /// Bytes that the peer would still take.
    var credit: Int { Int(Int32(bitPattern: limit &- sentOffset)) }

    var isSplit: Bool { splitFloor != nil }
    var hasParts: Bool { !resend.isEmpty }

    /// Whether another chunk may take a number.
    private var hasNumbers: Bool {
        guard let splitFloor else { return true }
        return nextOrder - splitFloor < Self.splitSpanMax
    }

    private var sendableCount: Int {
        guard hasNumbers else { return 0 }
        let beforeMark = marks.first.map { $0.position - sentCount } ?? .max
        return min(queue.count, max(credit, 0), beforeMark)
    }

    private var isMarkDue: Bool { marks.first?.position == sentCount && hasNumbers }

    /// Whether there is anything for a frame.
    var isReady: Bool {
        hasParts || sendableCount > 0 || isMarkDue
            || (isFinishing && !finishSent && queue.isEmpty && marks.isEmpty)
    }

    /// Puts something behind the bytes that are queued; false when too much waits.
    mutating func append(_ mark: StreamMark) -> Bool {
        guard marks.count < Self.marksMax else { return false }
        marks.append((sentCount + queue.count, mark))
        return true
    }

    /// Takes what goes into the frame of that number, of up to that many payload bytes; only when `isReady`.
    mutating func takeChunk(
        _ wireID: UInt16,
        payloadMax: Int,
        isSparse: Bool,
        sequence: UInt64
    ) -> Chunk {
        var chunk = DataChunk(wireID: wireID, order: 0, isSparse: isSparse, payload: [])
        if let piece = resend.first {
            splitFence = sequence + 1
            return takePart(of: piece, payloadMax: payloadMax, &chunk)
        }
        chunk.order = UInt8(truncatingIfNeeded: nextOrder)
        if isMarkDue {
            nextOrder += 1
            let mark = marks.removeFirst().mark
            return .mark(MarkChunk(wireID: wireID, order: chunk.order, mark: mark))
        }
        fill(&chunk, payloadMax: payloadMax)
        nextOrder += 1
        if chunk.isLast { finishSent = true }
        guard chunk.payload.count > payloadMax else { return .data(chunk) }
        takeBack(chunk, start: 0, isFinal: true)
        splitFence = sequence + 1
        return takePart(of: resend[0], payloadMax: payloadMax, &chunk)
    }

    /// Takes bytes off the queue into a chunk; coded bytes may turn out longer than was thought.
    private mutating func fill(_ chunk: inout DataChunk, payloadMax: Int) {
        let span = encoder?.span(payloadMax: payloadMax) ?? payloadMax
        chunk.payload = queue.take(min(sendableCount, span))
        chunk.isLast = isFinishing && queue.isEmpty && marks.isEmpty
        sentOffset &+= UInt32(chunk.payload.count)
        sentCount += chunk.payload.count
        guard let coded = encoder?.encode(chunk.payload) else { return }
        savedCount += chunk.payload.count - coded.count
        chunk.payload = coded[...]
        chunk.isCoded = true
    }

    private mutating func takePart(
        of piece: StreamPiece,
        payloadMax: Int,
        _ chunk: inout DataChunk
    ) -> Chunk {
        chunk.order = UInt8(truncatingIfNeeded: piece.position.order)
        chunk.isCoded = piece.isCoded
        chunk.payload = piece.bytes.prefix(payloadMax)
        let isWhole = chunk.payload.count == piece.bytes.count
        chunk.isLast = piece.isLast && isWhole
        if isWhole {
            resend.removeFirst()
        } else {
            resend[0].position.start += chunk.payload.count
            resend[0].bytes = piece.bytes.dropFirst(chunk.payload.count)
        }
        let start = UInt16(truncatingIfNeeded: piece.position.start)
        return .part(chunk, start: start, isFinal: piece.isFinal && isWhole)
    }

    /// Takes back a chunk or a part, to go out in smaller parts.
    mutating func takeBack(_ chunk: DataChunk, start: Int, isFinal: Bool) {
        guard let position = StreamPosition(order: chunk.order, start: start, near: nextOrder)
        else {
            return
        }
        let piece = StreamPiece(
            position: position,
            bytes: chunk.payload,
            isFinal: isFinal,
            isLast: chunk.isLast,
            isCoded: chunk.isCoded
        )
        let index = resend.firstIndex { position < $0.position }
        resend.insert(piece, at: index ?? resend.count)
        splitFloor = min(splitFloor ?? position.order, position.order)
    }

    /// Notes that all frames before that one are acknowledged.
    mutating func acknowledged(before base: UInt64) {
        if !hasParts && splitFence <= base { splitFloor = nil }
    }
}

/// Bytes waiting to be sent.
struct ByteQueue: Sendable {
    private var bytes: [UInt8] = []
    private var head = 0

    private static let compactionBytes = 4096

    var count: Int { bytes.count - head }
    var isEmpty: Bool { head == bytes.count }

    mutating func append(_ more: ArraySlice<UInt8>) { bytes += more }

    /// Takes that many bytes off the front; there must be as many.
    mutating func take(_ count: Int) -> ArraySlice<UInt8> {
        guard count > 0 else { return [] }
        if head == 0 && count == bytes.count {
            defer { bytes = [] }
            return bytes[...]
        }
        let taken = Array(bytes[head..<(head + count)])
        head += count
        if head == bytes.count {
            bytes.removeAll(keepingCapacity: true)
            head = 0
        } else if head >= Self.compactionBytes && head * 2 >= bytes.count {
            bytes.removeFirst(head)
            head = 0
        }
        return taken[...]
    }
}
