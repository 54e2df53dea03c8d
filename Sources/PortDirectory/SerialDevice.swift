/// A serial port that the kernel knows.
public struct SerialDevice: Sendable, Hashable {
    /// What stands between a USB socket and the cable.
    public struct Adapter: Sendable, Hashable {
        /// The maker, in words or as its number.
        public var vendor: String
        /// The model, in words or as its number.
        public var model: String
        /// The serial number; empty when it has none.
        public var serialNumber: String

        /// Builds an adapter's description.
        public init(vendor: String, model: String, serialNumber: String) {
            self.vendor = vendor
            self.model = model
            self.serialNumber = serialNumber
        }
    }

    /// The device node, `/dev/ttyUSB0`.
    public var path: String
    /// The kernel driver, `ftdi_sio`; empty when it has none.
    public var driver: String
    /// Other paths that udev has made for it, such as `/dev/serial/by-id/…`.
    public var links: [String]
    /// The adapter, if it is on USB.
    public var adapter: Adapter?
    /// What it is recognised by when it is back under another name.
    public var identity: DeviceIdentity
    /// The socket that it is plugged into, if it is on USB.
    public var socket: DeviceIdentity?
    /// The N of COMN that a udev rule has given it in the property `DBGSRV_COM`.
    public var ruledNumber: Int?
    /// Whether udevd has not handled it yet: a rule may still give it a number, so nobody else does.
    public var awaitsRules = false

    /// Builds a device.
    public init(
        path: String,
        driver: String,
        links: [String] = [],
        adapter: Adapter? = nil,
        identity: DeviceIdentity? = nil,
        socket: DeviceIdentity? = nil,
        ruledNumber: Int? = nil
    ) {
        self.path = path
        self.driver = driver
        self.links = links
        self.adapter = adapter
        self.identity =
            identity ?? .kernelName(path.split(separator: "/").last.map(String.init) ?? path)
        self.socket = socket
        self.ruledNumber = ruledNumber
    }

    /// The index of an 8250-like UART, the n of ttySn.
    var uartIndex: Int? {
        guard path.hasPrefix("/dev/ttyS") else { return nil }
        return Int(path.dropFirst("/dev/ttyS".count))
    }
}
