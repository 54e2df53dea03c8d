// `qXfer` (the manual's "General Query Packets"): objects read and written in portions. The data is
// binary and escaped; a reply starts with `m` when there is more and with `l` when it was the last; an
// offset at the object's end answers a bare `l`. A portion may always be shorter than asked for. gdb asks
// for 4096 bytes at a time whatever the packet size.

/// A `qXfer` request.
public struct TransferRequest: Sendable, Equatable {
    /// What to do.
    public enum Operation: Sendable, Equatable {
        /// Read up to `count` bytes from `offset`.
        case read(offset: Int, count: Int)
        /// Write bytes at `offset`.
        case write(offset: Int, [UInt8])
    }

    /// Its name, as in `features` or `auxv`.
    public var object: String
    /// Which part of it; may be empty.
    public var annex: String
    /// What to do.
    public var operation: Operation

    /// Builds a request.
    public init(object: String, annex: String, _ operation: Operation) {
        self.object = object
        self.annex = annex
        self.operation = operation
    }

    /// Reads a payload; nil when it is malformed.
    public init?(payload: [UInt8]) {
        var reader = PayloadReader(payload)
        guard reader.skip("qXfer:") else { return nil }
        object = String(decoding: reader.field(endingAt: ":"), as: UTF8.self)
        let verb = String(decoding: reader.field(endingAt: ":"), as: UTF8.self)
        annex = String(decoding: reader.field(endingAt: ":"), as: UTF8.self)
        switch verb {
        case "read":
            guard let offset = reader.hexNumber().flatMap({ Int(exactly: $0) }),
                reader.skip("," as Unicode.Scalar),
                let count = reader.hexNumber().flatMap({ Int(exactly: $0) }), reader.isAtEnd
            else { return nil }
            operation = .read(offset: offset, count: count)
        case "write":
            guard
                let offset = Hex.number(reader.field(endingAt: ":")).flatMap({ Int(exactly: $0) }),
                let bytes = Escaping.unescape(reader.remainder())
            else { return nil }
            operation = .write(offset: offset, bytes)
        default: return nil
        }
    }

    /// The payload.
    public var payload: [UInt8] {
        switch operation {
        case .read(let offset, let count):
            return [UInt8](
                text: "qXfer:\(object):read:\(annex):"
                    + "\(Hex.text(UInt64(offset))),\(Hex.text(UInt64(count)))"
            )
        case .write(let offset, let bytes):
            var payload = [UInt8](
                text: "qXfer:\(object):write:\(annex):\(Hex.text(UInt64(offset))):"
            )
            payload.append(escaped: bytes)
            return payload
        }
    }
}

/// The replies to `qXfer…:read`.
public enum TransferReply: Sendable, Equatable {
    /// A portion; more follows at the offset behind it.
    case more([UInt8])
    /// The last portion, perhaps empty.
    case last([UInt8])

    /// The portion of an object that fits.
    ///
    /// - Parameters:
    ///   - object: the whole object.
    ///   - offset: where the portion starts.
    ///   - count: the most bytes wanted.
    ///   - payloadBytesMax: the most bytes the payload may have.
    public static func payload(
        of object: [UInt8],
        offset: Int,
        count: Int,
        payloadBytesMax: Int
    ) -> [UInt8] {
        guard offset < object.count else { return [UInt8(ascii: "l")] }
        let end = offset + min(count, object.count - offset)
        let (escaped, taken) = Escaping.escape(
            object[offset..<end],
            escapedBytesMax: payloadBytesMax - 1
        )
        let isLast = offset + taken == object.count
        return [isLast ? UInt8(ascii: "l") : UInt8(ascii: "m")] + escaped
    }

    /// Reads a reply; nil when it is malformed, an error or unsupported.
    public init?(payload: [UInt8]) {
        guard let kind = payload.first, let bytes = Escaping.unescape(payload.dropFirst()) else {
            return nil
        }
        switch kind {
        case UInt8(ascii: "m"): self = .more(bytes)
        case UInt8(ascii: "l"): self = .last(bytes)
        default: return nil
        }
    }

    /// The reply to a write: how many bytes were taken.
    public static func written(_ count: Int) -> [UInt8] {
        [UInt8](text: Hex.text(UInt64(count)))
    }
}
