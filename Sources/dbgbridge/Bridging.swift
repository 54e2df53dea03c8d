internal import ByteTransport
internal import ConnectionStrings
internal import Glibc
internal import LinuxSystem
internal import Transports

/// Relays between the server and whoever started us.
func relayStandardStreams(_ options: RelayOptions) throws -> Int32 {
    let server = try openRawStream(options.server, program: programName)
    var relay = Relay(server: server, client: try StandardStreams())
    return status(of: try relay.run(), peerName: server.peerName)
}

/// Gives each client that connects a relay of its own, until a signal comes.
func relayListener(
    _ options: RelayOptions,
    at connection: ConnectionString
) throws -> Int32 {
    let signals = try SignalDescriptor([SIGTERM, SIGINT, SIGHUP, SIGCHLD])
    let listener = try openListener(connection, program: programName)
    printError("dbgbridge: listening on \(listener.displayedName)\n")
    var clients = BridgedClients()
    var lastProblem: String?
    while true {
        // A connection that cannot be taken stays in the queue and would wake us without end.
        let isDeaf = lastProblem != nil
        var requests = [
            PollRequest(signals.number), PollRequest(isDeaf ? -1 : listener.descriptor),
        ]
        try pollDescriptors(
            &requests,
            timeoutMilliseconds: isDeaf ? StreamListenerLimits.retryMilliseconds : nil
        )
        var mustEnd = false
        while let signal = signals.next() { mustEnd = mustEnd || signal != SIGCHLD }
        clients.reap()
        if mustEnd { break }
        do {
            let accepted = try listener.accept()
            lastProblem = nil
            guard let accepted else { continue }
            try clients.start(accepted, options)
        } catch {
            // It may pass, as a lack of descriptors or a broker's restart does: try again, say it once.
            if lastProblem != "\(error)" { _ = fail("\(error)", status: 2) }
            lastProblem = "\(error)"
        }
    }
    clients.end(signals)
    return 0
}

/// Relays between the server and the client of a listener, whose connection this process was given.
func relay(_ options: RelayOptions, _ accepted: AcceptedConnection) throws -> Int32 {
    let endSignals = try SignalDescriptor([SIGTERM, SIGINT, SIGHUP])
    let port = SocketEnds(of: accepted.descriptor.number)?.port
    guard let client = try clientTransport(options, accepted, endSignals) else { return 0 }
    defer { client.close() }
    let server = try openRawStream(options.server, program: programName)
    defer { server.close() }
    var relay = Relay(server: server, client: client, clientPort: port, endSignals: endSignals)
    return status(of: try relay.run(), peerName: options.server.displayed())
}

/// A connection that a listener took, with TLS around it where its connection string says so.
///
/// - Returns: nil when the handshake failed, which has been said, or a signal ended it.
private func clientTransport(
    _ options: RelayOptions,
    _ accepted: AcceptedConnection,
    _ endSignals: SignalDescriptor
) throws -> (any ByteTransport)? {
    let plain = try DescriptorTransport(
        accepted.descriptor,
        peerName: accepted.peerName,
        link: accepted.link
    )
    guard case .listener(let connection) = options.client,
        let channel = try SecureChannel.server(connection)
    else { return plain }
    let secure = channel.wrap(plain)
    do throws(TransportError) {
        let limit = SecureChannel.limitMilliseconds(on: accepted.link)
        if try secure.handshake(limitMilliseconds: limit, stop: endSignals.number) { return secure }
    } catch {
        _ = fail("\(error)", status: 2)
    }
    secure.close()
    return nil
}

private func status(of ending: Relay.Ending, peerName: String) -> Int32 {
    switch ending {
    case .finished, .clientLost, .endRequested: 0
    case .serverLost(let words): fail("\(peerName): \(words)", status: 2)
    }
}
