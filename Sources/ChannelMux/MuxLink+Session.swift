import WireCore

/// How a session begins, goes on and ends.
extension MuxLink {
    mutating func receiveHello(_ hello: Hello, at now: MonotonicInstant) {
        switch handshake.receive(hello, using: &generator) {
        case .nothing: break
        case .loopback: report(.loopback)
        case .otherVersion(let lowest, let highest):
            report(.otherVersion(lowest: lowest, highest: highest))
        case .answer:
            updateCandidate()
            // Whoever greets is a multiplexer: go on until it has heard us, for this answer may be lost, and
            // the other side may be one that speaks no more unless it is spoken to.
            if !isUp { greeter.goOn() }
            greeter.answer(at: now)
        case .began(let answers):
            beginSession(at: now)
            if answers { greeter.answer(at: now) }
        case .resumed(let receiveNext, let answers):
            resume(receiveNext: receiveNext, at: now)
            if answers { greeter.answer(at: now) }
        case .replaced(let peer):
            endSession(.peerRestarted, candidate: peer, at: now)
            greeter.start(at: now)
            updateCandidate()
        }
        updateCoding()
        guard hello.epoch != handshake.epoch else { return }
        if handshake.sessionPeer?.epoch == hello.epoch { lastHeard = now }
        if !isUp { classifier.restart(at: now) }
    }

    private mutating func updateCandidate() {
        guard handshake.sessionPeer == nil, let peer = handshake.peer else { return }
        candidateCheck = FrameCheck(sender: peer.epoch, receiver: handshake.epoch)
    }

    /// How the peer codes is known as soon as it is.
    private mutating func updateCoding() {
        let features = handshake.peer?.features ?? []
        assembler.isFlowControlSafe = features.contains(.flowControlSafe)
    }

    private mutating func report(_ verdict: LineVerdict) {
        if classifier.note(verdict) { events.append(.lineVerdict(verdict)) }
    }

    private mutating func beginSession(at now: MonotonicInstant) {
        guard let peer = handshake.sessionPeer else { return }
        session = LinkSession(ownEpoch: handshake.epoch, peer: peer)
        // Its answer comes at once, so that the first round trip is a true one.
        session?.isPollDue = true
        candidateCheck = nil
        wentUp(peer, at: now)
        for slot in connections.slots.indices where connections[slot].phase == .connecting {
            session?.control.append(ControlItem(id: connections[slot].id, kind: .open))
        }
    }

    private mutating func wentUp(_ peer: Peer, at now: MonotonicInstant) {
        greeter.stop()
        lastHeard = now
        lastPolled = now
        downSince = nil
        events.append(.linkUp(peerIdentity: peer.identity))
    }

    /// The session goes on: everything under way was lost, as far as the peer does not say otherwise.
    mutating func resume(receiveNext: UInt8?, at now: MonotonicInstant) {
        if let receiveNext { receive(Acknowledgement(next: receiveNext), at: now) }
        session?.sender.loseAll()
        session?.acks.repeatNow()
        guard downSince != nil, let peer = handshake.sessionPeer else { return }
        counters.resumes += 1
        wentUp(peer, at: now)
    }

    mutating func comeUpByFrame(at now: MonotonicInstant) {
        handshake.heardFrame(using: &generator)
        if session == nil { beginSession(at: now) } else { resume(receiveNext: nil, at: now) }
    }

    mutating func peerLeft(_ reason: UInt8, at now: MonotonicInstant) {
        let reason = ResetReason(rawValue: reason) ?? .left
        endSession(reason, candidate: nil, at: now)
        // Its line may be a console's again: whoever comes back speaks first.
        greeter.stop()
    }

    /// The peer sends what no peer does: nothing of this session can be trusted any more.
    mutating func breakLink(at now: MonotonicInstant) {
        counters.protocolErrors += 1
        sayFarewell(.protocolError)
        endSession(.protocolError, candidate: nil, at: now)
        greeter.start(at: now)
    }

    /// Forgets the session; connections end with that reason.
    mutating func endSession(_ reason: ResetReason, candidate: Peer?, at now: MonotonicInstant) {
        if isUp { events.append(.linkDown(reason: reason.words)) }
        dropSession(reason, keepsUnanswered: true, at: now)
        handshake.forget(candidate: candidate, using: &generator)
        updateCoding()
        classifier.restart(at: now)
    }
}
