import WireCore

/// What goes out, and in which order: farewell and HELLO, acknowledgement, probe, control, retransmission,
/// sparse connections, the others.
extension MuxLink {
    /// A zero before a frame throws away what noise has left in the receiver since the line fell silent.
    private static let idleNanoseconds: UInt64 = 20_000_000
    private static let farewellCount = 3
    private static let roundNanoseconds: UInt64 = 1_000_000_000
    private static let sharePayloadMin = 96
    /// Bundles are never cut up again, so they stay short.
    private static let bundlePayloadMax = 240
    /// A lost frame that is longer than this many times the present size is cut up.
    private static let splitFactor = 2

    /// The longest payload of a data frame now.
    func payloadMax(at now: MonotonicInstant) -> Int {
        let longest = sizer.payloadMax(isInteractive: lineUse.isInteractive(at: now))
        guard let session else { return longest }
        let allowed = min(longest, session.peer.bodyBytesMax - Wire.dataOverhead)
        let count = session.scheduler.bulk.count
        guard count > 1 else { return allowed }
        // Where very many transfers take turns, nobody waits much longer than a second for his.
        let share = clock.bytes(inNanoseconds: Self.roundNanoseconds) / count
        return min(allowed, max(share, Self.sharePayloadMin))
    }

    /// What a connection may have waiting to count as sparse.
    var quantum: Int { sizer.payloadMax(isInteractive: true) }

    mutating func sayFarewell(_ reason: ResetReason) {
        guard isUp, isLineOpen, let session else { return }
        let body = Frame.bye(reason: reason.rawValue).body
        farewell = (body, session.outgoing, Self.farewellCount)
    }

    // MARK: Choosing

    /// Whether there is anything to send, as soon as the line has room.
    func hasWork(at now: MonotonicInstant) -> Bool {
        guard isLineOpen else { return false }
        if farewell != nil { return true }
        if let due = greeter.due, due <= now { return true }
        guard isUp, session?.hasUrgentWork(at: now) == false else { return isUp }
        return hasSequencedWork(at: now)
    }

    private func hasSequencedWork(at now: MonotonicInstant) -> Bool {
        if session?.hasControlOrLost == true { return true }
        guard session?.scheduler.isEmpty == false else { return false }
        return session?.mayStartData(clock, payloadMax: payloadMax(at: now)) == true
    }

    /// The next frame; the line has room.
    mutating func buildFrame(at now: MonotonicInstant) -> [UInt8]? {
        if let wire = buildFarewell() { return finish(wire, at: now).wire }
        if let due = greeter.due, due <= now { return buildHello(at: now) }
        guard isUp else { return nil }
        // No copy of the session may live here: the parts below change its arrays in place.
        let hasSequenced = hasSequencedWork(at: now)
        if session?.acknowledgesAlone(at: now, canCarry: hasSequenced) == true {
            return buildAck(at: now)
        }
        if session?.isPollDue == true { return buildPoll(at: now) }
        guard hasSequenced else { return nil }
        if session?.mayStartControl == true, let frame = buildBundle(at: now) { return frame }
        if let sequence = session?.sender.firstLost { return buildAgain(sequence, at: now) }
        if let frame = buildData(at: now) { return frame }
        return session?.acks.isDue(at: now) == true ? buildAck(at: now) : nil
    }

    // MARK: Frames outside the sequence

    private mutating func buildFarewell() -> [UInt8]? {
        guard let farewell else { return nil }
        let isLast = farewell.left <= 1
        self.farewell = isLast ? nil : (farewell.body, farewell.check, farewell.left - 1)
        return farewell.check.wire(farewell.body, leadingZero: true)
    }

    private mutating func buildHello(at now: MonotonicInstant) -> [UInt8] {
        let next = UInt8(truncatingIfNeeded: session?.receiver.next ?? 0)
        let hello = handshake.hello(identity: configuration.identity, receiveNext: next)
        let (wire, wireEnd) = finish(hello.wire, at: now)
        greeter.sent(wireEnd: wireEnd, using: &generator)
        return wire
    }

    private mutating func buildAck(at now: MonotonicInstant) -> [UInt8]? {
        guard let acknowledgement = session?.acknowledgement else { return nil }
        session?.acks.sent(at: now)
        return transmit(Frame.ack(acknowledgement).body, at: now)?.wire
    }

    private mutating func buildPoll(at now: MonotonicInstant) -> [UInt8]? {
        guard let nonce = session?.nextPollNonce(), let next = session?.receiver.next else {
            return nil
        }
        session?.isPollDue = false
        lastPolled = now
        let body = Frame.poll(acknowledged: UInt8(truncatingIfNeeded: next), nonce: nonce).body
        guard let (wire, wireEnd) = transmit(body, at: now) else { return nil }
        session?.sender.polled(nonce: nonce, wireEnd: wireEnd)
        return wire
    }

    /// Codes a body for the line and counts it.
    ///
    /// A frame that nothing follows gets a second zero: were the first one damaged, the receiver would have
    /// to wait for the probe to notice.
    private mutating func transmit(
        _ body: [UInt8],
        acknowledged: UInt8? = nil,
        isFollowed: Bool = true,
        at now: MonotonicInstant
    ) -> (wire: [UInt8], wireEnd: MonotonicInstant)? {
        guard let check = session?.outgoing else { return nil }
        let isIdle = clock.hasBeenIdle(nanoseconds: Self.idleNanoseconds, at: now)
        var wire = check.wire(body, acknowledged: acknowledged, leadingZero: isIdle)
        if !isFollowed { wire.append(0) }
        return finish(wire, at: now)
    }

    /// Whether another sequenced frame is likely to follow the one being built.
    private var isFollowed: Bool {
        session?.hasMoreToSend == true
    }

    private mutating func finish(
        _ wire: [UInt8],
        at now: MonotonicInstant
    ) -> (wire: [UInt8], wireEnd: MonotonicInstant) {
        counters.framesOut += 1
        counters.bytesOut += wire.count
        sizer.sent(bytes: wire.count)
        return (wire, clock.handOver(bytes: wire.count, at: now))
    }

    // MARK: Sequenced frames

    private mutating func sendNew(_ frame: Frame, at now: MonotonicInstant) -> [UInt8]? {
        let body = frame.body
        let isQueued = clock.wireEnd > now
        guard let (wire, wireEnd) = transmitSequenced(body, at: now) else { return nil }
        session?.sender.sent(body, wireEnd: wireEnd, isQueued: isQueued)
        return wire
    }

    /// Codes a sequenced frame, with an acknowledgement if there is news.
    private mutating func transmitSequenced(
        _ body: [UInt8],
        at now: MonotonicInstant
    ) -> (wire: [UInt8], wireEnd: MonotonicInstant)? {
        let acknowledged = session?.carriedAcknowledgement
        session?.acks.carried()
        let isEnd = !isFollowed || body[0] & Wire.flagWantsAck != 0
        return transmit(body, acknowledged: acknowledged, isFollowed: !isEnd, at: now)
    }

    /// The head of the next sequenced frame.
    private var head: SequenceHead {
        SequenceHead(sequence: UInt8(truncatingIfNeeded: session?.sender.next ?? 0))
    }

    private mutating func buildAgain(_ sequence: UInt64, at now: MonotonicInstant) -> [UInt8]? {
        guard var body = session?.sender.body(of: sequence) else { return nil }
        if shortens(body, sequence, at: now) {
            let head = SequenceHead(sequence: UInt8(truncatingIfNeeded: sequence))
            body = Frame.bundle(head, chunks: []).body
        }
        counters.retransmittedFrames += 1
        guard let (wire, wireEnd) = transmitSequenced(body, at: now) else { return nil }
        session?.sender.resentFirstLost(body, wireEnd: wireEnd)
        return wire
    }

    /// Whether an empty frame goes out in the place of a lost one: because nobody wants its data any more, or
    /// because it is too long for what the line has become; then its data goes out under new numbers.
    private mutating func shortens(
        _ body: [UInt8],
        _ sequence: UInt64,
        at now: MonotonicInstant
    ) -> Bool {
        guard let (chunk, start, isFinal) = Self.soleChunk(body) else { return false }
        guard let slot = connections.slot(ofWireID: chunk.wireID),
            connections[slot].phase != .ending, connections[slot].firstSequence <= sequence
        else { return true }
        guard chunk.payload.count > Self.splitFactor * payloadMax(at: now) else { return false }
        connections[slot].outgoing.takeBack(chunk, start: start, isFinal: isFinal)
        noteSplit(slot)
        schedule(slot)
        return true
    }

    private mutating func noteSplit(_ slot: Int) {
        let id = connections[slot].id
        if session?.split.contains(id) == false { session?.split.append(id) }
    }

    /// The one chunk of a frame that carries nothing else than data.
    private static func soleChunk(
        _ body: [UInt8]
    ) -> (chunk: DataChunk, start: Int, isFinal: Bool)? {
        switch Frame(body: body[...]) {
        case .data(_, let chunk): return (chunk, 0, true)
        case .bundle(_, let chunks):
            var reader = ByteReader(chunks)
            guard case .part(let chunk, let start, let isFinal)? = Chunk.take(from: &reader),
                reader.isAtEnd
            else { return nil }
            return (chunk, Int(start), isFinal)
        default: return nil
        }
    }

    // MARK: Data

    private mutating func buildData(at now: MonotonicInstant) -> [UInt8]? {
        let payloadMax = payloadMax(at: now)
        while let (slot, isSparse) = nextSlot(quantum: payloadMax) {
            if isSparse && session?.scheduler.sparse.count ?? 0 > 1 {
                return buildBundle(at: now)
            }
            let longest = isSparse ? payloadMax : min(payloadMax, connections[slot].deficit)
            guard let chunk = takeChunk(slot, payloadMax: longest, isSparse: isSparse, at: now)
            else {
                continue
            }
            var head = head
            head.wantsAck = isWindowFull(payloadMax: payloadMax)
            return sendNew(Self.frame(head, chunk), at: now)
        }
        return nil
    }

    private static func frame(_ head: SequenceHead, _ chunk: Chunk) -> Frame {
        if case .data(let data) = chunk { return .data(head, data) }
        var writer = ByteWriter()
        chunk.write(to: &writer)
        return .bundle(head, chunks: writer.bytes[...])
    }

    /// Whether the next frame is the last before an acknowledgement must come.
    private func isWindowFull(payloadMax: Int) -> Bool {
        session?.mayStartData(clock, payloadMax: payloadMax) == false
    }

    /// Whose turn it is, with enough deficit for a frame.
    private mutating func nextSlot(quantum: Int) -> (slot: Int, isSparse: Bool)? {
        while let (slot, isSparse) = session?.scheduler.first(quantum: quantum) {
            if connections[slot].isReady {
                if !isSparse && connections[slot].deficit <= 0 {
                    connections[slot].deficit += quantum
                }
                return (slot, isSparse)
            }
            leaveTurn(slot)
        }
        return nil
    }

    /// Takes the first of its queue out of it.
    private mutating func leaveTurn(_ slot: Int) {
        if connections[slot].queue == .sparse {
            session?.scheduler.sparse.removeFirst()
        } else {
            session?.scheduler.bulk.removeFirst()
        }
        connections[slot].queue = .none
        connections[slot].deficit = 0
    }

    /// Takes a chunk of the connection whose turn it is, and moves it on in its queue.
    private mutating func takeChunk(
        _ slot: Int,
        payloadMax: Int,
        isSparse: Bool,
        at now: MonotonicInstant
    ) -> Chunk? {
        guard let wireID = connections[slot].wireID, let sequence = session?.sender.next else {
            leaveTurn(slot)
            return nil
        }
        let sentBefore = connections[slot].outgoing.sentCount
        let savedBefore = connections[slot].outgoing.savedCount
        let chunk = connections[slot].outgoing.takeChunk(
            wireID,
            payloadMax: payloadMax,
            isSparse: isSparse,
            sequence: sequence
        )
        connections[slot].lastSequenceEnd = sequence + 1
        counters.payloadBytesOut += connections[slot].outgoing.sentCount - sentBefore
        counters.savedBytesOut += connections[slot].outgoing.savedCount - savedBefore
        if connections[slot].outgoing.isSplit { noteSplit(slot) }
        connections[slot].deficit -= chunk.payloadCount
        session?.scheduler.sent(bytes: chunk.payloadCount, isSparse: isSparse)
        lineUse.note(slot, isSparse: isSparse, at: now)
        moveOn(slot, isSparse: isSparse)
        noteStall(slot, at: now)
        noteRoom(slot)
        if connections[slot].outgoing.finishSent { watchClosing(slot) }
        return chunk
    }

    private mutating func moveOn(_ slot: Int, isSparse: Bool) {
        let isReady = connections[slot].isReady
        if isReady && !isSparse && connections[slot].deficit > 0 { return }
        let deficit = connections[slot].deficit
        leaveTurn(slot)
        guard isReady else { return }
        connections[slot].queue = .bulk
        connections[slot].deficit = isSparse ? 0 : deficit
        session?.scheduler.bulk.append(slot)
    }

    private mutating func noteRoom(_ slot: Int) {
        guard connections[slot].wantsWritable,
            connections[slot].outgoing.queue.count <= configuration.sendQueueBytesMax / 2
        else { return }
        connections[slot].wantsWritable = false
        events.append(.writable(connections[slot].id))
    }

    // MARK: Bundles

    /// Control chunks, and behind them what sparse connections have.
    private mutating func buildBundle(at now: MonotonicInstant) -> [UInt8]? {
        let payloadMax = payloadMax(at: now)
        let room = min(payloadMax, Self.bundlePayloadMax)
        var writer = ByteWriter(reservingCapacity: room + 16)
        while writer.bytes.count < room, let item = session?.control.popFirst() {
            write(item, to: &writer)
        }
        if session?.mayStartData(clock, payloadMax: payloadMax) == true {
            addSparse(to: &writer, room: room, quantum: payloadMax, at: now)
        }
        guard !writer.bytes.isEmpty else { return nil }
        return sendNew(.bundle(head, chunks: writer.bytes[...]), at: now)
    }

    private mutating func addSparse(
        to writer: inout ByteWriter,
        room: Int,
        quantum: Int,
        at now: MonotonicInstant
    ) {
        let headMax = 7
        while writer.bytes.count + headMax < room,
            let (slot, isSparse) = nextSlot(quantum: quantum), isSparse
        {
            let left = room - writer.bytes.count - headMax
            let chunk = takeChunk(slot, payloadMax: left, isSparse: true, at: now)
            chunk?.write(to: &writer)
        }
    }

    private mutating func write(_ item: ControlItem, to writer: inout ByteWriter) {
        let slot = connections.liveSlot(of: item.id)
        if case .fixed(let chunk) = item.kind {
            // The last word about a connection that the peer has released meanwhile would hit the next
            // connection with that id.
            guard slot != nil || item.id == .nobody else { return }
            chunk.write(to: &writer)
        } else if let slot, let chunk = chunk(item.kind, slot) {
            chunk.write(to: &writer)
        } else {
            return
        }
        if let slot { connections[slot].lastSequenceEnd = (session?.sender.next ?? 0) + 1 }
        if item.kind == .open, let slot { schedule(slot) }
    }

    /// A control chunk as things are now; nil when it has no object any more.
    private mutating func chunk(_ kind: ControlItem.Kind, _ slot: Int) -> Chunk? {
        let phase = connections[slot].phase
        switch kind {
        case .open:
            guard phase == .connecting, connections[slot].wireID == nil else { return nil }
            guard mayUse(connections[slot].channel) else {
                refuseOurs(slot, .noListener)
                return nil
            }
            return openChunk(slot)
        case .accept:
            guard phase == .open, let wireID = connections[slot].wireID else { return nil }
            let codes = connections[slot].outgoing.encoder != nil
            let limit = connections[slot].incoming.limit
            return .accept(wireID: wireID, codes: codes, limit: limit)
        case .credit:
            connections[slot].isCreditQueued = false
            guard phase == .open, let wireID = connections[slot].wireID else { return nil }
            let limit = connections[slot].incoming.consumed &+ connections[slot].window
            connections[slot].incoming.limit = limit
            return .credit(wireID: wireID, limit: limit)
        case .fixed(let chunk): return chunk
        }
    }

    private mutating func openChunk(_ slot: Int) -> Chunk? {
        guard let isOdd = session?.takesOddIDs, let wireID = connections.freeWireID(isOdd: isOdd)
        else { return nil }
        connections.setWireID(wireID, of: slot)
        connections[slot].firstSequence = session?.sender.next ?? 0
        openWindow(slot)
        connections[slot].prepareCoding(isOffered: mayCode, isWelcome: false)
        let waits = connections[slot].waits
        connections[slot].outgoing.limit = waits ? 0 : UInt32(Connection.earlyBytesMax)
        return .open(
            wireID: wireID,
            connections[slot].channel,
            waits: waits,
            codes: mayCode,
            limit: connections[slot].incoming.limit
        )
    }
}
