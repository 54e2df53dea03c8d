/// How a kernel's stub is reached: what stands behind `-k`.
///
/// A kernel's cable has no channels and no greeting; it carries the stub's packets as they are.
public enum KernelConnection: Sendable, Equatable {
    /// `com:port=com2,baud=115200`: a serial cable, with kgdb or a machine's own stub at the other end.
    case cable(ConnectionString.SerialChannel)
    /// `com:pipe,port=PATH`: a virtual machine's serial port or stub, which is a Unix socket or a pseudo-terminal here.
    case pipe(path: String, reconnects: Bool)
    /// `com:ipport=PORT,port=ADDRESS`: a TCP port of a virtual machine.
    case address(host: String, port: Int)
    /// Any of the client's transports: a stub on a TCP port, or a cable that dbgbridge serves.
    case served(ConnectionString)

    private static let names =
        ["port", "baud", "pipe", "ipport", "resets", "reconnect", "channel", "password"]
        + LineParameters.names + ConnectionString.Security.clientNames

    /// Reads it.
    ///
    /// - Throws: one sentence that says which parameter is wrong, what it was and what would be right.
    public init(_ text: String) throws(ConnectionStringError) {
        guard text.lowercased().hasPrefix("com:") else {
            self = .served(try ConnectionString(text, for: .client))
            return
        }
        var list = try ParameterList(text, known: ["com": Self.names])
        if list.hasAny(of: ["channel"]) {
            self = .served(try ConnectionString(text, for: .client))
        } else if list.hasAny(of: ["pipe"]) {
            self = try Self.pipe(from: &list)
        } else if list.hasAny(of: ["ipport"]) {
            self = try Self.address(from: &list)
        } else {
            self = .cable(try ConnectionString.serialLine(text))
        }
    }

    private static func pipe(
        from list: inout ParameterList
    ) throws(ConnectionStringError) -> KernelConnection {
        _ = try list.takeFlag("pipe")
        let path = try list.require("port", "the path of the virtual machine's socket or terminal")
        if let bad = path.first(where: { $0 == "\\" }) {
            throw ConnectionStringError(
                "com: port was '\(path)': here a pipe is a path such as /run/vm/serial, without \(bad)"
            )
        }
        try takeResets(from: &list)
        return .pipe(path: path, reconnects: try list.takeFlag("reconnect"))
    }

    private static func address(
        from list: inout ParameterList
    ) throws(ConnectionStringError) -> KernelConnection {
        let port = try list.requireNumber(
            "ipport",
            "the TCP port",
            in: 1...65535,
            called: "1–65535"
        )
        try takeResets(from: &list)
        return .address(host: try list.require("port", "the machine's address"), port: port)
    }

    /// `resets=` is about packets of another protocol: taken, and without effect.
    private static func takeResets(from list: inout ParameterList) throws(ConnectionStringError) {
        guard let text = try list.take("resets") else { return }
        _ = try list.number(text, "resets", in: 0...1_000_000, called: "a number")
    }

    /// As lists show it.
    public var displayed: String {
        switch self {
        case .cable(let line): "com:Port=\(line.port),Baud=\(line.baudRate)"
        case .pipe(let path, _): "com:Pipe,Port=\(path)"
        case .address(let host, let port): "com:IpPort=\(port),Port=\(host)"
        case .served(let connection): connection.displayed()
        }
    }
}
