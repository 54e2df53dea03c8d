import WireCore

// Frames: bytes between two delimiters ↔ values. docs/protocols/mux.md is the specification.
//
//     wire  := COBS( body ‖ CRC-32C ) 00
//
// The check sum is counted over the sender's epoch, the receiver's epoch and the body, and only the last of
// these travels. So a frame of an earlier session, of a third party, or our own echo has a wrong check sum
// and nothing behind this file ever sees it. HELLO, which introduces epochs, has no such salt and a coding
// of its own (Hello.swift).

/// What one frame says.
enum Frame: Sendable, Equatable {
    /// One chunk of one connection's stream.
    case data(SequenceHead, DataChunk)
    /// Control chunks and data chunks of any number of connections.
    case bundle(SequenceHead, chunks: ArraySlice<UInt8>)
    /// What has arrived.
    case ack(Acknowledgement)
    /// A question for an acknowledgement.
    case poll(acknowledged: UInt8, nonce: UInt8)
    /// The peer leaves.
    case bye(reason: UInt8)
}

/// The head of a frame that is acknowledged.
struct SequenceHead: Sendable, Equatable {
    var sequence: UInt8
    /// The sequence number that the sender expects next, when it has news of that.
    var acknowledged: UInt8?
    /// The sender wants an acknowledgement at once.
    var wantsAck = false
}

/// Which sequenced frames one side has.
struct Acknowledgement: Sendable, Equatable {
    /// The sequence number expected next: everything before it is there.
    var next: UInt8
    /// Bit i, lowest first: whether `next + 1 + i` is there too.
    var bitmap: ArraySlice<UInt8> = []
    /// A damaged frame has arrived since the last acknowledgement.
    var sawDamage = false
    /// The nonce of the POLL that this answers.
    var pollNonce: UInt8?
}

/// A piece of one connection's stream.
struct DataChunk: Sendable, Equatable {
    var wireID: UInt16
    /// The chunk's number in its connection, modulo 256.
    var order: UInt8
    /// Nothing follows in this direction.
    var isLast = false
    /// The sender's scheduler holds the connection for an interactive one.
    var isSparse = false
    /// The payload is a coding of the stream's bytes.
    var isCoded = false
    var payload: ArraySlice<UInt8>
}

/// The limits of the wire format, and the numbers in it.
enum Wire {
    static let data: UInt8 = 0x00
    static let bundle: UInt8 = 0x20
    static let ack: UInt8 = 0x50
    static let poll: UInt8 = 0x60
    static let bye: UInt8 = 0x70
    /// On DATA and BUNDLE: an acknowledgement stands behind the sequence number.
    static let hasAck: UInt8 = 0x10
    /// "H": with it a HELLO is letters and digits only.
    static let hello: UInt8 = 0x48

    static let flagWantsAck: UInt8 = 0x08
    static let flagSparse: UInt8 = 0x04
    static let flagLast: UInt8 = 0x02
    static let flagCoded: UInt8 = 0x01
    static let flagSawDamage: UInt8 = 0x01
    static let flagAnswersPoll: UInt8 = 0x02

    /// The longest body that any version of this protocol accepts.
    static let bodyBytesMax = 4096
    static let checksumBytes = 4
    /// Sequenced frames under way at once: fewer than half of the numbers.
    static let windowFramesMax = 127
    static let bitmapBytesMax = 16
    /// Bytes of a stream that one coded chunk stands for at most, and of its coding.
    static let codedSpanBytesMax = 8192
    /// The highest connection id, two LEB128 bytes.
    static let wireIDMax = 0x3FFF
    /// DATA's bytes beside its payload, with the check sum, one COBS byte and the delimiter, without an
    /// acknowledgement.
    static let dataOverhead = 10
}

/// The check sum, and the coding, of one direction of one session.
struct FrameCheck: Sendable, Equatable {
    private let senderEpoch: UInt32
    private let receiverEpoch: UInt32
    private let salted: CRC32C
    /// Whether frames go through the second coding stage.
    private let isFlowControlSafe: Bool

    init(sender: UInt32, receiver: UInt32, isFlowControlSafe: Bool = false) {
        self.isFlowControlSafe = isFlowControlSafe
        senderEpoch = sender
        receiverEpoch = receiver
        var sum = CRC32C()
        sum.update(littleEndian: sender)
        sum.update(littleEndian: receiver)
        salted = sum
    }

    static func == (left: Self, right: Self) -> Bool {
        left.senderEpoch == right.senderEpoch && left.receiverEpoch == right.receiverEpoch
    }

    private func checksum(_ body: ArraySlice<UInt8>) -> UInt32 {
        var sum = salted
        sum.update(body)
        return sum.checksum
    }

    /// The bytes for the line of a frame with that body.
    ///
    /// - Parameter acknowledged: put into a sequenced frame, which is kept without.
    func wire(_ body: [UInt8], acknowledged: UInt8? = nil, leadingZero: Bool = false) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(body.count + 1 + Wire.checksumBytes)
        if let acknowledged {
            bytes.append(body[0] | Wire.hasAck)
            bytes.append(body[1])
            bytes.append(acknowledged)
            bytes += body[2...]
        } else {
            bytes += body
        }
        let sum = checksum(bytes[...])
        for shift in stride(from: UInt32(0), to: 32, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: sum >> shift))
        }
        let wire = Cobs.frame(bytes, leadingZero: leadingZero)
        return isFlowControlSafe ? FlowControlCoding.encode(wire) : wire
    }

    /// The body, when its check sum is right.
    func body(of bytes: [UInt8]) -> ArraySlice<UInt8>? {
        guard bytes.count > Wire.checksumBytes else { return nil }
        let body = bytes.dropLast(Wire.checksumBytes)
        var reader = ByteReader(bytes[body.endIndex...])
        return reader.takeUInt32() == checksum(body) ? body : nil
    }
}

extension Frame {
    /// What a body with a right check sum says; nil when no peer that keeps the rules sends it.
    init?(body: ArraySlice<UInt8>) {
        var reader = ByteReader(body)
        guard let head = reader.takeUInt8(), let frame = Self.read(head, &reader) else {
            return nil
        }
        self = frame
    }

    private static func read(_ head: UInt8, _ reader: inout ByteReader) -> Frame? {
        switch head & 0xF0 {
        case Wire.data, Wire.data | Wire.hasAck: readData(head, &reader)
        case Wire.bundle, Wire.bundle | Wire.hasAck:
            readSequence(head, &reader).map { .bundle($0, chunks: reader.takeRest()) }
        case Wire.ack: readAck(head, &reader)
        case Wire.poll: readPoll(&reader)
        case Wire.bye: reader.takeUInt8().map { .bye(reason: $0) }
        default: nil
        }
    }

    private static func readSequence(
        _ head: UInt8,
        _ reader: inout ByteReader
    ) -> SequenceHead? {
        guard let sequence = reader.takeUInt8() else { return nil }
        var result = SequenceHead(sequence: sequence)
        result.wantsAck = head & Wire.flagWantsAck != 0
        guard head & Wire.hasAck != 0 else { return result }
        guard let acknowledged = reader.takeUInt8() else { return nil }
        result.acknowledged = acknowledged
        return result
    }

    private static func readData(_ head: UInt8, _ reader: inout ByteReader) -> Frame? {
        guard let sequence = readSequence(head, &reader), let wireID = reader.takeWireID(),
            let order = reader.takeUInt8()
        else { return nil }
        let chunk = DataChunk(
            wireID: wireID,
            order: order,
            isLast: head & Wire.flagLast != 0,
            isSparse: head & Wire.flagSparse != 0,
            isCoded: head & Wire.flagCoded != 0,
            payload: reader.takeRest()
        )
        return .data(sequence, chunk)
    }

    private static func readAck(_ head: UInt8, _ reader: inout ByteReader) -> Frame? {
        guard let next = reader.takeUInt8() else { return nil }
        var acknowledgement = Acknowledgement(next: next)
        acknowledgement.sawDamage = head & Wire.flagSawDamage != 0
        if head & Wire.flagAnswersPoll != 0 {
            guard let nonce = reader.takeUInt8() else { return nil }
            acknowledgement.pollNonce = nonce
        }
        acknowledgement.bitmap = reader.takeRest()
        guard acknowledgement.bitmap.count <= Wire.bitmapBytesMax else { return nil }
        return .ack(acknowledgement)
    }

    private static func readPoll(_ reader: inout ByteReader) -> Frame? {
        guard let acknowledged = reader.takeUInt8(), let nonce = reader.takeUInt8() else {
            return nil
        }
        return .poll(acknowledged: acknowledged, nonce: nonce)
    }

    /// The body that goes onto the line.
    var body: [UInt8] {
        var writer = ByteWriter()
        switch self {
        case .data(let head, let chunk):
            writer = ByteWriter(reservingCapacity: chunk.payload.count + 10)
            head.write(Wire.data | chunk.flags, to: &writer)
            writer.putVarint(UInt64(chunk.wireID))
            writer.put(chunk.order)
            writer.put(chunk.payload)
        case .bundle(let head, let chunks):
            head.write(Wire.bundle, to: &writer)
            writer.put(chunks)
        case .ack(let acknowledgement): acknowledgement.write(to: &writer)
        case .poll(let acknowledged, let nonce): writer.put([Wire.poll, acknowledged, nonce])
        case .bye(let reason): writer.put([Wire.bye, reason])
        }
        return writer.bytes
    }
}

extension SequenceHead {
    func write(_ kind: UInt8, to writer: inout ByteWriter) {
        let ack = acknowledged == nil ? 0 : Wire.hasAck
        writer.put(kind | ack | (wantsAck ? Wire.flagWantsAck : 0))
        writer.put(sequence)
        if let acknowledged { writer.put(acknowledged) }
    }
}

extension Acknowledgement {
    func write(to writer: inout ByteWriter) {
        let damage = sawDamage ? Wire.flagSawDamage : 0
        writer.put(Wire.ack | damage | (pollNonce == nil ? 0 : Wire.flagAnswersPoll))
        writer.put(next)
        if let pollNonce { writer.put(pollNonce) }
        writer.put(bitmap)
    }
}

extension DataChunk {
    var flags: UInt8 {
        (isLast ? Wire.flagLast : 0) | (isSparse ? Wire.flagSparse : 0)
            | (isCoded ? Wire.flagCoded : 0)
    }
}

extension ByteReader {
    /// Takes a connection's id on the wire.
    mutating func takeWireID() -> UInt16? {
        guard let value = takeVarint(bytesMax: 2) else { return nil }
        return UInt16(value)
    }
}
