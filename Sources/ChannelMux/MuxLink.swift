public import WireCore

// One end of the link. This file is its face: what the owner of a port calls. Behind it:
//
//     receive ─▶ FrameAssembler ─▶ Frame ─▶ MuxLink+Receiving ─▶ LinkReceiver ─▶ Connection ─▶ events
//                                             │ HELLO: Handshake    │ acknowledgements
//     send ─▶ Connection ─▶ Scheduler ─▶ MuxLink+Transmitting ◀─ LinkSender ─▶ nextTransmit
//
// Every part is a value that knows neither a clock nor the others; this type passes things between them.

/// One end of the multiplexed serial link: a pure state machine, bytes and time in, bytes, events
/// and the next deadline out.
///
/// After every call the owner drains `nextTransmit` (write what it gives, whole and in order) and
/// `nextEvent`, and comes back with `expireTimers` at `nextDeadline`.
public struct MuxLink: Sendable {
    let configuration: MuxConfiguration
    var generator: SeededGenerator
    var clock: LineClock
    var sizer: FrameSizer
    var lineUse = LineUse()
    var assembler = FrameAssembler(frameBytesMax: Wire.bodyBytesMax + Wire.checksumBytes)
    var classifier: LineClassifier
    var handshake: Handshake
    var greeter = Greeter()
    /// What is remembered of the peer; there is one while `handshake` says so.
    var session: LinkSession?
    /// How a frame of somebody who may know us is recognised, before there is a session.
    var candidateCheck: FrameCheck?
    var connections: ConnectionTable
    var listening = [Bool](repeating: false, count: Int(ChannelNumber.directory.rawValue) + 1)
    var events = FIFO<MuxEvent>()
    var isLineOpen = false
    var lastHeard: MonotonicInstant
    var lastPolled: MonotonicInstant
    /// When the session began to wait for the line.
    var downSince: MonotonicInstant?
    var hasLeft = false
    var farewell: (body: [UInt8], check: FrameCheck, left: Int)?
    var counters = MuxStatistics()

    /// Starts a link whose line is not open yet.
    public init(_ configuration: MuxConfiguration, at now: MonotonicInstant) {
        self.configuration = configuration
        generator = SeededGenerator(seed: configuration.seed)
        clock = LineClock(configuration, at: now)
        sizer = FrameSizer(clock)
        classifier = LineClassifier(at: now)
        handshake = Handshake(configuration, using: &generator)
        connections = ConnectionTable(limit: configuration.connectionsMax)
        lastHeard = now
        lastPolled = now
    }

    // MARK: The line

    /// The tty is open, for the first time or again.
    public mutating func lineOpened(at now: MonotonicInstant) {
        guard !hasLeft else { return }
        isLineOpen = true
        clock.restart(at: now)
        assembler.reset()
        classifier.restart(at: now)
        lastHeard = now
        handshake.renewNonce(using: &generator)
        if configuration.speaksFirst || session != nil { greeter.start(at: now) }
    }

    /// The tty is gone (unplugged, hung up); the session is kept for the grace time.
    public mutating func lineClosed(at now: MonotonicInstant) {
        guard isLineOpen else { return }
        isLineOpen = false
        greeter.stop()
        assembler.reset()
        goDown("the line was closed", at: now)
        greeter.stop()
    }

    /// Takes what was read from the tty.
    public mutating func receive(_ bytes: ArraySlice<UInt8>, at now: MonotonicInstant) {
        guard isLineOpen, !hasLeft else { return }
        counters.bytesIn += bytes.count
        if !isUp { classifier.take(bytes, at: now) }
        var input = bytes
        while let piece = assembler.next(from: &input) {
            switch piece {
            case .damaged:
                if !isUp { classifier.noteDamage() }
                receiveDamage(at: now)
            case .whole(let frame): receiveFrame(frame, at: now)
            }
        }
    }

    /// The next frame for the line, or nil when nothing may go out now.
    public mutating func nextTransmit(at now: MonotonicInstant) -> [UInt8]? {
        guard isLineOpen, clock.isReady(at: now) else { return nil }
        return buildFrame(at: now)
    }

    /// The next event, or nil.
    public mutating func nextEvent() -> MuxEvent? { events.popFirst() }

    /// Tells the peer that this end leaves, and resets every connection; the link stays silent afterwards.
    public mutating func leave(at now: MonotonicInstant) {
        guard !hasLeft else { return }
        sayFarewell(.left)
        dropSession(.left, keepsUnanswered: false, at: now)
        handshake.forget(candidate: nil, using: &generator)
        greeter.stop()
        hasLeft = true
    }

    /// Whether the peer answers.
    public var isUp: Bool { handshake.isUp }

    /// Who the peer says it is; nil before it was heard.
    public var peerIdentity: String? { handshake.sessionPeer?.identity }

    // MARK: Connections

    /// Takes connections to that number; they come as `.incoming`.
    public mutating func listen(
        on channel: ChannelNumber,
        at now: MonotonicInstant
    ) throws(ChannelError) {
        guard !hasLeft else { throw .left }
        guard !listening[Int(channel.rawValue)] else { throw .busy(channel) }
        listening[Int(channel.rawValue)] = true
        offerParked(on: channel)
    }

    /// Takes no more connections to that number; those that exist stay.
    public mutating func stopListening(on channel: ChannelNumber, at now: MonotonicInstant) {
        listening[Int(channel.rawValue)] = false
    }

    /// Asks for a connection; `.opened` or `.refused` follows, with `waiting` only when a listener is there.
    public mutating func connect(
        to channel: ChannelNumber,
        waiting: Bool,
        at now: MonotonicInstant
    ) throws(ChannelError) -> ConnectionID {
        guard !hasLeft else { throw .left }
        let hasRoom = session?.control.count ?? 0 < LinkSession.controlItemsMax
        guard hasRoom, let slot = connections.add(channel, .connecting) else {
            throw .tooManyConnections(limit: connections.limit)
        }
        connections[slot].isOurs = true
        connections[slot].waits = waiting
        let id = connections[slot].id
        session?.control.append(ControlItem(id: id, kind: .open))
        return id
    }

    /// Takes an `.incoming` connection.
    public mutating func accept(_ connection: ConnectionID, at now: MonotonicInstant) {
        guard let slot = connections.slot(of: connection), connections[slot].phase == .offered
        else {
            return
        }
        connections[slot].phase = .open
        openWindow(slot)
        session?.control.append(ControlItem(id: connection, kind: .accept))
        deliverEarly(slot)
        schedule(slot)
    }

    /// Declines an `.incoming` connection; an event about it may have been queued before.
    public mutating func refuse(
        _ connection: ConnectionID,
        _ reason: ResetReason,
        at now: MonotonicInstant
    ) {
        guard let slot = connections.slot(of: connection), connections[slot].phase == .offered
        else {
            return
        }
        refuseIncoming(slot, reason)
    }

    /// Queues bytes, possibly before `.opened`; returns how many were taken, `.writable` follows when
    /// fewer than given were and room comes back.
    public mutating func send(
        _ bytes: ArraySlice<UInt8>,
        on connection: ConnectionID,
        at now: MonotonicInstant
    ) throws(ChannelError) -> Int {
        guard let slot = connections.slot(of: connection), connections[slot].phase != .offered,
            !connections[slot].outgoing.isFinishing
        else { throw hasLeft ? .left : .notOpen }
        let room = configuration.sendQueueBytesMax - connections[slot].outgoing.queue.count
        let taken = bytes.prefix(max(0, room))
        connections[slot].wantsWritable = taken.count < bytes.count
        connections[slot].outgoing.queue.append(taken)
        schedule(slot)
        noteStall(slot, at: now)
        return taken.count
    }

    /// Says that nothing more will be sent; what is queued still is.
    public mutating func finishWriting(_ connection: ConnectionID, at now: MonotonicInstant) {
        guard let slot = connections.slot(of: connection), !connections[slot].outgoing.isFinishing
        else {
            return
        }
        connections[slot].outgoing.isFinishing = true
        connections[slot].wantsWritable = false
        schedule(slot)
    }

    /// Breaks the connection: what is queued is dropped, the peer hears the reason, the handle is gone.
    ///
    /// An event about it may have been queued before.
    public mutating func reset(
        _ connection: ConnectionID,
        _ reason: ResetReason,
        at now: MonotonicInstant
    ) {
        guard let slot = connections.slot(of: connection) else { return }
        abandon(slot, reason)
    }

    /// The local user took that many of the received bytes; the peer may send as many more.
    public mutating func consumed(
        _ count: Int,
        on connection: ConnectionID,
        at now: MonotonicInstant
    ) {
        guard let slot = connections.slot(of: connection) else { return }
        connections[slot].incoming.consume(count)
        grantCredit(slot)
    }
}
