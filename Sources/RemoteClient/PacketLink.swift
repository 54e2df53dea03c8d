internal import ByteTransport
internal import DebugTarget
internal import GDBRemoteProtocol
internal import LinuxSystem

// One request and its reply at a time over a byte stream.
//
// The remote protocol numbers nothing, so a reply that comes after its time-out would be taken for
// the answer to the next request, and to every one after it. Therefore a time-out ends the
// connection; and its clock starts anew with every byte that arrives, so that a slow line is not
// mistaken for a dead one, up to a limit for the reply as a whole. The user's Ctrl+C does not wait
// that long: a reply that is on its way gets a moment to come, so that a long command can be
// stopped without harm; then, or at a second Ctrl+C, the connection is given up. While acknowledgements are on, a damaged reply is asked for again (`-`)
// and a refused request is sent again; a stub that keeps doing either is given up after
// `retransmissionsMax`.

/// The request/reply side of the protocol over a transport.
final class PacketLink {
    /// The longest reply taken.
    static let payloadBytesMax = 4 << 20
    /// How often a packet is sent or asked for again.
    static let retransmissionsMax = 5
    /// How many packets may wait unread (console output and stop replies).
    static let queuedPacketsMax = 256
    /// How many times a connection that takes nothing is read for the reason.
    static let readsAfterEndMax = 64
    /// How long a stream that takes no bytes is borne with.
    static let writeTimeoutMilliseconds = 60_000

    /// How often the user hears of a wait.
    static let reportMilliseconds = 1000

    /// How many portions of bytes are taken without looking up.
    static let readsPerPollMax = 16

    let transport: any ByteTransport
    /// Tells of the user's Ctrl+C.
    var interrupts: (any WaitObserver)?
    /// How long a reply may take as a whole.
    var replyLimitMilliseconds: Int
    /// How long a reply may still take after Ctrl+C.
    var interruptGraceMilliseconds: Int
    /// How long a reply may take from the last byte on.
    var replyTimeoutMilliseconds: Int
    var needsAcknowledgements = true

    private var parser = PacketParser(
        payloadBytesMax: PacketLink.payloadBytesMax,
        expandsRunLengths: true
    )
    private var queued: [[UInt8]] = []
    private var failure: TargetError?
    private let log = PacketLog()
    private var lastPacket: [UInt8] = []
    private var retransmissions = 0
    /// How many interrupts had come when the last request was sent or the last reply was there.
    private var earlierInterrupts = 0

    init(
        _ transport: any ByteTransport,
        _ options: RemoteOptions,
        interrupts: (any WaitObserver)? = nil
    ) {
        self.transport = transport
        self.interrupts = interrupts
        replyTimeoutMilliseconds = options.replyTimeoutMilliseconds
        replyLimitMilliseconds = options.replyLimitMilliseconds
        interruptGraceMilliseconds = options.interruptGraceMilliseconds
    }

    /// Whether a packet has arrived and not been taken.
    var hasQueuedPacket: Bool { !queued.isEmpty }

    /// Whether the connection is beyond use.
    var isLost: Bool { failure != nil }

    /// Sends a request and waits for its reply.
    ///
    /// - Parameter purpose: what the reply is, for the message when it does not come.
    func exchange(_ payload: [UInt8], _ purpose: String) throws(TargetError) -> [UInt8] {
        try send(payload)
        return try next(purpose)
    }

    /// Waits for the next packet.
    func next(_ purpose: String) throws(TargetError) -> [UInt8] {
        var patience = makePatience()
        defer { earlierInterrupts = interrupts?.interruptCount ?? 0 }
        while true {
            if let reply = try receive(purpose, &patience) { return reply }
        }
    }

    /// Sends a packet without waiting.
    func send(_ payload: [UInt8]) throws(TargetError) {
        earlierInterrupts = interrupts?.interruptCount ?? 0
        lastPacket = PacketEncoder.packet(payload)
        retransmissions = 0
        log?.note(payload, .toStub)
        try write(lastPacket)
    }

    /// Sends 0x03.
    func sendInterrupt() throws(TargetError) {
        try write(PacketEncoder.interrupt)
    }

    private func makePatience() -> Patience {
        Patience(
            self,
            earlierInterrupts: earlierInterrupts,
            limitMilliseconds: replyLimitMilliseconds
        )
    }

    /// Waits for the next packet; nil after bytes that did not complete one.
    private func receive(
        _ purpose: String,
        _ patience: inout Patience
    ) throws(TargetError) -> [UInt8]? {
        if !queued.isEmpty { return queued.removeFirst() }
        if try takeArrived() {
            if !queued.isEmpty { return queued.removeFirst() }
            try check(&patience, purpose)
            return nil
        }
        let milliseconds = replyTimeoutMilliseconds
        try wait(forWriting: false, milliseconds: milliseconds, purpose, &patience) {
            "\(self.transport.peerName) did not answer within \(milliseconds / 1000) s"
                + " (waited for \(purpose))"
        }
        return nil
    }

    /// The next packet that has arrived already, without waiting.
    func poll() throws(TargetError) -> [UInt8]? {
        var reads = 0
        // What the transport holds back would not wake whoever polls its descriptor next.
        while queued.isEmpty, reads < Self.readsPerPollMax || transport.hasBufferedInput {
            guard try takeArrived() else { break }
            reads += 1
        }
        return queued.isEmpty ? nil : queued.removeFirst()
    }

    /// Closes the stream.
    func close() {
        transport.close()
        if failure == nil {
            failure = TargetError(.disconnected, "The connection is closed.")
        }
    }

    // MARK: - Bytes

    /// Takes what the transport has; false when there was nothing.
    private func takeArrived() throws(TargetError) -> Bool {
        if let failure { throw failure }
        switch transport.read(maximum: 65_536) {
        case .wouldBlock: return false
        case .ended(let reason): throw lose(describe(reason))
        case .bytes(let bytes):
            parser.append(bytes)
            while let item = parser.next() { try take(item) }
            return true
        }
    }

    private func describe(_ reason: EndReason) -> String {
        switch reason {
        case .closed: "\(transport.peerName) closed the connection"
        case .failed(let words): "The connection to \(transport.peerName) is lost: \(words)"
        }
    }

    /// Why nothing can be written any more: what the peer said before it went may still wait to be read.
    private func lastWords() -> String {
        for _ in 0..<Self.readsAfterEndMax {
            switch transport.read(maximum: 65_536) {
            case .bytes: continue
            case .ended(.failed(let words)): return describe(.failed(words))
            case .ended(.closed), .wouldBlock: return describe(.failed("nothing more is taken"))
            }
        }
        return describe(.failed("nothing more is taken"))
    }

    private func take(_ item: WireItem) throws(TargetError) {
        switch item {
        case .packet(let payload):
            if needsAcknowledgements { try write(PacketEncoder.acknowledgement) }
            guard queued.count < Self.queuedPacketsMax else {
                throw lose("\(transport.peerName) sent more packets than were asked for")
            }
            log?.note(payload, .fromStub)
            queued.append(payload)
        case .retransmissionRequest:
            if needsAcknowledgements { try retransmit { try self.write(self.lastPacket) } }
        case .damaged:
            guard needsAcknowledgements else {
                throw lose("\(transport.peerName) sent a damaged packet")
            }
            try retransmit { try self.write(PacketEncoder.retransmissionRequest) }
        case .acknowledgement, .notification, .interrupt:
            break
        }
    }

    private func retransmit(_ action: () throws -> Void) throws(TargetError) {
        retransmissions += 1
        guard retransmissions <= Self.retransmissionsMax else {
            throw lose(
                "\(transport.peerName): packets arrive damaged again and again;"
                    + " check the line and its baud rate"
            )
        }
        do { try action() } catch let error as TargetError { throw error } catch {}
    }

    private func write(_ bytes: [UInt8]) throws(TargetError) {
        if let failure { throw failure }
        var rest = bytes[...]
        var patience = makePatience()
        while !rest.isEmpty {
            guard let taken = transport.write(rest) else {
                throw lose(lastWords())
            }
            rest = rest.dropFirst(taken)
            if taken == 0 {
                let milliseconds = Self.writeTimeoutMilliseconds
                try wait(
                    forWriting: true,
                    milliseconds: milliseconds,
                    "room for a request",
                    &patience
                ) {
                    "\(self.transport.peerName) takes no more bytes"
                }
            }
        }
        while transport.hasBufferedOutput {
            transport.flush()
            guard transport.hasBufferedOutput else { return }
            try wait(
                forWriting: true,
                milliseconds: Self.writeTimeoutMilliseconds,
                "room for a request",
                &patience
            ) {
                "\(self.transport.peerName) takes no more bytes"
            }
        }
    }

    private func wait(
        forWriting: Bool,
        milliseconds: Int,
        _ purpose: String,
        _ patience: inout Patience,
        orFail message: () -> String
    ) throws(TargetError) {
        let start = monotonicNanoseconds()
        let deadline = start + UInt64(milliseconds) * 1_000_000
        while true {
            try check(&patience, purpose)
            let now = monotonicNanoseconds()
            guard now < deadline else { throw lose(message()) }
            let silence = Int((now - start) / 1_000_000)
            if silence >= Self.reportMilliseconds {
                let (peer, trouble) = (transport.peerName, transport.trouble)
                interrupts?.nothingComes(from: peer, for: silence, trouble: trouble)
            }
            var requests = [
                PollRequest(transport.descriptor, read: true, write: forWriting),
                PollRequest(interrupts?.interruptDescriptor ?? -1),
            ]
            let end = min(deadline, max(patience.end, now))
            let left = min(Int((end - now + 999_999) / 1_000_000), Self.reportMilliseconds)
            do {
                guard try pollDescriptors(&requests, timeoutMilliseconds: left) else { continue }
                guard requests[0].isReadable || requests[0].isWritable else { continue }
                if silence >= Self.reportMilliseconds {
                    interrupts?.replyCame(from: transport.peerName)
                }
                return
            } catch {
                throw lose("Waiting for \(transport.peerName) failed: \(error)")
            }
        }
    }

    /// Gives the connection up when the wait has lasted long enough for the limit or for the user.
    private func check(_ patience: inout Patience, _ purpose: String) throws(TargetError) {
        switch patience.verdict(interrupts) {
        case .goOn:
            return
        case .tooLong:
            throw lose(
                "\(transport.peerName) is not done within \(replyLimitMilliseconds / 1000) s"
                    + " (waited for \(purpose))"
            )
        case .interrupted:
            throw lose(
                "Ctrl+C: \(transport.peerName) does not answer; the connection is given up"
                    + " (waited for \(purpose))"
            )
        }
    }

    /// Gives the connection up; every later call fails with the same words.
    func lose(_ message: String) -> TargetError {
        let error = failure ?? TargetError(.disconnected, message)
        failure = error
        transport.close()
        return error
    }
}
