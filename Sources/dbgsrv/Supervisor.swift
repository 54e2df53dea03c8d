internal import ByteTransport
internal import ConnectionStrings
internal import Glibc
internal import LinuxSystem
internal import Logging
internal import SessionProtocol
internal import Transports

/// Takes connections and gives each to a session process.
///
/// It reads nothing from its clients and traces nothing itself, so nothing that a client or a debuggee does
/// can hold up or end anything but that client's own session.
final class Supervisor {
    /// How many sessions may run at the same time.
    static let sessionsMax = 256
    /// How long sessions get to let go of their debuggees at the end, in milliseconds.
    ///
    /// More than a session waits for the death of a process that the kernel holds on to (5 s).
    static let farewellMilliseconds = 10_000

    private let listener: any StreamListener
    private let signals: SignalDescriptor
    private let transport: String
    private let logger: Logger
    private let log: LogDestination
    private let rules: SessionRules
    private var sessions: [Int32: AcceptedConnection] = [:]
    private var lastProblem: String?

    /// - Parameters:
    ///   - transport: the connection string as written, for the sessions.
    ///   - rules: what holds for all sessions.
    init(
        listener: any StreamListener,
        transport: String,
        rules: SessionRules,
        log: LogDestination
    ) throws(SystemError) {
        self.listener = listener
        self.transport = transport
        self.rules = rules
        self.log = log
        logger = makeLogger(log)
        signals = try SignalDescriptor([SIGTERM, SIGINT, SIGHUP, SIGCHLD])
    }

    /// Serves until a signal or a client's `.endpsrv` ends it.
    func run() throws {
        logger.info("listening on \(listener.displayedName)")
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
            if requests[0].isReadable, let reason = handleSignals() {
                logger.info("ending: \(reason)")
                break
            }
            if requests[1].isReadable || isDeaf { acceptConnections() }
        }
        endSessions()
    }

    /// - Returns: why to end, nil to go on.
    private func handleSignals() -> String? {
        var reason: String?
        while let signal = signals.next() {
            if signal == SIGCHLD {
                if reapSessions() { reason = "a client asked for it" }
            } else {
                reason = "signal \(signal)"
            }
        }
        return reason
    }

    private func acceptConnections() {
        do {
            while let connection = try listener.accept() { startSession(on: connection) }
            if lastProblem != nil { logger.info("listening again on \(listener.displayedName)") }
            lastProblem = nil
        } catch {
            if lastProblem != error.description { logger.error("\(error)") }
            lastProblem = error.description
        }
    }

    private func startSession(on connection: AcceptedConnection) {
        guard sessions.count < Self.sessionsMax else {
            let words = "\(Self.sessionsMax) sessions run already; try again when one has ended"
            logger.warning("\(connection.peerName): refused, \(words)")
            _ = try? connection.descriptor.write(Greeting.refused(words)[...])
            return
        }
        do {
            let process = try start(connection)
            sessions[process] = connection
            logger.info("\(connection.peerName) connected, session process \(process)")
        } catch {
            logger.error("\(connection.peerName): \(error)")
        }
    }

    private func start(_ connection: AcceptedConnection) throws(SystemError) -> Int32 {
        // Standard streams first, then what SessionDescriptors names.
        var descriptors = try (0...2).map { (number) throws(SystemError) in
            try OwnedDescriptor(duplicating: number)
        }
        descriptors.append(connection.descriptor)
        descriptors.append(try settingsPipe(for: connection))
        if let number = log.descriptor {
            descriptors.append(try OwnedDescriptor(duplicating: number))
        }
        return try ProgramLauncher.start(
            ProgramLauncher.ownPath ?? "/proc/self/exe",
            arguments: ["--session"],
            descriptors: descriptors,
            newSession: true
        )
    }

    /// A pipe from which the settings of a session can be read to the end.
    private func settingsPipe(
        for connection: AcceptedConnection
    ) throws(SystemError) -> OwnedDescriptor {
        let settings = SessionSettings(
            supervisor: getpid(),
            peerName: connection.peerName,
            link: connection.link,
            log: log,
            rules: rules.for(connection),
            transport: transport
        )
        let record = settings.encoded
        precondition(record.count <= SessionSettings.bytesMax, "a command line is shorter")
        let pipe = try ProgramLauncher.makePipe()
        _ = try pipe.write.write(record[...])
        return pipe.read
    }

    /// - Returns: whether one of the sessions asked for the server's end.
    private func reapSessions() -> Bool {
        var endsServer = false
        var status: Int32 = 0
        while case let process = waitpid(-1, &status, WNOHANG), process > 0 {
            let exitCode = status & 0x7f == 0 ? (status >> 8) & 0xff : nil
            guard let peer = sessions.removeValue(forKey: process)?.peerName else {
                // What -c started, and what it left to us.
                let end = exitCode.map { "status \($0)" } ?? "signal \(status & 0x7f)"
                logger.info("process \(process) ended, \(end)")
                continue
            }
            endsServer = endsServer || exitCode == SessionExit.endServer.rawValue
            switch exitCode {
            case SessionExit.finished.rawValue, SessionExit.endServer.rawValue:
                logger.info("\(peer): session ended")
            case .some(let code):
                logger.error("\(peer): session process \(process) ended with status \(code)")
            case nil:
                let end = "signal \(status & 0x7f) ended session process \(process)"
                let consequence = "breakpoints may be left in the processes that it was attached to"
                logger.error("\(peer): \(end); \(consequence)")
            }
        }
        return endsServer
    }

    private func endSessions() {
        for process in sessions.keys { kill(process, SIGTERM) }
        let deadline = monotonicNanoseconds() + UInt64(Self.farewellMilliseconds) * 1_000_000
        while !sessions.isEmpty, monotonicNanoseconds() < deadline {
            var requests = [PollRequest(signals.number)]
            let left = Int((deadline - min(deadline, monotonicNanoseconds())) / 1_000_000) + 1
            _ = try? pollDescriptors(&requests, timeoutMilliseconds: left)
            while signals.next() != nil {}
            _ = reapSessions()
        }
        for (process, connection) in sessions {
            logger.error(
                "\(connection.peerName): session process \(process) does not end and is killed"
            )
            kill(process, SIGKILL)
        }
    }
}

/// How a session process ends.
enum SessionExit: Int32 {
    /// The client left, or the supervisor asked for the end.
    case finished = 0
    /// The client asked for the end of the whole process server.
    case endServer = 100
}
