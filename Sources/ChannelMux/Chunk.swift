import WireCore

// Chunks: what a BUNDLE frame is made of. The reader gives them one by one, so that a bundle costs no list.
//
//     chunk := kind‖flags:u8  connection:varint  …
//
// Kinds from 0x80 on carry a length, so that a receiver can pass over one that it does not know.

/// One part of a BUNDLE.
enum Chunk: Sendable, Equatable {
    /// A piece of a stream.
    case data(DataChunk)
    /// A part of a chunk that was sent as one and lost: where in the chunk it begins, and whether it is the
    /// chunk's last.
    case part(DataChunk, start: UInt16, isFinal: Bool)
    /// A connection to a channel number, whether its sender takes coded chunks, and how far its answers may
    /// run.
    case open(wireID: UInt16, ChannelNumber, waits: Bool, codes: Bool = false, limit: UInt32)
    /// The connection is taken, whether coded chunks are, and how far its stream may run.
    case accept(wireID: UInt16, codes: Bool = false, limit: UInt32)
    /// The connection is not taken.
    case refuse(wireID: UInt16, reason: UInt8)
    /// How far the stream may run now: a byte offset modulo 2³².
    case credit(wireID: UInt16, limit: UInt32)
    /// The connection is broken.
    case reset(wireID: UInt16, reason: UInt8)
    /// The side that did not open it has forgotten the connection; its id may be used again.
    case release(wireID: UInt16)
    /// A BREAK, or modem lines.
    case mark(MarkChunk)
    /// Of a kind that this version does not know.
    case unknown(kind: UInt8)
}

extension Chunk {
    private enum Kind {
        static let data: UInt8 = 0x00
        static let open: UInt8 = 0x10
        static let accept: UInt8 = 0x20
        static let refuse: UInt8 = 0x30
        static let credit: UInt8 = 0x40
        static let reset: UInt8 = 0x50
        static let release: UInt8 = 0x60
        static let part: UInt8 = 0x70
        /// Of PART.
        static let flagFinal: UInt8 = 0x01
        /// Of PART, where 1 says something else.
        static let flagPartCoded: UInt8 = 0x08
        static let firstWithLength: UInt8 = 0x80
        /// Of OPEN.
        static let flagWaits: UInt8 = 0x01
        /// Of OPEN and ACCEPT.
        static let flagCodes: UInt8 = 0x02
    }

    /// Takes the next chunk; nil at the end of the bytes, and when they are malformed, which `isAtEnd`
    /// of the reader tells apart.
    static func take(from reader: inout ByteReader) -> Chunk? {
        guard !reader.isAtEnd else { return nil }
        var attempt = reader
        guard let chunk = read(&attempt) else { return nil }
        reader = attempt
        return chunk
    }

    private static func read(_ reader: inout ByteReader) -> Chunk? {
        guard let head = reader.takeUInt8() else { return nil }
        let kind = head & 0xF0
        if kind >= Kind.firstWithLength {
            guard let count = reader.takeUInt8(), let bytes = reader.takeBytes(Int(count)) else {
                return nil
            }
            guard kind == MarkChunk.breakKind || kind == MarkChunk.modemKind else {
                return .unknown(kind: kind)
            }
            return MarkChunk(kind: kind, bytes).map { .mark($0) }
        }
        guard let wireID = reader.takeWireID() else { return nil }
        switch kind {
        case Kind.data: return readData(head, wireID, &reader).map { .data($0) }
        case Kind.part: return readPart(head, wireID, &reader)
        case Kind.open: return readOpen(head, wireID, &reader)
        case Kind.accept:
            let codes = head & Kind.flagCodes != 0
            return reader.takeUInt32().map { .accept(wireID: wireID, codes: codes, limit: $0) }
        case Kind.refuse: return reader.takeUInt8().map { .refuse(wireID: wireID, reason: $0) }
        case Kind.credit: return reader.takeUInt32().map { .credit(wireID: wireID, limit: $0) }
        case Kind.reset: return reader.takeUInt8().map { .reset(wireID: wireID, reason: $0) }
        case Kind.release: return .release(wireID: wireID)
        default: return nil
        }
    }

    private static func readData(
        _ head: UInt8,
        _ wireID: UInt16,
        _ reader: inout ByteReader
    ) -> DataChunk? {
        guard let order = reader.takeUInt8(), let count = reader.takeVarint(bytesMax: 2),
            let payload = reader.takeBytes(Int(count))
        else { return nil }
        return DataChunk(
            wireID: wireID,
            order: order,
            isLast: head & Wire.flagLast != 0,
            isSparse: head & Wire.flagSparse != 0,
            isCoded: head & (head & 0xF0 == Kind.part ? Kind.flagPartCoded : Wire.flagCoded) != 0,
            payload: payload
        )
    }

    private static func readPart(
        _ head: UInt8,
        _ wireID: UInt16,
        _ reader: inout ByteReader
    ) -> Chunk? {
        guard let start = reader.takeUInt16(), let chunk = readData(head, wireID, &reader) else {
            return nil
        }
        return .part(chunk, start: start, isFinal: head & Kind.flagFinal != 0)
    }

    private static func readOpen(
        _ head: UInt8,
        _ wireID: UInt16,
        _ reader: inout ByteReader
    ) -> Chunk? {
        guard let number = reader.takeUInt8(), let limit = reader.takeUInt32() else { return nil }
        let channel = ChannelNumber(unchecked: number)
        let waits = head & Kind.flagWaits != 0
        let codes = head & Kind.flagCodes != 0
        return .open(wireID: wireID, channel, waits: waits, codes: codes, limit: limit)
    }

    /// Bytes of a stream in it.
    var payloadCount: Int {
        switch self {
        case .data(let chunk), .part(let chunk, _, _): chunk.payload.count
        default: 0
        }
    }

    /// Puts the chunk behind others.
    func write(to writer: inout ByteWriter) {
        switch self {
        case .data(let chunk):
            Self.put(Kind.data | chunk.flags, chunk.wireID, to: &writer)
            Self.put(chunk, to: &writer)
        case .part(let chunk, let start, let isFinal):
            var flags = chunk.flags & ~Wire.flagCoded
            if chunk.isCoded { flags |= Kind.flagPartCoded }
            if isFinal { flags |= Kind.flagFinal }
            Self.put(Kind.part | flags, chunk.wireID, to: &writer)
            writer.put(start)
            Self.put(chunk, to: &writer)
        case .open(let wireID, let channel, let waits, let codes, let limit):
            let flags = (waits ? Kind.flagWaits : 0) | (codes ? Kind.flagCodes : 0)
            Self.put(Kind.open | flags, wireID, to: &writer)
            writer.put(channel.rawValue)
            writer.put(limit)
        case .accept(let wireID, let codes, let limit):
            Self.put(Kind.accept | (codes ? Kind.flagCodes : 0), wireID, to: &writer)
            writer.put(limit)
        case .refuse(let wireID, let reason):
            Self.put(Kind.refuse, wireID, to: &writer)
            writer.put(reason)
        case .credit(let wireID, let limit):
            Self.put(Kind.credit, wireID, to: &writer)
            writer.put(limit)
        case .reset(let wireID, let reason):
            Self.put(Kind.reset, wireID, to: &writer)
            writer.put(reason)
        case .release(let wireID): Self.put(Kind.release, wireID, to: &writer)
        case .mark(let chunk): chunk.write(to: &writer)
        case .unknown(let kind): writer.put([kind, 0])
        }
    }

    private static func put(_ chunk: DataChunk, to writer: inout ByteWriter) {
        writer.put(chunk.order)
        writer.putVarint(UInt64(chunk.payload.count))
        writer.put(chunk.payload)
    }

    private static func put(_ head: UInt8, _ wireID: UInt16, to writer: inout ByteWriter) {
        writer.put(head)
        writer.putVarint(UInt64(wireID))
    }
}
