/// Why a channel of a serial port cannot be had; the description is a sentence for the user.
public struct ComError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What programs tell apart.
    public enum Kind: Sendable, Equatable {
        /// The name is no port, or its device is not there.
        case badPort
        /// The port cannot be opened, or is in use with other settings.
        case portUnavailable
        /// The broker cannot be started or does not answer as it should.
        case broker
        /// Another local program listens on the channel.
        case channelBusy
        /// The far end did not accept the connection.
        case refused
        /// Nothing came in the time allowed.
        case timeout
    }

    /// What kind of failure it is.
    public var kind: Kind
    /// One sentence.
    public var description: String

    /// Builds an error.
    public init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }
}
