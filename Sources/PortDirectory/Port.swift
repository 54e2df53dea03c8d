public import TelnetSerial

/// A port by the name somebody used for it.
public struct Port: Sendable, Equatable {
    /// The name for people: `COM2`, or the path or address as given.
    public var name: String
    /// What to open: the device, a symlink to it, or an address on the network.
    public var path: String
    /// What it is recognised by when it is back under another path, if the name stands for that.
    public var identity: DeviceIdentity?

    /// Builds a port.
    public init(name: String, path: String, identity: DeviceIdentity? = nil) {
        self.name = name
        self.path = path
        self.identity = identity
    }
}

/// A line of the list of ports.
public struct PortEntry: Sendable, Equatable {
    /// The N of its COM name.
    public var number: Int?
    /// The device, or what is known of it while it is absent.
    public var device: SerialDevice
    /// Whether it is plugged in; a port on the network counts as such.
    public var isPresent: Bool

    /// Its COM name.
    public var name: String? { number.map { "COM\($0)" } }
}

/// What makes two names the same port: the device behind every symlink, or the address on the network.
public struct PortIdentity: Sendable, Hashable {
    /// The device, symlinks followed; or the address.
    public var path: String
    /// The device's numbers.
    public var major: UInt32
    /// See `major`.
    public var minor: UInt32
    private var address: NetworkPortAddress?

    /// A device.
    public init(path: String, major: UInt32, minor: UInt32) {
        self.path = path
        self.major = major
        self.minor = minor
    }

    /// A port on the network.
    public init(_ address: NetworkPortAddress) {
        path = address.description
        major = 0
        minor = 0
        self.address = address
    }

    /// Short enough for a file's name, and different for different ports: `ttyUSB0-188-0`,
    /// `rfc2217-rack7-4001`.
    public var key: String {
        if let address { return Self.key(of: address) }
        let name = path.hasPrefix("/dev/") ? String(path.dropFirst(5)) : path
        return Self.plain(name) + "-\(major)-\(minor)"
    }

    /// A host that is too long, or has a character that does not belong into a file's name, is told apart by
    /// the sum of its bytes.
    private static func key(of address: NetworkPortAddress) -> String {
        let host = address.host
        let isPlain = host.count <= keyNameMax && !host.contains { $0 == ":" || $0 == "%" }
        let sum = host.utf8.reduce(UInt64(0xCBF2_9CE4_8422_2325)) {
            ($0 ^ UInt64($1)) &* 0x100_0000_01B3
        }
        let name = isPlain ? host : plain(host) + "-" + String(sum, radix: 16)
        return "rfc2217-\(name)-\(address.port)"
    }

    private static func plain(_ name: String) -> String {
        let plain = name.unicodeScalars.map { scalar in
            scalar.isASCII
                && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
                ? Character(scalar) : "-"
        }
        return String(plain.suffix(keyNameMax))
    }

    private static let keyNameMax = 32
}
