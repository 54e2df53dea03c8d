internal import DebugTarget
internal import GDBRemoteProtocol

/// What a packet is answered with.
enum Reply {
    /// That payload.
    case payload([UInt8])
    /// `OK`.
    case ok
    /// The empty reply: not known here.
    case unsupported
    /// An error.
    case failure(TargetError)
    /// Nothing now: a stop reply follows when the target stops.
    case later
    /// Nothing at all.
    case none

    /// An error that is the client's fault.
    static func malformed(_ packet: [UInt8]) -> Reply {
        .failure(TargetError(.invalid, "malformed packet: \(printable(packet.prefix(60)))"))
    }
}

/// One kind of packet: its name and what answers it.
struct PacketEntry {
    /// How an answer is found.
    typealias Handler = (ServerSession, [UInt8]) throws(TargetError) -> Reply

    /// The packet's name, `m` or `qXfer`.
    var name: [UInt8]
    /// Whether gdb shows the text of `E.text` here even where it did not agree to `error-message+`.
    var showsErrorText: Bool
    /// Whether it is answered at all (`k` and `R` are not).
    var hasReply: Bool
    var handler: Handler

    init(
        _ name: String,
        showsErrorText: Bool = false,
        hasReply: Bool = true,
        _ handler: @escaping Handler
    ) {
        self.name = Array(name.utf8)
        self.showsErrorText = showsErrorText
        self.hasReply = hasReply
        self.handler = handler
    }

    /// Whether a payload is a packet of this kind: the name, then the end or a separator.
    ///
    /// Names of one letter need no separator, and those that end in one have it already.
    func matches(_ payload: [UInt8]) -> Bool {
        guard payload.starts(with: name) else { return false }
        guard name.count > 1, payload.count > name.count, let last = name.last,
            PacketEntry.isNamePart(last)
        else { return true }
        return !PacketEntry.isNamePart(payload[name.count])
    }

    private static func isNamePart(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        default: false
        }
    }
}

/// All kinds of packets, by first letter.
struct PacketTable {
    private var entries: [UInt8: [PacketEntry]] = [:]

    init(_ groups: [[PacketEntry]]) {
        for entry in groups.joined() {
            if let first = entry.name.first { entries[first, default: []].append(entry) }
        }
    }

    func entry(for payload: [UInt8]) -> PacketEntry? {
        guard let first = payload.first else { return nil }
        let candidates = entries[first]?.filter { $0.matches(payload) }
        return candidates?.max { $0.name.count < $1.name.count }
    }
}
