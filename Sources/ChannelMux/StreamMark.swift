public import WireCore

// BREAK and modem lines of a connection. They belong to a place in a stream (a BREAK and then a letter is
// what the kernel's SysRq waits for), so each takes a chunk number of the stream, and arrives in its turn.

/// The signal lines of a serial port, as somebody at one end of a connection sees or wants them.
public struct ModemLines: OptionSet, Sendable {
    /// The lines as bits.
    public let rawValue: UInt8

    /// Lines from bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Data terminal ready.
    public static let dtr = ModemLines(rawValue: 1)
    /// Request to send.
    public static let rts = ModemLines(rawValue: 2)
    /// Clear to send.
    public static let cts = ModemLines(rawValue: 4)
    /// Data set ready.
    public static let dsr = ModemLines(rawValue: 8)
    /// Ring indicator.
    public static let ring = ModemLines(rawValue: 16)
    /// Data carrier detect.
    public static let carrier = ModemLines(rawValue: 32)
}

/// Something at a place of a stream that is no byte of it.
enum StreamMark: Sendable, Equatable {
    /// A BREAK of that many milliseconds.
    case breakCondition(milliseconds: UInt16)
    /// How the lines are from here on.
    case modemLines(ModemLines)

    func event(_ id: ConnectionID) -> MuxEvent {
        switch self {
        case .breakCondition(let milliseconds): .breakReceived(id, milliseconds: Int(milliseconds))
        case .modemLines(let lines): .modemLines(id, lines)
        }
    }
}

/// A mark on the wire.
struct MarkChunk: Sendable, Equatable {
    var wireID: UInt16
    /// Its number among the connection's chunks, modulo 256.
    var order: UInt8
    var mark: StreamMark

    static let breakKind: UInt8 = 0x80
    static let modemKind: UInt8 = 0x90

    /// Reads what stands behind the length.
    init?(kind: UInt8, _ bytes: ArraySlice<UInt8>) {
        var reader = ByteReader(bytes)
        guard let wireID = reader.takeWireID(), let order = reader.takeUInt8() else { return nil }
        if kind == Self.breakKind {
            guard let milliseconds = reader.takeUInt16() else { return nil }
            mark = .breakCondition(milliseconds: milliseconds)
        } else {
            guard let lines = reader.takeUInt8() else { return nil }
            mark = .modemLines(ModemLines(rawValue: lines))
        }
        self.wireID = wireID
        self.order = order
    }

    init(wireID: UInt16, order: UInt8, mark: StreamMark) {
        self.wireID = wireID
        self.order = order
        self.mark = mark
    }

    func write(to writer: inout ByteWriter) {
        var content = ByteWriter()
        content.putVarint(UInt64(wireID))
        content.put(order)
        switch mark {
        case .breakCondition(let milliseconds):
            content.put(milliseconds)
            writer.put(Self.breakKind)
        case .modemLines(let lines):
            content.put(lines.rawValue)
            writer.put(Self.modemKind)
        }
        writer.put(UInt8(content.bytes.count))
        writer.put(content.bytes)
    }
}

extension MuxLink {
    /// Whether the peer knows of BREAKs and modem lines.
    public var carriesBreaks: Bool { session?.peer.features.contains(.modemLines) == true }

    /// Sends a BREAK behind the bytes taken so far, as long as the peer knows of such things.
    ///
    /// - Returns: whether it was taken; not when the peer does not know of it, or too many wait.
    public mutating func sendBreak(
        milliseconds: Int,
        on connection: ConnectionID,
        at now: MonotonicInstant
    ) throws(ChannelError) -> Bool {
        let duration = UInt16(clamping: milliseconds)
        return try send(.breakCondition(milliseconds: duration), on: connection)
    }

    /// Says how the modem lines are, behind the bytes taken so far.
    ///
    /// - Returns: whether it was taken; not when the peer does not know of it, or too many wait.
    public mutating func sendModemLines(
        _ lines: ModemLines,
        on connection: ConnectionID,
        at now: MonotonicInstant
    ) throws(ChannelError) -> Bool {
        try send(.modemLines(lines), on: connection)
    }

    private mutating func send(
        _ mark: StreamMark,
        on connection: ConnectionID
    ) throws(ChannelError) -> Bool {
        guard let slot = connections.slot(of: connection), connections[slot].phase == .open,
            !connections[slot].outgoing.isFinishing
        else { throw hasLeft ? .left : .notOpen }
        guard carriesBreaks, connections[slot].outgoing.append(mark) else { return false }
        schedule(slot)
        return true
    }
}
