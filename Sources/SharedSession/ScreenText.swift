internal import WireCore

/// Makes text of a session's bytes, which come in pieces that may cut a character, and takes out of it what
/// could move a terminal's cursor: a server's text is somebody else's.
public struct ScreenText: Sendable {
    /// Bytes of a character whose rest has not come.
    private var beginning: [UInt8] = []

    /// Starts with a session.
    public init() {}

    /// The text of a piece, as far as its last character is whole.
    public mutating func take(_ bytes: [UInt8]) -> String {
        let all = beginning + bytes
        let kept = all.count - Self.cutBytes(all)
        beginning = Array(all[kept...])
        return Self.visible(String(decoding: all[..<kept], as: UTF8.self))
    }

    /// A text that is to stay on its line.
    public static func line(_ text: String) -> String { printableText(text) }

    /// How many bytes at the end belong to a character that is not whole.
    private static func cutBytes(_ bytes: [UInt8]) -> Int {
        for (back, byte) in bytes.suffix(3).reversed().enumerated() {
            if byte & 0xc0 == 0x80 { continue }
            let wanted = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
            return wanted > back + 1 ? back + 1 : 0
        }
        return 0
    }

    private static func visible(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy {
            (0x20..<0x7f).contains($0) || $0 == 0x0a || $0 == 0x09
        }
        if isPlain { return text }
        let scalars = Array(text.unicodeScalars)
        var shown = ""
        for (index, scalar) in scalars.enumerated() {
            switch scalar {
            case "\n", "\t": shown.unicodeScalars.append(scalar)
            case "\r" where index + 1 < scalars.count && scalars[index + 1] == "\n": continue
            default: shown += printableText(String(scalar))
            }
        }
        return shown
    }
}
