internal import ByteTransport
internal import ConnectionStrings
internal import Glibc
internal import LinuxSystem
internal import SessionProtocol
internal import Transports

// A listener's clients: each is relayed by a process of its own, so that several can be there at once (lldb's
// platform mode needs two) and a line that is slow to come up keeps nobody else waiting. Such a process gets
// what it is to do through a pipe, since a process list shows command lines to everybody.

/// What a relaying process finds beside its standard streams.
private enum InheritedDescriptors {
    /// The client's connection.
    static let connection: Int32 = 3
    /// Fields, each ended by a zero byte: the client's name, its origin, how many seconds it has to wait (or
    /// nothing), and the command line.
    static let settings: Int32 = 4
}

/// How a relaying process ends.
private enum RelayExit: Int32 {
    /// The connection is over.
    case finished = 0
    /// The server was lost.
    case serverLost = 2
    /// The client did not get as far as the server.
    case unserved = 100
    /// The client did not know the password.
    case wrongPassword = 101

    /// Whether the client used the server.
    var isOfService: Bool { self == .finished || self == .serverLost }
}

/// The relays of a listener's clients.
struct BridgedClients {
    /// The most clients at a time.
    static let countMax = 64
    /// The most clients at a time where there is a password to be guessed.
    static let countWithPasswordMax = 8
    /// The longest settings in bytes: what a pipe takes without anybody reading.
    static let settingsBytesMax = 65_536
    /// How long relays get to end in order, in milliseconds.
    private static let farewellMilliseconds = 3_000
    /// How long a bridge without `-p` waits for another client when the last one has gone, in milliseconds;
    /// `DBGSRV_BRIDGE_LINGER_MILLISECONDS` changes it.
    private static let lingerMilliseconds = min(
        max(environmentValue("DBGSRV_BRIDGE_LINGER_MILLISECONDS").flatMap { Int($0) } ?? 30_000, 1),
        600_000
    )

    private let hasPassword: Bool
    private var connections: [Int32: AcceptedConnection] = [:]
    private var limits = PeerLimits()
    /// When the last connection that was of use ended; nil until there has been one.
    private var allGoneSince: UInt64?

    init(hasPassword: Bool) {
        self.hasPassword = hasPassword
    }

    /// Starts a relay for a client.
    mutating func start(
        _ accepted: AcceptedConnection,
        _ options: RelayOptions
    ) throws(SystemError) {
        let limit = hasPassword ? Self.countWithPasswordMax : Self.countMax
        guard connections.count < limit else {
            let words = "refused, \(limit) clients are here already"
            printError("dbgbridge: \(accepted.peerName): \(words)\n")
            return
        }
        let fields =
            [accepted.peerName, accepted.origin, waitSeconds(of: accepted).map { "\($0)" } ?? ""]
            + options.arguments
        let settings: [UInt8] = fields.reduce(into: []) { $0 += Array($1.utf8) + [0] }
        precondition(settings.count <= Self.settingsBytesMax, "a command line is shorter")
        let pipe = try ProgramLauncher.makePipe()
        _ = try pipe.write.write(settings[...])
        let standard = try (0...2).map { (number) throws(SystemError) in
            try OwnedDescriptor(duplicating: number)
        }
        let process = try ProgramLauncher.start(
            ProgramLauncher.ownPath ?? "/proc/self/exe",
            arguments: ["--relay"],
            descriptors: standard + [accepted.descriptor, pipe.read],
            newSession: false
        )
        connections[process] = accepted
    }

    /// How long a bridge still waits for others when all connections are gone; nil while there is one, and
    /// until there has been one.
    ///
    /// A client that has been asked for a password, or has lost its line, comes again.
    func millisecondsToWait() -> Int? {
        guard let allGoneSince, connections.isEmpty else { return nil }
        let gone = (monotonicNanoseconds() - allGoneSince) / 1_000_000
        return Self.lingerMilliseconds - min(Int(gone), Self.lingerMilliseconds)
    }

    private mutating func waitSeconds(of accepted: AcceptedConnection) -> Int? {
        guard hasPassword,
            case .mustWait(let seconds) = limits.verdict(
                on: accepted.origin,
                at: monotonicNanoseconds()
            )
        else { return nil }
        return seconds
    }

    /// Takes note of relays that have ended.
    mutating func reap() {
        for (process, accepted) in connections {
            guard let ending = ProgramLauncher.ending(of: process) else { continue }
            connections[process] = nil
            let hasServed = RelayExit(rawValue: ending.status).map(\.isOfService) ?? true
            if hasServed { allGoneSince = monotonicNanoseconds() }
            guard hasPassword, ending.status == RelayExit.wrongPassword.rawValue else { continue }
            limits.failed(accepted.origin, at: monotonicNanoseconds())
        }
    }

    /// Ends all relays.
    ///
    /// - Parameter signals: has SIGCHLD among them.
    mutating func end(_ signals: SignalDescriptor) {
        for process in connections.keys { kill(process, SIGTERM) }
        let deadline = monotonicNanoseconds() + UInt64(Self.farewellMilliseconds) * 1_000_000
        while !connections.isEmpty, monotonicNanoseconds() < deadline {
            var requests = [PollRequest(signals.number)]
            let left = Int((deadline - min(deadline, monotonicNanoseconds())) / 1_000_000) + 1
            _ = try? pollDescriptors(&requests, timeoutMilliseconds: left)
            while signals.next() != nil {}
            reap()
        }
        for process in connections.keys { kill(process, SIGKILL) }
    }
}

/// The life of a relaying process.
func relayInheritedClient() -> Int32 {
    do {
        try requestSignalAtParentsDeath(SIGTERM)
        let pipe = OwnedDescriptor(InheritedDescriptors.settings)
        var settings: [UInt8] = []
        while let bytes = try pipe.read(maximum: BridgedClients.settingsBytesMax), !bytes.isEmpty {
            settings += bytes
        }
        let fields = settings.split(separator: 0, omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
        // The last field is what follows the last zero byte: nothing.
        guard fields.count > 3,
            case .relay(let options) = try parseCommandLine(Array(fields[3...].dropLast()))
        else { throw UsageError(description: "--relay is for dbgbridge's own use") }
        let connection = OwnedDescriptor(InheritedDescriptors.connection)
        try connection.setNonBlocking()
        let accepted = AcceptedConnection(
            descriptor: connection,
            peerName: fields[0],
            link: .network,
            origin: fields[1]
        )
        switch try relay(options, accepted, waitSeconds: Int(fields[2])) {
        case .finished, .clientLost, .endRequested: return RelayExit.finished.rawValue
        case .refused: return RelayExit.unserved.rawValue
        case .serverUnreachable(let words):
            return fail(
                "\(options.server.displayed()): \(words)",
                status: RelayExit.unserved.rawValue
            )
        case .wrongPassword: return RelayExit.wrongPassword.rawValue
        case .serverLost(let words):
            return fail(
                "\(options.server.displayed()): \(words)",
                status: RelayExit.serverLost.rawValue
            )
        }
    } catch {
        return fail("\(error)", status: RelayExit.unserved.rawValue)
    }
}
