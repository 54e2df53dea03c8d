import WireCore

extension MuxLink {
    /// Counters and gauges.
    public var statistics: MuxStatistics {
        var statistics = counters
        statistics.epoch = handshake.epoch
        statistics.peerEpoch = handshake.sessionPeer?.epoch ?? 0
        statistics.framePayloadMax = payloadMax(at: lastHeard)
        if let session {
            statistics.framesInFlight = session.sender.framesInFlight
            statistics.roundTripMicroseconds = Int((session.roundTrip.smoothed ?? 0) / 1000)
            statistics.shortestRoundTripMicroseconds = Int((session.roundTrip.shortest ?? 0) / 1000)
        }
        statistics.connections = connections.slots.compactMap(Self.gauges)
        return statistics
    }

    private static func gauges(_ connection: Connection) -> ConnectionStatistics? {
        switch connection.phase {
        case .vacant, .parked, .ending: return nil
        case .connecting, .offered, .open: break
        }
        return ConnectionStatistics(
            id: connection.id,
            channel: connection.channel,
            queuedBytes: connection.outgoing.queue.count,
            creditBytes: max(connection.outgoing.credit, 0),
            bytesSent: connection.outgoing.sentCount,
            bytesReceived: connection.incoming.receivedCount,
            stallMilliseconds: Int(connection.stalledNanoseconds / 1_000_000)
        )
    }

    /// Begins or ends the time that a connection has bytes and no credit.
    mutating func noteStall(_ slot: Int, at now: MonotonicInstant) {
        let isStalled =
            connections[slot].phase == .open && !connections[slot].outgoing.queue.isEmpty
            && connections[slot].outgoing.credit <= 0
        if let since = connections[slot].stalledSince, !isStalled {
            connections[slot].stalledNanoseconds += now.nanoseconds - min(since, now.nanoseconds)
            connections[slot].stalledSince = nil
        } else if isStalled && connections[slot].stalledSince == nil {
            connections[slot].stalledSince = now.nanoseconds
        }
    }
}
