/// What a link is told at its start.
public struct MuxConfiguration: Sendable {
    /// Bits per second of the line.
    public var baudRate: Int
    /// Bits that one byte takes on the line: 10 for 8N1, 11 with parity or a second stop bit.
    public var bitsPerCharacter: Int
    /// This process's session number: random, never 0.
    public var epoch: UInt32
    /// Where the link's own randomness starts.
    public var seed: UInt64
    /// Who we are, for the peer's messages: "dbgsrv lab7 pid 812"; cut to 60 bytes of UTF-8.
    public var identity: String
    /// How long connections outlive a silent or closed line; 0 is for ever.
    public var graceMilliseconds: Int
    /// Bytes that `send` takes per connection before it says that the queue is full.
    public var sendQueueBytesMax: Int
    /// Bytes a peer may send on one connection ahead of `consumed`: 1024–1 048 576.
    public var receiveWindowBytes: Int
    /// Connections open, opening or closing at once, both sides' together: 1–8192.
    public var connectionsMax: Int
    /// Whether the link sends before the far end has been heard: false only listens.
    public var speaksFirst: Bool
    /// Whether connections are compressed, when the peer wants that too and it pays.
    public var compresses: Bool
    /// Whether this end knows of the directory.
    public var hasDirectory: Bool
    /// Whether XON, XOFF and their parity twins stay off the wire, because the tty or what is behind it
    /// takes them for flow control; one end's wish is enough.
    public var avoidsFlowControlBytes: Bool

    /// A configuration with the usual limits for that baud rate.
    public init(
        baudRate: Int,
        bitsPerCharacter: Int = 10,
        epoch: UInt32,
        seed: UInt64,
        identity: String,
        graceMilliseconds: Int = 120_000
    ) {
        self.baudRate = max(baudRate, 50)
        self.bitsPerCharacter = min(max(bitsPerCharacter, 7), 14)
        self.epoch = epoch == 0 ? 1 : epoch
        self.seed = seed
        self.identity = identity
        self.graceMilliseconds = max(graceMilliseconds, 0)
        sendQueueBytesMax = 65_536
        receiveWindowBytes = 65_536
        connectionsMax = 1024
        speaksFirst = true
        compresses = true
        hasDirectory = true
        avoidsFlowControlBytes = false
    }

    /// What this end can do.
    var features: Hello.Features {
        var features: Hello.Features = [.flowControlSafe, .modemLines]
        if compresses { features.insert(.compression) }
        if hasDirectory { features.insert(.directory) }
        return features
    }
}
