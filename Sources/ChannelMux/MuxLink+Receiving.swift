import WireCore

/// What arrives.
extension MuxLink {
    /// Chunks of one BUNDLE: one that keeps to the usual length has a quarter of them.
    private static let bundleChunksMax = 512
    /// Events that wait for the owner, who takes them after every read.
    static let eventsMax = 65_536

    mutating func receiveDamage(at now: MonotonicInstant) {
        counters.damagedFrames += 1
        if isUp { session?.acks.damaged(at: now) }
    }

    mutating func receiveFrame(_ bytes: [UInt8], at now: MonotonicInstant) {
        if bytes.first == Wire.hello, let hello = Hello(body: bytes) {
            counters.framesIn += 1
            receiveHello(hello, at: now)
            return
        }
        guard let check = session?.incoming ?? candidateCheck, let body = check.body(of: bytes)
        else {
            if !isUp { classifier.noteFrame(bytes: bytes.count) }
            receiveDamage(at: now)
            return
        }
        counters.framesIn += 1
        lastHeard = now
        if !isUp { comeUpByFrame(at: now) }
        guard let frame = Frame(body: body) else {
            breakLink(at: now)
            return
        }
        session?.received(bytes: bytes.count, at: now)
        receive(frame, wireBytes: bytes.count, at: now)
        let controlCount = session?.control.count ?? 0
        if controlCount > LinkSession.controlItemsMax || events.count > Self.eventsMax {
            breakLink(at: now)
        }
    }

    private mutating func receive(_ frame: Frame, wireBytes: Int, at now: MonotonicInstant) {
        switch frame {
        case .data(let head, let chunk):
            receive([.data(chunk)], as: arrival(head, wireBytes: wireBytes, at: now), at: now)
        case .bundle(let head, let bytes):
            guard let chunks = Self.chunks(in: bytes) else {
                breakLink(at: now)
                return
            }
            receive(chunks, as: arrival(head, wireBytes: wireBytes, at: now), at: now)
        case .ack(let acknowledgement): receive(acknowledgement, at: now)
        case .poll(let acknowledged, let nonce):
            receive(Acknowledgement(next: acknowledged), at: now)
            session?.acks.polled(nonce: nonce)
        case .bye(let reason): peerLeft(reason, at: now)
        }
    }

    private static func chunks(in bytes: ArraySlice<UInt8>) -> [Chunk]? {
        var reader = ByteReader(bytes)
        var chunks: [Chunk] = []
        while chunks.count < bundleChunksMax, let chunk = Chunk.take(from: &reader) {
            chunks.append(chunk)
        }
        return reader.isAtEnd ? chunks : nil
    }

    // MARK: Acknowledgements

    mutating func receive(_ acknowledgement: Acknowledgement, at now: MonotonicInstant) {
        guard let shortest = session?.roundTrip.shortest ?? .some(0),
            let outcome = session?.sender.acknowledge(
                acknowledgement,
                shortestRoundTrip: shortest,
                at: now
            )
        else { return }
        if let sample = outcome.roundTrip,
            let excess = session?.roundTrip.add(sample, isQueued: outcome.isQueued, at: now)
        {
            clock.delay(nanoseconds: excess, at: now)
        }
        sizer.lost(frames: outcome.lostFrames, bytes: outcome.lostBytes)
        // Whoever reports damage may have missed our acknowledgement as well as a frame.
        if acknowledgement.sawDamage && outcome.lostFrames == 0 { session?.acks.repeatNow() }
        if outcome.madeProgress {
            settleSplit()
            settleClosing()
        }
    }

    /// Lets streams run on whose cut-up frames have all arrived.
    private mutating func settleSplit() {
        guard let split = session?.split, !split.isEmpty, let base = session?.sender.base else {
            return
        }
        session?.split.removeAll()
        for id in split {
            guard let slot = connections.liveSlot(of: id) else { continue }
            connections[slot].outgoing.acknowledged(before: base)
            if connections[slot].outgoing.isSplit { session?.split.append(id) }
            schedule(slot)
        }
    }

    // MARK: Sequenced frames

    private mutating func arrival(
        _ head: SequenceHead,
        wireBytes: Int,
        at now: MonotonicInstant
    ) -> LinkReceiver.Arrival {
        if let acknowledged = head.acknowledged {
            receive(Acknowledgement(next: acknowledged), at: now)
        }
        guard let receiver = session?.receiver else { return .outside }
        let arrival = receiver.arrival(head.sequence)
        let isUrgent = head.wantsAck || arrival != .inOrder || receiver.hasGap
        session?.acks.received(
            isUrgent: isUrgent,
            frameNanoseconds: clock.duration(bytes: wireBytes),
            at: now
        )
        return arrival
    }

    private mutating func receive(
        _ chunks: [Chunk],
        as arrival: LinkReceiver.Arrival,
        at now: MonotonicInstant
    ) {
        switch arrival {
        case .inOrder:
            takeInOrder(chunks, at: now)
            while let held = session?.receiver.takeHeld() { takeInOrder(held, at: now) }
        case .ahead(let sequence):
            var waiting: [Chunk] = []
            for chunk in chunks where !take(chunk, isInOrder: false, at: now) {
                waiting.append(chunk)
            }
            session?.receiver.hold(waiting, at: sequence)
        case .duplicate: counters.duplicateFrames += 1
        case .outside: counters.protocolErrors += 1
        }
    }

    private mutating func takeInOrder(_ chunks: [Chunk], at now: MonotonicInstant) {
        for chunk in chunks { _ = take(chunk, isInOrder: true, at: now) }
        session?.receiver.advance()
    }

    /// Takes a chunk, unless it needs what is in a frame before it.
    ///
    /// - Returns: whether it is done with. In order everything is: what is about no connection then is about
    ///   one that this side has forgotten.
    private mutating func take(_ chunk: Chunk, isInOrder: Bool, at now: MonotonicInstant) -> Bool {
        if case .open(let wireID, let channel, let waits, let codes, let limit) = chunk {
            receiveOpen(wireID, channel, waits: waits, codes: codes, limit)
            return true
        }
        guard let wireID = chunk.wireID else { return true }
        guard let slot = connections.slot(ofWireID: wireID) else { return isInOrder }
        switch chunk {
        case .data(let data): receiveData(data, slot, at: now)
        case .part(let data, let start, let isFinal):
            receiveData(data, start: Int(start), isFinal: isFinal, slot, at: now)
        case .mark(let chunk): receiveMark(chunk, slot)
        case .accept(_, let codes, let limit): receiveAccept(slot, codes: codes, limit: limit)
        case .credit(_, let limit): raiseLimit(slot, to: limit)
        case .refuse(_, let reason):
            let reason = ResetReason(rawValue: reason) ?? .refused
            if connections[slot].isOurs { receiveEnd(slot) { .refused($0, reason) } }
        case .reset(_, let reason):
            let reason = ResetReason(rawValue: reason) ?? .protocolError
            receiveEnd(slot) { .reset($0, reason) }
        case .release:
            guard isInOrder else { return false }
            receiveRelease(slot)
        case .open, .unknown: break
        }
        return true
    }

    private mutating func receiveData(
        _ chunk: DataChunk,
        start: Int = 0,
        isFinal: Bool = true,
        _ slot: Int,
        at now: MonotonicInstant
    ) {
        guard connections[slot].phase != .ending else { return }
        // Whoever sends data has accepted, even when what stands before it is still missing.
        becomeOpen(slot)
        lineUse.note(slot, isSparse: chunk.isSparse, at: now)
        pass(
            on: connections[slot].incoming.receive(chunk, start: start, isFinal: isFinal),
            slot
        )
    }

    private mutating func receiveMark(_ chunk: MarkChunk, _ slot: Int) {
        guard connections[slot].phase != .ending else { return }
        becomeOpen(slot)
        pass(on: connections[slot].incoming.receive(chunk), slot)
    }

    private mutating func pass(on reception: IncomingStream.Reception, _ slot: Int) {
        switch reception {
        case .nothing: break
        case .violation:
            counters.protocolErrors += 1
            if connections[slot].phase != .parked {
                events.append(.reset(connections[slot].id, .protocolError))
            }
            abandon(slot, .protocolError)
        case .bytes(let bytes, let isLast):
            counters.payloadBytesIn += bytes.count
            deliver(bytes, isLast: isLast, slot)
        }
    }

    private mutating func deliver(_ bytes: [UInt8], isLast: Bool, _ slot: Int) {
        let marks = connections[slot].incoming.takeMarks()
        guard connections[slot].phase == .open else {
            connections[slot].early += bytes
            return
        }
        let id = connections[slot].id
        var start = 0
        for (offset, mark) in marks {
            if offset > start { events.append(.received(id, Array(bytes[start..<offset]))) }
            events.append(mark.event(id))
            start = offset
        }
        if start == 0 && !bytes.isEmpty {
            events.append(.received(id, bytes))
        } else if start < bytes.count {
            events.append(.received(id, Array(bytes[start...])))
        }
        if isLast {
            events.append(.peerFinished(id))
            watchClosing(slot)
        }
    }
}

extension Chunk {
    /// The connection that it is about.
    var wireID: UInt16? {
        switch self {
        case .data(let chunk), .part(let chunk, _, _): chunk.wireID
        case .open(let wireID, _, _, _, _), .accept(let wireID, _, _), .refuse(let wireID, _),
            .credit(let wireID, _), .reset(let wireID, _), .release(let wireID):
            wireID
        case .mark(let chunk): chunk.wireID
        case .unknown: nil
        }
    }
}
