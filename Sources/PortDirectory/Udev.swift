internal import CUdev
internal import Glibc
internal import LinuxSystem

/// libudev, as far as ports need it.
///
/// Objects are used by one thread at a time.
final class Udev {
    let library: cudev_library
    let context: OpaquePointer

    /// Opens the library; nil where there is none.
    init?() {
        guard let library = cudev_open()?.pointee, let context = library.new_context() else {
            return nil
        }
        self.library = library
        self.context = context
    }

    deinit { _ = library.unref_context(context) }

    /// Whether udevd runs, so that devices wait for its rules.
    static var isManaged: Bool { Files.exists("/run/udev/control") }

    /// The devices of a subsystem, in no order.
    func devices(ofSubsystem subsystem: String) -> [UdevDevice] {
        guard let search = library.enumerate_new(context) else { return [] }
        defer { _ = library.enumerate_unref(search) }
        guard library.enumerate_add_match_subsystem(search, subsystem) >= 0,
            library.enumerate_scan_devices(search) >= 0
        else { return [] }
        return names(library.enumerate_get_list_entry(search)).compactMap { path in
            library.device_new_from_syspath(context, path).map { UdevDevice(self, owned: $0) }
        }
    }

    /// The names of a list.
    fileprivate func names(_ first: OpaquePointer?) -> [String] {
        var names: [String] = []
        var next = first
        while let entry = next {
            if let name = library.list_entry_get_name(entry) { names.append(String(cString: name)) }
            next = library.list_entry_get_next(entry)
        }
        return names
    }
}

/// A device as udev knows it.
struct UdevDevice {
    private let udev: Udev
    private let device: OpaquePointer
    /// Keeps the device; a parent lives as long as its child.
    private let owner: Reference

    private final class Reference {
        let udev: Udev
        let device: OpaquePointer

        init(_ udev: Udev, _ device: OpaquePointer) {
            self.udev = udev
            self.device = device
        }

        deinit { _ = udev.library.device_unref(device) }
    }

    /// Takes over a reference to a device.
    init(_ udev: Udev, owned device: OpaquePointer) {
        self.udev = udev
        self.device = device
        owner = Reference(udev, device)
    }

    private init(_ udev: Udev, _ device: OpaquePointer, _ owner: Reference) {
        self.udev = udev
        self.device = device
        self.owner = owner
    }

    /// Whether udevd has handled the device, by the file that it keeps about it.
    var isInitialized: Bool { udev.library.device_get_is_initialized(device) > 0 }
    var sysPath: String { text(udev.library.device_get_syspath(device)) ?? "" }
    var kernelName: String { text(udev.library.device_get_sysname(device)) ?? "" }
    var node: String? { text(udev.library.device_get_devnode(device)) }
    var driver: String? { text(udev.library.device_get_driver(device)) }
    var subsystem: String? { text(udev.library.device_get_subsystem(device)) }
    var action: String? { text(udev.library.device_get_action(device)) }
    var links: [String] { udev.names(udev.library.device_get_devlinks_list_entry(device)) }

    var parent: UdevDevice? {
        udev.library.device_get_parent(device).map { UdevDevice(udev, $0, owner) }
    }

    /// The nearest ancestor of a kind.
    func ancestor(subsystem: String, type: String) -> UdevDevice? {
        udev.library.device_get_parent_with_subsystem_devtype(device, subsystem, type)
            .map { UdevDevice(udev, $0, owner) }
    }

    func property(_ name: String) -> String? {
        text(udev.library.device_get_property_value(device, name))
    }

    func attribute(_ name: String) -> String? {
        text(udev.library.device_get_sysattr_value(device, name))
    }

    private func text(_ string: UnsafePointer<CChar>?) -> String? {
        string.map { String(cString: $0) }
    }
}
