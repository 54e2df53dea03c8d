internal import CUdev

/// Word from udev that a port has come, changed or gone.
///
/// Only what comes after its making is told, so make one first and enumerate then.
public final class PortMonitor {
    /// What happened to a port.
    public struct Change: Sendable, Equatable {
        /// What happened.
        public enum Kind: String, Sendable {
            case added = "add", removed = "remove", changed = "change"
        }

        /// What happened.
        public var kind: Kind
        /// The device node.
        public var path: String
    }

    private let udev: Udev
    private let monitor: OpaquePointer
    /// Readable when there is something to be told; belongs to the monitor.
    public let descriptor: Int32

    /// Subscribes; nil where libudev is not installed.
    ///
    /// Where udevd does not run there is never a word, so ports have to be looked for as well.
    public init?() {
        guard let udev = Udev(),
            let monitor = udev.library.monitor_new_from_netlink(udev.context, "udev")
        else { return nil }
        let library = udev.library
        guard library.monitor_filter_add_match_subsystem_devtype(monitor, "tty", nil) >= 0,
            library.monitor_enable_receiving(monitor) >= 0
        else {
            _ = library.monitor_unref(monitor)
            return nil
        }
        self.udev = udev
        self.monitor = monitor
        descriptor = library.monitor_get_fd(monitor)
    }

    deinit { _ = udev.library.monitor_unref(monitor) }

    /// What has happened since the last call; does not wait.
    public func changes() -> [Change] {
        var changes: [Change] = []
        while changes.count < Self.changesMax,
            let raw = udev.library.monitor_receive_device(monitor)
        {
            let device = UdevDevice(udev, owned: raw)
            guard let kind = device.action.flatMap(Change.Kind.init(rawValue:)),
                let node = device.node
            else { continue }
            changes.append(Change(kind: kind, path: node))
        }
        return changes
    }

    /// What one call tells at the most.
    static let changesMax = 256
}
