/// Puts numbers and bytes one behind the other, the counterpart of `ByteReader`.
public struct ByteWriter: Sendable {
    /// What has been written so far.
    public private(set) var bytes: [UInt8] = []

    /// Starts with nothing.
    public init(reservingCapacity capacity: Int = 0) {
        bytes.reserveCapacity(capacity)
    }

    /// Puts one byte.
    public mutating func put(_ value: UInt8) {
        bytes.append(value)
    }

    /// Puts two bytes, the lower first.
    public mutating func put(_ value: UInt16) {
        putInteger(value)
    }

    /// Puts four bytes, the lowest first.
    public mutating func put(_ value: UInt32) {
        putInteger(value)
    }

    /// Puts eight bytes, the lowest first.
    public mutating func put(_ value: UInt64) {
        putInteger(value)
    }

    /// Puts an unsigned number in LEB128.
    public mutating func putVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// Puts bytes.
    public mutating func put(_ more: some Collection<UInt8>) {
        bytes.append(contentsOf: more)
    }

    private mutating func putInteger<Value: FixedWidthInteger & UnsignedInteger>(_ value: Value) {
        for index in 0..<(Value.bitWidth / 8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> Value(8 * index)))
        }
    }
}
