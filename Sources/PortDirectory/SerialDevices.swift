internal import LinuxSystem

/// What ports the machine has: the one place that enumerates.
///
/// libudev is asked. Where it is not installed sysfs is read, which tells the devices and their drivers but
/// nothing of adapters.
public enum SerialDevices {
    /// All of them, in the kernel's naming order; names without hardware are left out.
    public static func all() -> [SerialDevice] {
        guard let udev = Udev() else { return fromSysfs() }
        let devices = udev.devices(ofSubsystem: "tty").compactMap(SerialDevice.init(_:))
        return separated(devices).sorted { inKernelOrder($0.path, $1.path) }
    }

    /// The device with an identity, if it is there now.
    public static func device(_ identity: DeviceIdentity) -> SerialDevice? {
        all().first { $0.identity == identity }
    }

    /// The device of a path, symlinks followed.
    public static func device(path: String) -> SerialDevice? {
        let target = (try? resolvedPath(path)) ?? path
        return all().first { [path, target].contains($0.path) || $0.links.contains(path) }
    }

    /// The device that was seen before, wherever it is now.
    public static func device(like known: SerialDevice) -> SerialDevice? {
        device(like: known, in: all())
    }

    /// When an adapter with the same serial number has come meanwhile, both go by their sockets.
    static func device(like known: SerialDevice, in devices: [SerialDevice]) -> SerialDevice? {
        devices.first { $0.identity == known.identity }
            ?? devices.first { device in
                known.socket != nil && device.socket == known.socket
                    && device.adapter == known.adapter
            }
    }

    /// Some makers give all their adapters the same serial number; those are told apart by their sockets.
    static func separated(_ found: [SerialDevice]) -> [SerialDevice] {
        let counts = Dictionary(grouping: found, by: \.identity).mapValues(\.count)
        return found.map { device in
            var device = device
            if counts[device.identity, default: 0] > 1, let socket = device.socket {
                device.identity = socket
            }
            return device
        }
    }

    static func fromSysfs(_ classFolder: String = "/sys/class/tty") -> [SerialDevice] {
        folderEntries(classFolder).filter { isPort($0, classFolder) }
            .sorted(by: inKernelOrder)
            .map { SerialDevice(path: "/dev/\($0)", driver: driver($0, classFolder)) }
    }

    private static func inKernelOrder(_ one: String, _ other: String) -> Bool {
        (one.count, one) < (other.count, other)
    }

    /// Consoles and pseudo-terminals have no `device`; a ttyS of type 0 has no UART.
    private static func isPort(_ name: String, _ folder: String) -> Bool {
        guard symbolicLinkTarget("\(folder)/\(name)/device") != nil else { return false }
        guard let type = fileText("\(folder)/\(name)/type") else { return true }
        return type.split(separator: "\n").first != "0"
    }

    private static func driver(_ name: String, _ folder: String) -> String {
        let target = symbolicLinkTarget("\(folder)/\(name)/device/driver") ?? ""
        return target.split(separator: "/").last.map(String.init) ?? ""
    }
}
