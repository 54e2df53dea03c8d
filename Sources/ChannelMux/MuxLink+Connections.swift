import WireCore

/// How connections begin and end.
///
/// An id on the wire may be given out again only when nothing of its former connection can still come. The
/// side that opened a connection owns the id. The other side forgets a connection as soon as it is over and
/// sends RELEASE as its very last word about it. The owner takes RELEASE in link order, so everything that
/// the other side said before has come, and waits until all its own frames with that id are acknowledged.
extension MuxLink {
    // MARK: Beginning

    /// Puts a connection that has something to send into the line of those that wait.
    mutating func schedule(_ slot: Int) {
        guard session != nil, connections[slot].queue == .none, connections[slot].isReady else {
            return
        }
        let outgoing = connections[slot].outgoing
        let isSparse = !outgoing.hasParts && outgoing.queue.count <= quantum
        connections[slot].queue = isSparse ? .sparse : .bulk
        connections[slot].deficit = 0
        if isSparse {
            session?.scheduler.sparse.append(slot)
        } else {
            session?.scheduler.bulk.append(slot)
        }
    }

    /// Sets how far the peer's stream may run from the start.
    mutating func openWindow(_ slot: Int) {
        let range = Connection.windowBytes
        let window = min(max(configuration.receiveWindowBytes, range.lowerBound), range.upperBound)
        connections[slot].window = UInt32(window)
        connections[slot].incoming.limit = connections[slot].incoming.consumed &+ UInt32(window)
    }

    /// The peer opens a connection.
    mutating func receiveOpen(
        _ wireID: UInt16,
        _ channel: ChannelNumber,
        waits: Bool,
        codes: Bool,
        _ limit: UInt32
    ) {
        guard let takesOddIDs = session?.takesOddIDs else { return }
        let isPeers = (wireID & 1 == 1) != takesOddIDs
        guard isPeers, connections.slot(ofWireID: wireID) == nil, mayUse(channel) else {
            counters.protocolErrors += 1
            return
        }
        guard let slot = connections.add(channel, .parked) else {
            let reason = ResetReason.tooManyConnections.rawValue
            sendFixed(.refuse(wireID: wireID, reason: reason), of: nil)
            sendFixed(.release(wireID: wireID), of: nil)
            return
        }
        connections.setWireID(wireID, of: slot)
        connections[slot].firstSequence = session?.sender.next ?? 0
        connections[slot].waits = waits
        connections[slot].prepareCoding(isOffered: codes && mayCode, isWelcome: true)
        connections[slot].outgoing.limit = limit
        connections[slot].incoming.limit = waits ? 0 : UInt32(Connection.earlyBytesMax)
        if listening[Int(channel.rawValue)] {
            offer(slot)
        } else if !waits {
            refuseIncoming(slot, .noListener)
        }
    }

    /// Whether both ends know of a channel: all but the directory exist in every version.
    func mayUse(_ channel: ChannelNumber) -> Bool {
        channel != .directory || session?.peer.features.contains(.directory) == true
    }

    /// Whether both ends know of compression.
    var mayCode: Bool { session?.peer.features.contains(.compression) == true }

    private mutating func offer(_ slot: Int) {
        connections[slot].phase = .offered
        events.append(.incoming(connections[slot].id, connections[slot].channel))
    }

    /// Somebody listens now: those who have waited meet him, the first first.
    mutating func offerParked(on channel: ChannelNumber) {
        for slot in connections.slots.indices
        where connections[slot].phase == .parked && connections[slot].channel == channel {
            offer(slot)
        }
    }

    /// The peer has taken our connection.
    mutating func receiveAccept(_ slot: Int, codes: Bool, limit: UInt32) {
        guard connections[slot].isOurs else { return }
        if codes { connections[slot].outgoing.encoder?.isWelcome = true }
        becomeOpen(slot)
        raiseLimit(slot, to: limit)
    }

    mutating func becomeOpen(_ slot: Int) {
        guard connections[slot].phase == .connecting else { return }
        connections[slot].phase = .open
        events.append(.opened(connections[slot].id))
    }

    mutating func deliverEarly(_ slot: Int) {
        let early = connections[slot].early
        connections[slot].early = []
        if !early.isEmpty { events.append(.received(connections[slot].id, early)) }
        if connections[slot].incoming.isFinished {
            events.append(.peerFinished(connections[slot].id))
            watchClosing(slot)
        }
    }

    // MARK: Credit

    mutating func raiseLimit(_ slot: Int, to limit: UInt32) {
        guard Int32(bitPattern: limit &- connections[slot].outgoing.limit) > 0 else { return }
        connections[slot].outgoing.limit = limit
        schedule(slot)
    }

    mutating func grantCredit(_ slot: Int) {
        let connection = connections[slot]
        guard connection.phase == .open, connection.window > 0, !connection.incoming.isFinished,
            !connection.isCreditQueued
        else { return }
        let left = Int32(bitPattern: connection.incoming.limit &- connection.incoming.consumed)
        guard left <= Int32(connection.window / 2) else { return }
        connections[slot].isCreditQueued = true
        session?.control.append(ControlItem(id: connection.id, kind: .credit))
    }

    // MARK: Ending

    /// Queues a chunk whose content does not change any more; `slot` is its connection's, as long as it has one.
    mutating func sendFixed(_ chunk: Chunk, of slot: Int?) {
        let id = slot.map { connections[$0].id } ?? .nobody
        session?.control.append(ControlItem(id: id, kind: .fixed(chunk)))
    }

    /// The user does not take the peer's connection.
    mutating func refuseIncoming(_ slot: Int, _ reason: ResetReason) {
        endPeers(slot) { .refuse(wireID: $0, reason: reason.rawValue) }
    }

    /// The user breaks a connection.
    mutating func abandon(_ slot: Int, _ reason: ResetReason) {
        if connections[slot].isOurs {
            endOurs(slot) { .reset(wireID: $0, reason: reason.rawValue) }
        } else {
            endPeers(slot) { .reset(wireID: $0, reason: reason.rawValue) }
        }
    }

    /// Ends a connection that we opened; `lastWord` is for the peer, which then releases the id.
    private mutating func endOurs(_ slot: Int, lastWord: ((UInt16) -> Chunk)?) {
        unschedule(slot)
        guard let wireID = connections[slot].wireID, session != nil else {
            connections.remove(slot)
            return
        }
        connections[slot].phase = .ending
        connections[slot].forgetStreams()
        if let lastWord { sendFixed(lastWord(wireID), of: slot) }
        addClosing(slot)
    }

    /// Ends a connection that the peer opened.
    private mutating func endPeers(_ slot: Int, lastWord: (UInt16) -> Chunk) {
        if let wireID = connections[slot].wireID { sendFixed(lastWord(wireID), of: nil) }
        release(slot)
    }

    /// Forgets a connection of the peer's and says so.
    private mutating func release(_ slot: Int) {
        unschedule(slot)
        if let wireID = connections[slot].wireID { sendFixed(.release(wireID: wireID), of: nil) }
        connections.remove(slot)
    }

    mutating func unschedule(_ slot: Int) {
        session?.scheduler.remove(slot, from: connections[slot].queue)
        connections[slot].queue = .none
    }

    /// The peer breaks, or does not take, a connection.
    mutating func receiveEnd(_ slot: Int, event: (ConnectionID) -> MuxEvent) {
        let phase = connections[slot].phase
        if phase != .ending && phase != .parked { events.append(event(connections[slot].id)) }
        if !connections[slot].isOurs {
            release(slot)
        } else if phase != .ending {
            endOurs(slot, lastWord: nil)
        }
    }

    /// A connection of ours that the peer cannot be told of is over before it has begun.
    mutating func refuseOurs(_ slot: Int, _ reason: ResetReason) {
        events.append(.refused(connections[slot].id, reason))
        connections.remove(slot)
    }

    /// The peer has forgotten a connection that we opened.
    mutating func receiveRelease(_ slot: Int) {
        guard connections[slot].isOurs else { return }
        connections[slot].isReleased = true
        settleClosing()
    }

    /// Both have finished, or will have: look after it until the last byte is acknowledged.
    mutating func watchClosing(_ slot: Int) {
        let connection = connections[slot]
        guard connection.phase == .open, connection.incoming.isFinished,
            connection.outgoing.finishSent
        else {
            return
        }
        addClosing(slot)
        settleClosing()
    }

    private mutating func addClosing(_ slot: Int) {
        let id = connections[slot].id
        guard session?.closing.contains(id) == false else { return }
        session?.closing.append(id)
    }

    /// Gives back what is closed or released and acknowledged to the last frame.
    mutating func settleClosing() {
        guard let closing = session?.closing, let base = session?.sender.base, !closing.isEmpty
        else {
            return
        }
        var waiting: [ConnectionID] = []
        for id in closing {
            guard let slot = connections.liveSlot(of: id) else { continue }
            let connection = connections[slot]
            let isSettled = connection.lastSequenceEnd <= base && !connection.outgoing.hasParts
            if !isSettled {
                waiting.append(id)
            } else if connection.phase == .ending {
                if connection.isReleased { connections.remove(slot) } else { waiting.append(id) }
            } else if settleFinished(slot) {
                waiting.append(id)
            }
        }
        self.session?.closing = waiting
    }

    /// Both streams of an open connection are complete; answers whether its id has to be kept.
    private mutating func settleFinished(_ slot: Int) -> Bool {
        events.append(.closed(connections[slot].id))
        guard connections[slot].isOurs else {
            release(slot)
            return false
        }
        unschedule(slot)
        connections[slot].phase = .ending
        connections[slot].forgetStreams()
        guard connections[slot].isReleased else { return true }
        connections.remove(slot)
        return false
    }

    // MARK: The session's end

    /// Forgets the session: what the peer knew of connections is gone.
    ///
    /// Connections that it never answered, and that have sent nothing, go on to the next session.
    mutating func dropSession(
        _ reason: ResetReason,
        keepsUnanswered: Bool,
        at now: MonotonicInstant
    ) {
        for slot in connections.slots.indices {
            let connection = connections[slot]
            connections[slot].queue = .none
            switch connection.phase {
            case .vacant: break
            case .parked, .ending: connections.remove(slot)
            case .connecting where keepsUnanswered && connection.outgoing.nextOrder == 0:
                connections.setWireID(nil, of: slot)
                connections[slot].lastSequenceEnd = 0
            case .connecting, .offered, .open:
                events.append(.reset(connection.id, reason))
                connections.remove(slot)
            }
        }
        session = nil
        candidateCheck = nil
        downSince = nil
    }
}
