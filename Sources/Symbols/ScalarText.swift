import CElfutils

/// Writes numbers as CDB does: `0n` before signed decimals, `0x` before unsigned hexadecimals.
struct ScalarText {
    /// The base type's `DW_ATE_…`; 0 for unknown.
    let encoding: Int
    /// The value, little-endian.
    let bytes: [UInt8]

    private var bits: UInt64 { bytes.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) } }

    private var signed: Int64 {
        let unused = Int64(max(0, 64 - bytes.count * 8))
        return Int64(bitPattern: bits << UInt64(unused)) >> unused
    }

    /// The value's text and number.
    var value: VariableValue {
        if encoding == DW_ATE_float { return VariableValue(text: float) }
        guard bytes.count <= 8, encoding != DW_ATE_complex_float else {
            return VariableValue(text: wide)
        }
        switch encoding {
        case DW_ATE_signed:
            return VariableValue(text: "0n\(signed)", scalar: UInt64(bitPattern: signed))
        case DW_ATE_signed_char:
            return VariableValue(
                text: "\(signed) \(StringText.character(UInt32(truncatingIfNeeded: bits)))",
                scalar: UInt64(bitPattern: signed)
            )
        case DW_ATE_unsigned_char, DW_ATE_UTF:
            let character = StringText.character(UInt32(truncatingIfNeeded: bits))
            return VariableValue(text: "\(Self.hexadecimal(bits)) \(character)", scalar: bits)
        case DW_ATE_boolean:
            let text = bits == 0 ? "false" : bits == 1 ? "true" : Self.hexadecimal(bits)
            return VariableValue(text: text, scalar: bits)
        default: return VariableValue(text: Self.hexadecimal(bits), scalar: bits)
        }
    }

    private var float: String {
        switch bytes.count {
        case 4: Float(bitPattern: UInt32(truncatingIfNeeded: bits)).description
        case 8: Double(bitPattern: bits).description
        case 10, 12, 16: extended
        default: wide
        }
    }

    /// The x87 format: 64 bits of significand with its leading one, 15 of exponent, a sign.
    private var extended: String {
        #if arch(x86_64)
            let upper = UInt(bytes[8]) | UInt(bytes[9]) << 8
            return Float80(
                sign: upper >> 15 == 0 ? .plus : .minus,
                exponentBitPattern: upper & 0x7FFF,
                significandBitPattern: bits & (UInt64.max >> 1)
            ).description
        #else
            return wide
        #endif
    }

    /// Integers wider than 64 bits, and what is not understood.
    private var wide: String {
        let digits = bytes.reversed().map { Self.padded(UInt64($0), 2) }.joined()
        let trimmed = digits.drop { $0 == "0" }
        if encoding == DW_ATE_signed, bytes.count == 16 { return "0n\(wideSigned)" }
        return "0x" + (trimmed.isEmpty ? "0" : trimmed)
    }

    private var wideSigned: Int128 {
        let high = bytes.suffix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return Int128(Int64(bitPattern: high)) << 64 | Int128(bits)
    }

    /// `0x` and the digits that are needed.
    static func hexadecimal(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }

    /// `0n` and the number read as a signed one.
    static func decimal(_ value: UInt64) -> String { "0n\(Int64(bitPattern: value))" }

    /// Sixteen digits with a grave accent in the middle.
    static func pointer(_ value: UInt64) -> String {
        let digits = padded(value, 16)
        return "0x\(digits.prefix(8))`\(digits.dropFirst(8))"
    }

    private static func padded(_ value: UInt64, _ count: Int) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: max(0, count - digits.count)) + digits
    }
}

/// Writes characters and strings so that they fit on a line.
enum StringText {
    private static let escapes: [UInt32: String] = [
        0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t", 0x5C: "\\\\", 0x1B: "\\e", 0x07: "\\a",
    ]

    /// `'b'`; an empty pair of quotes for what cannot be shown.
    static func character(_ value: UInt32) -> String {
        if let escape = escapes[value] { return "'\(escape)'" }
        guard value >= 0x20, value != 0x7F, !(0x80..<0xA0).contains(value),
            let scalar = Unicode.Scalar(value), value < 0x80 || value > 0xFF
        else { return "''" }
        return "'\(Character(scalar))'"
    }

    /// The text in double quotes; bytes that are not UTF-8 and control characters are written as
    /// `\x1f`.
    static func quoted(_ bytes: [UInt8]) -> String {
        var result = "\""
        var index = 0
        while index < bytes.count {
            let length = Self.length(ofCharacterAt: index, in: bytes)
            let piece = bytes[index..<index + max(length, 1)]
            if length == 0 || bytes[index] < 0x20 || bytes[index] == 0x7F {
                result += escapes[UInt32(bytes[index])] ?? escaped(bytes[index])
            } else if bytes[index] == UInt8(ascii: "\"") || bytes[index] == UInt8(ascii: "\\") {
                result += "\\" + String(decoding: piece, as: UTF8.self)
            } else {
                result += String(decoding: piece, as: UTF8.self)
            }
            index += max(length, 1)
        }
        return result + "\""
    }

    private static func escaped(_ byte: UInt8) -> String {
        "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }

    /// How many bytes the UTF-8 character takes; 0 when it is none.
    private static func length(ofCharacterAt index: Int, in bytes: [UInt8]) -> Int {
        for count in 1...4 where index + count <= bytes.count {
            if String(validating: bytes[index..<index + count], as: UTF8.self) != nil {
                return count
            }
        }
        return 0
    }
}
