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
    ///
    /// Blocks are found eight bytes at a time and copied whole: this and its counterpart are what every byte
    /// of a fast line goes through.
    private static func encode(
        _ input: UnsafeBufferPointer<UInt8>,
        into output: UnsafeMutableBufferPointer<UInt8>,
        at start: Int
    ) -> Int {
        guard let source = input.baseAddress, let target = output.baseAddress else {
            output[start] = 1
            return start + 1
        }
        var read = 0
        var written = start
        while true {
            let longest = min(input.count - read, blockBytesMax)
            let count = zeroFreeCount(source + read, longest)
            target[written] = UInt8(count + 1)
            (target + written + 1).update(from: source + read, count: count)
            written += count + 1
            read += count
            if read == input.count { return written }
            // A zero is implied behind every block that is not full.
            if count < blockBytesMax { read += 1 }
        }
    }

    /// Data bytes of a full block.
    private static let blockBytesMax = 254

    /// How many bytes stand before the first zero.
    @inline(__always)
    static func zeroFreeCount(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Int {
        var index = 0
        while index + 8 <= count {
            let word = UnsafeRawPointer(bytes + index).loadUnaligned(as: UInt64.self).littleEndian
            let zeros = (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080
            if zeros != 0 { return index + zeros.trailingZeroBitCount / 8 }
            index += 8
        }
        while index < count && bytes[index] != 0 { index += 1 }
        return index
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
            if code > 1, let source = input.baseAddress, let target = output.baseAddress {
                (target + written).update(from: source + read + 1, count: code - 1)
            }
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
        while let end = Self.firstZero(in: input) {
            let head = input[input.startIndex..<end]
            input = input[(end + 1)...]
            if let piece = finish(head) { return piece }
        }
        keep(input)
        input = input[input.endIndex...]
        return nil
    }

    private static func firstZero(in input: ArraySlice<UInt8>) -> Int? {
        let count = input.withUnsafeBufferPointer { buffer in
            buffer.baseAddress.map { Cobs.zeroFreeCount($0, buffer.count) } ?? 0
        }
        return count < input.count ? input.startIndex + count : nil
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
