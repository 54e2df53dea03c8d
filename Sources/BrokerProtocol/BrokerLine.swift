/// One line between a program and the broker: `keyword key=value … :words for people`.
///
/// docs/protocols/broker.md leaves nothing to taste but this: a value may hold any text, so that program names
/// and paths can be carried; what is not visible ASCII, and the percent sign, is percent-encoded. The words after
/// " :" run to the end of the line and are for people only: no program decides anything by them.
public struct BrokerLine: Sendable, Equatable {
    /// One key and its value.
    public struct Field: Sendable, Equatable {
        /// The key.
        public var key: String
        /// The value, decoded.
        public var value: String

        /// Builds a field.
        public init(key: String, value: String) {
            self.key = key
            self.value = value
        }
    }

    /// Bytes of a line at the most, the line feed not counted.
    public static let bytesMax = 1024

    /// Bytes of a value at the most, as encoded.
    public static let valueBytesMax = 400

    /// What the line is.
    public var keyword: String
    /// Its fields, in order.
    public var fields: [Field]
    /// The words for people; nil when there are none.
    public var words: String?

    /// Builds a line.
    public init(_ keyword: String, _ fields: [(String, String)] = [], words: String? = nil) {
        self.keyword = keyword
        self.fields = fields.map { Field(key: $0.0, value: $0.1) }
        self.words = words
    }

    /// Decodes a line without its line feed.
    public init(decoding bytes: ArraySlice<UInt8>) throws(BrokerProtocolError) {
        guard bytes.count <= Self.bytesMax else { throw .lineTooLong }
        guard bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }),
            let text = String(validating: bytes, as: UTF8.self)
        else { throw .notText }
        let (head, words) = Self.split(text)
        let parts = head.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard let keyword = parts.first, !keyword.isEmpty else { throw .badLine(text) }
        self.keyword = keyword
        self.words = words
        fields = []
        for part in parts.dropFirst() {
            guard let equals = part.firstIndex(of: "="), equals > part.startIndex,
                let value = Self.decode(part[part.index(after: equals)...])
            else { throw .badLine(text) }
            fields.append(Field(key: String(part[..<equals]), value: value))
        }
    }

    /// The line with its line feed; long values and words are cut so that it is not too long.
    public var encoded: [UInt8] {
        var line = Array(keyword.utf8)
        for field in fields {
            line += Array(" \(field.key)=".utf8)
            line += Self.encode(field.value, bytesMax: Self.valueBytesMax)
        }
        precondition(line.count <= Self.bytesMax, "a broker line has few fields")
        if let words, line.count + 2 < Self.bytesMax {
            line += [0x20, 0x3A]
            for character in words {
                let bytes = Self.printable(character)
                if line.count + bytes.count > Self.bytesMax { break }
                line += bytes
            }
        }
        line.append(0x0A)
        return line
    }

    /// The value of a key; nil when it is not there.
    public subscript(key: String) -> String? {
        fields.first { $0.key == key }?.value
    }

    private static func printable(_ character: Character) -> [UInt8] {
        let bytes = Array(String(character).utf8)
        return bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7F } ? bytes : [0x20]
    }

    private static func split(_ text: String) -> (head: Substring, words: String?) {
        var previous: Character = "\0"
        for index in text.indices {
            if text[index] == ":" && previous == " " {
                return (
                    text[..<text.index(before: index)],
                    String(text[text.index(after: index)...])
                )
            }
            previous = text[index]
        }
        return (text[...], nil)
    }

    private static func encode(_ value: String, bytesMax: Int) -> [UInt8] {
        var encoded: [UInt8] = []
        for scalar in value.unicodeScalars {
            let bytes = Array(String(scalar).utf8).flatMap(encode)
            if encoded.count + bytes.count > bytesMax { break }
            encoded += bytes
        }
        return encoded
    }

    private static func encode(_ byte: UInt8) -> [UInt8] {
        if 0x21...0x7E ~= byte && byte != 0x25 { return [byte] }
        let digits = Array("0123456789ABCDEF".utf8)
        return [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }

    private static func decode(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            if byte != 0x25 {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(rest.prefix(2)) ?? "", radix: 16) else {
                return nil
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}

/// What a line got wrong.
public enum BrokerProtocolError: Error, Sendable, Equatable {
    /// It is longer than `BrokerLine.bytesMax`.
    case lineTooLong
    /// It is not UTF-8, or has control characters in it.
    case notText
    /// It has no keyword, or a field that is none.
    case badLine(String)
    /// Nobody knows the keyword.
    case unknownKeyword(String)
    /// A field is missing or has a value that it cannot have.
    case badField(keyword: String, key: String)
}

extension BrokerProtocolError: CustomStringConvertible {
    /// One sentence.
    public var description: String {
        switch self {
        case .lineTooLong: "The line is longer than \(BrokerLine.bytesMax) bytes."
        case .notText: "The line is not UTF-8 text, or has control characters in it."
        case .badLine(let line): "\"\(line)\" is not a keyword with key=value fields."
        case .unknownKeyword(let keyword): "There is no request or message \"\(keyword)\"."
        case .badField(let keyword, let key):
            "The field \(key) of \(keyword) is missing, unknown or has a wrong value."
        }
    }
}
