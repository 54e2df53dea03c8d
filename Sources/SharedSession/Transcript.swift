/// The text of a session, as far back as it is kept, for participants who read at their own pace.
///
/// Text has offsets that only grow. Nothing is copied for a participant: each is an offset into this, so a
/// hundred slow ones cost no more than one, and whoever falls behind what is kept is told how much he missed.
public struct Transcript: Sendable {
    /// Bytes of text that are kept unless told otherwise.
    public static let bytesMax = 4 << 20

    /// Who a piece of text is for.
    public enum Audience: Sendable, Equatable {
        /// Everybody.
        case everybody
        /// Everybody but one, who has it on his screen already.
        case except(UInt16)
        /// One alone.
        case only(UInt16)

        func includes(_ participant: UInt16) -> Bool {
            switch self {
            case .everybody: true
            case .except(let one): one != participant
            case .only(let one): one == participant
            }
        }
    }

    struct Piece: Sendable, Equatable {
        var offset: UInt64
        var style: SharedFrame.OutputPiece.Style
        var audience: Audience
        var bytes: [UInt8]

        var end: UInt64 { offset + UInt64(bytes.count) }
    }

    private let bytesMax: Int
    /// Text is given up by pieces, so none may be a large part of what is kept.
    private let pieceBytesMax: Int
    /// In order; those before `firstPiece` are given up.
    private var pieces: [Piece] = []
    private var firstPiece = 0
    private var keptBytes = 0
    /// Where the next text goes.
    public private(set) var end: UInt64 = 0

    /// An empty one.
    public init(bytesMax: Int = Transcript.bytesMax) {
        self.bytesMax = bytesMax
        pieceBytesMax = max(1, min(SharedFrame.outputBytesMax, bytesMax / 8))
    }

    /// Where the text begins that is kept.
    public var start: UInt64 { firstPiece < pieces.count ? pieces[firstPiece].offset : end }

    /// Adds text.
    public mutating func append(
        _ text: String,
        _ style: SharedFrame.OutputPiece.Style,
        for audience: Audience = .everybody
    ) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let part = rest.prefix(pieceBytesMax)
            rest = rest.dropFirst(part.count)
            add(Array(part), style, audience)
        }
        while keptBytes > bytesMax { dropFirst() }
    }

    private mutating func add(
        _ bytes: [UInt8],
        _ style: SharedFrame.OutputPiece.Style,
        _ audience: Audience
    ) {
        keptBytes += bytes.count
        defer { end += UInt64(bytes.count) }
        // Many commands write a word at a time; a reader who is behind gets whole lines in one frame.
        if let last = pieces.last, firstPiece < pieces.count, last.style == style,
            last.audience == audience,
            last.bytes.count + bytes.count <= pieceBytesMax
        {
            pieces[pieces.count - 1].bytes += bytes
            return
        }
        pieces.append(Piece(offset: end, style: style, audience: audience, bytes: bytes))
    }

    private mutating func dropFirst() {
        keptBytes -= pieces[firstPiece].bytes.count
        pieces[firstPiece].bytes = []
        firstPiece += 1
        if firstPiece > 1024, firstPiece * 2 > pieces.count {
            pieces.removeFirst(firstPiece)
            firstPiece = 0
        }
    }

    /// The text from an offset on that one participant is to see, up to the end of a piece.
    ///
    /// - Returns: nil at the end of the text. `next` is where to go on; `missed` counts bytes that are not kept
    ///   any more.
    func piece(
        from offset: UInt64,
        for participant: UInt16
    ) -> (bytes: [UInt8], style: SharedFrame.OutputPiece.Style, next: UInt64, missed: UInt64)? {
        let missed = start > offset ? start - offset : 0
        var position = max(offset, start)
        var index = indexOfPiece(holding: position)
        while index < pieces.count {
            let piece = pieces[index]
            guard piece.audience.includes(participant) else {
                position = piece.end
                index += 1
                continue
            }
            let bytes = Array(piece.bytes.dropFirst(Int(position - piece.offset)))
            return (bytes, piece.style, piece.end, missed)
        }
        return position == offset && missed == 0 ? nil : ([], .plain, position, missed)
    }

    private func indexOfPiece(holding offset: UInt64) -> Int {
        var low = firstPiece
        var high = pieces.count
        while low < high {
            let middle = (low + high) / 2
            if pieces[middle].end <= offset { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Where the last so many lines begin.
    public func offset(ofLastLines count: Int) -> UInt64 {
        guard count > 0 else { return end }
        var left = count
        var isFirst = true
        for piece in pieces[firstPiece...].reversed() {
            for (index, byte) in piece.bytes.enumerated().reversed() where byte == 0x0a {
                // The newline at the very end ends the last line, and begins none.
                let begins = piece.offset + UInt64(index) + 1
                if isFirst, begins == end {
                    isFirst = false
                    continue
                }
                isFirst = false
                left -= 1
                if left == 0 { return begins }
            }
        }
        return start
    }
}
