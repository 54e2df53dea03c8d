public import ByteTransport
public import DebugTarget
internal import GDBRemoteProtocol

/// One client's session: packets in, packets out, over one target.
///
/// Everything happens in the calls `transportReady` and `targetReady`, on the thread that made the target;
/// nothing here blocks or waits. The program polls what `interest` names, or lets `run` do it.
///
/// When the session ends, for whatever reason, nothing is left behind: processes that were attached to
/// run on without a breakpoint, those that were started are ended (`SessionPolicy`).
public final class ServerSession {
    /// While this many bytes wait for a client that does not read, no request of it is answered.
    static let outputBytesMax = 4 << 20
    /// What the target's output and acknowledgements may add to that before the session ends.
    static let outputReserveBytes = 1 << 20
    /// The most requests kept that arrive while the target runs.
    static let deferredRequestsMax = 16
    /// The most bytes kept of a client that hung up while its answers wait to be taken.
    static let inputBytesMax = 1 << 20
    private static let readBytesMax = 1 << 16

    let transport: any ByteTransport
    /// Judges what the client wants of the target; nothing of a session goes past it.
    let target: GuardedTarget
    private let audit = Auditor()
    var policy: SessionPolicy
    let profile: LinkProfile
    let packetBytesMax: Int
    private let table: PacketTable

    private var parser: PacketParser
    private var output = OutputQueue()
    private var lastFrame: [UInt8] = []
    private var deferred: [DeferredRequest] = []

    /// What is answered once the stop reply is out.
    private enum DeferredRequest {
        case packet([UInt8])
        case oversized
    }

    var personality = ClientPersonality()
    var selection = ThreadChoice()
    var launchSettings = LaunchSettings()
    var transfers = TransferCache()
    var threadLists = ThreadLists()
    var remainingThreads: [ThreadReference] = []
    /// What `qsProcessInfo` goes on with.
    var listedProcesses: (query: ProcessQuery, rest: ArraySlice<ProcessID>) = (ProcessQuery(), [])
    var keptRegisters = KeptRegisters()
    /// The stop that the client was shown last.
    var shownStop: (thread: ThreadID, reason: StopReason)?
    /// Why the last program could not be started (`A`).
    var launchFailure: String?
    /// A folder of our own that goes with the session.
    var temporaryFolder: String?
    /// Whether threads stop one by one, and stops are notifications.
    var isNonStop = false
    var notifications = StopNotifications()
    /// Whether the client waits for a stop reply.
    var isRunning = false
    /// The client pressed Ctrl-C while nothing ran.
    var hasQueuedInterrupt = false
    /// The client asked for the end of the whole server.
    var exitIsRequested = false
    /// What `?` answers.
    var lastStop: StopReply?

    /// Why the session ended; nil while it goes on.
    public private(set) var result: SessionResult?

    /// Takes what the client did, or was refused, for an audit.
    public var auditor: ((AuditRecord) -> Void)? {
        get { audit.sink }
        set { audit.sink = newValue }
    }

    /// Sees every packet, for logs: whether it came from the client, and its payload.
    public var packetObserver: ((_ fromClient: Bool, _ payload: [UInt8]) -> Void)?

    /// Begins a session.
    public init(
        transport: any ByteTransport,
        target: any DebugTarget,
        policy: SessionPolicy = SessionPolicy()
    ) {
        self.transport = transport
        self.target = GuardedTarget(target, policy: policy.access, auditor: audit)
        self.policy = policy
        profile = LinkProfile(transport.link)
        packetBytesMax = policy.packetBytesMax ?? profile.packetBytesMax
        parser = PacketParser(payloadBytesMax: packetBytesMax)
        table = PacketTable(ServerSession.packetGroups)
    }

    static var packetGroups: [[PacketEntry]] {
        [
            connectionPackets, threadPackets, registerPackets, memoryPackets, breakpointPackets,
            resumePackets, processPackets, settingPackets, transferPackets, filePackets,
            monitorPackets, lldbConnectionPackets, lldbThreadPackets, lldbLaunchPackets,
            hostPackets, platformPackets, modulePackets, allocationPackets, attachByNamePackets,
            systemCallPackets, nonStopPackets, threadLocalPackets, snapshotPackets,
        ]
    }

    // MARK: Driving

    /// What to wait for.
    public var interest: SessionInterest {
        SessionInterest(
            transport: transport.descriptor,
            transportOutput: transport.outputDescriptor,
            wantsWrite: !output.isEmpty || transport.hasBufferedOutput,
            wantsRead: wantsInput,
            hasInput: wantsInput && transport.hasBufferedInput,
            target: output.count < profile.consoleBytesMax ? target.eventDescriptor : -1
        )
    }

    /// Runs the session to its end.
    ///
    /// - Parameter wait: blocks until something of the interest is ready and says what.
    public func run(
        wait: (SessionInterest) throws -> SessionReadiness
    ) rethrows -> SessionResult {
        while true {
            if let result { return result }
            let readiness = try wait(interest)
            if readiness.endRequested { endSession() }
            if readiness.transport { transportReady() }
            if readiness.target { targetReady() }
        }
    }

    /// Takes bytes from the transport and gives it what waits.
    public func transportReady() {
        guard result == nil else { return }
        let waiting = output.count
        flush()
        takeItems()
        guard result == nil else { return }
        // poll(2) reports a hang-up to those who did not ask for bytes too. When nothing could be written
        // either, reading is what tells; without it the same wake would come again and again.
        let isStuck = waiting > 0 && output.count >= waiting
        if wantsInput || isStuck { readInput() }
    }

    private func readInput() {
        switch transport.read(maximum: ServerSession.readBytesMax) {
        case .bytes(let bytes):
            parser.append(bytes)
            takeItems()
            if parser.waitingByteCount > ServerSession.inputBytesMax { endUnread() }
        case .wouldBlock: break
        case .ended(let reason): finish(.clientLeft(reason))
        }
    }

    /// Takes events from the target.
    public func targetReady() {
        while result == nil {
            do throws(TargetError) {
                guard let event = try target.nextEvent() else { break }
                take(event)
            } catch {
                finish(.targetLost(error.message))
            }
        }
        takeItems()
    }

    /// Ends the session in order (SIGTERM).
    public func endSession() {
        finish(.ended)
    }

    func finish(_ result: SessionResult) {
        guard self.result == nil else { return }
        self.result = result
        flush()
        releaseProcesses()
        if let temporaryFolder { target.platformServices?.removeFolder(temporaryFolder) }
        transport.close()
    }

    /// Lets go of everything, what runs on first: ending a process may take until the deadline of a kill,
    /// and one that keeps its breakpoints meanwhile could die of them.
    private func releaseProcesses() {
        let fates = target.processes.map { process in
            let launched = target.processDetails?.wasLaunched(process) ?? false
            return (process, launched ? policy.launchedProcesses : policy.attachedProcesses)
        }
        for (process, fate) in fates where fate == .detach { try? target.detach(from: process) }
        for (process, fate) in fates where fate == .kill { try? target.kill(process) }
    }

    // MARK: Input

    /// While the target runs, everything is read: an interrupt and the stream's end must be seen.
    private var wantsInput: Bool { isRunning || hasRoom }

    private var hasRoom: Bool { output.count < ServerSession.outputBytesMax }

    private func takeItems() {
        while result == nil {
            if !isRunning, hasRoom, !deferred.isEmpty {
                answer(deferred.removeFirst())
            } else if wantsInput, let item = parser.next() {
                take(item)
            } else {
                return
            }
        }
    }

    private func answer(_ request: DeferredRequest) {
        switch request {
        case .packet(let packet): answer(packet)
        case .oversized:
            let reason = "the packet is longer than \(packetBytesMax) bytes (PacketSize)"
            reply(.failure(TargetError(.invalid, reason)), showsErrorText: false)
        }
    }

    /// Notes that the client waits for a stop reply from here on.
    func beginRunning() {
        isRunning = true
        lastStop = nil
        shownStop = nil
        // The client has its reply, or it would not have gone on; repeated, it would pass for the stop.
        lastFrame = []
        forgetState()
    }

    private func handle(_ request: DeferredRequest) {
        guard isRunning else { return answer(request) }
        guard deferred.count < ServerSession.deferredRequestsMax else {
            let words =
                "more than \(ServerSession.deferredRequestsMax) requests came while the target runs"
            reply(.failure(TargetError(.invalid, words)), showsErrorText: true)
            return finish(.clientMisbehaved(words))
        }
        deferred.append(request)
    }

    private func take(_ item: WireItem) {
        switch item {
        case .packet(let payload):
            acknowledge(PacketEncoder.acknowledgement)
            take(packet: payload)
        case .damaged(.checksum(let payload)):
            // Without acknowledgements there is no way to ask again, and the manual lets it pass.
            if personality.usesAcknowledgements {
                acknowledge(PacketEncoder.retransmissionRequest)
            } else {
                take(packet: payload)
            }
        case .damaged(.oversized):
            acknowledge(PacketEncoder.acknowledgement)
            handle(.oversized)
        case .interrupt: requestInterrupt()
        case .retransmissionRequest:
            if personality.usesAcknowledgements { send(frame: lastFrame) }
        case .acknowledgement, .notification, .damaged(.truncated), .damaged(.badRunLength): break
        }
    }

    private func acknowledge(_ byte: [UInt8]) {
        if personality.usesAcknowledgements { send(frame: byte) }
    }

    private func take(packet: [UInt8]) {
        packetObserver?(true, packet)
        personality.notice(packet)
        if isAnswerableWhileRunning(packet) {
            answer(packet)
        } else {
            handle(.packet(packet))
        }
    }

    /// Requests that do not disturb the stop reply that is still to come.
    private func isAnswerableWhileRunning(_ packet: [UInt8]) -> Bool {
        packet == [UInt8](text: "k") || packet == [UInt8](text: "vCtrlC")
            || packet.first == UInt8(ascii: "I")
    }

    private func answer(_ packet: [UInt8]) {
        // Others run while this is answered.
        if isNonStop { threadLists.forget() }
        defer { notifyStop() }
        guard let entry = table.entry(for: packet) else {
            reply(.unsupported, showsErrorText: false)
            return
        }
        if let words = refusal(ofPacket: entry.name) {
            audit.note(.refused, nil, String(decoding: entry.name, as: UTF8.self), refusal: words)
            let refusal = Reply.failure(TargetError(.notPermitted, words))
            return reply(entry.hasReply ? refusal : .none, showsErrorText: true)
        }
        let answer: Reply
        do throws(TargetError) {
            answer = try entry.handler(self, packet)
        } catch {
            answer = .failure(error)
        }
        reply(answer, showsErrorText: entry.showsErrorText)
    }

    // MARK: Output

    private func reply(_ reply: Reply, showsErrorText: Bool) {
        switch reply {
        case .payload(let payload): send(payload)
        case .ok: send(PlainReply.ok)
        case .unsupported: send(PlainReply.unsupported)
        case .failure(let error):
            let failure = ErrorReply(number: error.wireNumber, text: error.message)
            if personality.errorStrings { return send(failure.hexTextPayload) }
            // Why something is not allowed is what the user has to know.
            let isRefusal = error.code == .notPermitted
            let shows = showsErrorText || isRefusal
            let text = personality.errorMessages || (shows && !personality.isLLDB)
            send(text ? failure.payload : failure.numberPayload)
        case .later, .none: break
        }
    }

    /// Sends a packet.
    func send(_ payload: [UInt8]) {
        packetObserver?(false, payload)
        let frame = PacketEncoder.packet(payload)
        lastFrame = frame
        send(frame: frame)
    }

    func send(frame: [UInt8]) {
        guard result == nil else { return }
        output.append(frame)
        flush()
        let limit = ServerSession.outputBytesMax + ServerSession.outputReserveBytes
        if output.count > limit { endUnread() }
    }

    private func endUnread() {
        finish(.clientMisbehaved("the client does not read what it is sent"))
    }

    private func flush() {
        while !output.isEmpty {
            guard let taken = transport.write(output.bytes) else {
                output = OutputQueue()
                finish(.clientLeft(.failed("the connection broke while writing")))
                return
            }
            if taken == 0 { break }
            output.removeFirst(taken)
        }
        transport.flush()
    }
}

extension TargetError {
    /// A number for clients that take no text; the manual gives them no meaning, here they are errno's.
    var wireNumber: UInt8 {
        switch code {
        case .noSuchProcess: 3
        case .notPermitted: 1
        case .alreadyTraced: 16
        case .cannotRun: 2
        case .badAddress: 14
        case .noHardwareLeft: 28
        case .unsupported: 38
        case .invalid: 22
        case .disconnected: 107
        case .system(let number): UInt8(clamping: max(number, 1))
        }
    }
}
