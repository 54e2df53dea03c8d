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
    /// How long sessions get to let go of their debuggees at the end, in milliseconds.
    ///
    /// More than a session waits for the death of a process that the kernel holds on to (5 s).
    static let farewellMilliseconds = 10_000

    private let listener: any StreamListener
    private let announcement: Announcement
    private let signals: SignalDescriptor
    private let transport: String
    private let access: ServerAccess
    private let greetingSeconds: Int
    private let logger: Logger
    private let log: LogDestination
    private let rules: SessionRules
    private var table: SessionTable
    private var starter: SessionStarter
    private var lastProblem: String?

    /// - Parameters:
    ///   - options: what the command line asks for.
    ///   - access: what clients have to prove.
    ///   - rules: what they may do then.
    init(
        listener: any StreamListener,
        announcement: Announcement,
        options: ServeOptions,
        access: ServerAccess,
        rules: SessionRules,
        logger: Logger,
        log: LogDestination
    ) throws(SystemError) {
        self.listener = listener
        self.announcement = announcement
        self.access = access
        transport = ConnectionString.withoutPassword(options.transport)
        greetingSeconds = options.greetingSeconds
        let isSecure = (try? ConnectionString(options.transport, for: .server))?.security != nil
        table = SessionTable(options.limits, explainsRefusals: !isSecure)
        self.logger = logger
        self.rules = rules
        self.log = log
        starter = SessionStarter(log: log)
        signals = try SignalDescriptor([SIGTERM, SIGINT, SIGHUP, SIGCHLD])
    }

    /// Serves until a signal or a client's `.endpsrv` ends it.
    func run() throws {
        let manager = ServiceNotifier()
        manager?.say("READY=1", "STATUS=listening on \(listener.displayedName)")
        logger.info("listening on \(listener.displayedName)")
        if listener.takesOneClient {
            acceptConnections()
        } else {
            starter.wantStandby(from: monotonicNanoseconds())
        }
        while true {
            if !listener.takesOneClient { starter.prepare(at: monotonicNanoseconds()) }
            // A connection that cannot be taken stays in the queue and would wake us without end.
            let isDeaf = lastProblem != nil
            let reports = table.awaitedReports
            var requests =
                [
                    PollRequest(signals.number), PollRequest(isDeaf ? -1 : listener.descriptor),
                    announcement.request,
                ] + reports.map { PollRequest($0.descriptor) }
            try pollDescriptors(&requests, timeoutMilliseconds: waitMilliseconds(isDeaf))
            for (report, request) in zip(reports, requests.dropFirst(3)) where request.isReadable {
                table.takeReport(of: report.process)
            }
            table.releaseRefused()
            if requests[0].isReadable, let reason = handleSignals() {
                logger.info("ending: \(reason)")
                break
            }
            if listener.takesOneClient, table.isEmpty {
                throw TransportError(
                    "\(listener.displayedName): the connection is over; a server with clicon serves one"
                        + " client, start it again for another"
                )
            }
            if requests[1].isReadable || isDeaf { acceptConnections() }
            if requests[2].isReadable { announcement.answer() }
        }
        manager?.say("STOPPING=1")
        endSessions()
    }

    private func waitMilliseconds(_ isDeaf: Bool) -> Int? {
        let now = monotonicNanoseconds()
        let left = { (deadline: UInt64) in
            deadline > now ? Int((deadline - now) / 1_000_000) + 1 : 0
        }
        let refused = table.refusedDeadline.map(left)
        let retry = isDeaf ? StreamListenerLimits.retryMilliseconds : nil
        let standby = listener.takesOneClient ? nil : starter.deadline.map(left)
        return [refused, retry, standby, announcement.waitMilliseconds].compactMap(\.self).min()
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
        if let words = table.objection(to: connection) {
            logger.warning("\(connection.peerName): refused, \(words)")
            table.refuse(connection, words)
            return
        }
        do {
            let record = settings(for: connection).encoded
            let (process, report) = try starter.start(on: connection.descriptor, record)
            table.enter(process, connection, report: report)
            logger.info("\(connection.peerName) connected, session process \(process)")
        } catch {
            logger.error("\(connection.peerName): \(error)")
        }
    }

    /// What the process of a session has to know.
    private func settings(for connection: AcceptedConnection) -> SessionSettings {
        SessionSettings(
            supervisor: getpid(),
            peerName: connection.peerName,
            link: connection.link,
            log: log,
            rules: rules.for(connection),
            transport: transport,
            access: access,
            greetingSeconds: greetingSeconds,
            handshakeMilliseconds: TLSHandshakeLimit.milliseconds
        )
    }

    /// - Returns: whether one of the sessions asked for the server's end.
    private func reapSessions() -> Bool {
        var endsServer = false
        var status: Int32 = 0
        while case let process = waitpid(-1, &status, WNOHANG), process > 0 {
            if starter.hasLost(process) { continue }
            let exitCode = status & 0x7f == 0 ? (status >> 8) & 0xff : nil
            let exit = exitCode.flatMap(SessionExit.init(rawValue:))
            guard let peer = table.remove(process, exit)?.peerName else {
                // What -c started, and what it left to us.
                let end = exitCode.map { "status \($0)" } ?? "signal \(status & 0x7f)"
                logger.info("process \(process) ended, \(end)")
                continue
            }
            endsServer = endsServer || exit == .endServer
            switch exitCode {
            case .some where exit != nil:
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
        for process in table.sessions.keys { kill(process, SIGTERM) }
        let deadline = monotonicNanoseconds() + UInt64(Self.farewellMilliseconds) * 1_000_000
        while !table.isEmpty, monotonicNanoseconds() < deadline {
            var requests = [PollRequest(signals.number)]
            let left = Int((deadline - min(deadline, monotonicNanoseconds())) / 1_000_000) + 1
            _ = try? pollDescriptors(&requests, timeoutMilliseconds: left)
            while signals.next() != nil {}
            _ = reapSessions()
        }
        for (process, session) in table.sessions {
            logger.error(
                "\(session.connection.peerName): session process \(process) does not end and is killed"
            )
            kill(process, SIGKILL)
        }
    }
}
