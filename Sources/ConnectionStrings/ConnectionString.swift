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
        /// `group=`, the server's only: whose members may connect too.
        public var group: String?
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
        /// How TLS is spoken on the channel; nil for plain bytes.
        public var security: Security?
        /// What every transport has.
        public var access = Access()
    }

    /// How TLS is spoken.
    public struct Security: Sendable, Equatable {
        /// `proto=`.
        public var version: Version
        /// `certuser=` or `machuser=`: the server's certificate; nil for a client that names an authority.
        public var certificate: Certificate?
        /// `ca=`, a client's only: who vouches for the server's certificate; `system` for this machine's own.
        public var authority: String?
        /// `host=`, a client's only: the name that the server's certificate must have.
        public var host: String?
        /// `clientcert=`: the certificate that a client shows, or that a server demands.
        public var clientCertificate: String?

        /// The versions of TLS that `proto=` names.
        public enum Version: String, Sendable, CaseIterable {
            /// TLS 1.3, or 1.2 with a peer that has no better.
            case tls1
            /// TLS 1.2 only.
            case tls12
            /// TLS 1.3 only.
            case tls13
        }
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
        /// `readonly`, a debugging server's only: clients look and do not type.
        public var isReadOnly = false
        /// `readonly-password=`, a debugging server's only: who proves this one instead looks and does not type.
        public var readOnlyPassword: Password?
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

    /// Whether lists show the server: not when it is hidden, nor when it serves one client that it connects to.
    public var isListed: Bool { !isReverse && !access.isHidden }

    /// How TLS is spoken; nil for a transport without.
    public var security: Security? {
        switch self {
        case .npipe, .tcp: nil
        case .com(let serial): serial.security
        case .spipe(_, let security), .ssl(_, let security): security
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
