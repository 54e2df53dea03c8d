/// A meeting point on the link, 0–254: connections to the same number meet.
public struct ChannelNumber: Hashable, Comparable, Sendable {
    /// The number on the wire.
    public let rawValue: UInt8

    /// The highest number there is.
    public static let maximum = 254

    /// A channel number, or nil when `number` is not 0–254.
    public init?(_ number: Int) {
        guard 0...Self.maximum ~= number else { return nil }
        rawValue = UInt8(number)
    }

    init(unchecked number: UInt8) { rawValue = number }

    /// What the link itself answers on: what the other end offers on its channels (section 10).
    ///
    /// Connections to it are opened only to a peer that knows of it.
    public static let directory = ChannelNumber(unchecked: 255)

    /// Orders by number.
    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// A local handle of one connection; not given out again while anybody could still mean the old one.
public struct ConnectionID: Hashable, Sendable {
    /// The slot in the low 16 bits, the slot's generation in the high ones.
    public let rawValue: UInt32

    init(slot: Int, generation: UInt16) {
        rawValue = UInt32(generation) << 16 | UInt32(truncatingIfNeeded: slot & 0xFFFF)
    }

    var slot: Int { Int(rawValue & 0xFFFF) }

    /// Of no connection.
    static let nobody = ConnectionID(slot: 0xFFFF, generation: 0xFFFF)
}
