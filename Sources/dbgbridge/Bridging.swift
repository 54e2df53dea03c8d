internal import ByteTransport
internal import ConnectionStrings
internal import Glibc
internal import LinuxSystem
internal import SessionProtocol
internal import Transports

/// Relays between the server and whoever started us.
func relayStandardStreams(_ options: RelayOptions) throws -> Int32 {
    let server = try openRawStream(options.server, program: programName)
    var relay = Relay(server: server, client: try StandardStreams())
    return status(of: try relay.run(), peerName: server.peerName)
}

/// Relays between the server and the clients that connect, one after the other, until a signal comes.
func relayListener(
    _ options: RelayOptions,
    at connection: ConnectionString
) throws -> Int32 {
    let endSignals = try SignalDescriptor([SIGTERM, SIGINT, SIGHUP])
    var gate = ClientGate(access: try ServerAccess(connection))
    let listener = try openListener(connection, program: programName)
    printError("dbgbridge: listening on \(listener.displayedName)\n")
    var lastProblem: String?
    if listener.takesOneClient {
        return try relayReverse(options, listener, &gate, endSignals)
    }
    while true {
        // A connection that cannot be taken stays in the queue and would wake us without end.
        let isDeaf = lastProblem != nil
        var requests = [
            PollRequest(endSignals.number), PollRequest(isDeaf ? -1 : listener.descriptor),
        ]
        try pollDescriptors(
            &requests,
            timeoutMilliseconds: isDeaf ? StreamListenerLimits.retryMilliseconds : nil
        )
        if requests[0].isReadable, endSignals.next() != nil { return 0 }
        do {
            let accepted = try listener.accept()
            lastProblem = nil
            guard let accepted else { continue }
            switch try relay(options, accepted, &gate, endSignals) {
            case .endRequested: return 0
            case .finished, .clientLost: break
            case .serverLost(let words):
                _ = fail("\(options.server.displayed()): \(words)", status: 2)
            }
        } catch {
            // It may pass, as a lack of descriptors or a broker's restart does: try again, say it once.
            if lastProblem != "\(error)" { _ = fail("\(error)", status: 2) }
            lastProblem = "\(error)"
        }
    }
}

/// Relays between the server and the one client that we connected to.
private func relayReverse(
    _ options: RelayOptions,
    _ listener: any StreamListener,
    _ gate: inout ClientGate,
    _ endSignals: SignalDescriptor
) throws -> Int32 {
    guard let accepted = try listener.accept() else { return 0 }
    switch try relay(options, accepted, &gate, endSignals) {
    case .endRequested:
        return 0
    case .serverLost(let words):
        return fail("\(options.server.displayed()): \(words)", status: 2)
    case .finished, .clientLost:
        return fail(
            "\(listener.displayedName): the connection is over; a bridge with clicon serves one client",
            status: 2
        )
    }
}

/// Relays between the server and one client of a listener.
private func relay(
    _ options: RelayOptions,
    _ accepted: AcceptedConnection,
    _ gate: inout ClientGate,
    _ endSignals: SignalDescriptor
) throws -> Relay.Ending {
    guard let connection = try clientTransport(options, accepted, endSignals) else {
        return .clientLost
    }
    defer { connection.close() }
    let client: any ByteTransport
    switch try gate.admit(connection, from: accepted.origin, endSignals) {
    case .client(_, let stream): client = stream
    case .wrongPassword(let words), .refused(let words):
        printError("dbgbridge: \(accepted.peerName): \(words)\n")
        return .clientLost
    case .endRequested: return .endRequested
    }
    let server: any ByteTransport
    do {
        server = try openRawStream(options.server, program: programName)
    } catch {
        return .serverLost(error.description)
    }
    defer { server.close() }
    var relay = Relay(server: server, client: client, endSignals: endSignals)
    return try relay.run()
}

/// Who gets through a bridge that has a password of its own.
private struct ClientGate {
    let access: ServerAccess
    private var limits = PeerLimits()

    init(access: ServerAccess) {
        self.access = access
    }

    mutating func admit(
        _ connection: any ByteTransport,
        from origin: String,
        _ endSignals: SignalDescriptor
    ) throws -> ClientWelcome {
        guard access.hasPassword else { return .client(name: nil, connection) }
        if case .mustWait(let seconds) = limits.verdict(on: origin, at: monotonicNanoseconds()) {
            let words = AccessWords.tooManyFailures(from: origin, seconds: seconds)
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
        let welcome = try reception.run()
        switch welcome {
        case .wrongPassword: limits.failed(origin, at: monotonicNanoseconds())
        case .client: limits.succeeded(origin)
        case .refused, .endRequested: break
        }
        return welcome
    }
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
