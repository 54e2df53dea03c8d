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
        var isEscaped = false
        let plain = [UInt8](unsafeUninitializedCapacity: bytes.count) { output, count in
            bytes.withUnsafeBufferPointer { input in
                for byte in input {
                    if byte == mark, !isEscaped {
                        isEscaped = true
                        continue
                    }
                    output.initializeElement(at: count, to: isEscaped ? byte ^ 0x20 : byte)
                    count &+= 1
                    isEscaped = false
                }
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
        var plainCount = 0
        let capacity = min(bytes.count * 2, max(escapedBytesMax, 0))
        let escaped = [UInt8](unsafeUninitializedCapacity: capacity) { output, count in
            bytes.withUnsafeBufferPointer { input in
                for byte in input {
                    let special = isSpecial(byte)
                    if count &+ (special ? 2 : 1) > capacity { break }
                    if special {
                        output.initializeElement(at: count, to: mark)
                        count &+= 1
                    }
                    output.initializeElement(at: count, to: special ? byte ^ 0x20 : byte)
                    count &+= 1
                    plainCount &+= 1
                }
            }
        }
        return (escaped, plainCount)
    }
}
