public import WireCore

/// What happens when nothing happens.
extension MuxLink {
    private static let keepAliveNanoseconds: UInt64 = 1_000_000_000
    private static let silenceNanoseconds: UInt64 = 3_500_000_000

    /// When to call `expireTimers` and `nextTransmit` again; nil is never.
    public var nextDeadline: MonotonicInstant? {
        nextDeadline(at: max(lastHeard, clock.readyAt))
    }

    private func nextDeadline(at now: MonotonicInstant) -> MonotonicInstant? {
        var earliest: MonotonicInstant?
        func consider(_ instant: MonotonicInstant?) {
            guard let instant else { return }
            earliest = min(earliest ?? instant, instant)
        }
        if let graceEnd { consider(graceEnd) }
        guard isLineOpen else { return earliest }
        if hasWork(at: now) { consider(clock.readyAt) }
        consider(greeter.due.map { max($0, clock.readyAt) })
        guard isUp, let session else {
            if !hasLeft { consider(classifier.deadline) }
            return earliest
        }
        consider(session.acks.delayedUntil.map { max($0, clock.readyAt) })
        // A POLL that is due goes out when the line has room, and not before.
        if !session.isPollDue {
            consider(probeDeadline)
            consider(keepAliveAt)
        }
        consider(lastHeard.advanced(byNanoseconds: Self.silenceNanoseconds))
        return earliest
    }

    private var probeDeadline: MonotonicInstant? {
        guard let session else { return nil }
        let timeout = session.roundTrip.timeout(
            ownFrame: clock.duration(bytes: session.sender.lastBytes),
            peerFrame: clock.duration(bytes: session.longestReceived)
        )
        return session.sender.probeDeadline(timeout: timeout)
    }

    private var keepAliveAt: MonotonicInstant {
        max(lastHeard, lastPolled).advanced(byNanoseconds: Self.keepAliveNanoseconds)
    }

    private var graceEnd: MonotonicInstant? {
        guard let downSince, configuration.graceMilliseconds > 0 else { return nil }
        return downSince.advanced(
            byNanoseconds: UInt64(configuration.graceMilliseconds) * 1_000_000
        )
    }

    /// Does what is due.
    public mutating func expireTimers(at now: MonotonicInstant) {
        guard !hasLeft else { return }
        if let graceEnd, graceEnd <= now { expireSession(at: now) }
        guard isLineOpen else { return }
        if isUp {
            expireSilence(at: now)
        } else if let verdict = classifier.judge(at: now) {
            events.append(.lineVerdict(verdict))
            keepQuiet(about: verdict)
        }
    }

    private mutating func expireSilence(at now: MonotonicInstant) {
        if now.nanoseconds(since: lastHeard) >= Self.silenceNanoseconds {
            goDown("nothing has been heard from the other side for 3.5 seconds", at: now)
            return
        }
        if let probeDeadline, probeDeadline <= now, session?.isPollDue == false {
            counters.probeTimeouts += 1
            if session?.sender.probe(at: now) == .poll { session?.isPollDue = true }
        }
        if keepAliveAt <= now { session?.isPollDue = true }
    }

    mutating func goDown(_ reason: String, at now: MonotonicInstant) {
        guard isUp else { return }
        handshake.wentDown()
        downSince = now
        session?.isPollDue = false
        events.append(.linkDown(reason: reason))
        classifier.restart(at: now)
        greeter.start(at: now)
    }

    private mutating func expireSession(at now: MonotonicInstant) {
        endSession(.lineLost, candidate: nil, at: now)
    }

    /// Stops speaking to something that is no multiplexer.
    private mutating func keepQuiet(about verdict: LineVerdict) {
        switch verdict {
        case .rawRSP, .console, .kernelDebugger, .otherMultiplexer: greeter.stop()
        case .silent, .loopback, .noise, .otherVersion: break
        }
    }
}
