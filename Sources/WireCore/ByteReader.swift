/// Takes numbers and bytes off the front of some bytes; every taking answers nil past the end, and nothing
/// ever traps.
public struct ByteReader: Sendable {
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    /// Reads from the beginning of some bytes.
    public init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    /// Reads from the beginning of some bytes.
    public init(_ bytes: [UInt8]) {
        self.init(bytes[...])
    }

    /// How many bytes are left.
    public var remainingCount: Int { bytes.endIndex - position }

    /// Whether everything has been taken.
    public var isAtEnd: Bool { remainingCount == 0 }

    /// Takes one byte.
    public mutating func takeUInt8() -> UInt8? {
        guard remainingCount >= 1 else { return nil }
        defer { position += 1 }
        return bytes[position]
    }

    /// Takes two bytes, the lower first.
    public mutating func takeUInt16() -> UInt16? {
        takeInteger()
    }

    /// Takes four bytes, the lowest first.
    public mutating func takeUInt32() -> UInt32? {
        takeInteger()
    }

    /// Takes eight bytes, the lowest first.
    public mutating func takeUInt64() -> UInt64? {
        takeInteger()
    }

    /// Takes an unsigned number in LEB128: seven bits a byte, the lowest first, the top bit set on all but
    /// the last; nil when it is longer than `bytesMax` bytes or does not fit into 64 bits.
    public mutating func takeVarint(bytesMax: Int = 10) -> UInt64? {
        var value: UInt64 = 0
        for index in 0..<min(bytesMax, 10) {
            guard let byte = takeUInt8() else { return nil }
            if index == 9 && byte > 1 { return nil }
            value |= UInt64(byte & 0x7F) << UInt64(7 * index)
            if byte & 0x80 == 0 { return value }
        }
        return nil
    }

    /// Takes that many bytes.
    public mutating func takeBytes(_ count: Int) -> ArraySlice<UInt8>? {
        guard count >= 0, remainingCount >= count else { return nil }
        defer { position += count }
        return bytes[position..<(position + count)]
    }

    /// Takes all bytes that are left.
    public mutating func takeRest() -> ArraySlice<UInt8> {
        defer { position = bytes.endIndex }
        return bytes[position...]
    }

    private mutating func takeInteger<Value: FixedWidthInteger & UnsignedInteger>() -> Value? {
        let width = Value.bitWidth / 8
        guard remainingCount >= width else { return nil }
        defer { position += width }
        var value: Value = 0
        for index in (0..<width).reversed() {
            value = value << 8 | Value(bytes[position + index])
        }
        return value
    }
}
