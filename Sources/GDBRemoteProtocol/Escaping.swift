/// Binary data inside a payload (the manual's "Binary Data"): `}` and the byte with bit 5 turned over
/// stand for a byte that would be taken for framing.
public enum Escaping {
    static let mark = UInt8(ascii: "}")

    /// Whether a byte must be escaped: the framing's `$` and `#`, the mark itself, and `*`, which starts
    /// a run in replies (escaped in requests too, as gdb does).
    @inline(__always)
    static func isSpecial(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "$") || byte == UInt8(ascii: "#") || byte == mark
            || byte == UInt8(ascii: "*")
    }

    /// Undoes the escapes.
    ///
    /// - Returns: nil when the data ends in the middle of an escape.
    public static func unescape(_ bytes: ArraySlice<UInt8>) -> [UInt8]? {
        guard bytes.contains(mark) else { return Array(bytes) }
        var plain: [UInt8] = []
        plain.reserveCapacity(bytes.count)
        var isEscaped = false
        for byte in bytes {
            if isEscaped {
                plain.append(byte ^ 0x20)
                isEscaped = false
            } else if byte == mark {
                isEscaped = true
            } else {
                plain.append(byte)
            }
        }
        return isEscaped ? nil : plain
    }

    /// Escapes as many leading bytes as fit.
    ///
    /// - Returns: the escaped bytes, `escapedBytesMax` at most, and how many plain bytes they carry.
    public static func escape(
        _ bytes: ArraySlice<UInt8>,
        escapedBytesMax: Int
    ) -> (escaped: [UInt8], plainCount: Int) {
        var escaped: [UInt8] = []
        escaped.reserveCapacity(min(bytes.count + 16, escapedBytesMax))
        var count = 0
        for byte in bytes {
            let special = isSpecial(byte)
            if escaped.count + (special ? 2 : 1) > escapedBytesMax { break }
            if special {
                escaped.append(mark)
                escaped.append(byte ^ 0x20)
            } else {
                escaped.append(byte)
            }
            count += 1
        }
        return (escaped, count)
    }
}
