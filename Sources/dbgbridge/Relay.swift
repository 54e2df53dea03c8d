internal import ByteTransport
internal import GDBRemoteProtocol
internal import LinuxSystem
internal import PacketCache

/// Carries bytes between two streams until both directions have ended.
struct Relay {
    /// How a relay ended.
    enum Ending: Equatable {
        /// Both sides closed in order.
        case finished
        /// The server's side broke; words for the user.
        case serverLost(String)
        /// The client's side broke.
        case clientLost
        /// The client did not know the password.
        case wrongPassword
        /// The client did not get as far as the server, or said nothing to it.
        case refused
        /// There was no connection to the server; words for the user.
        case serverUnreachable(String)
        /// A signal asks for the end.
        case endRequested
    }

    /// How many bytes may wait for a slow reader in each direction; past that we stop reading.
    static let pendingBytesMax = 256 * 1024
    /// How long the server may take to close once the client has gone, in milliseconds.
    static let farewellMilliseconds = 2_000

    private let server: any ByteTransport
    private let client: any ByteTransport
    private let endSignals: SignalDescriptor?
    private var toServer = Direction()
    private var toClient = Direction()
    private var conversation = RelayedConversation()
    /// Answers what it can; nil where everything is to go through as it is.
    private var cache: CachedConversation?
    /// What may go to a kernel's stub; nil for any other server.
    private var kernelRequests: KernelRequests?
    /// A kernel is to be broken into as soon as all requests are out.
    private var breaksIn = false
    private var watch = AnswerWatch()
    /// What goes over the server's line; nil where nobody wants to know.
    private let log = PacketLog()
    private var debugServerPort: DebugServerPort?
    /// Whether the client has sent anything.
    private(set) var clientHasSpoken = false

    /// Bytes under way in one direction.
    private struct Direction {
        var pending: [UInt8] = []
        var sourceEnded = false
        var endPassedOn = false

        var wantsRead: Bool { !sourceEnded && pending.count < Relay.pendingBytesMax }
    }

    init(
        server: any ByteTransport,
        client: any ByteTransport,
        clientPort: Int? = nil,
        isPlain: Bool = false,
        endSignals: SignalDescriptor? = nil
    ) {
        debugServerPort = clientPort.map { DebugServerPort($0) }
        self.server = server
        self.client = client
        kernelRequests = server is any KernelStream ? KernelRequests() : nil
        cache = isPlain || kernelRequests != nil ? nil : CachedConversation(on: server.link)
        self.endSignals = endSignals
    }

    /// Runs until the connection has ended.
    mutating func run() throws(SystemError) -> Ending {
        while !(hasFinished(toServer, server) && hasFinished(toClient, client)) {
            let clientHasGone = hasFinished(toServer, server)
            let isReady = try waitForWork(
                timeoutMilliseconds: clientHasGone ? Self.farewellMilliseconds : nil
            )
            if endSignals?.next() != nil { return .endRequested }
            if clientHasGone && !isReady { return .finished }
            keepClientWaiting()
            if let ending = carry(from: client, to: server, \.toServer, lost: { _ in .clientLost })
            {
                return ending
            }
            if let ending = carry(
                from: server,
                to: client,
                \.toClient,
                lost: { .serverLost($0) }
            ) {
                return ending
            }
            if hasFinished(toClient, client) { return .finished }
        }
        return .finished
    }

    private func hasFinished(_ direction: Direction, _ destination: any ByteTransport) -> Bool {
        direction.endPassedOn && !destination.hasBufferedOutput
    }

    /// Whether the client is read: who does not take the answers asks no more.
    private var wantsRequests: Bool {
        toServer.wantsRead && toClient.pending.count < Self.pendingBytesMax
    }

    /// Whether bytes are wanted that wait in a transport and do not show in poll.
    private var hasInput: Bool {
        wantsRequests && client.hasBufferedInput
            || toClient.wantsRead && server.hasBufferedInput
    }

    private func waitForWork(timeoutMilliseconds: Int?) throws(SystemError) -> Bool {
        var requests = [
            PollRequest(wantsRequests ? client.descriptor : -1),
            PollRequest(toClient.wantsRead ? server.descriptor : -1),
            PollRequest(
                toServer.pending.isEmpty && !server.hasBufferedOutput
                    ? -1 : server.outputDescriptor,
                read: false,
                write: true
            ),
            PollRequest(
                toClient.pending.isEmpty && !client.hasBufferedOutput
                    ? -1 : client.outputDescriptor,
                read: false,
                write: true
            ),
            PollRequest(endSignals?.number ?? -1),
        ]
        if hasInput {
            try pollDescriptors(&requests, timeoutMilliseconds: 0)
            return true
        }
        if let deadline = watch.deadline, timeoutMilliseconds == nil {
            return try pollDescriptors(&requests, untilMonotonicNanoseconds: deadline)
        }
        return try pollDescriptors(&requests, timeoutMilliseconds: timeoutMilliseconds)
    }

    /// A debugger that is owed an answer on a line that has fallen silent hears that we are still there.
    private mutating func keepClientWaiting() {
        guard let action = watch.expire(at: monotonicNanoseconds()) else { return }
        if toClient.pending.isEmpty { toClient.pending.append(RelayedConversation.keepalive) }
        if case .notice(let seconds) = action {
            let cause = server.trouble.map { " (\($0))" } ?? ""
            let words = "no answer for \(seconds) s\(cause); waiting"
            printError("dbgbridge: \(server.peerName): \(words)\n")
        }
    }

    /// Puts bytes on their ways, with what they mean to the conversation taken note of.
    private mutating func examine(_ bytes: [UInt8], toClient isReply: Bool) {
        if isReply {
            log?.note(bytes, .fromStub)
            let passed = cache?.reply(bytes) ?? .init(toDebugger: bytes)
            if !passed.toServer.isEmpty { log?.note(passed.toServer, .toStub) }
            toServer.pending += passed.toServer
            toClient.pending += conversation.reply(passed.toDebugger)
        } else {
            clientHasSpoken = true
            conversation.request(bytes)
            let request = kernelBytes(debugServerPort?.pass(bytes) ?? bytes)
            let passed = cache?.request(request) ?? .init(toServer: request)
            if !passed.toServer.isEmpty { log?.note(passed.toServer, .toStub) }
            toServer.pending += passed.toServer
            toClient.pending += conversation.reply(passed.toDebugger)
        }
        let waited = watch.carried(
            toDebugger: isReply,
            owesAnswer: conversation.owesAnswer,
            at: monotonicNanoseconds()
        )
        if let waited {
            printError("dbgbridge: \(server.peerName): answers again, after \(waited) s\n")
        }
    }

    /// What is held of a stream that has ended goes on.
    private mutating func release(endOfServer: Bool) {
        let held = cache?.end() ?? .init()
        toServer.pending += held.toServer
        toClient.pending += conversation.reply(held.toDebugger)
        if endOfServer { toClient.pending += conversation.surrender() }
    }

    /// What goes to a kernel's stub of what a debugger sends; its interrupts are done here.
    private mutating func kernelBytes(_ bytes: [UInt8]) -> [UInt8] {
        guard let elements = kernelRequests?.take(bytes) else { return bytes }
        var passed: [UInt8] = []
        for element in elements {
            switch element {
            case .bytes(let more): passed += more
            case .breakIn:
                // What was said before it has to be out, or it breaks into a kernel that has not been set going yet.
                toServer.pending += passed
                passed = []
                breaksIn = true
            }
        }
        return passed
    }

    /// Moves what can be moved in one direction.
    ///
    /// - Returns: how the relay ended, when it did.
    private mutating func carry(
        from source: any ByteTransport,
        to destination: any ByteTransport,
        _ path: WritableKeyPath<Relay, Direction>,
        lost: (String) -> Ending
    ) -> Ending? {
        if source === client ? wantsRequests : self[keyPath: path].wantsRead {
            switch source.read(maximum: 65_536) {
            case .bytes(let bytes):
                examine(bytes, toClient: source === server)
            case .wouldBlock:
                break
            case .ended(.closed):
                release(endOfServer: source === server)
                self[keyPath: path].sourceEnded = true
            case .ended(.failed(let words)):
                return lost(words)
            }
        }
        return pass(to: destination, path)
    }

    private mutating func pass(
        to destination: any ByteTransport,
        _ path: WritableKeyPath<Relay, Direction>
    ) -> Ending? {
        if !self[keyPath: path].pending.isEmpty {
            guard let taken = destination.write(self[keyPath: path].pending[...]) else {
                return destination === server
                    ? .serverLost("the connection to the server broke") : .clientLost
            }
            self[keyPath: path].pending.removeFirst(taken)
        }
        let direction = self[keyPath: path]
        if direction.sourceEnded, direction.pending.isEmpty, !direction.endPassedOn {
            destination.finishWriting()
            self[keyPath: path].endPassedOn = true
        }
        destination.flush()
        if destination === server, breaksIn, direction.pending.isEmpty {
            breaksIn = false
            (server as? any KernelStream)?.breakIn()
        }
        return nil
    }
}

extension CachedConversation {
    /// What suits a line.
    init(on link: LinkKind) {
        switch link {
        case .local, .network: self.init()
        case .serial(let baudRate): self.init(bitsPerSecond: baudRate)
        }
    }
}
