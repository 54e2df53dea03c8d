internal import ByteTransport
internal import DebugTarget
internal import Glibc
internal import LinuxSystem
internal import Logging
internal import PtraceBackend
internal import RemoteServer
internal import Transports

/// The life of a session process: greet the client, serve it, leave its debuggees in order.
///
/// - Returns: the process's exit status, see `SessionExit`.
func runSession() -> Int32 {
    let supervisorLine = OwnedDescriptor(SessionDescriptors.settings)
    let settings: SessionSettings
    do {
        try closeOnExec(SessionDescriptors.settings)
        guard let told = try SessionSettings.inherited(from: supervisorLine) else {
            return SessionExit.finished.rawValue
        }
        settings = told
    } catch {
        return fail("\(error)", status: 1)
    }
    let logger = sessionLogger(settings)
    do {
        // A supervisor that is killed takes its sessions along, and they let go of what they trace.
        try requestSignalAtParentsDeath(SIGTERM)
        guard getppid() == settings.supervisor else { return SessionExit.finished.rawValue }
        let endSignals = try SessionSignals.take()
        if settings.log.descriptor != nil { try closeOnExec(SessionDescriptors.log) }
        try closeOnExec(SessionDescriptors.connection)
        let plain = try DescriptorTransport(
            OwnedDescriptor(SessionDescriptors.connection),
            peerName: settings.peerName,
            link: settings.link
        )
        guard let transport = try secure(plain, settings, endSignals, logger) else {
            return SessionExit.finished.rawValue
        }
        defer { transport.close() }
        return try receiveClient(of: transport, settings, endSignals, logger) {
            _ = try supervisorLine.write([1])
        }.rawValue
    } catch {
        logger.error("\(settings.peerName): \(error)")
        return 1
    }
}

/// The signals that end a session in order.
enum SessionSignals {
    static func take() throws(SystemError) -> SignalDescriptor {
        try SignalDescriptor([SIGTERM, SIGINT, SIGHUP])
    }
}

/// A logger whose records name the session's far end.
func sessionLogger(_ settings: SessionSettings) -> Logger {
    var logger = makeLogger(settings.log)
    logger[metadataKey: LogKey.peer] = "\(settings.peerName)"
    if let user = settings.rules.user { logger[metadataKey: LogKey.user] = "\(user)" }
    return logger
}

/// Greets the client of a stream and serves it.
///
/// - Parameter greeted: called when the client has said who it is, and is welcome.
func receiveClient(
    of transport: any ByteTransport,
    _ settings: SessionSettings,
    _ endSignals: SignalDescriptor,
    _ logger: Logger,
    greeted: () throws -> Void
) throws -> SessionExit {
    logger.info("\(settings.peerName): waiting for the client's first bytes")
    var reception = ClientReception(
        transport,
        access: settings.access,
        program: programName,
        seconds: settings.greetingSeconds,
        endSignals: endSignals
    )
    switch try reception.run() {
    case .endRequested:
        logger.info("\(settings.peerName): ended by a signal before the client said anything")
        return .finished
    case .refused(let words):
        logger.warning("\(settings.peerName): \(words)")
        return .finished
    case .wrongPassword(let words):
        logger.warning("\(settings.peerName): \(words)")
        return .wrongPassword
    case .client(let name, let stream):
        try greeted()
        logger.info("\(settings.peerName): the client is \(name ?? "a plain RSP client")")
        return try serve(stream, settings.rules, endSignals, logger)
    }
}

private func serve(
    _ stream: any ByteTransport,
    _ rules: SessionRules,
    _ endSignals: SignalDescriptor,
    _ logger: Logger
) throws -> SessionExit {
    let target = try PtraceTarget()
    target.inputOfPrograms = { ServerInput.isTheServers ? STDIN_FILENO : nil }
    let session = ServerSession(
        transport: stream,
        target: target,
        policy: connected(try rules.sessionPolicy(), by: stream.descriptor)
    )
    session.auditor = { record in logger.audit(record, peer: stream.peerName) }
    let result = try session.run { interest in try wait(for: interest, endSignals) }
    logger.info("\(stream.peerName): \(result.words)")
    return result == .serverExitRequested ? .endServer : .finished
}

/// A policy with what can be said of the session's connection.
private func connected(_ policy: SessionPolicy, by connection: Int32) -> SessionPolicy {
    var policy = policy
    let ends = SocketEnds(of: connection)
    policy.ownPort = ends?.port
    policy.clientIsOnThisMachine = ends?.areOnOneMachine ?? false
    return policy
}

private func wait(
    for interest: SessionInterest,
    _ endSignals: SignalDescriptor
) throws(SystemError) -> SessionReadiness {
    let isOneDescriptor = interest.transport == interest.transportOutput
    var requests = [
        PollRequest(
            interest.transport,
            read: interest.wantsRead,
            write: interest.wantsWrite && isOneDescriptor
        ),
        PollRequest(interest.target),
        PollRequest(endSignals.number),
        PollRequest(
            interest.wantsWrite && !isOneDescriptor ? interest.transportOutput : -1,
            read: false,
            write: true
        ),
    ]
    try pollDescriptors(&requests, timeoutMilliseconds: interest.hasInput ? 0 : nil)
    return SessionReadiness(
        transport: interest.hasInput || requests[0].isReadable || requests[0].isWritable
            || requests[3].isWritable,
        target: requests[1].isReadable,
        endRequested: requests[2].isReadable && endSignals.next() != nil
    )
}

private func closeOnExec(_ descriptor: Int32) throws(SystemError) {
    try systemCall("fcntl") { fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
}

extension SessionResult {
    /// For the log.
    fileprivate var words: String {
        switch self {
        case .clientLeft(.closed): "the client left (closed)"
        case .clientLeft(.failed(let words)): "the client left (\(words))"
        case .clientMisbehaved(let words): "the session is ended: \(words)"
        case .ended: "ended by a signal"
        case .serverExitRequested: "the client ends the process server"
        case .targetLost(let words): words
        }
    }
}
