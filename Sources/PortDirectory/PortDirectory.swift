internal import LinuxSystem
internal import TelnetSerial

/// COM names, paths and addresses to ports; docs/ports.md has the rules.
public struct PortDirectory: Sendable {
    /// The highest COM number.
    public static let numberMax = 256

    /// The devices that are there.
    public let devices: [SerialDevice]
    /// What is wrong with the files of names, or why new names could not be written down.
    public let warnings: [String]
    private let map: PortMap

    /// The directory of this machine and user; gives names to devices that have none yet.
    public init() throws(PortNameError) {
        try self.init(devices: SerialDevices.all())
    }

    /// The directory for a udev rule that handles a device, which udev's database does not have yet.
    ///
    /// - Parameters:
    ///   - path: the device node.
    ///   - ruled: the property `DBGSRV_COM`.
    public init(handling path: String, ruled: String?) throws(PortNameError) {
        let devices = SerialDevices.all().map { device in
            guard device.path == path else { return device }
            var device = device
            device.awaitsRules = false
            device.ruledNumber = ruled.flatMap(Self.anyNumber)
            return device
        }
        try self.init(devices: devices)
    }

    private init(devices: [SerialDevice]) throws(PortNameError) {
        let kept = try PortMap.keep(
            devices,
            in: PortMap.fileToKeep(userID: effectiveUserID),
            reading: { () throws(PortNameError) in try .standard() }
        )
        self.init(map: kept.map, devices: devices, failure: kept.failure)
    }

    /// A directory of given names and devices.
    public init(map: PortMap, devices: [SerialDevice], failure: String? = nil) {
        self.map = map
        self.devices = devices
        warnings =
            map.damage.map(\.description)
            + (failure.map { ["New COM names cannot be kept: \($0)."] } ?? [])
    }

    /// The port of a name: `com2`, `COM2`, `2`, `\\.\COM2`, a path, an identity, or `rfc2217://host:port`.
    public func port(named name: String) throws(PortNameError) -> Port {
        if let direct = try Self.direct(name) { return direct }
        if let identity = DeviceIdentity(name) { return port(name, identity) }
        let short = name.hasPrefix(#"\\.\"#) ? String(name.dropFirst(4)) : name
        guard let number = Self.anyNumber(short) else { throw .badName(name, known: knownNames) }
        guard 1...Self.numberMax ~= number else { throw .badNumber(name) }
        return try port(number)
    }

    /// The port of a name that needs no directory: a path or an address.
    public static func direct(_ name: String) throws(PortNameError) -> Port? {
        if name.lowercased().hasPrefix(NetworkPortAddress.scheme) {
            guard let address = NetworkPortAddress(name) else { throw .badAddress(name) }
            return Port(name: address.description, path: address.description)
        }
        return name.contains("/") && DeviceIdentity(name) == nil
            ? Port(name: name, path: name) : nil
    }

    private func port(_ number: Int) throws(PortNameError) -> Port {
        let name = "COM\(number)"
        if let device = devices.first(where: { $0.ruledNumber == number }) {
            return Port(name: name, path: device.path, identity: device.identity)
        }
        switch map.place(of: number) {
        case .identity(let identity): return port(name, identity)
        case .network(let address): return Port(name: name, path: address.description)
        case .path(let path): return Port(name: name, path: path)
        case nil: break
        }
        if let damage = map.damage.first { throw damage }
        return Port(name: name, path: "/dev/ttyS\(number - 1)")
    }

    /// The port with an identity; while it is absent the identity stands for its path.
    private func port(_ name: String, _ identity: DeviceIdentity) -> Port {
        let device = devices.first { $0.identity == identity }
        return Port(name: name, path: device?.path ?? identity.description, identity: identity)
    }

    /// The device behind a port, which must be there.
    public func identity(of port: Port) throws(PortNameError) -> PortIdentity {
        try Self.identity(of: port, known: { knownNames })
    }

    /// The device behind a port, which must be there; `known` is asked for the ports of the machine if it is not.
    public static func identity(
        of port: Port,
        known: () -> [String]
    ) throws(PortNameError) -> PortIdentity {
        if let address = NetworkPortAddress(port.path) { return PortIdentity(address) }
        let status: FileAttributes
        let path: String
        do {
            path = try resolvedPath(port.path)
            status = try FileAttributes(path: path)
        } catch {
            guard error.isNotFound else {
                throw .unreadable(path: port.path, reason: error.reason)
            }
            throw .absent(name: port.name, path: port.path, known: known())
        }
        guard status.kind == .characterDevice else { throw .notADevice(port.path) }
        return PortIdentity(path: path, major: status.deviceMajor, minor: status.deviceMinor)
    }

    /// The ports that are there, with their names, for sentences about one that is not.
    public var knownNames: [String] {
        entries.filter(\.isPresent).map { entry in
            entry.name.map { "\($0) (\(entry.device.path))" } ?? entry.device.path
        }
    }

    /// Every port, those with COM names first, in the order of their numbers; a named port may be absent now.
    public var entries: [PortEntry] {
        var listed: [Int: PortEntry] = [:]
        for device in devices {
            guard let number = device.ruledNumber ?? defaultNumber(device) else { continue }
            listed[number] = PortEntry(number: number, device: device, isPresent: true)
        }
        for entry in map.entries where listed[entry.number]?.device.ruledNumber == nil {
            listed[entry.number] = portEntry(entry)
        }
        let named = listed.sorted { $0.key < $1.key }.map(\.value)
        let paths = Set(named.map(\.device.path))
        let others = devices.filter { !paths.contains($0.path) }
        return named + others.map { PortEntry(number: nil, device: $0, isPresent: true) }
    }

    private func portEntry(_ entry: PortMap.Entry) -> PortEntry {
        let number = entry.number
        switch entry.place {
        case .network(let address):
            let device = SerialDevice(path: address.description, driver: "rfc2217")
            return PortEntry(number: number, device: device, isPresent: true)
        case .identity(let identity):
            if let device = devices.first(where: { $0.identity == identity }) {
                return PortEntry(number: number, device: device, isPresent: true)
            }
            let absent = SerialDevice(path: identity.description, driver: "", identity: identity)
            return PortEntry(number: number, device: absent, isPresent: false)
        case .path(let path):
            let target = try? resolvedPath(path)
            let device =
                devices.first { $0.path == target }
                ?? SerialDevice(path: target ?? path, driver: "")
            return PortEntry(number: number, device: device, isPresent: target != nil)
        }
    }

    /// n+1 for ttySn, unless that name is another port's.
    private func defaultNumber(_ device: SerialDevice) -> Int? {
        guard let index = device.uartIndex, index < Self.numberMax,
            map.place(of: index + 1) == nil,
            !devices.contains(where: { $0.ruledNumber == index + 1 })
        else { return nil }
        return index + 1
    }

    /// The name that a udev rule makes a link under: `com3`; nil when the device has none that lasts.
    ///
    public func linkName(ofDevice path: String) -> String? {
        let ruled = devices.first { $0.path == path }?.ruledNumber
        if let ruled, 1...Self.numberMax ~= ruled { return "com\(ruled)" }
        guard warnings.isEmpty,
            let entry = entries.first(where: { $0.number != nil && $0.device.path == path })
        else { return nil }
        return entry.number.map { "com\($0)" }
    }

    /// The number of `COM2` or `com2`, 1–256.
    static func comNumber(_ name: String) -> Int? {
        guard name.count > 3, name.prefix(3).lowercased() == "com", let number = anyNumber(name),
            1...numberMax ~= number
        else { return nil }
        return number
    }

    /// The digits of a name with or without COM before them; nil when they are none.
    static func anyNumber(_ name: String) -> Int? {
        let digits = name.prefix(3).lowercased() == "com" ? name.dropFirst(3) : name[...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) else { return nil }
        return Int(digits) ?? Int.max
    }
}
