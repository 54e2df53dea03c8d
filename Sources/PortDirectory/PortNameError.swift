/// Why a name is no port; the description is a sentence for the user.
public enum PortNameError: Error, Sendable, Equatable {
    /// The name is neither COMn, a number nor a path.
    case badName(String, known: [String])
    /// The number is out of range.
    case badNumber(String)
    /// The name is one, its device is not there.
    case absent(name: String, path: String, known: [String])
    /// The path is something else than a device.
    case notADevice(String)
    /// The device cannot be looked at.
    case unreadable(path: String, reason: String)
    /// The file of $DBGSRV_PORTS cannot be read.
    case mapUnreadable(path: String)
    /// An address on the network is none.
    case badAddress(String)
    /// A file of names is too long to be read.
    case mapTooLong(file: String)
    /// A line of the map file makes no sense.
    case mapLine(file: String, line: Int, text: String)
}

extension PortNameError: CustomStringConvertible {
    /// One sentence: what was wrong and what would be right.
    public var description: String {
        switch self {
        case .badName(let name, let known):
            "port=\(name) is not a port: it must be COM1–COM\(PortDirectory.numberMax), the number alone, "
                + "a device path such as /dev/ttyUSB0, or rfc2217://host:port" + Self.list(known)
        case .badNumber(let name):
            "port=\(name): COM ports are numbered 1–\(PortDirectory.numberMax)."
        case .absent(let name, let path, let known):
            (name == path ? "There is no port \(path)" : "\(name) is \(path), which is not there")
                + Self.list(known)
        case .notADevice(let path):
            "\(path) is not a serial port."
        case .unreadable(let path, let reason):
            "The port \(path) cannot be looked at: \(reason)."
        case .mapUnreadable(let path):
            "The file \(path), which DBGSRV_PORTS names, cannot be read."
        case .badAddress(let text):
            "port=\(text) is no address: it must be rfc2217://host:port, such as rfc2217://rack7:4001."
        case .mapTooLong(let file):
            "\(file) is longer than \(PortMap.fileBytesMax) bytes, and what comes after those is not read."
        case .mapLine(let file, let line, let text):
            "\(file), line \(line): \"\(text)\" should be a COM name and a device, "
                + "such as COM3 /dev/ttyUSB0."
        }
    }

    private static func list(_ known: [String]) -> String {
        known.isEmpty
            ? "; this machine has no serial port." : "; there are \(known.joined(separator: ", "))."
    }
}
