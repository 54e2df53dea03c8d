internal import LinuxSystem
internal import SessionProtocol
internal import Transports

/// The supervisor's sessions: one connection, one process each, and what may not be more than so many.
struct SessionTable {
    /// One session.
    struct Session {
        /// The client's connection, kept as long as the process lives.
        let connection: AcceptedConnection
        /// Where the process says that its client is greeted; nil once it has.
        var report: OwnedDescriptor?
    }

    /// How many refused connections may be held until they have read why.
    static let refusedMax = 64
    /// How long they may take, in milliseconds.
    static let refusedMilliseconds: UInt64 = 2_000

    private(set) var sessions: [Int32: Session] = [:]
    private var limits: PeerLimits
    private var refused: [(connection: AcceptedConnection, until: UInt64)] = []

    private let explainsRefusals: Bool

    /// - Parameter explainsRefusals: whether a client understands words right at the beginning, as it does not where
    ///   it expects TLS.
    init(_ limits: PeerLimits.Limits, explainsRefusals: Bool) {
        self.limits = PeerLimits(limits)
        self.explainsRefusals = explainsRefusals
    }

    var isEmpty: Bool { sessions.isEmpty }

    /// Why a connection may not have a session, in words for its client; nil when it may.
    func objection(to connection: AcceptedConnection) -> String? {
        switch limits.verdict(on: connection.origin, at: monotonicNanoseconds()) {
        case .admitted:
            nil
        case .full(let count):
            "\(count) sessions run already, all that this server has; try again when one has ended"
        case .peerFull(let count):
            "\(connection.origin) has \(count) sessions already, all that one client's machine gets"
        case .tooManyGreetings:
            "too many connections have not said who they are; try again in a moment"
        case .mustWait(let seconds):
            AccessWords.tooManyFailures(from: connection.origin, seconds: seconds)
        case .oneAtATime:
            AccessWords.tooManyFailures(from: connection.origin, seconds: 1)
        }
    }

    /// Enters the process of a connection that nothing was objected to.
    mutating func enter(
        _ process: Int32,
        _ connection: AcceptedConnection,
        report: OwnedDescriptor
    ) {
        sessions[process] = Session(connection: connection, report: report)
        limits.enter(connection.origin)
    }

    /// Tells a client why it gets no session.
    ///
    /// The connection stays open for a moment: closing it with bytes of the client's unread would reset it,
    /// and might take the words along.
    mutating func refuse(_ connection: AcceptedConnection, _ words: String) {
        guard explainsRefusals else { return }
        releaseRefused()
        _ = try? connection.descriptor.write(AccessWords.refusal(words)[...])
        shutDownWriting(connection.descriptor)
        guard refused.count < Self.refusedMax else { return }
        let until = monotonicNanoseconds() + Self.refusedMilliseconds * 1_000_000
        refused.append((connection, until))
    }

    /// Lets go of refused connections whose time is up.
    mutating func releaseRefused() {
        let now = monotonicNanoseconds()
        refused.removeAll { $0.until <= now }
    }

    /// When the next refused connection is to be let go of, on the monotonic clock.
    var refusedDeadline: UInt64? { refused.first?.until }

    /// The processes that have not said that their client is greeted, with the descriptors on which they will.
    var awaitedReports: [(process: Int32, descriptor: Int32)] {
        sessions.compactMap { process, session in
            session.report.map { (process, $0.number) }
        }
    }

    /// A process's report has come, or its end of the line has closed.
    mutating func takeReport(of process: Int32) {
        guard let session = sessions[process], let report = session.report else { return }
        let isGreeted = (try? report.read(maximum: 1))??.isEmpty == false
        guard isGreeted else { return }
        sessions[process]?.report = nil
        limits.greeted(session.connection.origin)
    }

    /// Takes a process that has ended off the table.
    mutating func remove(_ process: Int32, _ exit: SessionExit?) -> AcceptedConnection? {
        // A session may be over before anybody has looked at its report.
        takeReport(of: process)
        guard let session = sessions.removeValue(forKey: process) else { return nil }
        let origin = session.connection.origin
        limits.leave(origin, wasGreeted: session.report == nil)
        if exit == .wrongPassword {
            limits.failed(origin, at: monotonicNanoseconds())
        } else if session.report == nil {
            limits.succeeded(origin)
        }
        return session.connection
    }
}

/// How a session process ends.
enum SessionExit: Int32 {
    /// The client left, or the supervisor asked for the end.
    case finished = 0
    /// The client asked for the end of the whole process server.
    case endServer = 100
    /// The client did not know the password.
    case wrongPassword = 101
}
