internal import DebugEngine

/// Floating-point numbers with as many digits as CDB prints, without the C library.
enum FloatText {
    static func cell(_ bits: UInt64, size: Int) -> String {
        let value =
            size == 4
            ? Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits))) : Double(bitPattern: bits)
        return Format.leftPad(general(value, digits: size == 4 ? 8 : 16), to: size == 4 ? 16 : 22)
    }

    /// `%.Ng`: `digits` significant digits, an exponent of three digits as in the original.
    static func general(_ value: Double, digits: Int) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
        if value == 0 { return value.sign == .minus ? "-0" : "0" }
        var (mantissa, exponent) = decimal(value.magnitude, digits: digits)
        while mantissa.count > 1, mantissa.last == "0" { mantissa.removeLast() }
        let sign = value < 0 ? "-" : ""
        if exponent < -4 || exponent >= digits {
            let head = mantissa.prefix(1)
            let tail = mantissa.dropFirst()
            let power = Format.leftPad(String(abs(exponent)), to: 3, with: "0")
            let point = tail.isEmpty ? "" : "."
            return "\(sign)\(head)\(point)\(tail)e\(exponent < 0 ? "-" : "+")\(power)"
        }
        if exponent < 0 {
            return sign + "0." + String(repeating: "0", count: -exponent - 1) + mantissa
        }
        let whole = Format.pad(String(mantissa.prefix(exponent + 1)), to: exponent + 1)
            .map { $0 == " " ? "0" : $0 }
        let tail = mantissa.dropFirst(exponent + 1)
        exponent = 0
        return sign + String(whole) + (tail.isEmpty ? "" : "." + tail)
    }

    /// The rounded decimal digits and the power of ten of the first; from the shortest exact
    /// description.
    private static func decimal(_ value: Double, digits: Int) -> (digits: String, exponent: Int) {
        let text = "\(value)".lowercased()
        let parts = text.split(separator: "e")
        var exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        let number = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        let whole = String(number[0])
        let all = whole + (number.count > 1 ? String(number[1]) : "")
        let leading = all.prefix { $0 == "0" }.count
        exponent += whole.count - 1 - leading
        var significant = Array(all.dropFirst(leading)).compactMap { $0.wholeNumberValue }
        if significant.count > digits {
            let roundsUp = significant[digits] >= 5
            significant = Array(significant.prefix(digits))
            if roundsUp, carry(&significant) { exponent += 1 }
        }
        return (significant.map(String.init).joined(), exponent)
    }

    /// Adds one to the last digit; true when a digit was gained in front.
    private static func carry(_ digits: inout [Int]) -> Bool {
        for index in digits.indices.reversed() {
            digits[index] += 1
            if digits[index] < 10 { return false }
            digits[index] = 0
        }
        digits.insert(1, at: 0)
        digits.removeLast()
        return true
    }
}
