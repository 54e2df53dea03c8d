/// CRC-32C: polynomial 0x1EDC6F41 reflected, initial and final XOR all ones (RFC 3720 appendix B.4).
///
/// The check value of the ASCII digits 123456789 is 0xE3069283.
public struct CRC32C: Sendable {
    private var register: UInt32 = 0xFFFF_FFFF

    /// Starts a sum.
    public init() {}

    /// Adds bytes.
    public mutating func update(_ bytes: ArraySlice<UInt8>) {
        bytes.withUnsafeBytes { update($0) }
    }

    /// Adds bytes.
    public mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { update($0) }
    }

    /// Adds a number's four bytes, the lowest first.
    public mutating func update(littleEndian value: UInt32) {
        withUnsafeBytes(of: value.littleEndian) { update($0) }
    }

    /// Adds bytes, eight at a time ("slicing by 8", Kounavis and Berry, ISCC 2005).
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        var sum = register
        Self.tables.withUnsafeBufferPointer { table in
            var index = 0
            let blocksEnd = bytes.count & ~7
            while index < blocksEnd {
                let low = bytes.loadUnaligned(fromByteOffset: index, as: UInt32.self)
                let high = bytes.loadUnaligned(fromByteOffset: index + 4, as: UInt32.self)
                sum = Self.fold(sum ^ UInt32(littleEndian: low), UInt32(littleEndian: high), table)
                index += 8
            }
            while index < bytes.count {
                sum = (sum >> 8) ^ table[Int((sum ^ UInt32(bytes[index])) & 0xFF)]
                index += 1
            }
        }
        register = sum
    }

    /// The sum of all bytes so far.
    public var checksum: UInt32 { ~register }

    /// The sum of some bytes.
    public static func checksum(of bytes: [UInt8]) -> UInt32 {
        var sum = CRC32C()
        sum.update(bytes)
        return sum.checksum
    }

    @inline(__always)
    private static func fold(
        _ low: UInt32,
        _ high: UInt32,
        _ table: UnsafeBufferPointer<UInt32>
    ) -> UInt32 {
        table[1792 + Int(low & 0xFF)] ^ table[1536 + Int((low >> 8) & 0xFF)]
            ^ table[1280 + Int((low >> 16) & 0xFF)] ^ table[1024 + Int(low >> 24)]
            ^ table[768 + Int(high & 0xFF)] ^ table[512 + Int((high >> 8) & 0xFF)]
            ^ table[256 + Int((high >> 16) & 0xFF)] ^ table[Int(high >> 24)]
    }

    /// Eight tables of 256 entries, one behind the other.
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 2048)
        for index in 0..<256 {
            var value = UInt32(index)
            for _ in 0..<8 { value = value & 1 == 1 ? (value >> 1) ^ 0x82F6_3B78 : value >> 1 }
            tables[index] = value
        }
        for index in 256..<2048 {
            let previous = tables[index - 256]
            tables[index] = (previous >> 8) ^ tables[Int(previous & 0xFF)]
        }
        return tables
    }()
}
