/// Reads a payload from left to right; nothing traps on short input.
public struct PayloadReader: Sendable {
    /// What has not been read yet.
    public private(set) var rest: ArraySlice<UInt8>

    /// Starts at the beginning.
    public init(_ payload: some Sequence<UInt8>) {
        rest = ArraySlice(payload)
    }

    /// Whether everything has been read.
    public var isAtEnd: Bool { rest.isEmpty }

    /// Reads `text` if it comes next.
    public mutating func skip(_ text: StaticString) -> Bool {
        let matches = text.withUTF8Buffer { rest.starts(with: $0) }
        if matches { rest = rest.dropFirst(text.utf8CodeUnitCount) }
        return matches
    }

    /// Reads one byte if it is that one.
    public mutating func skip(_ byte: Unicode.Scalar) -> Bool {
        guard let first = rest.first, first == UInt8(ascii: byte) else { return false }
        rest = rest.dropFirst()
        return true
    }

    /// Reads one byte.
    public mutating func byte() -> UInt8? {
        rest.popFirst()
    }

    /// Reads as many bytes.
    public mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
        guard count >= 0, rest.count >= count else { return nil }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    /// Reads up to the separator, which is read too; up to the end when there is none.
    public mutating func field(endingAt separator: Unicode.Scalar) -> ArraySlice<UInt8> {
        let mark = UInt8(ascii: separator)
        let end = rest.firstIndex(of: mark) ?? rest.endIndex
        defer { rest = end == rest.endIndex ? [] : rest[(end + 1)...] }
        return rest[..<end]
    }

    /// Reads everything that is left.
    public mutating func remainder() -> ArraySlice<UInt8> {
        defer { rest = [] }
        return rest
    }

    /// Reads all hexadecimal digits that come next as one number; nil when none do or it is too large.
    public mutating func hexNumber() -> UInt64? {
        let digits = rest.prefix { Hex.value($0) != nil }
        guard let number = Hex.number(digits) else { return nil }
        rest = rest.dropFirst(digits.count)
        return number
    }

    /// A hexadecimal number with an optional minus sign.
    public mutating func signedHexNumber() -> Int64? {
        var ahead = self
        let isNegative = ahead.skip("-" as Unicode.Scalar)
        guard let magnitude = ahead.hexNumber(), magnitude <= UInt64(Int64.max) else { return nil }
        self = ahead
        return isNegative ? -Int64(magnitude) : Int64(magnitude)
    }

    /// Hexadecimal pairs up to the end as bytes.
    public mutating func hexBytes() -> [UInt8]? {
        Hex.decode(remainder())
    }

    /// Hexadecimal pairs up to the separator or the end, as UTF-8 text.
    public mutating func hexText(endingAt separator: Unicode.Scalar) -> String? {
        Hex.decode(field(endingAt: separator)).map { String(decoding: $0, as: UTF8.self) }
    }
}

extension [UInt8] {
    /// Adds text as it is.
    public mutating func append(text: String) {
        append(contentsOf: text.utf8)
    }

    /// Adds a number in hexadecimal without leading zeros.
    public mutating func append(hex number: some BinaryInteger) {
        append(contentsOf: String(number, radix: 16).utf8)
    }

    /// Adds a number as two hexadecimal digits.
    public mutating func append(hexByte byte: UInt8) {
        append(Hex.digit(byte >> 4))
        append(Hex.digit(byte & 15))
    }

    /// Adds bytes as pairs of hexadecimal digits.
    public mutating func append(hexBytes bytes: some Collection<UInt8>) {
        append(contentsOf: Hex.encode(bytes))
    }

    /// Adds bytes with the framing's own bytes escaped.
    public mutating func append(escaped bytes: some Collection<UInt8>) {
        append(contentsOf: Escaping.escape(ArraySlice(bytes), escapedBytesMax: .max).escaped)
    }

    /// The bytes of a text.
    public init(text: String) {
        self = Array(text.utf8)
    }
}

/// A payload as text, for logs and messages; bytes that are not printable ASCII show as `\xNN`.
public func printable(_ payload: some Sequence<UInt8>) -> String {
    payload.reduce(into: "") { text, byte in
        if (0x20...0x7e).contains(byte) {
            text.unicodeScalars.append(Unicode.Scalar(byte))
        } else {
            text += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
    }
}
