internal import LinuxSystem

/// A serial port that the kernel knows.
public struct SerialDevice: Sendable, Equatable {
    /// The device node, `/dev/ttyUSB0`.
    public var path: String
    /// The kernel driver, `ftdi_sio`; empty when it has none.
    public var driver: String
}

/// What ports the machine has, read from sysfs.
///
/// The one place that enumerates, so that hot-plugging has one place to come to.
public enum SerialDevices {
    /// All of them, in the kernel's naming order; names without hardware are left out.
    public static func all(classFolder: String = "/sys/class/tty") -> [SerialDevice] {
        folderEntries(classFolder).filter { isPort($0, classFolder) }
            .sorted { ($0.count, $0) < ($1.count, $1) }
            .map { SerialDevice(path: "/dev/\($0)", driver: driver($0, classFolder)) }
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
