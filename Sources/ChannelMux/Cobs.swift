// Consistent Overhead Byte Stuffing (Cheshire and Baker, SIGCOMM 1997).
//
// A frame on the wire contains no zero byte, so a zero byte ends it and a receiver that has lost its way
// has found it again at the next one. The cost is bounded, one byte and one more per 254, so the time that
// a frame takes on the line is known before it is sent.
//
// What the paper leaves to the implementer: data of exactly 254 bytes without a zero, or ending so, gets no
// empty block behind it; a decoder accepts both forms.

enum Cobs {
    /// How long `count` bytes become at most, without the delimiter.
    static func encodedCountMax(_ count: Int) -> Int { count + count / 254 + 1 }

    /// The bytes as they go onto the line, a zero behind them and, if asked for, one before.
    static func frame(_ bytes: [UInt8], leadingZero: Bool) -> [UInt8] {
        let capacity = encodedCountMax(bytes.count) + 2
        return [UInt8](unsafeUninitializedCapacity: capacity) { output, outputCount in
            var length = 0
            if leadingZero {
                output[0] = 0
                length = 1
            }
            bytes.withUnsafeBufferPointer { length = encode($0, into: output, at: length) }
            output[length] = 0
            outputCount = length + 1
        }
    }

    /// Writes the code blocks; returns the position behind them.
    private static func encode(
        _ input: UnsafeBufferPointer<UInt8>,
        into output: UnsafeMutableBufferPointer<UInt8>,
        at start: Int
    ) -> Int {
        var codeAt = start
        var length = start + 1
        var code: UInt8 = 1
        for index in 0..<input.count {
            let byte = input[index]
            if byte != 0 {
                output[length] = byte
                length += 1
                code += 1
            }
            let isBlockFull = code == 0xFF && index + 1 < input.count
            if byte == 0 || isBlockFull {
                output[codeAt] = code
                codeAt = length
                length += 1
                code = 1
            }
        }
        output[codeAt] = code
        return length
    }

    /// The bytes that were encoded, or nil when a block reaches past the end or a zero is inside.
    static func decode(_ encoded: ArraySlice<UInt8>) -> [UInt8]? {
        var isWellFormed = true
        let decoded = [UInt8](unsafeUninitializedCapacity: encoded.count) { output, outputCount in
            encoded.withUnsafeBufferPointer { input in
                outputCount = decode(input, into: output, &isWellFormed)
            }
        }
        return isWellFormed ? decoded : nil
    }

    private static func decode(
        _ input: UnsafeBufferPointer<UInt8>,
        into output: UnsafeMutableBufferPointer<UInt8>,
        _ isWellFormed: inout Bool
    ) -> Int {
        var read = 0
        var written = 0
        while read < input.count {
            let code = Int(input[read])
            guard code > 0, read + code <= input.count else {
                isWellFormed = false
                return written
            }
            for offset in 1..<max(code, 1) { output[written + offset - 1] = input[read + offset] }
            written += code - 1
            read += code
            if code < 0xFF && read < input.count {
                output[written] = 0
                written += 1
            }
        }
        return written
    }
}

/// Cuts what comes off the line into frames, however it is split, in bounded memory.
struct FrameAssembler: Sendable {
    /// What stood before a delimiter.
    enum Piece: Equatable {
        /// A frame's bytes, check sum included and not yet looked at.
        case whole([UInt8])
        /// Something that is not COBS or longer than any frame.
        case damaged
    }

    private var pending: [UInt8] = []
    private var isOverlong = false
    private let plainCountMax: Int
    /// Whether frames have gone through the second coding stage.
    var isFlowControlSafe = false

    /// Takes frames of up to that many bytes before encoding.
    init(frameBytesMax: Int) {
        plainCountMax = Cobs.encodedCountMax(frameBytesMax)
    }

    private var encodedCountMax: Int {
        isFlowControlSafe ? plainCountMax * FlowControlCoding.growthMax : plainCountMax
    }

    /// Bytes held back for a delimiter.
    var pendingCount: Int { pending.count }

    /// Forgets what has come since the last delimiter.
    mutating func reset() {
        pending.removeAll(keepingCapacity: true)
        isOverlong = false
    }

    /// Takes bytes off `input` up to the end of the next frame; nil when no frame ends in it.
    mutating func next(from input: inout ArraySlice<UInt8>) -> Piece? {
        while let end = input.firstIndex(of: 0) {
            let head = input[input.startIndex..<end]
            input = input[(end + 1)...]
            if let piece = finish(head) { return piece }
        }
        keep(input)
        input = input[input.endIndex...]
        return nil
    }

    private mutating func finish(_ head: ArraySlice<UInt8>) -> Piece? {
        if pending.isEmpty && !isOverlong {
            guard !head.isEmpty else { return nil }
            return head.count > encodedCountMax ? .damaged : decode(head)
        }
        keep(head)
        defer { reset() }
        return isOverlong ? .damaged : decode(pending[...])
    }

    private func decode(_ encoded: ArraySlice<UInt8>) -> Piece? {
        guard isFlowControlSafe else { return Cobs.decode(encoded).map(Piece.whole) ?? .damaged }
        guard let plain = FlowControlCoding.decode(encoded), plain.count <= plainCountMax else {
            return .damaged
        }
        return plain.isEmpty ? nil : Cobs.decode(plain[...]).map(Piece.whole) ?? .damaged
    }

    private mutating func keep(_ bytes: ArraySlice<UInt8>) {
        guard !isOverlong else { return }
        if pending.count + bytes.count > encodedCountMax {
            pending.removeAll(keepingCapacity: true)
            isOverlong = true
        } else {
            pending += bytes
        }
    }
}
