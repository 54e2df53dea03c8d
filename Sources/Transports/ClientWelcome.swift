public import ByteTransport
public import LinuxSystem
internal import SessionProtocol

/// What a client turned out to be.
public enum ClientWelcome {
    /// RSP follows on the stream; the name is the client's own, nil for a plain RSP client.
    case client(name: String?, any ByteTransport)
    /// It did not know the password; words for the log.
    case wrongPassword(String)
    /// It was refused, vanished or kept silent; words for the log.
    case refused(String)
    /// A signal asks for the end.
    case endRequested
}

/// Reads a connection's first bytes and answers a greeting.
public struct ClientReception {
    /// How long a new client may take until it is greeted, in seconds, when nothing else is said.
    public static let defaultSeconds = 60

    private let transport: any ByteTransport
    private let endSignals: SignalDescriptor
    private let deadline: UInt64
    private var arrival: ClientArrival

    /// - Parameters:
    ///   - transport: a fresh connection.
    ///   - access: what clients have to prove.
    ///   - program: the name and version of this program, "dbgsrv/0.1".
    ///   - seconds: how long the whole may take.
    ///   - endSignals: end the wait.
    public init(
        _ transport: any ByteTransport,
        access: ServerAccess,
        program: String,
        seconds: Int,
        endSignals: SignalDescriptor
    ) {
        self.transport = transport
        self.endSignals = endSignals
        deadline = monotonicNanoseconds() + UInt64(seconds) * 1_000_000_000
        arrival = ClientArrival(transport, role: .smartClient, access: access, program: program)
    }

    /// Runs until the client is known or gone, a signal comes or the time is up.
    public mutating func run() throws(SystemError) -> ClientWelcome {
        while true {
            let isLate = monotonicNanoseconds() >= deadline
            switch isLate ? arrival.refuse(AccessWords.tooSlow) : arrival.advance() {
            case .client(let client):
                return .client(name: client.name, client.stream)
            case .gone(let words):
                return .refused(words)
            case .refused(let words):
                try farewell()
                return .refused(words)
            case .wrongPassword(let words):
                try farewell()
                return .wrongPassword(words)
            case nil:
                if try wait(until: deadline) { return .endRequested }
            }
        }
    }

    /// - Returns: whether a signal asks for the end.
    private func wait(until limit: UInt64) throws(SystemError) -> Bool {
        var requests = [PollRequest(transport.descriptor), PollRequest(endSignals.number)]
        try pollDescriptors(
            &requests,
            untilMonotonicNanoseconds: transport.hasBufferedInput ? 0 : limit
        )
        return requests[1].isReadable && endSignals.next() != nil
    }

    private func farewell() throws(SystemError) {
        try Farewell.say(on: transport, endSignals)
    }
}
