public import DebugTarget

// Memory and register packets. What the manual leaves unsaid:
//
// - `x` has two reply forms: gdb's, `b` and escaped bytes, only where the stub offered `binary-upload+`;
//   and the older one of lldb, bare bytes after a probe `x0,0` was answered with `OK`.
// - gdb probes `X addr,0:` once to learn whether binary writes work.
// - `m` may answer with fewer bytes than asked for; none at all is an error.

/// A request about memory.
public enum MemoryRequest: Sendable, Equatable {
    /// `m`: read, the reply in hexadecimal.
    case read(TargetAddress, count: Int)
    /// `x`: read, the reply in binary.
    case readBinary(TargetAddress, count: Int)
    /// `M`: write hexadecimal.
    case write(TargetAddress, [UInt8])
    /// `X`: write binary.
    case writeBinary(TargetAddress, [UInt8])

    /// Reads a payload; nil when it is malformed or another packet.
    public init?(payload: [UInt8]) {
        var reader = PayloadReader(payload)
        guard let kind = reader.byte(), let address = reader.hexNumber(),
            reader.skip("," as Unicode.Scalar), let length = reader.hexNumber(),
            let count = Int(exactly: length)
        else { return nil }
        let start = TargetAddress(address)
        switch kind {
        case UInt8(ascii: "m") where reader.isAtEnd: self = .read(start, count: count)
        case UInt8(ascii: "x") where reader.isAtEnd: self = .readBinary(start, count: count)
        case UInt8(ascii: "M"):
            guard reader.skip(":" as Unicode.Scalar), let bytes = reader.hexBytes(),
                bytes.count == count
            else { return nil }
            self = .write(start, bytes)
        case UInt8(ascii: "X"):
            guard reader.skip(":" as Unicode.Scalar),
                let bytes = Escaping.unescape(reader.remainder()), bytes.count == count
            else { return nil }
            self = .writeBinary(start, bytes)
        default: return nil
        }
    }

    /// The payload.
    public var payload: [UInt8] {
        switch self {
        case .read(let address, let count): return head("m", address, count)
        case .readBinary(let address, let count): return head("x", address, count)
        case .write(let address, let bytes):
            var payload = head("M", address, bytes.count)
            payload.append(text: ":")
            payload.append(hexBytes: bytes)
            return payload
        case .writeBinary(let address, let bytes):
            var payload = head("X", address, bytes.count)
            payload.append(text: ":")
            payload.append(escaped: bytes)
            return payload
        }
    }

    private func head(_ letter: String, _ address: TargetAddress, _ count: Int) -> [UInt8] {
        [UInt8](text: "\(letter)\(Hex.text(address.rawValue)),\(Hex.text(UInt64(count)))")
    }
}

/// The reply to `x` in gdb's form.
public enum BinaryMemoryReply {
    /// `b` and the bytes, as many as fit.
    public static func payload(_ bytes: ArraySlice<UInt8>, bytesMax: Int) -> [UInt8] {
        [UInt8(ascii: "b")] + Escaping.escape(bytes, escapedBytesMax: bytesMax - 1).escaped
    }

    /// Reads a reply; nil when it is none of that form.
    public static func bytes(ofPayload payload: [UInt8]) -> [UInt8]? {
        guard payload.first == UInt8(ascii: "b") else { return nil }
        return Escaping.unescape(payload.dropFirst())
    }
}

/// `MultiMemRead:ranges:address,length,…;`: several reads in one request (LLDB's "GDB Remote Protocol Extensions").
///
/// The reply has the length of each part, with commas between and a semicolon behind, and then all of them: `4,0,a0;…`.
public struct MultipleMemoryRead: Sendable, Equatable {
    /// The most ranges that one request may have.
    public static let rangesMax = 1024

    /// What is wanted.
    public var ranges: [(address: TargetAddress, count: Int)]

    /// Two requests are the same when their ranges are.
    public static func == (one: Self, other: Self) -> Bool {
        one.ranges.elementsEqual(other.ranges) { $0 == $1 }
    }

    /// Reads a payload; nil when it is malformed or another packet.
    public init?(payload: [UInt8]) {
        var reader = PayloadReader(payload)
        guard reader.skip("MultiMemRead:ranges:") else { return nil }
        let fields = reader.field(endingAt: ";").split(
            separator: UInt8(ascii: ","),
            omittingEmptySubsequences: false
        )
        guard fields.count % 2 == 0, fields.count / 2 <= Self.rangesMax else { return nil }
        ranges = []
        for index in stride(from: 0, to: fields.count, by: 2) {
            guard let address = Hex.number(fields[index]),
                let count = Hex.number(fields[index + 1])
            else { return nil }
            ranges.append((TargetAddress(address), Int(clamping: count)))
        }
    }

    /// Wants some ranges.
    public init(_ ranges: [(address: TargetAddress, count: Int)]) {
        self.ranges = ranges
    }

    /// The payload.
    public var payload: [UInt8] {
        let fields = ranges.flatMap { [$0.address.rawValue, UInt64($0.count)] }
        return [UInt8](
            text: "MultiMemRead:ranges:\(fields.map { Hex.text($0) }.joined(separator: ","));"
        )
    }

    /// Reads a reply; nil when it is none.
    public static func parts(ofReply payload: [UInt8]) -> [[UInt8]]? {
        var reader = PayloadReader(payload)
        let counts = reader.field(endingAt: ";").split(separator: UInt8(ascii: ","))
            .map { Hex.number($0) }
        guard var rest = Escaping.unescape(reader.remainder())?[...], counts.count <= rangesMax
        else { return nil }
        var parts: [[UInt8]] = []
        for count in counts {
            guard let count, count <= UInt64(rest.count) else { return nil }
            parts.append(Array(rest.prefix(Int(count))))
            rest = rest.dropFirst(Int(count))
        }
        return parts
    }

    /// The reply; each part as much of its range as there is.
    public static func reply(_ parts: [[UInt8]]) -> [UInt8] {
        let counts = parts.map { Hex.text(UInt64($0.count)) }.joined(separator: ",")
        let bytes = Array(parts.joined())
        let escaped = Escaping.escape(bytes[...], escapedBytesMax: 2 * bytes.count).escaped
        return [UInt8](text: counts + ";") + escaped
    }
}

/// `qSearch:memory:address;length;pattern`.
public struct MemorySearch: Sendable, Equatable {
    /// Where the search begins.
    public var start: TargetAddress
    /// How many bytes are searched.
    public var count: UInt64
    /// What is looked for.
    public var pattern: [UInt8]

    /// Builds a request.
    public init(start: TargetAddress, count: UInt64, pattern: [UInt8]) {
        self.start = start
        self.count = count
        self.pattern = pattern
    }

    /// Reads a payload; nil when it is malformed.
    public init?(payload: [UInt8]) {
        var reader = PayloadReader(payload)
        guard reader.skip("qSearch:memory:"),
            let address = Hex.number(reader.field(endingAt: ";")),
            let count = Hex.number(reader.field(endingAt: ";")),
            let pattern = Escaping.unescape(reader.remainder()), !pattern.isEmpty
        else { return nil }
        self.init(start: TargetAddress(address), count: count, pattern: pattern)
    }

    /// The payload.
    public var payload: [UInt8] {
        var payload = [UInt8](
            text: "qSearch:memory:\(Hex.text(start.rawValue));\(Hex.text(count));"
        )
        payload.append(escaped: pattern)
        return payload
    }

    /// `1,address` where it was found, `0` where not.
    public static func reply(found: TargetAddress?) -> [UInt8] {
        [UInt8](text: found.map { "1,\(Hex.text($0.rawValue))" } ?? "0")
    }

    /// Reads a reply; the outer nil is a malformed one.
    public static func found(inReply payload: [UInt8]) -> TargetAddress?? {
        var reader = PayloadReader(payload)
        if reader.skip("1,") {
            guard let address = reader.hexNumber(), reader.isAtEnd else { return nil }
            return .some(TargetAddress(address))
        }
        return payload == [UInt8](text: "0") ? .some(nil) : nil
    }
}

/// `qCRC:address,length` and the checksum gdb's `compare-sections` uses.
public struct MemoryChecksum: Sendable, Equatable {
    /// Where the range begins.
    public var start: TargetAddress
    /// How many bytes it has.
    public var count: UInt64

    /// Builds a request.
    public init(start: TargetAddress, count: UInt64) {
        self.start = start
        self.count = count
    }

    /// Reads a payload; nil when it is malformed.
    public init?(payload: [UInt8]) {
        var reader = PayloadReader(payload)
        guard reader.skip("qCRC:"), let address = reader.hexNumber(),
            reader.skip("," as Unicode.Scalar), let count = reader.hexNumber(), reader.isAtEnd
        else { return nil }
        self.init(start: TargetAddress(address), count: count)
    }

    /// The payload.
    public var payload: [UInt8] {
        [UInt8](text: "qCRC:\(Hex.text(start.rawValue)),\(Hex.text(count))")
    }

    /// `C` and the checksum.
    public static func reply(_ checksum: UInt32) -> [UInt8] {
        [UInt8](text: "C" + Hex.text(UInt64(checksum)))
    }

    /// CRC-32 with the polynomial 0x04c11db7, most significant bit first, no final inversion.
    ///
    /// - Parameter start: 0xffffffff, or the checksum of what stands before.
    public static func crc(of bytes: some Sequence<UInt8>, from start: UInt32 = .max) -> UInt32 {
        bytes.reduce(start) { crc, byte in
            (crc << 8) ^ crcTable[Int(UInt8(truncatingIfNeeded: crc >> 24) ^ byte)]
        }
    }

    private static let crcTable: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index) << 24) { crc, _ in
            crc & 0x8000_0000 != 0 ? (crc << 1) ^ 0x04c1_1db7 : crc << 1
        }
    }
}
