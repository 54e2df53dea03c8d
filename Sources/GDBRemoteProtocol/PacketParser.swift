// Framing, as the GDB manual's "Overview" of the remote protocol has it, and what it leaves unsaid:
//
//     $payload#cs      a packet; cs is the sum of the payload's bytes on the wire, two hex digits
//     %payload#cs      a notification; never acknowledged
//     + -              acknowledgements, until QStartNoAckMode
//     0x03             an interrupt, only between packets; inside one it is data
//
// - Bytes between packets that are none of these are line noise or a keepalive: skipped without a word.
// - `$` never appears unescaped inside a payload, so one there means that the rest of the packet before
//   it was lost; the new packet is taken from there, and the old one reported as damaged.
// - The checksum covers the bytes as they travel: before run lengths are expanded and escapes undone.
// - Replies may contain runs (`0* `), requests may not: gdb escapes a `*` in what it sends, lldb does not,
//   so a server must not expand.

/// What a stream of protocol bytes consists of.
public enum WireItem: Sendable, Equatable {
    /// A packet whose checksum was right; escapes are still in it.
    case packet([UInt8])
    /// A notification whose checksum was right.
    case notification([UInt8])
    /// `+`.
    case acknowledgement
    /// `-`: the last packet is to be sent again.
    case retransmissionRequest
    /// 0x03 between packets.
    case interrupt
    /// A packet that cannot be used.
    case damaged(PacketDamage)
}

/// Why a packet cannot be used.
public enum PacketDamage: Sendable, Equatable {
    /// The checksum does not fit; the payload is as it arrived (without acknowledgements the manual lets
    /// a receiver use it all the same).
    case checksum(payload: [UInt8])
    /// The payload is longer than the parser's limit.
    case oversized
    /// A new packet began before this one ended.
    case truncated
    /// A run length that repeats nothing or lies outside what the manual allows.
    case badRunLength
}

/// Takes protocol bytes in any portions and gives packets.
///
/// Memory is bounded by `payloadBytesMax` plus what one `append` brought.
public struct PacketParser: Sendable {
    /// The longest payload taken, in bytes on the wire and after expansion.
    public let payloadBytesMax: Int
    /// Whether runs are expanded: true for a client, which reads replies.
    public let expandsRunLengths: Bool

    private enum State {
        case idle
        case payload
        case checksumHigh
        case checksumLow(high: UInt8)
    }

    private var state = State.idle
    private var isNotification = false
    private var isOversized = false
    private var payload: [UInt8] = []
    private var sum: UInt8 = 0
    private var input: [UInt8] = []
    private var position = 0

    /// Starts between packets.
    public init(payloadBytesMax: Int, expandsRunLengths: Bool = false) {
        self.payloadBytesMax = payloadBytesMax
        self.expandsRunLengths = expandsRunLengths
    }

    /// How many bytes were added that `next` has not looked at.
    public var waitingByteCount: Int { input.count - position }

    /// Adds bytes as they arrived; `next` takes items out until it answers nil.
    public mutating func append(_ bytes: [UInt8]) {
        if position == input.count {
            input = bytes
        } else {
            input.removeSubrange(..<position)
            input += bytes
        }
        position = 0
    }

    /// The next item, or nil when more bytes are needed.
    public mutating func next() -> WireItem? {
        while position < input.count {
            let item: WireItem?
            switch state {
            case .idle: item = takeBetweenPackets()
            case .payload: item = takePayload()
            case .checksumHigh, .checksumLow: item = takeChecksum()
            }
            if let item { return item }
        }
        input.removeAll(keepingCapacity: true)
        position = 0
        return nil
    }

    private mutating func takeByte() -> UInt8 {
        defer { position += 1 }
        return input[position]
    }

    private mutating func takeBetweenPackets() -> WireItem? {
        switch takeByte() {
        case UInt8(ascii: "$"): start(notification: false)
        case UInt8(ascii: "%"): start(notification: true)
        case UInt8(ascii: "+"): return .acknowledgement
        case UInt8(ascii: "-"): return .retransmissionRequest
        case 0x03: return .interrupt
        default: break
        }
        return nil
    }

    private mutating func start(notification: Bool) {
        state = .payload
        isNotification = notification
        isOversized = false
        payload.removeAll(keepingCapacity: true)
        sum = 0
    }

    private mutating func takePayload() -> WireItem? {
        let from = position
        let (end, added) = input.withUnsafeBufferPointer { bytes in
            var end = from
            var added: UInt8 = 0
            while end < bytes.count {
                let byte = bytes[end]
                if byte == UInt8(ascii: "#") || byte == UInt8(ascii: "$") { break }
                added &+= byte
                end &+= 1
            }
            return (end, added)
        }
        position = end
        sum &+= added
        keep(input[from..<end])
        guard end < input.count else { return nil }
        if takeByte() == UInt8(ascii: "#") {
            state = .checksumHigh
            return nil
        }
        start(notification: false)
        return .damaged(.truncated)
    }

    private mutating func keep(_ bytes: ArraySlice<UInt8>) {
        guard !isOversized else { return }
        if payload.count + bytes.count > payloadBytesMax {
            isOversized = true
            payload.removeAll(keepingCapacity: true)
        } else {
            payload += bytes
        }
    }

    private mutating func takeChecksum() -> WireItem? {
        let byte = takeByte()
        guard case .checksumLow(let high) = state else {
            state = .checksumLow(high: byte)
            return nil
        }
        state = .idle
        if isOversized { return .damaged(.oversized) }
        guard let sent = Hex.byte(high: high, low: byte), sent == sum else {
            return .damaged(.checksum(payload: payload))
        }
        return finish()
    }

    private func finish() -> WireItem {
        guard expandsRunLengths, payload.contains(UInt8(ascii: "*")) else {
            return isNotification ? .notification(payload) : .packet(payload)
        }
        switch RunLength.expand(payload, bytesMax: payloadBytesMax) {
        case .success(let expanded):
            return isNotification ? .notification(expanded) : .packet(expanded)
        case .failure(.tooLong): return .damaged(.oversized)
        case .failure(.malformed): return .damaged(.badRunLength)
        }
    }
}
