// A relay sits between a debugger and a stub on a line that may fall silent. Nothing in the protocol numbers
// requests: a debugger that gives up waiting takes the late reply for the answer to its next request, and is
// wrong from then on. Debuggers give up after a time without a byte, but pass over bytes between packets that
// are none of `$ % + -`. So a relay that sends one of those now and then keeps the debugger waiting; it must
// know when an answer is owed, and must not do so inside a packet.

/// What a relay has to know of the packets that it carries.
public struct RelayedConversation: Sendable {
    /// A byte that a debugger passes over between packets.
    public static let keepalive: UInt8 = 0
    /// The longest packet that is held back until it is complete; with a longer one the bytes are no packets.
    public static let packetBytesMax = 1 << 20

    private enum Kind {
        case undecided
        case packets
        /// Something else, such as the greeting of our own clients: nothing is known of it.
        case opaque
    }

    private enum Debt: Equatable {
        case none
        case acknowledgement
        case reply
    }

    private var kind = Kind.undecided
    private var requests = PacketBoundaries()
    private var replies = PacketBoundaries()
    private var held: [UInt8] = []
    private var debt = Debt.none
    private var acknowledges = true

    /// Starts with a connection.
    public init() {}

    /// Whether the debugger waits, with its patience running out, and may be sent a `keepalive`.
    public var owesAnswer: Bool { debt != .none }

    /// Takes note of bytes on their way to the stub.
    public mutating func request(_ bytes: [UInt8]) {
        if kind == .undecided, let first = bytes.first { kind = Self.kind(ofFirst: first) }
        guard kind == .packets else { return }
        for byte in bytes where requests.take(byte) == .packetEnded { expectAnswer() }
    }

    /// Takes bytes from the stub and gives those that may go to the debugger: packets whole.
    public mutating func reply(_ bytes: [UInt8]) -> [UInt8] {
        guard kind == .packets else { return bytes }
        var ready: [UInt8] = []
        for byte in bytes {
            held.append(byte)
            switch replies.take(byte) {
            case .between:
                if byte == UInt8(ascii: "+"), debt == .acknowledgement { debt = .none }
            case .inside:
                continue
            case .packetEnded:
                debt = .none
            case .notificationEnded:
                break
            }
            ready += held
            held.removeAll(keepingCapacity: true)
        }
        if held.count > Self.packetBytesMax { ready += surrender() }
        return ready
    }

    /// Gives back what is held: the stub's side has ended, or these are no packets.
    public mutating func surrender() -> [UInt8] {
        defer { held = [] }
        kind = .opaque
        debt = .none
        return held
    }

    private static func kind(ofFirst byte: UInt8) -> Kind {
        switch byte {
        case UInt8(ascii: "$"), UInt8(ascii: "+"), UInt8(ascii: "-"), 0x03: .packets
        default: .opaque
        }
    }

    private mutating func expectAnswer() {
        let name = requests.beginning
        if name == Array("QStartNoAckMode".utf8.prefix(PacketBoundaries.beginningBytes)) {
            acknowledges = false
        }
        if Self.waitsWithoutLimit(name) {
            debt = acknowledges ? .acknowledgement : .none
        } else {
            debt = .reply
        }
    }

    /// Whether a packet resumes the program, or never has a reply: a debugger does not count the seconds then.
    private static func waitsWithoutLimit(_ name: [UInt8]) -> Bool {
        if name.starts(with: "vCont;".utf8) { return true }
        return name.first.map { "cCsSkR".utf8.contains($0) } ?? false
    }
}

/// Where packets begin and end in a stream of bytes.
struct PacketBoundaries: Sendable {
    /// What a byte is.
    enum Place: Equatable {
        /// Between packets.
        case between
        /// Part of a packet that goes on.
        case inside
        /// The last byte of a packet.
        case packetEnded
        /// The last byte of a notification.
        case notificationEnded
    }

    /// How much of a packet is kept to tell which one it is.
    static let beginningBytes = 8

    private enum State {
        case idle
        case payload
        case checksum(left: Int)
    }

    private var state = State.idle
    private var isNotification = false
    /// The first bytes of the packet.
    private(set) var beginning: [UInt8] = []

    mutating func take(_ byte: UInt8) -> Place {
        switch state {
        case .idle:
            guard byte == UInt8(ascii: "$") || byte == UInt8(ascii: "%") else { return .between }
            start(byte)
        case .payload:
            if byte == UInt8(ascii: "$") {
                start(byte)
            } else if byte == UInt8(ascii: "#") {
                state = .checksum(left: 2)
            } else if beginning.count < Self.beginningBytes {
                beginning.append(byte)
            }
        case .checksum(let left):
            guard left == 1 else {
                state = .checksum(left: left - 1)
                return .inside
            }
            state = .idle
            return isNotification ? .notificationEnded : .packetEnded
        }
        return .inside
    }

    private mutating func start(_ byte: UInt8) {
        state = .payload
        isNotification = byte == UInt8(ascii: "%")
        beginning.removeAll(keepingCapacity: true)
    }
}
