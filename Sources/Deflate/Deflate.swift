import CZlib

/// Pieces of a stream as complete raw deflate streams (RFC 1951) that may refer to what the stream carried
/// before.
///
/// Nothing is kept between two calls: zlib's state is made, primed with the history and thrown away for each
/// piece. That costs a few microseconds and spares every stream the tens of kilobytes that a living state
/// takes; what a stream has to remember is its last `historyBytesMax` bytes.
public enum Deflate {
    /// How much of what came before a piece may refer to.
    public static let historyBytesMax = 1 << Int(windowBits)

    /// 4 KiB of window: enough for a debugger's packets to find their like.
    private static let windowBits: Int32 = 12
    private static let level: Int32 = 6
    /// 2^(6+9) bytes for pending symbols, 2^(6+7) hash heads: a piece is a few kilobytes long.
    private static let memoryLevel: Int32 = 6

    /// The coding of some bytes when it is shorter than they are, otherwise nil.
    public static func compress(
        _ bytes: ArraySlice<UInt8>,
        history: ArraySlice<UInt8>
    ) -> [UInt8]? {
        guard bytes.count > 1 else { return nil }
        var stream = z_stream()
        let begun = deflateInit2_(
            &stream,
            level,
            Z_DEFLATED,
            -windowBits,
            memoryLevel,
            Z_DEFAULT_STRATEGY,
            ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size)
        )
        guard begun == Z_OK else { return nil }
        defer { deflateEnd(&stream) }
        prime(&stream, history, deflateSetDictionary)
        return run(&stream, bytes, countMax: bytes.count - 1, deflate)
    }

    /// The bytes that a piece stands for; nil when it is malformed, not complete, followed by something, or
    /// stands for more than `countMax` bytes.
    public static func expand(
        _ coded: ArraySlice<UInt8>,
        history: ArraySlice<UInt8>,
        countMax: Int
    ) -> [UInt8]? {
        guard !coded.isEmpty, countMax > 0 else { return nil }
        var stream = z_stream()
        let size = Int32(MemoryLayout<z_stream>.size)
        guard inflateInit2_(&stream, -windowBits, ZLIB_VERSION, size) == Z_OK else { return nil }
        defer { inflateEnd(&stream) }
        prime(&stream, history, inflateSetDictionary)
        return run(&stream, coded, countMax: countMax, inflate)
    }

    private static func prime(
        _ stream: inout z_stream,
        _ history: ArraySlice<UInt8>,
        _ set: (z_streamp?, UnsafePointer<Bytef>?, uInt) -> Int32
    ) {
        let recent = history.suffix(historyBytesMax)
        guard !recent.isEmpty else { return }
        recent.withUnsafeBufferPointer { buffer in
            _ = set(&stream, buffer.baseAddress, uInt(buffer.count))
        }
    }

    /// Runs a stream from its beginning to its end in one go; nil when it does not come to its end within
    /// that much output, or before its input does.
    private static func run(
        _ stream: inout z_stream,
        _ bytes: ArraySlice<UInt8>,
        countMax: Int,
        _ step: (z_streamp?, Int32) -> Int32
    ) -> [UInt8]? {
        var isComplete = false
        let output = [UInt8](unsafeUninitializedCapacity: countMax) { buffer, count in
            bytes.withUnsafeBufferPointer { input in
                stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
                stream.avail_in = uInt(input.count)
                stream.next_out = buffer.baseAddress
                stream.avail_out = uInt(countMax)
                isComplete = step(&stream, Z_FINISH) == Z_STREAM_END && stream.avail_in == 0
                count = countMax - Int(stream.avail_out)
            }
        }
        return isComplete ? output : nil
    }
}
