/// The digest by which a certificate is called: SHA-1, as Windows shows it, or SHA-256.
public enum Thumbprint {
    /// The digest's bytes, 20 or 32; nil for a text that is no thumbprint.
    ///
    /// Spaces, colons and the case of letters do not count, nor does the invisible mark that a copy from
    /// Windows' dialog begins with.
    public static func bytes(of text: String) -> [UInt8]? {
        var digits: [UInt8] = []
        for scalar in text.unicodeScalars {
            if scalar == " " || scalar == ":" || scalar == "\u{200E}" { continue }
            guard scalar.isASCII, let digit = Character(scalar).hexDigitValue else { return nil }
            digits.append(UInt8(digit))
        }
        guard digits.count == 40 || digits.count == 64 else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}
