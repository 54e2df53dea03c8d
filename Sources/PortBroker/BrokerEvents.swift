internal import BrokerProtocol
internal import ChannelMux
internal import NIOCore

/// What the link says.
extension Broker {
    func handle(_ event: MuxEvent) {
        switch event {
        case .linkUp(let peer):
            log("link up: \(peer)")
            lastVerdict = nil
            broadcast(linkState)
        case .linkDown(let reason):
            log("link down: \(reason)")
            broadcast(linkState)
        case .lineVerdict(let verdict):
            log("line: \(verdict.words)")
            lastVerdict = verdict
            broadcast(.verdict(verdict.words))
        case .incoming(let id, .directory): answerDirectory(id)
        case .incoming(let id, let channel): offer(id, channel)
        case .opened(let id):
            guard let connection = connections[id] else { return }
            connection.phase = .open
            connection.owner.send(.opened(connection.token))
        case .refused(let id, let reason): end(id, .refused, reason.words)
        case .received(let id, let bytes): connections[id]?.received(bytes)
        case .peerFinished(let id): connections[id]?.peerFinished()
        case .closed(let id): end(id, .finished, "both sides have finished")
        case .reset(let id, let reason): end(id, .reset, reason.words)
        case .writable(let id): connections[id]?.sendOn()
        case .breakReceived(let id, let milliseconds):
            connections[id]?.receivedBreak(milliseconds: milliseconds, at: Self.now)
        // A local socket has no modem lines.
        case .modemLines: break
        }
    }

    /// The link's state for a program that has just come.
    var linkState: BrokerMessage {
        if link.isUp { return .link(isUp: true, link.peerIdentity ?? "") }
        return .link(isUp: false, lineTrouble ?? "the far end does not answer")
    }

    private func broadcast(_ message: BrokerMessage) {
        for client in clients where client.usesPort { client.send(message) }
    }

    private func offer(_ id: ConnectionID, _ channel: ChannelNumber) {
        guard let owner = clients.first(where: { $0.channels.contains(channel) }) else {
            use { link, now in link.refuse(id, .noListener, at: now) }
            return
        }
        let connection = add(id, channel, .offered, owner: owner)
        owner.send(.incoming(channel: Int(channel.rawValue), connection.token))
        eventLoop.assumeIsolated().scheduleTask(
            in: .milliseconds(BrokerLimits.claimMilliseconds)
        ) { [weak self, weak connection] in
            guard let self, let connection, connection.phase == .offered else { return }
            refuse(connection, .timeout)
        }
    }

    private func end(_ id: ConnectionID, _ how: ConnectionEnd, _ words: String) {
        guard let connection = connections[id] else { return }
        log("channel \(connection.channel.rawValue) closed: \(words)")
        remove(connection)
        connection.ended(how, words)
    }
}

/// What connections want of the link.
extension Broker {
    func add(
        _ id: ConnectionID,
        _ channel: ChannelNumber,
        _ phase: BrokerConnection.Phase,
        owner: BrokerClient
    ) -> BrokerConnection {
        var random = SystemRandomNumberGenerator()
        let connection = BrokerConnection(
            id,
            channel,
            BrokerToken(using: &random),
            phase,
            owner: owner,
            broker: self
        )
        connections[id] = connection
        tokens[connection.token] = connection
        updateIdle()
        return connection
    }

    private func remove(_ connection: BrokerConnection) {
        connections[connection.id] = nil
        tokens[connection.token] = nil
        updateIdle()
    }

    /// The connection that a data socket may take, once.
    func connection(claimedBy token: BrokerToken) -> BrokerConnection? {
        guard let connection = tokens[token], connection.awaitsSocket else { return nil }
        return connection
    }

    func accept(_ connection: BrokerConnection) {
        log("channel \(connection.channel.rawValue) open for \(connection.owner.description)")
        use { link, now in link.accept(connection.id, at: now) }
    }

    /// Gives bytes to the link.
    ///
    /// - Returns: how many it took; all of them when the connection is gone, since nobody wants them any more.
    func send(_ bytes: ArraySlice<UInt8>, on connection: BrokerConnection) -> Int {
        guard connections[connection.id] === connection else { return bytes.count }
        return use { link, now in
            (try? link.send(bytes, on: connection.id, at: now)) ?? bytes.count
        }
    }

    /// Sends a BREAK behind the bytes that the link has taken; one that cannot be had is dropped.
    func sendBreak(milliseconds: Int, on connection: BrokerConnection) {
        guard connections[connection.id] === connection else { return }
        use { link, now in
            _ = try? link.sendBreak(milliseconds: milliseconds, on: connection.id, at: now)
        }
    }

    func finishWriting(_ connection: BrokerConnection) {
        guard connections[connection.id] === connection else { return }
        use { link, now in link.finishWriting(connection.id, at: now) }
    }

    func consumed(_ count: Int, on connection: BrokerConnection) {
        guard connections[connection.id] === connection else { return }
        use { link, now in link.consumed(count, on: connection.id, at: now) }
    }

    func refuse(_ connection: BrokerConnection, _ reason: ResetReason) {
        remove(connection)
        use { link, now in link.refuse(connection.id, reason, at: now) }
    }

    /// Breaks a connection that its program has left.
    func abandon(_ connection: BrokerConnection, _ reason: ResetReason) {
        guard connections[connection.id] === connection else { return }
        log("channel \(connection.channel.rawValue) reset: \(reason.words)")
        remove(connection)
        use { link, now in link.reset(connection.id, reason, at: now) }
    }

    /// Finds out whether a data socket that is gone in both directions was closed or lost its program.
    ///
    /// A program that dies loses all its sockets within one moment. So after a moment: if its control
    /// connection still stands, or said goodbye, the socket was closed on purpose, and what was written
    /// before is still delivered; otherwise the far end hears that the program died.
    func judge(_ connection: BrokerConnection) {
        guard connections[connection.id] === connection else { return }
        eventLoop.assumeIsolated().scheduleTask(
            in: .milliseconds(BrokerLimits.judgementMilliseconds)
        ) { [weak self] in
            guard let self else { return }
            if connection.owner.isGone && !connection.owner.leftInOrder {
                abandon(connection, .clientDied)
                return
            }
            connection.sendOn()
            linger(on: connection, since: nil)
        }
    }

    /// Lets what a program wrote before it left go out, for as long as some of it does.
    private func linger(on connection: BrokerConnection, since sent: Int?) {
        guard connections[connection.id] === connection else { return }
        let now = link.statistics.connections.first { $0.id == connection.id }?.bytesSent
        guard sent == nil || now != sent else {
            abandon(connection, .clientDied)
            return
        }
        eventLoop.assumeIsolated().scheduleTask(
            in: .milliseconds(BrokerLimits.lingerMilliseconds)
        ) { [weak self] in
            self?.linger(on: connection, since: now ?? 0)
        }
    }
}
