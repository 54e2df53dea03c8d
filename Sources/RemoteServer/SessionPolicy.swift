public import AccessPolicy
public import ByteTransport

/// What becomes of processes when a session ends, and how much the session takes.
public struct SessionPolicy: Sendable, Equatable {
    /// What becomes of a process.
    public enum Fate: Sendable, Equatable {
        /// It is ended by SIGKILL.
        case kill
        /// It runs on without a debugger.
        case detach
    }

    /// Processes that the session started.
    public var launchedProcesses = Fate.kill
    /// Processes that the session attached to.
    public var attachedProcesses = Fate.detach
    /// The longest packet in bytes; nil for what suits the link.
    public var packetBytesMax: Int?
    /// What the client may do.
    public var access = AccessPolicy.open
    /// argv of the program that `vRunImplicit` starts, byte for byte; empty for none.
    public var implicitCommand: [[UInt8]] = []
    /// The TCP port that clients can connect to for another session; nil where there is none.
    public var ownPort: Int?
    /// Whether the client is on the same machine, as far as can be told.
    public var clientIsOnThisMachine = false

    /// The usual policy: what was started is ended, what was attached to runs on.
    public init() {}
}

/// What suits a link (reference measurements: on a slow line every client that reads ahead makes large
/// answers expensive; on a fast one, round trips are).
struct LinkProfile: Equatable {
    /// PacketSize.
    var packetBytesMax: Int
    /// The most data in one answer of `vFile:pread`; gdb asks for a whole packet to see a 64-byte header.
    var fileReadBytesMax: Int
    /// How long lldb is to wait for an answer, in seconds; nil for its usual time.
    var patienceSeconds: Int?
    /// Whether bytes cost more than round trips.
    var isSlow = false
    /// While as many bytes wait for the client, nothing new is taken from the target, such as a program's output.
    var consoleBytesMax = 1 << 16

    init(_ link: LinkKind) {
        switch link {
        case .local, .network:
            packetBytesMax = 0x20000
            fileReadBytesMax = 0x20000
        case .serial:
            packetBytesMax = 0x1000
            fileReadBytesMax = 1536
            patienceSeconds = 60
            isSlow = true
            consoleBytesMax = 4096
        }
    }
}

/// Why a session ended.
public enum SessionResult: Sendable, Equatable {
    /// The client has gone.
    case clientLeft(EndReason)
    /// The client does what no session can go on with; words for the log.
    case clientMisbehaved(String)
    /// `endSession` was called.
    case ended
    /// The client asked for the end of the whole process server (`monitor exit`).
    case serverExitRequested
    /// The target itself is lost.
    case targetLost(String)
}

/// What a session waits for.
public struct SessionInterest: Sendable, Equatable {
    /// The descriptor that the transport reads from.
    public var transport: Int32
    /// The one that it writes to, mostly the same.
    public var transportOutput: Int32
    /// Whether bytes wait to be written.
    public var wantsWrite: Bool
    /// Whether more bytes are wanted (not while the client leaves answers unread).
    public var wantsRead: Bool
    /// Whether wanted bytes wait in the transport, which its descriptor does not show: do not wait.
    public var hasInput: Bool
    /// The target's descriptor, -1 for none.
    public var target: Int32
}

/// What has become ready.
public struct SessionReadiness: Sendable, Equatable {
    /// The transport can be read or written, or has ended.
    public var transport: Bool
    /// The target may have an event.
    public var target: Bool
    /// The session is to end (SIGTERM).
    public var endRequested: Bool

    /// Builds an answer.
    public init(transport: Bool, target: Bool, endRequested: Bool = false) {
        self.transport = transport
        self.target = target
        self.endRequested = endRequested
    }
}
