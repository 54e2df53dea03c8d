public import TelnetSerial

/// What a line of the file of names gives a COM name to.
public enum PortPlace: Sendable, Hashable, CustomStringConvertible {
    /// A device, or a symlink to one.
    case path(String)
    /// A device by what it is recognised by.
    case identity(DeviceIdentity)
    /// A port that another machine serves.
    case network(NetworkPortAddress)

    /// Reads the second word of a line.
    init?(_ text: String) {
        if text.hasPrefix("/") {
            self = .path(text)
        } else if let address = NetworkPortAddress(text) {
            self = .network(address)
        } else if let identity = DeviceIdentity(text) {
            self = .identity(identity)
        } else {
            return nil
        }
    }

    /// As it is written.
    public var description: String {
        switch self {
        case .path(let path): path
        case .identity(let identity): identity.description
        case .network(let address): address.description
        }
    }
}
