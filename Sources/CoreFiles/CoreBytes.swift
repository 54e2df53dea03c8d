/// The bytes of a core file by position, so that a file of many gigabytes is looked at where it matters only.
public protocol CoreBytes: AnyObject {
    /// How long the file is.
    var byteCount: UInt64 { get }
    /// Up to `count` bytes from a position on; fewer, or none, where the file ends.
    func read(at position: UInt64, count: Int) -> [UInt8]
}

/// A core file in memory.
public final class CoreBuffer: CoreBytes {
    private let bytes: [UInt8]

    /// Wraps the bytes.
    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// How many there are.
    public var byteCount: UInt64 { UInt64(bytes.count) }

    /// Those from a position on.
    public func read(at position: UInt64, count: Int) -> [UInt8] {
        guard position < byteCount, count > 0 else { return [] }
        return Array(bytes[Int(position)...].prefix(count))
    }
}

/// Why a file is no core file that can be used: one sentence, which follows the file's name.
public struct CoreFileError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The sentence.
    public var description: String

    init(_ description: String) {
        self.description = description
    }
}

/// Little-endian numbers at places that need not be there.
struct CoreFields {
    let bytes: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
    }

    init(_ bytes: [UInt8]) {
        self.bytes = bytes[...]
    }

    /// The number of `count` bytes (8 at most); nil where the bytes end.
    func number(_ offset: Int, _ count: Int) -> UInt64? {
        let start = bytes.startIndex + offset
        guard offset >= 0, start + count <= bytes.endIndex else { return nil }
        return bytes[start..<(start + count)].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// A signed number of four bytes.
    func integer(_ offset: Int) -> Int32? {
        number(offset, 4).map { Int32(truncatingIfNeeded: $0) }
    }

    /// Text up to the first NUL within `count` bytes.
    func text(_ offset: Int, _ count: Int) -> String {
        let field = bytes.dropFirst(offset).prefix(count).prefix { $0 != 0 }
        return String(decoding: field, as: UTF8.self)
    }

    /// Bytes; nil where they are not all there.
    func bytes(_ offset: Int, _ count: Int) -> [UInt8]? {
        let start = bytes.startIndex + offset
        guard offset >= 0, count >= 0, start + count <= bytes.endIndex else { return nil }
        return Array(bytes[start..<(start + count)])
    }
}

/// Writes numbers into bytes that are there already.
struct CoreFieldWriter {
    var bytes: [UInt8]

    init(count: Int) {
        bytes = [UInt8](repeating: 0, count: count)
    }

    mutating func put(_ value: UInt64, _ offset: Int, _ count: Int) {
        for index in 0..<count {
            bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * UInt64(index)))
        }
    }

    mutating func put(_ value: Int32, _ offset: Int) {
        put(UInt64(UInt32(bitPattern: value)), offset, 4)
    }

    /// Text, cut so that a NUL follows it within the field.
    mutating func put(_ text: String, _ offset: Int, _ count: Int) {
        for (index, byte) in text.utf8.prefix(count - 1).enumerated() {
            bytes[offset + index] = byte
        }
    }

    mutating func put(_ more: [UInt8], _ offset: Int) {
        bytes.replaceSubrange(offset..<(offset + more.count), with: more)
    }
}
