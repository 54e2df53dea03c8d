internal import ByteTransport
internal import LinuxSystem
internal import SharedSession
internal import Transports

/// A participant's connection as the hub has it.
final class HubSeat {
    /// How many bytes of frames are put together for one write.
    static let writeBytesMax = 16_384
    /// How much one participant gets before it is the next one's turn, in bytes.
    static let turnBytesMax = 262_144
    /// Over how long a participant's speed is measured, in milliseconds.
    static let windowMilliseconds: UInt64 = 50
    /// Who takes at least so many bytes in that time is waited for: a mebibyte a second.
    static let quickBytes = 52_428
    /// What the kernel may keep, in bytes: text that is under way cannot be skipped any more, and what is on its way
    /// to a serial line takes its time.
    static let bufferBytes: Int32 = 262_144
    static let serialBufferBytes: Int32 = 8_192

    let transport: any ByteTransport
    let server: ServedTransport
    /// Kept as long as the participant: on a serial port, letting go of it tells the far end.
    private let connection: AcceptedConnection
    private var pending: [UInt8] = []
    private var windowEnd: UInt64 = 0
    private var windowBytes = 0
    /// Whether it has lately taken what it was given as quickly as anybody can.
    private(set) var isQuick = true
    /// Until when it gets what is left for it, once it is shown out.
    var leavesUntil: UInt64?
    private var isFinished = false
    /// Whether it could take more, and others come first.
    private(set) var isTurnOver = false

    init(_ transport: any ByteTransport, _ arrival: Arrival) {
        self.transport = transport
        server = arrival.server
        connection = arrival.connection
        let isSerial = if case .serial = transport.link { true } else { false }
        setSendBuffer(
            of: arrival.connection.descriptor,
            bytes: isSerial ? Self.serialBufferBytes : Self.bufferBytes
        )
    }

    /// What to poll for.
    func request(wantsRead: Bool) -> PollRequest {
        PollRequest(
            transport.descriptor,
            read: wantsRead,
            write: !pending.isEmpty || transport.hasBufferedOutput
        )
    }

    /// Gives the participant what there is for it, as far as it takes it.
    ///
    /// - Returns: false when the connection is gone.
    func pump(_ session: inout SharedSession, _ number: UInt16, at now: UInt64) -> Bool {
        var given = 0
        transport.flush()
        while given < Self.turnBytesMax {
            while pending.count < Self.writeBytesMax, let frame = session.takeFrame(for: number) {
                pending += frame
            }
            guard !pending.isEmpty else { break }
            guard let taken = transport.write(pending[...]) else { return false }
            if taken == 0 { break }
            pending.removeFirst(taken)
            given += taken
        }
        transport.flush()
        isTurnOver = given >= Self.turnBytesMax
        measure(given, now)
        if session.hasLeft(number), pending.isEmpty, !isFinished {
            isFinished = true
            transport.finishWriting()
            transport.flush()
        }
        return true
    }

    private func measure(_ given: Int, _ now: UInt64) {
        windowBytes += given
        guard now >= windowEnd else { return }
        isQuick = windowBytes >= Self.quickBytes
        windowBytes = 0
        windowEnd = now + Self.windowMilliseconds * 1_000_000
    }
}
