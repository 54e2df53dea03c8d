/// The files of one port's broker in the runtime folder.
public struct BrokerFiles: Sendable, Equatable {
    /// The runtime folder.
    public let folder: String
    /// The port's identity, `ttyUSB0-188-0`.
    public let key: String

    /// Names the files.
    public init(folder: String, key: String) {
        self.folder = folder
        self.key = key
    }

    /// The socket that the broker listens on.
    public var socket: String { "\(folder)/\(key).sock" }
    /// Locked by the program that is starting a broker.
    public var startLock: String { "\(folder)/\(key).start" }
    /// Locked by the broker as long as it lives.
    public var ownerLock: String { "\(folder)/\(key).owner" }
    /// What the broker has to say.
    public var log: String { "\(folder)/\(key).log" }

    /// The descriptor on which a new broker tells how its start went: one line, `ok` or `error`.
    public static let reportDescriptor: Int32 = 3
}
