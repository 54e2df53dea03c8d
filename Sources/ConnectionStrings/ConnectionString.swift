/// A transport and its parameters, as the seeds write them: `protocol:name=value[,name=value|,flag]…`.
///
/// One grammar serves the server's side (`dbgsrv -t`, `.server`, `dbgbridge -s`) and the client's
/// (`-premote`, `-remote`, `dbgbridge -c`); which parameters are allowed differs, see `Parameter`.
public enum ConnectionString: Sendable, Equatable {
    /// A named pipe.
    case npipe(Pipe)
    /// A TCP connection.
    case tcp(Socket)
    /// A channel of a serial port.
    case com(SerialChannel)
    /// TLS over a named pipe.
    case spipe(Pipe, Security)
    /// TLS over a TCP connection.
    case ssl(Socket, Security)

    /// Which end of the connection a string is for.
    public enum Side: Sendable {
        /// The end that waits (or, with `clicon`, the end that serves).
        case server
        /// The end that asks for service.
        case client
    }

    /// A named pipe's parameters.
    public struct Pipe: Sendable, Equatable {
        /// `pipe=`; on the server it may hold format codes, see `PipeName`.
        public var name: String
        /// `server=`, the client's only: the machine, without leading backslashes.
        public var server: String?
        /// What every transport has.
        public var access = Access()
    }

    /// A TCP or TLS socket's parameters.
    public struct Socket: Sendable, Equatable {
        /// `port=`, one or a range; a client may give a range only with `clicon`.
        public var ports: ClosedRange<Int>
        /// `server=`, the client's only: the machine, without leading backslashes.
        public var server: String?
        /// `clicon=`: the other machine of a reverse connection.
        public var reverseConnection: String?
        /// `ipversion=6`.
        public var onlyIPv6 = false
        /// What every transport has.
        public var access = Access()
    }

    /// A channel of a serial port.
    public struct SerialChannel: Sendable, Equatable {
        /// `port=`: "com2", "2", a device path or a symlink.
        public var port: String
        /// `baud=` in bits per second.
        public var baudRate: Int
        /// `channel=`, 0–254.
        public var channel: Int
        /// How bytes and modem lines are set, where that is not the usual way.
        public var line = LineParameters()
        /// What every transport has.
        public var access = Access()
    }

    /// How TLS is spoken.
    public struct Security: Sendable, Equatable {
        /// `proto=` as written, one of `protocolNames`.
        public var protocolName: String
        /// `certuser=` or `machuser=`.
        public var certificate: Certificate

        /// The names `proto=` may have.
        public static let protocolNames = ["tls1", "tls12", "tls13", "pct1", "ssl2", "ssl3"]
    }

    /// Which certificate, and in which store it lies.
    public enum Certificate: Sendable, Equatable {
        /// `certuser=`: the user's store; a name or a thumbprint.
        case user(String)
        /// `machuser=`: the machine's store; a name or a thumbprint.
        case machine(String)
    }

    /// What every server transport has.
    public struct Access: Sendable, Equatable {
        /// `hidden`: not shown by `-QR`.
        public var isHidden = false
        /// `password=`.
        public var password: Password?
        /// `IcfEnable`: the firewall is told to let the transport through.
        public var opensFirewall = false
    }

    /// Where a password comes from.
    public enum Password: Sendable, Equatable {
        /// The password itself, 1–12 letters and digits.
        case literal(String)
        /// `@file:PATH`: the first line of a file.
        case file(String)
        /// `@env:NAME`: an environment variable.
        case environment(String)
        /// `@ask`: the user, at the terminal.
        case terminal
    }

    /// What every transport has.
    public var access: Access {
        switch self {
        case .npipe(let pipe), .spipe(let pipe, _): pipe.access
        case .tcp(let socket), .ssl(let socket, _): socket.access
        case .com(let serial): serial.access
        }
    }

    /// Whether `clicon` is given: the server connects to the client.
    public var isReverse: Bool {
        switch self {
        case .tcp(let socket), .ssl(let socket, _): socket.reverseConnection != nil
        case .npipe, .com, .spipe: false
        }
    }

    /// The transport's name as typed before the colon.
    public var transportName: String {
        switch self {
        case .npipe: "npipe"
        case .tcp: "tcp"
        case .com: "com"
        case .spipe: "spipe"
        case .ssl: "ssl"
        }
    }
}

/// What is wrong with a connection string, in one sentence for the person who typed it.
public struct ConnectionStringError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The sentence.
    public var description: String

    init(_ description: String) {
        self.description = description
    }
}
