/// Finds what is meant for us among the keys that a person types: Ctrl-] and one key more.
struct EscapeKeys {
    enum Element: Equatable {
        /// Keys for the far end.
        case keys([UInt8])
        /// Ctrl-] b
        case sendBreak
        /// Ctrl-] q
        case leave
        /// Ctrl-] and a key that means nothing, or ?
        case explain
    }

    static let escape: UInt8 = 0x1D
    static let explanation = "Ctrl-] q leaves, Ctrl-] b sends a BREAK, Ctrl-] Ctrl-] sends itself"

    private var hasEscaped = false

    /// Takes what was typed.
    mutating func take(_ typed: [UInt8]) -> [Element] {
        var elements: [Element] = []
        var keys: [UInt8] = []
        for key in typed {
            if !hasEscaped {
                if key == Self.escape { hasEscaped = true } else { keys.append(key) }
                continue
            }
            hasEscaped = false
            if key == Self.escape {
                keys.append(key)
                continue
            }
            if !keys.isEmpty { elements.append(.keys(keys)) }
            keys = []
            elements.append(Self.meaning(of: key))
        }
        if !keys.isEmpty { elements.append(.keys(keys)) }
        return elements
    }

    private static func meaning(of key: UInt8) -> Element {
        switch key {
        case UInt8(ascii: "q"), UInt8(ascii: "."): .leave
        case UInt8(ascii: "b"): .sendBreak
        default: .explain
        }
    }
}
