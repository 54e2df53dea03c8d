public import DebugTarget

/// Text of numbers and columns the way CDB prints them.
public enum Format {
    /// Hexadecimal of at least `width` digits.
    public static func hex(_ value: UInt64, width: Int = 1) -> String {
        leftPad(String(value, radix: 16), to: width, with: "0")
    }

    /// An address in two halves: ``00007ff6`0f620000``.
    public static func address(_ value: UInt64) -> String {
        hex(value >> 32, width: 8) + "`" + hex(value & 0xffff_ffff, width: 8)
    }

    /// An address in two halves.
    public static func address(_ value: TargetAddress) -> String {
        address(value.rawValue)
    }

    /// Bytes as hexadecimal digits without spaces.
    public static func bytes(_ bytes: some Sequence<UInt8>) -> String {
        bytes.reduce(into: "") { $0 += hex(UInt64($1), width: 2) }
    }

    /// Text filled up on the right.
    public static func pad(_ text: String, to width: Int) -> String {
        let missing = width - text.count
        return missing > 0 ? text + String(repeating: " ", count: missing) : text
    }

    /// Text filled up on the left.
    public static func leftPad(_ text: String, to width: Int, with filler: Character = " ")
        -> String
    {
        let missing = width - text.count
        return missing > 0 ? String(repeating: filler, count: missing) + text : text
    }

    /// A byte as the right-hand column of a dump shows it.
    public static func printable(_ byte: UInt8) -> Character {
        (0x20...0x7e).contains(byte) ? Character(UnicodeScalar(byte)) : "."
    }

    /// The last part of a path.
    public static func baseName(_ path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? path
    }

    /// A number of bytes for people: "1.2 MB".
    public static func size(_ bytes: UInt64) -> String {
        if bytes < 10_000 { return "\(bytes) bytes" }
        let (unit, name): (UInt64, String) =
            bytes < 10_000_000 ? (1_000, "KB") : (1_000_000, "MB")
        let tenths = bytes / (unit / 10)
        return "\(tenths / 10).\(tenths % 10) \(name)"
    }
}

/// Little-endian numbers in byte arrays.
public enum LittleEndian {
    /// The number that the bytes (8 at most) make.
    public static func value(_ bytes: some BidirectionalCollection<UInt8>) -> UInt64 {
        bytes.reversed().prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The low `count` bytes of a number.
    public static func bytes(_ value: UInt64, count: Int) -> [UInt8] {
        (0..<count).map { $0 < 8 ? UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) : 0 }
    }
}

/// Wildcard patterns of CDB: `*`, `?` and `[…]`, without regard to case.
public struct WildcardPattern: Sendable {
    private let pattern: [Character]

    /// Reads a pattern.
    public init(_ text: String) {
        pattern = Array(text.lowercased())
    }

    /// Whether the pattern has a wildcard at all.
    public static func hasWildcard(_ text: String) -> Bool {
        text.contains { $0 == "*" || $0 == "?" || $0 == "[" }
    }

    /// Whether the whole text fits.
    ///
    /// Linear in the text for each `*`: on a mismatch only the last star is tried further on.
    public func matches(_ text: String) -> Bool {
        let subject = Array(text.lowercased())
        var at = 0
        var position = 0
        var star: (pattern: Int, subject: Int)?
        while position < subject.count {
            if at < pattern.count, pattern[at] == "*" {
                star = (at + 1, position)
                at += 1
            } else if let next = step(at, subject[position]) {
                at = next
                position += 1
            } else if let last = star {
                star = (last.pattern, last.subject + 1)
                at = last.pattern
                position = last.subject + 1
            } else {
                return false
            }
        }
        return pattern[at...].allSatisfy { $0 == "*" }
    }

    private func step(_ at: Int, _ character: Character) -> Int? {
        guard at < pattern.count else { return nil }
        if pattern[at] == "[", let end = pattern[at...].firstIndex(of: "]") {
            return setContains(pattern[(at + 1)..<end], character) ? end + 1 : nil
        }
        return pattern[at] == "?" || pattern[at] == character ? at + 1 : nil
    }

    private func setContains(_ set: ArraySlice<Character>, _ character: Character) -> Bool {
        var index = set.startIndex
        while index < set.endIndex {
            if index + 2 < set.endIndex, set[index + 1] == "-" {
                if set[index] <= character, character <= set[index + 2] { return true }
                index += 3
            } else {
                if set[index] == character { return true }
                index += 1
            }
        }
        return false
    }
}
