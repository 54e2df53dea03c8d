public import BrokerProtocol
public import SerialPort

/// What a broker is told at its start.
public struct BrokerConfiguration: Sendable {
    /// What to open, and to open again after an unplug: a device or a symlink.
    public var devicePath: String
    /// The port's name for people.
    public var portName: String
    /// The files of this broker.
    public var files: BrokerFiles
    /// How the port is found again when it is back under another path; nil when its path is all there is.
    public var search: PortSearch?
    /// Finds the key of the device that a path leads to now; nil when there is none.
    public var keyOfDevice: @Sendable (String) -> String?
    /// The line's settings at the start.
    public var settings: SerialConfiguration
    /// Who we are, for the far end.
    public var identity: String
    /// How long to stay without clients.
    public var idleMilliseconds: Int
    /// How long connections outlive a silent or unplugged line.
    public var graceMilliseconds: Int
    /// Takes lines for the log.
    public var log: @Sendable (String) -> Void

    /// A configuration with the usual times.
    public init(
        devicePath: String,
        portName: String,
        search: PortSearch? = nil,
        files: BrokerFiles,
        keyOfDevice: @escaping @Sendable (String) -> String?,
        settings: SerialConfiguration,
        identity: String,
        idleMilliseconds: Int = 30_000,
        graceMilliseconds: Int = 120_000,
        log: @escaping @Sendable (String) -> Void
    ) {
        self.devicePath = devicePath
        self.portName = portName
        self.search = search
        self.files = files
        self.keyOfDevice = keyOfDevice
        self.settings = settings
        self.identity = identity
        self.idleMilliseconds = idleMilliseconds
        self.graceMilliseconds = graceMilliseconds
        self.log = log
    }
}

/// A port by what it is recognised by.
public struct PortSearch: Sendable {
    /// What programs can ask for it by, whatever its path.
    public var identity: String
    /// Its path now; nil when it is not there.
    public var find: @Sendable () -> String?
    /// Calls back when ports have come or gone, as long as the object that it returns lives; nil when nobody
    /// tells, so that the port has to be looked for.
    public var watch: @Sendable (_ onChange: @escaping @Sendable () -> Void) -> (any Sendable)?

    /// Builds a search.
    public init(
        identity: String,
        find: @escaping @Sendable () -> String?,
        watch: @escaping @Sendable (_ onChange: @escaping @Sendable () -> Void) -> (any Sendable)?
    ) {
        self.identity = identity
        self.find = find
        self.watch = watch
    }
}

/// The limits that a broker keeps.
enum BrokerLimits {
    /// Sockets of local programs at once, control and data together.
    static let socketsMax = 1024
    /// Bytes of messages that a program may leave unread before it is dropped.
    static let unreadMessageBytesMax = 262_144
    /// Bytes of frames waiting for the tty; above, the link is not asked for more.
    static let lineQueueBytesMax = 4096
    /// Bytes read from a data socket at once.
    static let readBytes = 16_384
    /// How long a socket may stay without its first line.
    static let firstLineMilliseconds: Int64 = 30_000
    /// How long an incoming connection waits for its data socket.
    static let claimMilliseconds: Int64 = 10_000
    /// How long it takes to see whether a program closed one socket or died with all of them.
    static let judgementMilliseconds: Int64 = 30
    /// How long a connection whose program has left may stand without progress.
    static let lingerMilliseconds: Int64 = 10_000
    /// Between attempts to open the port again.
    static let reopenMilliseconds: ClosedRange<Int64> = 50...2000
    /// How soon the link is asked again while the tty takes nothing.
    static let blockedLineMilliseconds: Int64 = 10
}
