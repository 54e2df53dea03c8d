/// Hexadecimal as the protocol writes it: lower case out, either case in.
public enum Hex {
    /// The digit of a value below 16.
    @inline(__always)
    public static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") &+ value : UInt8(ascii: "a") &- 10 &+ value
    }

    /// The value of a digit, or nil.
    @inline(__always)
    public static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// The byte two digits make, or nil.
    @inline(__always)
    public static func byte(high: UInt8, low: UInt8) -> UInt8? {
        guard let high = value(high), let low = value(low) else { return nil }
        return high << 4 | low
    }

    /// Two digits for each byte.
    public static func encode(_ bytes: some Collection<UInt8>) -> [UInt8] {
        if let digits = bytes.withContiguousStorageIfAvailable(encode(buffer:)) { return digits }
        return encode(Array(bytes))
    }

    private static func encode(buffer bytes: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: bytes.count * 2) { buffer, count in
            // Without branches, so that several bytes are done at a time.
            for index in bytes.indices {
                let (high, low) = (bytes[index] >> 4, bytes[index] & 15)
                let zero = UInt8(ascii: "0")
                let letters = UInt8(ascii: "a") &- 10 &- zero
                buffer[2 &* index] = zero &+ high &+ (high > 9 ? letters : 0)
                buffer[2 &* index &+ 1] = zero &+ low &+ (low > 9 ? letters : 0)
            }
            count = bytes.count * 2
        }
    }

    /// The bytes that pairs of digits make; nil when their number is odd or one is not a digit.
    public static func decode(_ digits: some Collection<UInt8>) -> [UInt8]? {
        let bytes = digits.withContiguousStorageIfAvailable(decode(buffer:))
        return if let bytes { bytes } else { decode(Array(digits)) }
    }

    private static func decode(buffer digits: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        guard digits.count % 2 == 0 else { return nil }
        var isValid = true
        let bytes = [UInt8](unsafeUninitializedCapacity: digits.count / 2) { buffer, count in
            while count < digits.count / 2 {
                let pair = byte(high: digits[2 &* count], low: digits[2 &* count &+ 1])
                guard let pair else {
                    isValid = false
                    return
                }
                buffer.initializeElement(at: count, to: pair)
                count += 1
            }
        }
        return isValid ? bytes : nil
    }

    /// A number of 1–16 digits (leading zeros beyond are allowed); nil when empty, too large or not hex.
    public static func number(_ digits: some Collection<UInt8>) -> UInt64? {
        guard !digits.isEmpty else { return nil }
        var number: UInt64 = 0
        for digit in digits {
            guard let value = value(digit), number >> 60 == 0 else { return nil }
            number = number << 4 | UInt64(value)
        }
        return number
    }

    /// Without leading zeros.
    public static func text(_ number: UInt64) -> String {
        String(number, radix: 16)
    }
}
