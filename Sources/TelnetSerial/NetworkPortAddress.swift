/// Where a serial port is served over the network: `rfc2217://host:port`.
public struct NetworkPortAddress: Sendable, Hashable, CustomStringConvertible {
    /// A name or an address, in lower case; an IPv6 address without its brackets.
    public let host: String
    /// The TCP port.
    public let port: Int

    /// What such an address starts with.
    public static let scheme = "rfc2217://"
    /// The longest name that DNS knows.
    static let hostLengthMax = 253

    /// Reads an address; nil when it is none.
    public init?(_ text: String) {
        guard text.lowercased().hasPrefix(Self.scheme) else { return nil }
        let place = text.dropFirst(Self.scheme.count).lowercased()
        guard let colon = place.lastIndex(of: ":") else { return nil }
        var host = place[..<colon]
        let digits = place[place.index(after: colon)...]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
            guard host.contains(":") else { return nil }
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty, host.utf8.count <= Self.hostLengthMax,
            host.utf8.allSatisfy(Self.isHostByte), host.first != "-", digits.count <= 5,
            digits.utf8.allSatisfy({ 0x30...0x39 ~= $0 }), let port = Int(digits),
            1...65_535 ~= port
        else { return nil }
        self.host = String(host)
        self.port = port
    }

    /// The address as it is written.
    public var description: String {
        Self.scheme + (host.contains(":") ? "[\(host)]" : host) + ":\(port)"
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ":"): true
        case UInt8(ascii: "%"): true
        default: false
        }
    }
}
