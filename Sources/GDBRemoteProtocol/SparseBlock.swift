/// A block of registers with what is zero left out: `SIZE,OFFSET=HEX,…`, numbers in hexadecimal (EXT-8).
public struct SparseBlock: Sendable, Equatable {
    /// The most bytes a block may have.
    static let bytesMax = 65_536
    /// What is left out is this long at least, in bytes.
    private static let unit = 8

    /// The whole block.
    public var bytes: [UInt8]

    /// Wraps a block.
    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The text.
    public var text: String {
        var parts = [Hex.text(UInt64(bytes.count))]
        var start: Int?
        for offset in stride(from: 0, through: bytes.count, by: Self.unit) {
            let unit = bytes[offset..<min(offset + Self.unit, bytes.count)]
            if unit.contains(where: { $0 != 0 }) {
                start = start ?? offset
            } else if let first = start {
                let digits = String(decoding: Hex.encode(bytes[first..<offset]), as: UTF8.self)
                parts.append("\(Hex.text(UInt64(first)))=\(digits)")
                start = nil
            }
        }
        if let first = start {
            let digits = String(decoding: Hex.encode(bytes[first...]), as: UTF8.self)
            parts.append("\(Hex.text(UInt64(first)))=\(digits)")
        }
        return parts.joined(separator: ",")
    }

    /// Reads a text; nil when it is none, or a block of more than 64 KiB.
    public init?(text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: ","))
        guard let first = parts.first, let size = Hex.number(first), size <= Self.bytesMax else {
            return nil
        }
        bytes = [UInt8](repeating: 0, count: Int(size))
        for part in parts.dropFirst() {
            let sides = part.split(separator: UInt8(ascii: "="), maxSplits: 1)
            guard sides.count == 2, let offset = Hex.number(sides[0]), offset <= size,
                let piece = Hex.decode(sides[1]), UInt64(piece.count) <= size - offset
            else { return nil }
            bytes.replaceSubrange(Int(offset)..<(Int(offset) + piece.count), with: piece)
        }
    }
}

/// A number that stands for a document which both ends may have: FNV-1a with 64 bits, and the length.
///
/// It tells documents of honest servers apart and proves nothing: who can forge a digest can send any document anyway.
public struct DocumentDigest: Sendable, Equatable {
    /// 16 digits and the length, as in `9e3779b97f4a7c15-3a2f`.
    public let text: String

    /// The digest of a document.
    public init(_ document: [UInt8]) {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in document { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        let digits = String(hash, radix: 16)
        text =
            String(repeating: "0", count: 16 - digits.count) + digits + "-"
            + Hex.text(UInt64(document.count))
    }

    /// Reads a digest; nil when it is none.
    public init?(payload: [UInt8]) {
        let text = String(decoding: payload, as: UTF8.self)
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].count == 16, (1...8).contains(parts[1].count),
            text.utf8.allSatisfy({ Hex.number([$0]) != nil || $0 == UInt8(ascii: "-") })
        else { return nil }
        self.text = text
    }
}
