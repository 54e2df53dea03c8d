internal import WireCore

// JSON (RFC 8259) as far as lldb's `j…` packets need it. In a packet it is binary data: `}` is the escape
// byte, so what is sent must be escaped and what comes must be unescaped.

/// A JSON value.
public enum JSON: Sendable, Equatable {
    /// `null`.
    case null
    /// `true`, `false`.
    case bool(Bool)
    /// A number without a fraction.
    case number(Int64)
    /// Any other number, as it is written.
    case fraction(String)
    /// A text.
    case text(String)
    /// A list.
    case list([JSON])
    /// An object, its members in order.
    case object([Member])

    /// A member of an object.
    public struct Member: Sendable, Equatable {
        /// Its name.
        public var name: String
        /// Its value.
        public var value: JSON

        /// Builds a member.
        public init(_ name: String, _ value: JSON) {
            self.name = name
            self.value = value
        }
    }

    /// How deep lists and objects may stand in each other.
    public static let depthMax = 16

    /// The value of the first member of that name; nil where this is no object or has none.
    public subscript(name: String) -> JSON? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    /// The text, where it is one.
    public var textValue: String? {
        if case .text(let text) = self { return text }
        return nil
    }

    /// The number, where it is one without a fraction.
    public var numberValue: Int64? {
        if case .number(let number) = self { return number }
        return nil
    }

    /// The elements, where it is a list.
    public var elements: [JSON]? {
        if case .list(let elements) = self { return elements }
        return nil
    }

    // MARK: Writing

    /// The value without spaces between its parts.
    public var description: String {
        switch self {
        case .null: return "null"
        case .bool(let value): return value ? "true" : "false"
        case .number(let number): return "\(number)"
        case .fraction(let text): return text
        case .text(let text): return jsonQuoted(text)
        case .list(let elements):
            return "[" + elements.map(\.description).joined(separator: ",") + "]"
        case .object(let members):
            let parts = members.map { jsonQuoted($0.name) + ":" + $0.value.description }
            return "{" + parts.joined(separator: ",") + "}"
        }
    }

    /// The value as a packet carries it: escaped.
    public var payload: [UInt8] {
        var payload: [UInt8] = []
        payload.append(escaped: Array(description.utf8))
        return payload
    }

    // MARK: Reading

    /// Reads a value that is the whole text; nil when it is malformed or too deep.
    public init?(parsing bytes: some Sequence<UInt8>) {
        var reader = JSONReader(bytes)
        guard let value = reader.value(depth: 0) else { return nil }
        reader.skipSpaces()
        guard reader.isAtEnd else { return nil }
        self = value
    }
}

private struct JSONReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: some Sequence<UInt8>) {
        self.bytes = Array(bytes)
    }

    var isAtEnd: Bool { position == bytes.count }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    mutating func skipSpaces() {
        while let byte = next, [0x20, 0x09, 0x0a, 0x0d].contains(byte) { position += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipSpaces()
        guard next == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func take(word: String) -> Bool {
        guard bytes[position...].starts(with: word.utf8) else { return false }
        position += word.utf8.count
        return true
    }

    mutating func value(depth: Int) -> JSON? {
        skipSpaces()
        guard depth < JSON.depthMax, let first = next else { return nil }
        switch first {
        case UInt8(ascii: "{"): return object(depth: depth)
        case UInt8(ascii: "["): return list(depth: depth)
        case UInt8(ascii: "\""): return text().map { .text($0) }
        case UInt8(ascii: "t"): return take(word: "true") ? .bool(true) : nil
        case UInt8(ascii: "f"): return take(word: "false") ? .bool(false) : nil
        case UInt8(ascii: "n"): return take(word: "null") ? .null : nil
        default: return number()
        }
    }

    private mutating func list(depth: Int) -> JSON? {
        position += 1
        var elements: [JSON] = []
        if take("]") { return .list([]) }
        repeat {
            guard let element = value(depth: depth + 1) else { return nil }
            elements.append(element)
        } while take(",")
        return take("]") ? .list(elements) : nil
    }

    private mutating func object(depth: Int) -> JSON? {
        position += 1
        var members: [JSON.Member] = []
        if take("}") { return .object([]) }
        repeat {
            skipSpaces()
            guard next == UInt8(ascii: "\""), let name = text(), take(":"),
                let value = value(depth: depth + 1)
            else { return nil }
            members.append(JSON.Member(name, value))
        } while take(",")
        return take("}") ? .object(members) : nil
    }

    private mutating func number() -> JSON? {
        let start = position
        while let byte = next, "+-.0123456789eE".utf8.contains(byte) { position += 1 }
        guard position > start else { return nil }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if let number = Int64(text) { return .number(number) }
        return Double(text) == nil ? nil : .fraction(text)
    }

    private static let escapes: [UInt8: UInt8] = [
        UInt8(ascii: "\""): 0x22, UInt8(ascii: "\\"): 0x5c, UInt8(ascii: "/"): 0x2f,
        UInt8(ascii: "b"): 0x08, UInt8(ascii: "f"): 0x0c, UInt8(ascii: "n"): 0x0a,
        UInt8(ascii: "r"): 0x0d, UInt8(ascii: "t"): 0x09,
    ]

    private mutating func text() -> String? {
        position += 1
        var result: [UInt8] = []
        while let byte = next {
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: result, as: UTF8.self)
            case UInt8(ascii: "\\"):
                guard let escaped = next else { return nil }
                position += 1
                if escaped == UInt8(ascii: "u") {
                    guard let scalar = unicodeEscape() else { return nil }
                    result += Array(String(scalar).utf8)
                } else if let plain = JSONReader.escapes[escaped] {
                    result.append(plain)
                } else {
                    return nil
                }
            default: result.append(byte)
            }
        }
        return nil
    }

    /// Four digits; one half of a surrogate pair is read as U+FFFD.
    private mutating func unicodeEscape() -> Unicode.Scalar? {
        guard position + 4 <= bytes.count, let code = Hex.number(bytes[position..<(position + 4)])
        else { return nil }
        position += 4
        return Unicode.Scalar(UInt32(code)) ?? "\u{FFFD}"
    }
}
