internal import ByteTransport
internal import ConnectionStrings
internal import Glibc
internal import LinuxSystem
internal import Transports

/// Relays between the server and whoever started us.
func relayStandardStreams(_ options: RelayOptions) throws -> Int32 {
    let server = try options.server.open()
    var relay = Relay(server: server, client: try StandardStreams(), isPlain: options.isPlain)
    return status(of: try relay.run(), peerName: server.peerName)
}

/// Gives each client that connects a relay of its own, until a signal comes or, without `-p`, all connections
/// have been gone for a while.
func relayListener(
    _ options: RelayOptions,
    at connection: ConnectionString
) throws -> Int32 {
    let signals = try SignalDescriptor([SIGTERM, SIGINT, SIGHUP, SIGCHLD])
    var clients = BridgedClients(hasPassword: try ServerAccess(connection).hasPassword)
    let listener = try openListener(connection, program: programName, stop: signals.number)
    printError("dbgbridge: listening on \(listener.displayedName)\n")
    var lastProblem: String?
    if listener.takesOneClient { return try relayReverse(options, listener, connection) }
    while true {
        // A connection that cannot be taken stays in the queue and would wake us without end.
        let isDeaf = lastProblem != nil
        let patience = options.persists ? nil : clients.millisecondsToWait()
        if patience == 0 {
            printError("dbgbridge: all connections are gone: ended (with -p it goes on)\n")
            break
        }
        var requests = [
            PollRequest(signals.number), PollRequest(isDeaf ? -1 : listener.descriptor),
        ]
        try pollDescriptors(
            &requests,
            timeoutMilliseconds: [patience, isDeaf ? StreamListenerLimits.retryMilliseconds : nil]
                .compactMap(\.self).min()
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

/// Relays between the server and the one client that we connected to; with `-p` one after the other.
private func relayReverse(
    _ options: RelayOptions,
    _ first: any StreamListener,
    _ connection: ConnectionString
) throws -> Int32 {
    var listener = first
    let endSignals = try SignalDescriptor([SIGTERM, SIGINT, SIGHUP])
    while true {
        let status = try relayOne(options, listener)
        guard options.persists, let status else { return status ?? 0 }
        var next: (any StreamListener)?
        while next == nil {
            if endSignals.next() != nil { return 0 }
            do {
                next = try openListener(connection, program: programName, stop: endSignals.number)
            } catch {
                _ = fail("\(error)", status: status)
            }
        }
        if let next { listener = next }
    }
}

/// - Returns: how it ended, as an exit status; nil when a signal ended it.
private func relayOne(_ options: RelayOptions, _ listener: any StreamListener) throws -> Int32? {
    guard let accepted = try listener.accept() else { return nil }
    switch try relay(options, accepted, waitSeconds: nil) {
    case .endRequested:
        return nil
    case .serverLost(let words), .serverUnreachable(let words):
        return fail("\(options.server.displayed()): \(words)", status: 2)
    case .finished, .clientLost, .wrongPassword, .refused:
        return fail(
            "\(listener.displayedName): the connection is over; a bridge with clicon serves one client",
            status: 2
        )
    }
}

/// Relays between the server and one client of a listener.
///
/// - Parameter waitSeconds: how long its far end has to wait before it may try a password again; nil where
///   it may now.
func relay(
    _ options: RelayOptions,
    _ accepted: AcceptedConnection,
    waitSeconds: Int?
) throws -> Relay.Ending {
    let endSignals = try SignalDescriptor([SIGTERM, SIGINT, SIGHUP])
    let port = SocketEnds(of: accepted.descriptor.number)?.port
    guard case .listener(let string) = options.client,
        let connection = try clientTransport(options, accepted, endSignals)
    else { return .refused }
    defer { connection.close() }
    let client: any ByteTransport
    let access = try ServerAccess(string)
    switch try admit(connection, accepted, access, waitSeconds, endSignals) {
    case .client(_, let stream): client = stream
    case .wrongPassword(let words):
        printError("dbgbridge: \(accepted.peerName): \(words)\n")
        return .wrongPassword
    case .refused(let words):
        printError("dbgbridge: \(accepted.peerName): \(words)\n")
        return .refused
    case .endRequested: return .endRequested
    }
    let server: any ByteTransport
    do {
        server = try options.server.open()
    } catch {
        return .serverUnreachable(error.description)
    }
    defer { server.close() }
    var relay = Relay(
        server: server,
        client: client,
        clientPort: port,
        isPlain: options.isPlain,
        endSignals: endSignals
    )
    let ending = try relay.run()
    // Somebody who only looks whether the port is open has not used the server.
    return relay.clientHasSpoken || ending != .finished && ending != .clientLost ? ending : .refused
}

/// Lets a client through a bridge that has a password of its own.
private func admit(
    _ connection: any ByteTransport,
    _ accepted: AcceptedConnection,
    _ access: ServerAccess,
    _ waitSeconds: Int?,
    _ endSignals: SignalDescriptor
) throws -> ClientWelcome {
    guard access.hasPassword else { return .client(name: nil, connection) }
    if let waitSeconds {
        let words = AccessWords.tooManyFailures(from: accepted.origin, seconds: waitSeconds)
        _ = connection.write(AccessWords.refusal(words)[...])
        return .refused(words)
    }
    var reception = ClientReception(
        connection,
        access: access,
        program: programName,
        seconds: ClientReception.defaultSeconds,
        endSignals: endSignals
    )
    return try reception.run()
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
    case .finished, .clientLost, .wrongPassword, .refused, .endRequested: 0
    case .serverLost(let words), .serverUnreachable(let words):
        fail("\(peerName): \(words)", status: 2)
    }
}
