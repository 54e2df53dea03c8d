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
        let capacity = bytes.count * growthMax
        return [UInt8](unsafeUninitializedCapacity: capacity) { output, count in
            for byte in bytes {
                let isEscaped = isControl(byte) || byte == escape
                // Written in any case, and overwritten by the next byte when there is nothing to escape.
                output[count] = escape
                count += isEscaped ? 1 : 0
                output[count] = isEscaped ? byte ^ change : byte
                count += 1
            }
        }
    }

    /// The bytes that were coded, without what a driver has put between them.
    ///
    /// Nil when they are malformed.
    static func decode(_ coded: ArraySlice<UInt8>) -> [UInt8]? {
        var isWellFormed = true
        let bytes = [UInt8](unsafeUninitializedCapacity: coded.count) { output, count in
            isWellFormed = coded.withUnsafeBufferPointer { decode($0, into: output, &count) }
        }
        return isWellFormed ? bytes : nil
    }

    private static func decode(
        _ input: UnsafeBufferPointer<UInt8>,
        into output: UnsafeMutableBufferPointer<UInt8>,
        _ count: inout Int
    ) -> Bool {
        var isEscaped = false
        for byte in input where !isControl(byte) {
            if isEscaped {
                let original = byte ^ change
                guard isControl(original) || original == escape else { return false }
                output[count] = original
                count += 1
                isEscaped = false
            } else if byte == escape {
                isEscaped = true
            } else {
                output[count] = byte
                count += 1
            }
        }
        return !isEscaped
    }
}
