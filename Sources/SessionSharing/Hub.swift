internal import ByteTransport
internal import Glibc
public import LinuxSystem
internal import ServerRegistry
internal import SessionProtocol
internal import SharedSession
internal import Transports

/// The process beside a debugger that shares its session: it looks after listeners and participants, and never waits
/// for any of them, nor for the debugger, which is free to wait for its target.
public final class Hub {
    /// How long participants get to read the last words, in milliseconds.
    static let farewellMilliseconds = 2_000
    /// How many connections may be on their way to becoming participants.
    static let arrivalsMax = 64
    /// How much may wait for the debugger before participants are not listened to, in bytes.
    static let debuggerBytesMax = 1 << 18
    /// How much is taken from one participant at a time, in bytes.
    static let readBytesMax = 65_536
    /// A participant this far behind is waited for as long as it is quick, in bytes.
    static let patienceBytes = UInt64(Transcript.bytesMax / 2)
    /// How long the debugger is not read at a time for that, in milliseconds.
    static let patienceMilliseconds: UInt64 = 10
    /// How often those who were refused may hear of it again, in milliseconds.
    static let refusalMilliseconds: UInt64 = 1_000

    let program: String
    let debuggerProcess: Int32
    let debugger: DescriptorTransport
    private var decoder = DebuggerMessageDecoder()
    private var toDebugger: [UInt8] = []
    private let signals: SignalDescriptor
    var session: SharedSession
    /// The prompt, when the debugger waits for a command.
    var prompt: String?
    var servers: [ServedTransport] = []
    var arrivals: [Arrival] = []
    var seats: [UInt16: HubSeat] = [:]
    var limits = PeerLimits()
    let responder: DiscoveryResponder?
    private var endsAt: UInt64?
    private var refusalsEnd: UInt64 = 0

    /// Takes the line to the debugger, which is this process's parent.
    public init(program: String, debuggerLine: OwnedDescriptor) throws {
        self.program = program
        debuggerProcess = getppid()
        debugger = try DescriptorTransport(debuggerLine, peerName: "the debugger", link: .local)
        signals = try SignalDescriptor([SIGTERM, SIGINT, SIGHUP])
        session = SharedSession(number: randomNumber(), program: program)
        responder = try? DiscoveryResponder()
    }

    /// Serves until the debugger ends the session, or is gone.
    public func run() throws {
        while true {
            let now = monotonicNanoseconds()
            if isOver(at: now) { return }
            let interests = interests(at: now)
            var requests = interests.map(\.request)
            let wake = wakeTime(now)
            try pollDescriptors(&requests, untilMonotonicNanoseconds: wake)
            if requests[0].isReadable, signals.next() != nil { end("the debugger was ended") }
            let then = monotonicNanoseconds()
            for (interest, request) in zip(interests, requests)
            where request.isReadable || request.isWritable {
                handle(interest.source, request, at: then)
            }
            passTime(then)
            dispatchCommand()
            pumpSeats(at: then)
            flushToDebugger()
        }
    }

    // MARK: - What is waited for

    private enum Source {
        case signals
        case debugger
        case discovery
        case server(ServedTransport)
        case arrival(Arrival)
        case seat(UInt16)
    }

    private func interests(at now: UInt64) -> [(source: Source, request: PollRequest)] {
        var interests: [(source: Source, request: PollRequest)] = [
            (.signals, PollRequest(signals.number)),
            (
                .debugger,
                PollRequest(
                    debugger.descriptor,
                    read: !waitsForQuickOnes,
                    write: !toDebugger.isEmpty
                )
            ),
            (.discovery, PollRequest(responder?.descriptor ?? -1)),
        ]
        interests += servers.map { (.server($0), $0.request) }
        interests += arrivals.map { (.arrival($0), $0.request) }
        let listens = toDebugger.count < Self.debuggerBytesMax
        interests += seats.map { (.seat($0.key), $0.value.request(wantsRead: listens)) }
        return interests
    }

    /// Whether somebody who takes text as quickly as it can be had is about to miss some.
    private var waitsForQuickOnes: Bool {
        seats.contains { number, seat in
            seat.isQuick && session.backlog(of: number) > Self.patienceBytes
        }
    }

    private func wakeTime(_ now: UInt64) -> UInt64 {
        if arrivals.contains(where: \.hasInput)
            || seats.values.contains(where: { $0.transport.hasBufferedInput || $0.isTurnOver })
        {
            return 0
        }
        var times = servers.compactMap(\.wakeNanoseconds) + arrivals.map(\.deadline)
        times += seats.values.compactMap(\.leavesUntil)
        if let endsAt { times.append(endsAt) }
        if let wait = responder?.waitMilliseconds { times.append(now + UInt64(wait) * 1_000_000) }
        if waitsForQuickOnes { times.append(now + Self.patienceMilliseconds * 1_000_000) }
        return times.min() ?? now + 3_600_000_000_000
    }

    private func handle(_ source: Source, _ request: PollRequest, at now: UInt64) {
        switch source {
        case .signals, .server, .arrival: return
        case .debugger: if request.isReadable { readDebugger() }
        case .discovery: _ = responder?.answer()
        case .seat(let number): if request.isReadable { read(number, at: now) }
        }
    }

    private func passTime(_ now: UInt64) {
        for server in servers where !server.isDisabled { look(at: server, now) }
        for arrival in arrivals { look(at: arrival, now) }
        arrivals.removeAll(where: \.isOver)
        for (number, seat) in seats {
            if seat.transport.hasBufferedInput { read(number, at: now) }
            if let limit = seat.leavesUntil, limit <= now { remove(number) }
        }
        if now >= refusalsEnd {
            session.forgetRefusals()
            refusalsEnd = now + Self.refusalMilliseconds * 1_000_000
        }
    }

    // MARK: - The debugger

    private func readDebugger() {
        switch debugger.read(maximum: Self.readBytesMax) {
        case .bytes(let bytes):
            decoder.append(bytes)
            while let message = decoder.next() { take(message) }
            if decoder.isBroken { end("the debugger and its hub do not understand each other") }
        case .wouldBlock:
            return
        case .ended:
            end("the debugger has ended")
            debugger.close()
        }
    }

    private func take(_ message: DebuggerMessage) {
        switch message {
        case .output(let style, let text):
            session.write(text, style)
        case .prompt(let text):
            prompt = text
            session.set(.prompt(text))
        case .busy(let targetRuns):
            prompt = nil
            session.set(.busy(targetRuns: targetRuns))
        case .ask(let number, let words):
            let answer = answer(words)
            send(.answer(number: number, isDone: answer.isDone, answer.lines))
        case .completions(let participant, let number, let texts):
            session.answer(participant, query: number, texts)
        case .end(let words):
            end(words)
        case .command, .notice, .complete, .answer:
            end("the debugger and its hub do not understand each other")
        }
    }

    func send(_ message: DebuggerMessage) {
        toDebugger += message.encoded
    }

    private func flushToDebugger() {
        while !toDebugger.isEmpty {
            guard let taken = debugger.write(toDebugger[...]) else {
                toDebugger = []
                return end("the debugger has ended")
            }
            if taken == 0 { return }
            toDebugger.removeFirst(taken)
        }
    }

    /// Hands the debugger the command that came first, when it waits for one.
    func dispatchCommand() {
        guard let shown = prompt, let command = session.takeCommand() else { return }
        prompt = nil
        let identity = session.participant(command.participant)?.identity ?? "?"
        session.show(command, prompt: shown)
        session.set(.busy(targetRuns: false))
        send(
            .command(participant: command.participant, identity: identity, command.text)
        )
    }

    /// What Ctrl+C at the debugger's own terminal does.
    func interruptDebugger() {
        guard prompt == nil, getppid() == debuggerProcess else { return }
        kill(debuggerProcess, SIGINT)
    }

    // MARK: - The end

    /// Ends the session for everybody.
    func end(_ words: String) {
        guard endsAt == nil else { return }
        let now = monotonicNanoseconds()
        endsAt = now + UInt64(Self.farewellMilliseconds) * 1_000_000
        for server in servers { server.disable() }
        for arrival in arrivals { arrival.close() }
        session.end(words)
    }

    private func isOver(at now: UInt64) -> Bool {
        guard let endsAt else { return false }
        return seats.isEmpty || now >= endsAt
    }

    private func pumpSeats(at now: UInt64) {
        for (number, seat) in seats where !seat.pump(&session, number, at: now) { remove(number) }
    }
}
