internal import BrokerProtocol
internal import ChannelMux
internal import DiscoveryProtocol
internal import WireCore

/// What each end of a cable tells the other of what it serves (docs/protocols/discovery.md).
extension Broker {
    /// Notes what a program serves on a channel; it counts while the program listens on it.
    func offer(_ number: Int, _ type: String, _ transport: String, for client: BrokerClient) {
        guard let channel = ChannelNumber(number) else {
            client.send(.error(.badRequest, "channel=\(number): channels are 0–254"))
            return
        }
        let server = ServerEntry(
            type: type,
            transport: transport,
            program: client.program,
            processID: client.processID,
            channel: number
        )
        client.offers[channel] = (server, Self.now)
        client.send(.ok([]))
    }

    /// Asks the other end, on a connection that is the program's like any other.
    func openDirectory(for client: BrokerClient) {
        do {
            let id = try link.connect(to: .directory, waiting: false, at: Self.now)
            let connection = add(id, .directory, .connecting, owner: client)
            client.send(.ok([BrokerLine.Field(key: "token", value: connection.token.text)]))
            pump()
        } catch {
            let name = configuration.portName
            client.send(
                .error(.tooMany, "The other end of \(name) cannot be asked: \(error.words).")
            )
        }
    }

    /// Tells the other end.
    func answerDirectory(_ id: ConnectionID) {
        let list = ServerList.encode(offers)
        use { link, now in
            link.accept(id, at: now)
            _ = try? link.send(list[...], on: id, at: now)
            link.finishWriting(id, at: now)
        }
    }

    /// What the programs of this end serve, by channel; those that hide are not in it.
    private var offers: [ServerEntry] {
        let now = Self.now
        return clients.flatMap { client in
            client.channels.compactMap { channel -> ServerEntry? in
                guard let offer = client.offers[channel] else { return nil }
                var server = offer.server
                server.ageSeconds = Int(now.nanoseconds(since: offer.since) / 1_000_000_000)
                return server
            }
        }.sorted { $0.channel ?? 0 < $1.channel ?? 0 }
    }
}
