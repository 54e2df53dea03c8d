internal import GDBRemoteProtocol

/// What the client is like, from its first packets on.
struct ClientPersonality: Equatable {
    /// The families of clients that take the same packets differently.
    enum Client: Equatable {
        /// gdb, our own clients, and everything that follows the manual.
        case gdb
        /// lldb, whose own packets are in `docs/protocols/rsp.md`.
        case lldb
    }

    /// Which it is.
    private(set) var client = Client.gdb
    /// Whether packets are acknowledged.
    var usesAcknowledgements = true
    /// Thread ids carry the process.
    var multiprocess = false
    /// `swbreak` and `hwbreak` may be said.
    var reportsBreakpoints = false
    /// `fork`, `vfork` and `exec` may be said.
    var forkEvents = false
    var vforkEvents = false
    var execEvents = false
    /// `N` may be said.
    var noResumed = false
    /// Any stop is the answer to an interrupt that crosses it (EXT-7).
    var stopEndsInterrupt = false
    /// The length of the lines of memory that come with stops, in bytes; nil for a client that wants none (EXT-8).
    var snapshotLineBytes: Int?
    /// Stops say which memory others may change while the target stands (EXT-12).
    var wantsSharedRanges = false
    /// `E.text` may answer any packet.
    var errorMessages = false
    /// `E NN;hextext` may answer any packet (`QEnableErrorStrings`).
    var errorStrings = false
    /// Stop replies list all threads (`QListThreadsInStopReply`).
    var listsThreads = false
    /// `x` is answered with the bare bytes, since the client asked for it with `x0,0`.
    var readsBareBinary = false
    /// How signals are numbered.
    var signals = SignalNumbering.gdb
    private var hasSpoken = false

    /// The lengths of lines that can be had, powers of two.
    private static let snapshotLines = 16...4096

    var isLLDB: Bool { client == .lldb }

    /// Looks at a packet for what gives its sender away.
    ///
    /// lldb ends acknowledgements before it says what it can; everybody else asks for `qSupported` first.
    mutating func notice(_ packet: [UInt8]) {
        if !hasSpoken, packet == [UInt8](text: "QStartNoAckMode") { becomeLLDB() }
        hasSpoken = true
        if packet == [UInt8](text: "QThreadSuffixSupported") { becomeLLDB() }
    }

    private mutating func becomeLLDB() {
        client = .lldb
        signals = .linux
    }

    /// Takes over what the client says it can.
    mutating func adopt(_ features: FeatureList) {
        multiprocess = features.supports("multiprocess")
        reportsBreakpoints = features.supports("swbreak") && features.supports("hwbreak")
        forkEvents = features.supports("fork-events")
        vforkEvents = features.supports("vfork-events")
        execEvents = features.supports("exec-events")
        noResumed = features.supports("no-resumed")
        stopEndsInterrupt = features.supports("stop-ends-interrupt")
        errorMessages = features.supports("error-message")
        wantsSharedRanges = features.supports("shared-ranges")
        snapshotLineBytes = features.value(of: "stop-snapshot").flatMap { text in
            Hex.number(text.utf8).flatMap { Int(exactly: $0) }
        }.flatMap { Self.snapshotLines.contains($0) && $0 & ($0 - 1) == 0 ? $0 : nil }
    }
}
