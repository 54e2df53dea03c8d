internal import ByteTransport
internal import ConnectionStrings
internal import Glibc
internal import LinuxSystem
internal import Transports

// A listener's clients: each is relayed by a process of its own, so that several can be there at once (lldb's
// platform mode needs two) and a line that is slow to come up keeps nobody else waiting. Such a process gets
// what it is to do through a pipe, since a process list shows command lines to everybody.

/// What a relaying process finds beside its standard streams.
private enum InheritedDescriptors {
    /// The client's connection.
    static let connection: Int32 = 3
    /// The client's name and the command line, each field ended by a zero byte.
    static let settings: Int32 = 4
}

/// The relays of a listener's clients.
struct BridgedClients {
    /// The most clients at a time.
    static let countMax = 64
    /// The longest settings in bytes: what a pipe takes without anybody reading.
    static let settingsBytesMax = 65_536
    /// How long relays get to end in order, in milliseconds.
    private static let farewellMilliseconds = 3_000

    private var connections: [Int32: AcceptedConnection] = [:]

    /// Starts a relay for a client.
    mutating func start(
        _ accepted: AcceptedConnection,
        _ options: RelayOptions
    ) throws(SystemError) {
        guard connections.count < Self.countMax else {
            let words = "refused, \(Self.countMax) clients are here already"
            printError("dbgbridge: \(accepted.peerName): \(words)\n")
            return
        }
        let pipe = try ProgramLauncher.makePipe()
        let fields = [accepted.peerName] + options.arguments
        let settings: [UInt8] = fields.reduce(into: []) { $0 += Array($1.utf8) + [0] }
        precondition(settings.count <= Self.settingsBytesMax, "a command line is shorter")
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

    /// Takes note of relays that have ended.
    mutating func reap() {
        connections = connections.filter { ProgramLauncher.ending(of: $0.key) == nil }
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
        let fields = settings.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        guard let peerName = fields.first,
            case .relay(let options) = try parseCommandLine(Array(fields.dropFirst()))
        else { throw UsageError(description: "--relay is for dbgbridge's own use") }
        let connection = OwnedDescriptor(InheritedDescriptors.connection)
        try connection.setNonBlocking()
        return try relay(
            options,
            AcceptedConnection(descriptor: connection, peerName: peerName, link: .network)
        )
    } catch {
        return fail("\(error)", status: 2)
    }
}
