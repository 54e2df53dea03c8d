/// What a port is recognised by, whatever the kernel calls it this time.
///
/// Written `usb:0403:6001:A50285BI:00` (vendor, model, serial number, interface, and the port of an adapter
/// with several), `at:0000:00:14.0/2.1:1.0` (the socket, for USB adapters without a serial number and for those
/// that share one), or `tty:ttyAMA0` (built in).
public struct DeviceIdentity: Sendable, Hashable, CustomStringConvertible {
    /// The text of it, without spaces.
    public let description: String

    /// The longest identity; what a device says beyond that is cut.
    public static let lengthMax = 160

    /// Reads an identity.
    public init?(_ text: String) {
        let kinds = ["usb:", "at:", "tty:"]
        guard let kind = kinds.first(where: { text.hasPrefix($0) }), text.count > kind.count,
            text.utf8.count <= Self.lengthMax, text.utf8.allSatisfy(Self.isPlain)
        else { return nil }
        description = text
    }

    /// Whether the device may come back under another name: everything but what is built in.
    public var isPortable: Bool { !description.hasPrefix("tty:") }

    private init(kind: String, _ parts: [String]) {
        let text = kind + ":" + parts.map(Self.escaped).joined(separator: ":")
        description = String(text.prefix(Self.lengthMax))
    }

    /// A built-in port.
    static func kernelName(_ name: String) -> DeviceIdentity {
        DeviceIdentity(kind: "tty", [name])
    }

    /// An adapter with a serial number.
    static func adapter(
        vendor: String,
        model: String,
        serialNumber: String,
        interface: String,
        port: String?
    ) -> DeviceIdentity {
        DeviceIdentity(
            kind: "usb",
            [vendor, model, serialNumber, interface] + (port.map { [$0] } ?? [])
        )
    }

    /// Whatever is plugged into a USB socket; `sysPath` is that of the interface.
    ///
    /// The number of the bus depends on the order in which the kernel finds the controllers, and is left out:
    /// `…/0000:00:14.0/usb1/1-2/1-2.1/1-2.1:1.0` becomes `0000:00:14.0/2.1:1.0`.
    static func socket(sysPath: String, port: String?) -> DeviceIdentity {
        let parts = sysPath.split(separator: "/")
        let bus = parts.lastIndex { isBus($0) } ?? parts.startIndex
        let controller = bus > parts.startIndex ? parts[bus - 1] : ""
        let place = parts.last.map { $0.split(separator: "-", maxSplits: 1).last ?? $0 } ?? ""
        let text = "\(controller)/\(place)" + (port.map { "/\($0)" } ?? "")
        return DeviceIdentity(kind: "at", text.split(separator: ":").map(String.init))
    }

    private static func isBus(_ part: Substring) -> Bool {
        part.hasPrefix("usb") && !part.dropFirst(3).isEmpty
            && part.dropFirst(3).allSatisfy(\.isNumber)
    }

    /// Anything that would end a word or a part becomes `%XX`.
    private static func escaped(_ text: String) -> String {
        text.utf8.map { byte in
            if isPlain(byte) && byte != UInt8(ascii: ":") && byte != UInt8(ascii: "%") {
                return String(UnicodeScalar(byte))
            }
            let digits = String(byte, radix: 16, uppercase: true)
            return "%" + (digits.count < 2 ? "0" : "") + digits
        }.joined()
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        0x21...0x7E ~= byte && byte != UInt8(ascii: "#") && byte != UInt8(ascii: ",")
    }
}
