/// What udev tells about a port.
extension SerialDevice {
    /// The port of a tty, and what identifies the socket that it is plugged into.
    ///
    /// Everything comes from the device's attributes and nothing from udev's database, so that an adapter has
    /// the same identity in a container, inside a udev rule and on a machine whose udevd does not run.
    ///
    /// - Returns: nil when no hardware is behind the name: consoles and pseudo-terminals have no parent, and
    ///   a ttyS of type 0 has no UART.
    init?(_ tty: UdevDevice) {
        guard let parent = tty.parent, parent.subsystem != nil, let node = tty.node,
            tty.attribute("type") != "0"
        else { return nil }
        self.init(path: node, driver: Self.driver(of: parent), links: tty.links.sorted())
        awaitsRules = Udev.isManaged && !tty.isInitialized
        ruledNumber = tty.property("DBGSRV_COM").flatMap(PortDirectory.anyNumber)
        guard let interface = tty.ancestor(subsystem: "usb", type: "usb_interface"),
            let usb = tty.ancestor(subsystem: "usb", type: "usb_device")
        else { return }
        let port = Self.portOfSeveral(parent)
        let socket = DeviceIdentity.socket(sysPath: interface.sysPath, port: port)
        let adapter = Self.adapter(usb)
        self.socket = socket
        self.adapter = adapter
        identity =
            adapter.serialNumber.isEmpty
            ? socket
            : .adapter(
                vendor: usb.attribute("idVendor") ?? "",
                model: usb.attribute("idProduct") ?? "",
                serialNumber: adapter.serialNumber,
                interface: interface.attribute("bInterfaceNumber") ?? "",
                port: port
            )
    }

    /// Newer kernels put two devices of their own between a UART and its driver.
    private static func driver(of parent: UdevDevice) -> String {
        var device = parent
        while device.subsystem == "serial-base", let above = device.parent { device = above }
        return device.driver ?? ""
    }

    /// The port's number on an adapter that has several on one interface.
    private static func portOfSeveral(_ parent: UdevDevice) -> String? {
        guard let number = parent.attribute("port_number"), number != "0" else { return nil }
        return number
    }

    private static func adapter(_ usb: UdevDevice) -> Adapter {
        Adapter(
            vendor: words(usb, "manufacturer", or: "idVendor"),
            model: words(usb, "product", or: "idProduct"),
            serialNumber: words(usb, "serial", or: nil)
        )
    }

    /// What a device says of itself, fit to be printed.
    private static func words(_ usb: UdevDevice, _ name: String, or other: String?) -> String {
        let text = usb.attribute(name).flatMap { $0.isEmpty ? nil : $0 }
        let said = text ?? other.flatMap(usb.attribute) ?? ""
        let plain = said.unicodeScalars.map { scalar in
            scalar.properties.generalCategory == .control ? " " : Character(scalar)
        }
        return String(String(plain).split(separator: " ").joined(separator: " ").prefix(wordsMax))
    }

    private static let wordsMax = 126
}
