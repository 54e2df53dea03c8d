internal import BrokerProtocol
internal import ChannelMux
internal import LinuxSystem
internal import SerialPort

/// What local programs ask for.
extension Broker {
    func handle(_ request: BrokerRequest, of client: BrokerClient) {
        switch request {
        case .hello(let version, let program): greet(client, version, program)
        case .bye:
            client.leftInOrder = true
            client.send(.ok([]))
        case .data:
            client.send(.error(.badRequest, "data is the first line of a connection of its own"))
        case .sendBreak(let token, let place): sendBreak(place, on: token, for: client)
        case .status where client.hasIntroduced: answerStatus(client)
        case .open(let wanted) where client.hasIntroduced: open(wanted, for: client)
        case .listen(let number) where client.usesPort: listen(number, for: client)
        case .connect(let number, let waits) where client.usesPort:
            connect(number, waits, for: client)
        case .adopt(let token) where client.usesPort: adopt(token, by: client)
        case .offer(let number, let type, let transport) where client.usesPort:
            offer(number, type, transport, for: client)
        case .directory where client.usesPort: openDirectory(for: client)
        case .status, .open, .listen, .connect, .adopt, .offer, .directory:
            client.send(.error(.notOpen, "hello comes first, then open, then everything else"))
        }
    }

    private func greet(_ client: BrokerClient, _ version: Int, _ program: String) {
        guard version == BrokerRequest.version else {
            client.send(
                .error(
                    .version,
                    "The broker of \(configuration.portName) speaks version "
                        + "\(BrokerRequest.version) of its protocol, \(program) speaks \(version)"
                )
            )
            return
        }
        client.program = String(program.prefix(Self.programMax).map { $0.isNewline ? " " : $0 })
        client.hasIntroduced = true
        if !clients.contains(where: { $0 === client }) { clients.append(client) }
        client.send(.ok([]))
    }

    private func open(_ wanted: LineSettings, for client: BrokerClient) {
        guard let wanted = SerialConfiguration(wanted) else {
            client.send(.error(.badRequest, "These settings are none"))
            return
        }
        do {
            if wanted != settings { try agree(on: wanted, with: client) }
        } catch {
            client.send(.error(error.code, error.words))
            return
        }
        client.usesPort = true
        log("\(client.description) uses the port")
        let device = line.openPort?.path ?? configuration.devicePath
        var answer = [
            BrokerLine.Field(key: "device", value: String(device.suffix(Self.pathMax))),
            BrokerLine.Field(key: "baud", value: String(settings.baudRate)),
        ]
        if let search = configuration.search {
            answer.append(BrokerLine.Field(key: "identity", value: search.identity))
        }
        client.send(.ok(answer))
        client.send(linkState)
        let warnings = line.openPort?.warnings ?? []
        let words = (warnings + (lastVerdict.map { [$0.words] } ?? [])).joined(separator: " ")
        if !words.isEmpty { client.send(.verdict(words)) }
    }

    private static let pathMax = 200
    private static let programMax = 64

    /// Changes the settings when nobody else has agreed to the present ones.
    private func agree(
        on wanted: SerialConfiguration,
        with client: BrokerClient
    ) throws(RequestFailure) {
        let others = clients.filter { $0.usesPort && $0 !== client }
        if let other = others.first {
            throw RequestFailure(
                code: .settingsInUse,
                words: "\(configuration.portName) is in use at \(settings.description) by "
                    + "\(other.description); \(wanted.description) cannot be had at the same time."
            )
        }
        log("\(client.description) changes the port to \(wanted.description)")
        do {
            try change(to: wanted)
        } catch {
            throw RequestFailure(code: .port, words: "\(error)")
        }
    }

    private func listen(_ number: Int, for client: BrokerClient) {
        guard let channel = ChannelNumber(number) else { return badChannel(number, client) }
        do {
            try link.listen(on: channel, at: Self.now)
        } catch {
            let owner = clients.first { $0.channels.contains(channel) }
            let words =
                if case .busy = error, let owner {
                    "Channel \(number) of \(configuration.portName) is served by "
                        + "\(owner.description) already."
                } else {
                    "Channel \(number) of \(configuration.portName) cannot be listened on: "
                        + "\(error.words)."
                }
            client.send(.error(.channelBusy, words))
            return
        }
        client.channels.append(channel)
        log("\(client.description) listens on channel \(number)")
        client.send(.ok([]))
        // Only now, because those who have waited for a listener come at once.
        pump()
    }

    private func connect(_ number: Int, _ waits: Bool, for client: BrokerClient) {
        guard let channel = ChannelNumber(number) else { return badChannel(number, client) }
        do {
            let id = try link.connect(to: channel, waiting: waits, at: Self.now)
            let connection = add(id, channel, .connecting, owner: client)
            client.send(.ok([BrokerLine.Field(key: "token", value: connection.token.text)]))
            pump()
        } catch {
            client.send(
                .error(
                    .tooMany,
                    "Channel \(number) of \(configuration.portName) cannot be connected: "
                        + "\(error.words)."
                )
            )
        }
    }

    private func adopt(_ token: BrokerToken, by client: BrokerClient) {
        guard let connection = tokens[token] else {
            client.send(.error(.unknownToken, "There is no connection of that token"))
            return
        }
        connection.owner = client
        client.send(.ok([]))
    }

    private func sendBreak(
        _ place: LineBreak,
        on token: BrokerToken,
        for client: BrokerClient
    ) {
        guard let connection = tokens[token], connection.owner === client else {
            client.send(.error(.unknownToken, "There is no connection of that token"))
            return
        }
        guard link.carriesBreaks else {
            client.send(.error(.unsupported, "The far end does not know of BREAKs"))
            return
        }
        guard connection.sendBreak(place) else {
            client.send(.error(.badRequest, "There is no place for that BREAK"))
            return
        }
        client.send(.ok([]))
    }

    private func badChannel(_ number: Int, _ client: BrokerClient) {
        client.send(
            .error(.badRequest, "channel=\(number): channels are 0–\(ChannelNumber.maximum)")
        )
    }

    /// A control connection is gone: its listeners go, and its connections that no data socket has taken.
    func lost(_ client: BrokerClient) {
        client.isGone = true
        clients.removeAll { $0 === client }
        if client.usesPort { log("\(client.description) has left") }
        for channel in client.channels {
            use { link, now in link.stopListening(on: channel, at: now) }
        }
        for connection in connections.values where connection.owner === client {
            switch connection.phase {
            case .connecting: abandon(connection, .clientDied)
            case .offered: refuse(connection, .clientDied)
            case .open where connection.awaitsSocket: abandon(connection, .clientDied)
            case .open: break
            }
        }
    }
}

/// Why a request was not done.
struct RequestFailure: Error {
    var code: BrokerErrorCode
    var words: String
}

extension ChannelError {
    /// One clause for people.
    var words: String {
        switch self {
        case .busy: "the channel is busy"
        case .notOpen: "the connection is not open"
        case .tooManyConnections(let limit): "there are \(limit) connections, which is the limit"
        case .left: "the link is being closed"
        }
    }
}

extension SerialConfiguration {
    init?(_ line: LineSettings) {
        guard let parity = Parity(rawValue: line.parity),
            let flow = FlowControl(rawValue: line.flowControl),
            let dtr = ModemLine(rawValue: line.dtr), let rts = ModemLine(rawValue: line.rts),
            1...2 ~= line.stopBits,
            SerialConfiguration.baudRates ~= line.baudRate
        else { return nil }
        self.init(
            baudRate: line.baudRate,
            parity: parity,
            stopBits: line.stopBits,
            flowControl: flow,
            dtr: dtr,
            rts: rts
        )
    }
}
