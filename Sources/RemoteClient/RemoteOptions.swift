public import ByteTransport
internal import LinuxSystem

/// How the client behaves on a line.
public struct RemoteOptions: Sendable {
    /// How long a reply may take from the last byte that arrived, in milliseconds.
    public var replyTimeoutMilliseconds: Int
    /// How long a reply may take as a whole, in milliseconds.
    public var replyLimitMilliseconds: Int
    /// How long a reply may still take after Ctrl+C, in milliseconds.
    public var interruptGraceMilliseconds: Int
    /// The line of memory that a read fetches and keeps until the next stop, in bytes; a power of
    /// two.
    public var memoryLineBytes: Int
    /// The most file bytes asked for at a time.
    public var fileChunkBytesMax: Int
    /// Whether a server of ours is asked to save turns of the line (EXT-8); the environment's
    /// `DBGSRV_SAVE_TURNS=0` says no.
    public var savesTurns = environmentValue("DBGSRV_SAVE_TURNS") != "0"

    /// Builds options.
    public init(
        replyTimeoutMilliseconds: Int = 20_000,
        replyLimitMilliseconds: Int = 120_000,
        interruptGraceMilliseconds: Int = 3_000,
        memoryLineBytes: Int = 512,
        fileChunkBytesMax: Int = 65_536
    ) {
        precondition(
            memoryLineBytes > 0 && memoryLineBytes & (memoryLineBytes - 1) == 0,
            "a memory line is a power of two"
        )
        self.replyTimeoutMilliseconds = replyTimeoutMilliseconds
        self.replyLimitMilliseconds = replyLimitMilliseconds
        self.interruptGraceMilliseconds = interruptGraceMilliseconds
        self.memoryLineBytes = memoryLineBytes
        self.fileChunkBytesMax = fileChunkBytesMax
    }

    /// What suits the line beneath a stream: on a slow one, smaller portions and more patience.
    public init(for link: LinkKind) {
        switch link {
        case .local, .network:
            self.init()
        case .serial(let baudRate):
            let isSlow = baudRate < 1_000_000
            self.init(
                replyTimeoutMilliseconds: 60_000,
                replyLimitMilliseconds: 300_000,
                interruptGraceMilliseconds: 10_000,
                memoryLineBytes: isSlow ? 64 : 256,
                fileChunkBytesMax: isSlow ? 4096 : 32_768
            )
        }
    }
}
