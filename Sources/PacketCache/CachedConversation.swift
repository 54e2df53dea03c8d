internal import GDBRemoteProtocol

// A relay's place is on the engineer's side of a slow line. What gdb and lldb ask, they ask one by one and often
// twice; most of it can be answered here. Only with a server of ours: it says what a stop brings along (EXT-8), takes
// several requests at once (EXT-11) and says which memory others may change (EXT-12). With any other nothing is touched.
//
// What makes it correct:
// - Answers are kept only while all threads stand. Whatever may set one going, or write, or is not known, empties
//   everything; so does non-stop mode, for good.
// - Memory is kept only where the server has said that nobody but the process changes it.
// - Requests that are answered later than gdb believes (`z`, `Hg`, `Hc`) go out before anything that could tell.

/// Answers a debugger's requests from what is known already, as far as that is right, and passes on the rest.
public struct CachedConversation: Sendable {
    /// What goes where.
    public struct Passed: Sendable, Equatable {
        /// Bytes for the server.
        public var toServer: [UInt8] = []
        /// Bytes for the debugger.
        public var toDebugger: [UInt8] = []

        /// Wraps bytes.
        public init(toServer: [UInt8] = [], toDebugger: [UInt8] = []) {
            self.toServer = toServer
            self.toDebugger = toDebugger
        }
    }

    /// The longest packet that is understood, in bytes.
    static let packetBytesMax = 1 << 20
    /// The most requests of a debugger that wait for one of them to be answered.
    static let waitingMax = 64

    enum Phase {
        /// It is not known yet who the two are.
        case greeting(Greeting)
        /// They are left alone.
        case plain
        /// The server is one of ours.
        case cached
    }

    let lineBytes: Int
    /// How many lines are asked for again behind a resume.
    let linesAheadMax: Int
    var phase: Phase
    var passed = Passed()

    var fromDebugger = PacketParser(payloadBytesMax: Self.packetBytesMax)
    var fromServer = PacketParser(payloadBytesMax: Self.packetBytesMax, expandsRunLengths: true)
    var acknowledges = true
    var lastFrame: [UInt8] = []
    var isLLDB = false
    /// The server's PacketSize.
    var serverPacketBytesMax = 1024
    /// Whether the debugger gets `x` without its `b` (lldb up to 20).
    var takesBareBinary = false

    /// The debugger's requests behind the one that is being answered.
    var waiting: [[UInt8]] = []
    var current: [UInt8]?
    /// Whether the current one went to the server as it is.
    var currentIsPassedOn = false
    /// Whether something was fetched for the current one.
    var currentHasFetched = false

    var expected: [Expectation] = []
    var epoch = 0
    /// Why the server did not choose the thread that what is under way is about.
    var selectionFailure: [UInt8]?
    var isRunning = false
    /// Replies other than the stop that come while the target runs.
    var repliesBeforeStop = 0
    /// Everything is passed on, packet by packet, for good.
    var isBypassed = false

    var state: StandingTarget
    /// What the connection's whole life does not change.
    var constants: [[UInt8]: [UInt8]] = [:]
    /// The thread that the debugger has chosen; nil where that is not known.
    var chosen: ThreadReference?
    /// The thread that the server has chosen once it has read all that was sent.
    var serverChosen: ThreadReference?
    var breakpoints = Breakpoints()
    var habits = Habits()

    /// Starts with a connection.
    ///
    /// - Parameter bitsPerSecond: of the line to the server; nil for a network.
    public init(bitsPerSecond: Int? = nil) {
        let isSlow = bitsPerSecond.map { $0 < 1_000_000 } ?? false
        lineBytes = isSlow ? 64 : 256
        linesAheadMax = bitsPerSecond.map { min(max($0 / 4800, 4), 64) } ?? 64
        phase = .greeting(Greeting(lineBytes: lineBytes))
        state = StandingTarget(lineBytes: lineBytes)
    }

    /// Takes bytes of the debugger's.
    public mutating func request(_ bytes: [UInt8]) -> Passed {
        defer { passed = Passed() }
        var rest = bytes[...]
        if case .greeting(var greeting) = phase {
            while let byte = rest.popFirst() {
                let outcome = greeting.request(byte)
                passed.toServer += outcome.bytes
                phase = outcome.isOver ? .plain : .greeting(greeting)
                if outcome.isOver {
                    passed.toDebugger += greeting.heldReply
                    break
                }
            }
        }
        switch phase {
        case .greeting: break
        case .plain: passed.toServer += rest
        case .cached:
            fromDebugger.append(Array(rest))
            while let item = fromDebugger.next() { take(fromDebugger: item) }
        }
        return passed
    }

    /// Takes bytes of the server's.
    public mutating func reply(_ bytes: [UInt8]) -> Passed {
        defer { passed = Passed() }
        var rest = bytes[...]
        if case .greeting(var greeting) = phase {
            while let byte = rest.popFirst() {
                let outcome = greeting.reply(byte)
                passed.toDebugger += outcome.bytes
                phase = outcome.isOver ? .plain : .greeting(greeting)
                if let features = outcome.features {
                    begin(features, greeting, outcome.bytes)
                    break
                }
                if outcome.isOver {
                    passed.toServer += greeting.heldRequest
                    break
                }
            }
        }
        switch phase {
        case .greeting: break
        case .plain: passed.toDebugger += rest
        case .cached:
            fromServer.append(Array(rest))
            while let item = fromServer.next() { take(fromServer: item) }
        }
        return passed
    }

    /// The server has turned out to be one of ours.
    private mutating func begin(
        _ features: FeatureList,
        _ greeting: Greeting,
        _ frame: [UInt8]
    ) {
        phase = .cached
        lastFrame = frame
        isLLDB = greeting.isLLDB
        acknowledges = greeting.acknowledges
        if let size = features.value(of: "PacketSize").flatMap({ Hex.number($0.utf8) }) {
            serverPacketBytesMax = Int(min(max(size, 512), UInt64(Self.packetBytesMax)))
        }
        fromDebugger.append(greeting.heldRequest)
        if greeting.acknowledges {
            passed.toServer += PacketEncoder.acknowledgement
            send(Array("QStartNoAckMode".utf8), .nothing)
        }
    }

    /// What is held of a stream that has ended.
    public mutating func end() -> Passed {
        guard case .greeting(let greeting) = phase else { return Passed() }
        phase = .plain
        return Passed(toServer: greeting.heldRequest, toDebugger: greeting.heldReply)
    }

    // MARK: Packets of the debugger's

    private mutating func take(fromDebugger item: WireItem) {
        switch item {
        case .packet(let payload):
            if acknowledges { passed.toDebugger += PacketEncoder.acknowledgement }
            take(request: payload)
        case .damaged(.checksum(let payload)):
            if acknowledges {
                passed.toDebugger += PacketEncoder.retransmissionRequest
            } else {
                take(request: payload)
            }
        case .interrupt:
            // It overtakes whatever waits here.
            passed.toServer += PacketEncoder.interrupt
        case .retransmissionRequest:
            if acknowledges { passed.toDebugger += lastFrame }
        case .notification(let payload):
            passed.toServer += PacketEncoder.notification(payload)
        case .acknowledgement, .damaged: break
        }
    }

    private mutating func take(request payload: [UInt8]) {
        if payload == Array("QThreadSuffixSupported".utf8) { isLLDB = true }
        if isBypassed {
            passed.toServer += PacketEncoder.packet(payload)
        } else if isRunning, Self.isAnswerableWhileRunning(payload) {
            if payload.first == UInt8(ascii: "k") { return bypass(with: payload) }
            repliesBeforeStop += 1
            passed.toServer += PacketEncoder.packet(payload)
        } else {
            waiting.append(payload)
            if waiting.count > Self.waitingMax { return bypass(with: nil) }
            goOn()
        }
    }

    private static func isAnswerableWhileRunning(_ payload: [UInt8]) -> Bool {
        payload == Array("k".utf8) || payload == Array("vCtrlC".utf8)
            || payload.first == UInt8(ascii: "I")
    }

    /// From here on everything is passed on as it comes.
    mutating func bypass(with last: [UInt8]?) {
        flushBreakpoints()
        synchronize()
        let held = (currentIsPassedOn ? [] : [current].compactMap(\.self)) + waiting
        isBypassed = true
        current = nil
        waiting = []
        for payload in held + [last].compactMap(\.self) {
            passed.toServer += PacketEncoder.packet(payload)
        }
    }

    /// Answers what waits, in order, until something has to be waited for.
    mutating func goOn() {
        while current == nil, !isRunning, !isBypassed, !waiting.isEmpty {
            current = waiting.removeFirst()
            currentIsPassedOn = false
            currentHasFetched = false
            resolve()
        }
    }

    // MARK: Output

    /// Sends the server a request.
    mutating func send(_ payload: [UInt8], _ purpose: Expectation.Purpose) {
        passed.toServer += PacketEncoder.packet(payload)
        expected.append(Expectation(purpose: purpose, epoch: epoch, thread: serverChosen))
    }

    /// Sends the debugger a packet.
    mutating func deliver(_ payload: [UInt8]) {
        lastFrame = PacketEncoder.packet(payload)
        passed.toDebugger += lastFrame
    }

    /// Answers the current request.
    mutating func answer(_ payload: [UInt8]) {
        current = nil
        deliver(payload)
    }

    /// Sends the current request as it is; its answer is the debugger's.
    mutating func passOn(_ purpose: Expectation.Purpose = .deliver) {
        guard let current else { return }
        currentIsPassedOn = true
        send(current, purpose)
    }

    /// Sees to it that the server's next answers are about the thread that the debugger has chosen.
    mutating func synchronize() {
        guard let chosen, chosen != serverChosen else { return }
        select(chosen)
    }

    mutating func select(_ thread: ThreadReference) {
        serverChosen = thread
        send(ThreadSelection(purpose: "g", thread: thread).payload, .selection)
    }
}
