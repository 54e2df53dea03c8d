extension ConnectionString {
    /// Reads a connection string.
    ///
    /// - Throws: one sentence that says which parameter is wrong, what it was and what would be right.
    public init(_ text: String, for side: Side) throws(ConnectionStringError) {
        var list = try ParameterList(text, known: Self.parameterNames(for: side))
        switch list.transport {
        case "npipe":
            self = .npipe(try Self.pipe(from: &list, side))
        case "tcp":
            self = .tcp(try Self.socket(from: &list, side))
        case "com":
            self = .com(try Self.serialChannel(from: &list, side))
        case "spipe":
            var security = try Security(from: &list, side)
            let pipe = try Self.pipe(from: &list, side)
            try security.settle(machine: pipe.server, list.transport)
            self = .spipe(pipe, security)
        default:
            var security = try Security(from: &list, side)
            let socket = try Self.socket(from: &list, side)
            try security.settle(machine: socket.server ?? socket.reverseConnection, list.transport)
            self = .ssl(socket, security)
        }
    }

    /// Reads a connection string that names a serial line and no channel of it: `com:port=com2,baud=115200`.
    ///
    /// - Returns: channel 0 of the line.
    public static func serialLine(
        _ text: String
    ) throws(ConnectionStringError) -> SerialChannel {
        var list = try ParameterList(text, known: ["com": ["port", "baud"] + LineParameters.names])
        return try serialChannel(from: &list, .client, number: 0)
    }

    /// The parameters each transport has, in the seeds' order.
    static func parameterNames(for side: Side) -> [String: [String]] {
        switch side {
        case .server:
            [
                "npipe": ["pipe", "group", "hidden", "password", "IcfEnable"] + rightNames,
                "tcp": ["port", "clicon", "hidden", "password", "ipversion", "IcfEnable"]
                    + rightNames,
                "com": ["port", "baud", "channel", "hidden", "password"] + LineParameters.names
                    + Security.serverNames + rightNames,
                "spipe": Security.serverNames + ["pipe", "group", "hidden", "password"]
                    + rightNames,
                "ssl": Security.serverNames + ["port", "clicon", "hidden", "password"] + rightNames,
            ]
        case .client:
            [
                "npipe": ["server", "pipe", "password"],
                "tcp": ["server", "clicon", "port", "password", "ipversion"],
                "com": ["port", "baud", "channel", "password"] + LineParameters.names
                    + Security.clientNames,
                "spipe": Security.clientNames + ["server", "pipe", "password"],
                "ssl": Security.clientNames + ["server", "clicon", "port", "password"],
            ]
        }
    }

    /// Of debugging servers: what clients may do in the session.
    private static let rightNames = ["readonly", "readonly-password"]

    private static func pipe(
        from list: inout ParameterList,
        _ side: Side
    ) throws(ConnectionStringError) -> Pipe {
        let name = try list.require("pipe", "the pipe")
        if side == .server {
            try PipeName.check(name, transport: list.transport)
        }
        if let bad = name.first(where: { $0 == "\"" || $0 == "'" || $0 == "/" }) {
            throw ConnectionStringError(
                "\(list.transport): pipe was '\(name)': a pipe's name has no spaces,"
                    + " quotation marks or slashes, but here is \(bad)"
            )
        }
        guard name != ".", name != ".." else {
            throw ConnectionStringError("\(list.transport): pipe was '\(name)', which is no name")
        }
        var pipe = Pipe(name: name)
        if side == .client {
            pipe.server = machineName(
                try list.require("server", "the machine, for example server=localhost")
            )
        }
        pipe.group = side == .server ? try list.take("group") : nil
        pipe.access = try access(from: &list)
        return pipe
    }

    private static func socket(
        from list: inout ParameterList,
        _ side: Side
    ) throws(ConnectionStringError) -> Socket {
        let reverse = try list.take("clicon").map(machineName)
        var socket = Socket(ports: try ports(from: &list, side))
        socket.reverseConnection = reverse
        let isRange = socket.ports.count > 1
        switch (side, reverse) {
        case (.server, .some) where isRange:
            throw ConnectionStringError(
                "\(list.transport): with clicon the server names the one port that the client"
                    + " listens on; a range is the client's to give"
            )
        case (.client, nil):
            socket.server = machineName(
                try list.require("server", "the machine, for example server=localhost")
            )
            if isRange {
                throw ConnectionStringError(
                    "\(list.transport): port must be the server's one port; a range is only for"
                        + " a client with clicon"
                )
            }
        case (.client, .some):
            if try list.take("server") != nil {
                throw ConnectionStringError(
                    "\(list.transport): server and clicon exclude each other: clicon names the"
                        + " server that will connect"
                )
            }
        case (.server, _):
            break
        }
        if let version = try list.take("ipversion") {
            _ = try list.number(version, "ipversion", in: 6...6, called: "6")
            socket.onlyIPv6 = true
        }
        socket.access = try access(from: &list)
        if side == .server, reverse != nil {
            try refuseWithReverseConnection(socket.access, list.transport)
        }
        return socket
    }

    private static func refuseWithReverseConnection(
        _ access: Access,
        _ transport: String
    ) throws(ConnectionStringError) {
        if access.isHidden || access.opensFirewall {
            let flag = access.isHidden ? "hidden" : "IcfEnable"
            throw ConnectionStringError(
                "\(transport): \(flag) and clicon exclude each other: a reverse connection is"
                    + " never listed and needs no open port on the server"
            )
        }
    }

    private static func ports(
        from list: inout ParameterList,
        _ side: Side
    ) throws(ConnectionStringError) -> ClosedRange<Int> {
        let value = try list.require("port", "the socket's port, for example port=5005")
        let lowest = side == .server ? 0 : 1
        let limits =
            side == .server
            ? "1–65535, 0 for any free port, or a range such as 51:60" : "1–65535"
        let ends = value.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard ends.count <= 2 else {
            throw ConnectionStringError(
                "\(list.transport): port must be \(limits), but was '\(value)'"
            )
        }
        let first = try list.number(ends[0], "port", in: lowest...65535, called: limits)
        guard ends.count == 2 else { return first...first }
        let last = try list.number(ends[1], "port", in: 1...65535, called: limits)
        guard first >= 1, first <= last else {
            throw ConnectionStringError(
                "\(list.transport): port was '\(value)': a range goes from the lower port to the"
                    + " higher one, both 1–65535"
            )
        }
        return first...last
    }

    private static func serialChannel(
        from list: inout ParameterList,
        _ side: Side,
        number: Int? = nil
    ) throws(ConnectionStringError) -> SerialChannel {
        let port = try list.require(
            "port",
            "the serial port, for example port=com2, port=2 or port=/dev/ttyUSB0"
        )
        let baudRate = try list.requireNumber(
            "baud",
            "the baud rate, for example baud=115200",
            in: 1...100_000_000,
            called: "a rate in bits per second such as 9600 or 115200"
        )
        var channel = 0
        if let number {
            channel = number
        } else {
            channel = try list.requireNumber(
                "channel",
                "the channel, 0–254",
                in: 0...254,
                called: "0–254"
            )
        }
        let line = try LineParameters(from: &list)
        var security: Security?
        if list.hasAny(of: Security.serverNames + Security.clientNames) {
            security = try Security(from: &list, side)
            try security?.settle(machine: nil, list.transport)
        }
        return SerialChannel(
            port: port,
            baudRate: baudRate,
            channel: channel,
            line: line,
            security: security,
            access: try access(from: &list)
        )
    }

    private static func access(
        from list: inout ParameterList
    ) throws(ConnectionStringError) -> Access {
        var access = Access()
        access.isHidden = try list.takeFlag("hidden")
        access.opensFirewall = try list.takeFlag("IcfEnable")
        if let text = try list.take("password") {
            access.password = try password(text, list.transport)
        }
        access.isReadOnly = try list.takeFlag("readonly")
        if let text = try list.take("readonly-password") {
            access.readOnlyPassword = try password(text, list.transport)
            guard access.password != nil, !access.isReadOnly else {
                throw ConnectionStringError(
                    "\(list.transport): readonly-password goes with password=, the one for those who"
                        + " may type; readonly lets nobody type"
                )
            }
        }
        return access
    }

    private static func password(
        _ text: String,
        _ transport: String
    ) throws(ConnectionStringError) -> Password {
        if text.hasPrefix("@file:") { return .file(String(text.dropFirst(6))) }
        if text.hasPrefix("@env:") { return .environment(String(text.dropFirst(5))) }
        // The asterisk is what lists show, and what is pasted from them.
        if text == "@ask" || text == "*" { return .terminal }
        guard text.count <= 12, text.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) })
        else {
            throw ConnectionStringError(
                "\(transport): password must be 1–12 letters and digits, @file:PATH, @env:NAME or"
                    + " @ask"
            )
        }
        return .literal(text)
    }

    /// A machine's name without the two backslashes that may stand before it, of which a shell makes one.
    private static func machineName(_ text: String) -> String {
        String(text.drop { $0 == "\\" })
    }
}
