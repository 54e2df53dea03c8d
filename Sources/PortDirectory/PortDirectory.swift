internal import LinuxSystem

/// A port by the name somebody used for it.
public struct Port: Sendable, Equatable {
    /// The name for people: `COM2`, or the path as given.
    public var name: String
    /// What to open: the device or a symlink to it.
    public var path: String

    /// Builds a port.
    public init(name: String, path: String) {
        self.name = name
        self.path = path
    }
}

/// What makes two names the same port: the device behind every symlink.
public struct PortIdentity: Sendable, Hashable {
    /// The device, symlinks followed.
    public var path: String
    /// The device's numbers.
    public var major: UInt32
    /// See `major`.
    public var minor: UInt32

    /// Short enough for a file's name, and different for different devices: `ttyUSB0-188-0`.
    public var key: String {
        let name = path.hasPrefix("/dev/") ? String(path.dropFirst(5)) : path
        let plain = name.unicodeScalars.map { scalar in
            scalar.isASCII
                && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
                ? Character(scalar) : "-"
        }
        return String(plain.suffix(Self.keyNameMax)) + "-\(major)-\(minor)"
    }

    private static let keyNameMax = 32
}

/// COM names and paths to ports.
///
/// COMn is what the map file says, else `/dev/ttyS(n-1)`, as in DOS, Wine and Cygwin.
public struct PortDirectory: Sendable {
    /// The highest COM number.
    public static let numberMax = 256

    private let map: PortMap
    private let devices: [SerialDevice]

    /// The directory of this machine and user.
    public init() throws(PortNameError) {
        self.init(map: try .standard(), devices: SerialDevices.all())
    }

    /// A directory of given names and devices.
    public init(map: PortMap, devices: [SerialDevice]) {
        self.map = map
        self.devices = devices
    }

    /// The port of a name: `com2`, `COM2`, `2`, `\\.\COM2`, a device's path or a symlink's.
    public func port(named name: String) throws(PortNameError) -> Port {
        if name.contains("/") { return Port(name: name, path: name) }
        let short = name.hasPrefix(#"\\.\"#) ? String(name.dropFirst(4)) : name
        guard let number = Self.number(short) else { throw .badName(name, known: knownNames) }
        guard 1...Self.numberMax ~= number else { throw .badNumber(name) }
        return Port(name: "COM\(number)", path: map.path(of: number) ?? "/dev/ttyS\(number - 1)")
    }

    /// The device behind a port, which must be there.
    public func identity(of port: Port) throws(PortNameError) -> PortIdentity {
        let status: FileAttributes
        let path: String
        do {
            path = try resolvedPath(port.path)
            status = try FileAttributes(path: path)
        } catch {
            guard error.isNotFound else {
                throw .unreadable(path: port.path, reason: error.reason)
            }
            throw .absent(name: port.name, path: port.path, known: knownNames)
        }
        guard status.kind == .characterDevice else { throw .notADevice(port.path) }
        return PortIdentity(path: path, major: status.deviceMajor, minor: status.deviceMinor)
    }

    /// Every port with its COM name, mapped names first; a mapped port may be absent now.
    public var entries: [(name: String?, device: SerialDevice, isPresent: Bool)] {
        var listed: [(name: String?, device: SerialDevice, isPresent: Bool)] = []
        var remaining = devices
        for entry in map.entries {
            let target = try? resolvedPath(entry.path)
            let known = remaining.first { $0.path == target }
            remaining.removeAll { $0.path == target }
            let device = known ?? SerialDevice(path: target ?? entry.path, driver: "")
            listed.append(("COM\(entry.number)", device, target != nil))
        }
        return listed + remaining.map { (defaultName($0), $0, true) }
    }

    private var knownNames: [String] {
        entries.filter(\.isPresent).map { entry in
            entry.name.map { "\($0) (\(entry.device.path))" } ?? entry.device.path
        }
    }

    /// COM(n+1) of ttySn, unless the map gives that name to another device.
    private func defaultName(_ device: SerialDevice) -> String? {
        guard device.path.hasPrefix("/dev/ttyS"), let index = Int(device.path.dropFirst(9)),
            index < Self.numberMax, map.path(of: index + 1) == nil
        else { return nil }
        return "COM\(index + 1)"
    }

    /// The number of `COM2` or `com2`, 1–256.
    static func comNumber(_ name: String) -> Int? {
        guard name.count > 3, name.prefix(3).lowercased() == "com", let number = number(name),
            1...numberMax ~= number
        else { return nil }
        return number
    }

    /// The digits of a name with or without COM before them; nil when they are none.
    private static func number(_ name: String) -> Int? {
        let digits = name.prefix(3).lowercased() == "com" ? name.dropFirst(3) : name[...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) else { return nil }
        return Int(digits) ?? Int.max
    }
}
