// The second coding stage, for lines on which XON and XOFF belong to the drivers: behind COBS, none of
// 11, 13, 91 and 93 (the same with a parity bit) is on the wire. Such a byte goes as 7E and itself ^ 20,
// and so does 7E. Zeros stay what they are, and so does a HELLO, which has none of the five.

enum FlowControlCoding {
    private static let escape: UInt8 = 0x7E
    private static let change: UInt8 = 0x20
    /// Coded bytes are at most so many times as many.
    static let growthMax = 2

    @inline(__always)
    private static func isControl(_ byte: UInt8) -> Bool { byte & 0x7D == 0x11 }

    static func encode(_ bytes: [UInt8]) -> [UInt8] {
        let count = bytes.reduce(0) { $0 + (isControl($1) || $1 == escape ? 1 : 0) }
        guard count > 0 else { return bytes }
        var coded: [UInt8] = []
        coded.reserveCapacity(bytes.count + count)
        for byte in bytes {
            if isControl(byte) || byte == escape {
                coded.append(escape)
                coded.append(byte ^ change)
            } else {
                coded.append(byte)
            }
        }
        return coded
    }

    /// The bytes that were coded, without what a driver has put between them.
    ///
    /// Nil when they are malformed.
    static func decode(_ coded: ArraySlice<UInt8>) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(coded.count)
        var isEscaped = false
        for byte in coded where !isControl(byte) {
            if isEscaped {
                let original = byte ^ change
                guard isControl(original) || original == escape else { return nil }
                bytes.append(original)
                isEscaped = false
            } else if byte == escape {
                isEscaped = true
            } else {
                bytes.append(byte)
            }
        }
        return isEscaped ? nil : bytes
    }
}
