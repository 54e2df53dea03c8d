public import ByteTransport
public import DebugTarget
internal import GDBRemoteProtocol

// A debug target at the other end of the GDB Remote Serial Protocol: dbgsrv, gdbserver, QEMU's
// stub, kgdb.
//
// Everything beyond `?`, `g`, `G`, `m`, `M`, `c` and `s` is optional in the protocol, and each stub
// leaves out something else (gdbserver has no `p`, kgdb no `qSupported`). What can be negotiated is
// taken from `qSupported` and `vCont?`; what cannot is tried once, and an empty answer is
// remembered.
//
// Registers, memory and thread lists are kept until the target runs or is written to, because every
// question costs a round trip and on a serial line every byte counts.

/// A target reached by the GDB remote protocol.
public final class RemoteTarget: DebugTarget, ProcessorViews {
    /// What a stub that names no packet size is believed to take (gdb's own assumption).
    static let defaultPacketBytesMax = 400

    let link: PacketLink
    let options: RemoteOptions
    let documents: (any DocumentStore)?
    /// What goes out with the next request.
    var deferred: [DeferredRequest] = []
    var features = FeatureList()
    var packetBytesMax = RemoteTarget.defaultPacketBytesMax
    var isMultiprocess = false
    var isExtended = false
    var resumeAbilities: Set<String> = []
    var signals = SignalNumbering.gdb
    /// Packets that were answered with nothing, by name.
    var missingPackets: Set<String> = []

    /// The processes being debugged.
    public internal(set) var processes: [ProcessID] = []
    /// The thread that already stood still when the connection was made, if the stub came with a
    /// process.
    public internal(set) var initialThread: ThreadID?

    /// The process that thread ids without one belong to.
    var assumedProcess: ProcessID?
    var isRunning = false
    var interruptIsPending = false
    /// When the first interrupt was sent that nothing has answered.
    var interruptTime: UInt64?
    var steppingThreads: Set<ThreadID> = []
    var pendingEvents: [TargetEvent] = []
    var selectedThread: ThreadReference?
    /// The processor that memory is seen through; nil where all threads of a process see the same.
    var viewingThread: ThreadID?
    var descriptions: [ProcessID: TargetDescription] = [:]
    var launched: Set<ProcessID> = []
    /// Processes that stood by job control when they were attached to.
    var suspended: Set<ProcessID> = []
    var executablePaths: [ProcessID: String] = [:]
    var stop = StopCache()
    var breakpoints = RemoteBreakpoints()
    var passed: Set<Signal> = []
    var fileSystemProcess: ProcessID?
    /// Whether the stub was asked to tell of threads.
    var reportsThreads = false

    /// Connects: agrees on features and takes over a process that the stub may hold already.
    ///
    /// - Parameters:
    ///   - transport: the stream to the stub.
    ///   - options: how to behave on the line; nil for what suits its kind.
    ///   - interrupts: tells of Ctrl+C, which ends the wait for a stub that does not answer.
    ///   - documents: where documents are kept for later sessions.
    public init(
        _ transport: any ByteTransport,
        options: RemoteOptions? = nil,
        interrupts: (any WaitObserver)? = nil,
        documents: (any DocumentStore)? = nil
    ) throws(TargetError) {
        self.documents = documents
        self.options = options ?? RemoteOptions(for: transport.link)
        link = PacketLink(transport, self.options, interrupts: interrupts)
        try connect()
    }

    /// Readable when an event may have arrived.
    public var eventDescriptor: Int32 { link.transport.descriptor }

    /// The far end, for people.
    public var peerName: String { link.transport.peerName }

    /// The line beneath the connection.
    public var lineKind: LinkKind { link.transport.link }

    /// What is known to be wrong with that line; nil when nothing is.
    public var lineTrouble: String? { link.transport.trouble }

    /// Whether the connection still stands.
    public var isConnected: Bool { !link.isLost }

    /// Whether the stub can attach to and start processes (`extended-remote`).
    public var canStartProcesses: Bool { isExtended }

    /// Closes the connection; the stub lets go of its processes by its own rules.
    public func close() {
        link.close()
    }

    // MARK: - Requests

    /// Sends a request and gives the reply as it came.
    func exchange(_ payload: [UInt8], _ purpose: String) throws(TargetError) -> [UInt8] {
        guard !isRunning else {
            throw TargetError(.invalid, "The target is running; \(purpose) has to wait.")
        }
        if deferred.isEmpty, let answer = stop.answers.removeValue(forKey: payload) {
            return answer
        }
        guard !deferred.isEmpty else { return try link.exchange(payload, purpose) }
        return try exchange(all: [payload], purpose)[0]
    }

    func exchange(_ text: String, _ purpose: String) throws(TargetError) -> [UInt8] {
        try exchange([UInt8](text: text), purpose)
    }

    /// Sends a request that the stub answers with OK.
    ///
    /// - Returns: false when the stub does not know the packet.
    @discardableResult
    func command(
        _ payload: [UInt8],
        _ purpose: String,
        failure code: TargetError.Code = .invalid
    ) throws(TargetError) -> Bool {
        let reply = try exchange(payload, purpose)
        if reply == PlainReply.ok { return true }
        if reply.isEmpty { return false }
        throw failure(reply, purpose, code)
    }

    /// The error a reply stands for.
    func failure(
        _ reply: [UInt8],
        _ purpose: String,
        _ code: TargetError.Code = .invalid
    ) -> TargetError {
        if reply.isEmpty {
            return TargetError(.unsupported, "\(peerName) cannot do it (\(purpose)).")
        }
        guard let error = ErrorReply(payload: reply) else {
            return TargetError(
                .invalid,
                "\(peerName) gave an answer that makes no sense (\(purpose)): "
                    + printable(reply.prefix(60))
            )
        }
        // A policy's refusals begin like this, whatever was asked for.
        let isRefused = error.text.hasPrefix("refused by ")
        if !error.text.isEmpty { return TargetError(isRefused ? .notPermitted : code, error.text) }
        return TargetError(code, "\(peerName) refused (\(purpose)), error \(error.number).")
    }

    /// Whether a reply says no: the packet is not known, or an error.
    func isRefusal(_ reply: [UInt8]) -> Bool {
        reply.isEmpty || ErrorReply(payload: reply) != nil
    }

    /// Makes later register and memory packets be about that thread.
    func select(_ thread: ThreadID) throws(TargetError) {
        let reference = ThreadReference(thread, multiprocess: isMultiprocess)
        guard selectedThread != reference else { return }
        let request = ThreadSelection(purpose: "g", thread: reference)
        stop.answers = [:]
        if savesTurns {
            deferred.removeAll { $0.purpose != .unanswered }
            deferred.append(DeferredRequest(payload: request.payload, purpose: .selection(thread)))
            selectedThread = reference
            return
        }
        let reply = try exchange(request.payload, "selecting thread \(thread)")
        guard reply == PlainReply.ok || reply.isEmpty else {
            throw failure(reply, "selecting thread \(thread)", .noSuchProcess)
        }
        selectedThread = reference
    }

    /// Makes later packets be about that process, whichever of its threads.
    func select(_ process: ProcessID) throws(TargetError) {
        if let viewingThread, viewingThread.process == process { return try select(viewingThread) }
        guard isMultiprocess || processes.count > 1 else { return }
        if case .number(let selected)? = selectedThread?.process,
            selected == Int64(process.rawValue)
        {
            return
        }
        if let thread = stop.eventThread, thread.process == process { return try select(thread) }
        if let thread = stop.threads[process]?.first?.thread { return try select(thread) }
        try select(ThreadID(process, Int64(process.rawValue)))
    }

    /// What is known of memory is what the other processor sees.
    public func viewMemory(through thread: ThreadID) {
        guard viewingThread != thread else { return }
        viewingThread = thread
        stop.memory[thread.process] = nil
    }

    /// Forgets what was read since the last stop.
    func forgetStop() {
        stop = StopCache()
        deferred.removeAll { $0.purpose != .unanswered }
        selectedThread = nil
    }

    // MARK: - Optional abilities

    /// Tables of the operating system, where the stub serves them.
    public var processListing: (any ProcessListing)? {
        features.supports("qXfer:osdata:read") ? self : nil
    }

    /// Files, unless the stub turned out not to serve them.
    public var files: (any TargetFiles)? {
        missingPackets.contains("vFile") ? nil : self
    }

    /// What the stub says of processes.
    public var processDetails: (any ProcessDetails)? { self }

    /// What the stub said when a process was attached to.
    public var jobControl: (any JobControl)? { self }

    /// A program of the stub's own, where it has one (`dbgsrv -pc`).
    public var implicitLaunch: (any ImplicitLaunch)? {
        features.supports("vRunImplicit") ? self : nil
    }

    /// The thread that a memory packet goes by is the stub's selected one.
    public var processorViews: (any ProcessorViews)? { self }

    /// siginfo, where the stub serves it.
    public var signalInformation: (any SignalInformation)? {
        features.supports("qXfer:siginfo:read") ? self : nil
    }

    /// Passing signals, where the stub can.
    public var signalPolicy: (any SignalPolicy)? {
        features.supports("QPassSignals") ? self : nil
    }
}

/// What is known of the target since it last stopped.
struct StopCache {
    var eventThread: ThreadID?
    var registers: [ThreadID: RegisterBlock] = [:]
    /// Registers that came with the stop reply, by number.
    var expedited: [ThreadID: [Int: [UInt8]]] = [:]
    /// All registers as they came with the stop reply.
    var blocks: [ThreadID: [UInt8]] = [:]
    /// Answers that came before they were asked for, by their requests.
    var answers: [[UInt8]: [UInt8]] = [:]
    var threads: [ProcessID: [ThreadSummary]] = [:]
    /// Memory by process, in lines.
    var memory: [ProcessID: [UInt64: [UInt8]]] = [:]
    /// The memory that others may change meanwhile, by process.
    var shared: [ProcessID: SharedRanges] = [:]
}

/// The breakpoints this client planted.
struct RemoteBreakpoints {
    var planted: [ProcessID: Set<Breakpoint>] = [:]
    /// Where the stub has no `Z0`: what the trap instruction replaced.
    var replacedBytes: [ProcessID: [UInt64: [UInt8]]] = [:]
    /// What the stub is to judge at them.
    var conditions: [ProcessID: [Breakpoint: BreakpointCondition]] = [:]
}
