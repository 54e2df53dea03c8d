/// What one side receives on a connection.
struct IncomingStream: Sendable {
    /// Pieces held out of order: more comes from no peer that fills its frames.
    private static let heldPiecesMax = 2048

    /// What receiving led to.
    enum Reception: Sendable, Equatable {
        case nothing
        /// Bytes in order, and whether the stream ends behind them.
        case bytes([UInt8], isLast: Bool)
        /// The peer broke the rules.
        case violation
    }

    /// How far the peer may run, as it has been told: a byte offset modulo 2³².
    var limit: UInt32 = 0
    /// What the user has taken.
    private(set) var consumed: UInt32 = 0
    private(set) var received: UInt32 = 0
    private(set) var receivedCount = 0
    private(set) var isFinished = false
    /// Takes coded chunks, on connections where that was offered.
    var decoder: StreamDecoder?
    private var expected = StreamPosition(order: 0)
    private var held: [StreamPiece] = []
    /// Marks among the bytes that came out last, by the count of these before each.
    private var arrivedMarks: [(offset: Int, mark: StreamMark)] = []
    private(set) var heldCount = 0

    /// Takes a chunk, or a part of one; what it completes comes out in order.
    mutating func receive(_ chunk: DataChunk, start: Int = 0, isFinal: Bool = true) -> Reception {
        let position = StreamPosition(order: chunk.order, start: start, near: expected.order)
        guard let position else { return .nothing }
        let piece = StreamPiece(
            position: position,
            bytes: chunk.payload,
            isFinal: isFinal,
            isLast: chunk.isLast && isFinal,
            isCoded: chunk.isCoded
        )
        return receive(piece)
    }

    /// Takes a mark; what it completes comes out in order.
    mutating func receive(_ chunk: MarkChunk) -> Reception {
        guard let position = StreamPosition(order: chunk.order, near: expected.order) else {
            return .nothing
        }
        return receive(
            StreamPiece(
                position: position,
                bytes: [],
                isFinal: true,
                isLast: false,
                isCoded: false,
                mark: chunk.mark
            )
        )
    }

    private mutating func receive(_ piece: StreamPiece) -> Reception {
        guard !isFinished, piece.position >= expected else { return .nothing }
        if piece.position > expected { return hold(piece) }
        arrivedMarks = []
        guard var bytes = pass(piece) else { return .violation }
        note(piece.mark, at: bytes.count)
        while let first = held.first, first.position == expected, !isFinished {
            held.removeFirst()
            heldCount -= first.bytes.count
            guard let more = pass(first) else { return .violation }
            bytes += more
            note(first.mark, at: bytes.count)
        }
        let isEmpty = bytes.isEmpty && arrivedMarks.isEmpty && !isFinished
        return isEmpty ? .nothing : .bytes(bytes, isLast: isFinished)
    }

    private mutating func note(_ mark: StreamMark?, at offset: Int) {
        if let mark { arrivedMarks.append((offset, mark)) }
    }

    /// The marks among the bytes that came out last, by the count of these before each.
    mutating func takeMarks() -> [(offset: Int, mark: StreamMark)] {
        defer { arrivedMarks = [] }
        return arrivedMarks
    }

    /// Whether the peer had credit for a piece out of order, as far as can be told: a coded chunk stands for
    /// more bytes than it has.
    private func isWithinLimit(_ piece: StreamPiece) -> Bool {
        let end = received &+ UInt32(heldCount + piece.bytes.count)
        return Int32(bitPattern: limit &- end) >= 0
    }

    /// Takes the piece expected next; its bytes, or nil when the peer broke the rules with it.
    private mutating func pass(_ piece: StreamPiece) -> [UInt8]? {
        let countMax = Int(Int32(bitPattern: limit &- received))
        guard let bytes = plain(piece, countMax: countMax) else { return nil }
        received &+= UInt32(bytes.count)
        receivedCount += bytes.count
        if piece.isFinal {
            expected = StreamPosition(order: expected.order + 1)
        } else {
            expected.start += piece.bytes.count
        }
        if piece.isLast {
            isFinished = true
            held = []
            heldCount = 0
        }
        return bytes
    }

    private mutating func plain(_ piece: StreamPiece, countMax: Int) -> [UInt8]? {
        if decoder != nil { return decoder?.take(piece, countMax: countMax) }
        return piece.isCoded || piece.bytes.count > countMax ? nil : Array(piece.bytes)
    }

    private mutating func hold(_ piece: StreamPiece) -> Reception {
        let index = held.firstIndex { piece.position < $0.position } ?? held.count
        // The whole may be there already when its parts come: the acknowledgement was lost, not the frame.
        // It is never the other way round, because the line keeps order. What is there counts once.
        if index > 0 && held[index - 1].covers(piece) { return .nothing }
        guard held.count < Self.heldPiecesMax, isWithinLimit(piece) else { return .violation }
        held.insert(piece, at: index)
        heldCount += piece.bytes.count
        return .nothing
    }

    /// The user took that many bytes; never more than there were.
    mutating func consume(_ count: Int) {
        consumed &+= UInt32(min(max(count, 0), Int(received &- consumed)))
    }
}
