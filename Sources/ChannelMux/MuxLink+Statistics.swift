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

/// What a link holds, for tests of its bounds.
package struct LinkMemory: Sendable {
    package var framesInFlight = 0
    package var connections = 0
    package var controlItems = 0
    package var events = 0
    package var assemblerBytes = 0
    /// The most that any connection holds of bytes out of order, or before it was taken.
    package var heldBytes = 0
    /// The most that any connection remembers for coded chunks, in one direction.
    package var historyBytes = 0

    /// Whether all of it is as docs/protocols/mux.md says.
    package func isWithinLimits(window: Int) -> Bool {
        controlItems <= LinkSession.controlItemsMax && events <= MuxLink.eventsMax
            && assemblerBytes <= 2 * Cobs.encodedCountMax(Wire.bodyBytesMax + Wire.checksumBytes)
            && heldBytes <= max(window, Connection.earlyBytesMax)
            && historyBytes <= StreamHistory.bytesMax
    }
}

extension MuxLink {
    /// What the link holds now.
    package var memory: LinkMemory {
        var memory = LinkMemory()
        memory.framesInFlight = session?.sender.framesInFlight ?? 0
        memory.connections = connections.count
        memory.controlItems = session?.control.count ?? 0
        memory.events = events.count
        memory.assemblerBytes = assembler.pendingCount
        for connection in connections.slots where connection.phase != .vacant {
            let held = max(connection.incoming.heldCount, connection.early.count)
            memory.heldBytes = max(memory.heldBytes, held)
            let sent = connection.outgoing.encoder?.historyBytes ?? 0
            let received = connection.incoming.decoder?.historyBytes ?? 0
            memory.historyBytes = max(memory.historyBytes, sent, received)
        }
        return memory
    }
}
