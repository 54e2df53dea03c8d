internal import ConnectionStrings
internal import WireCore

/// What the command line asks for.
enum Request {
    /// Relay between a server and a client.
    case relay(RelayOptions)
    /// Relay for one client of a listener (started by `BridgedClients` only).
    case inherited
    /// Print the help.
    case help
    /// Print the version.
    case version
}

/// Where the two ends are.
struct RelayOptions {
    /// `-c` and `-k`: how the server is reached.
    var server: ServerSide
    /// `-s`: where the client arrives.
    var client: ClientSide
    /// `-p`: goes on when all connections are gone.
    var persists = false
    /// `--plain`: all bytes go through as they are.
    var isPlain = false
    /// The command line, for the processes that relay for a listener's clients.
    var arguments: [String]
}

/// Where the client arrives.
enum ClientSide {
    /// Our own standard input and output.
    case standardStreams
    /// Whoever connects.
    case listener(ConnectionString)
}

/// What is wrong with the command line, in one sentence.
struct UsageError: Error, CustomStringConvertible {
    var description: String
}

/// Reads the command line.
func parseCommandLine(_ arguments: [String]) throws(UsageError) -> Request {
    var rest = arguments[...]
    if arguments == ["--relay"] { return .inherited }
    var server: ServerSide?
    var client: ClientSide?
    var persists = false
    var isPlain = false
    while let option = rest.popFirst() {
        switch option {
        case "-c":
            server = .stream(try connection(try value(of: "-c", &rest), .client))
        case "-k":
            server = .kernel(try kernelConnection(try value(of: "-k", &rest)))
        case "-s":
            let text = try value(of: "-s", &rest)
            client =
                text == "stdio"
                ? .standardStreams : .listener(try connection(text, .server))
        case "-p":
            persists = true
        case "--plain":
            isPlain = true
        case "-?", "-h", "--help":
            return .help
        case "--version":
            return .version
        default:
            let known = ["-c", "-k", "-s", "-p", "--plain", "-?", "--help", "--version"]
            let hint = nearestMatch(to: option, among: known).map { "; did you mean \($0)?" }
            throw UsageError(
                description: "there is no option '\(option)'\(hint ?? "")"
                    + " (dbgbridge -? lists them)"
            )
        }
    }
    guard let server else {
        throw UsageError(
            description: "-c is missing: it says how the server is reached, for example"
                + " -c com:port=com2,baud=115200,channel=3"
        )
    }
    guard let client else {
        throw UsageError(
            description: "-s is missing: it says where the client arrives, -s stdio or"
                + " -s tcp:port=5005"
        )
    }
    return .relay(
        RelayOptions(
            server: server,
            client: client,
            persists: persists,
            isPlain: isPlain,
            arguments: arguments
        )
    )
}

private func value(
    of option: String,
    _ rest: inout ArraySlice<String>
) throws(UsageError) -> String {
    guard let value = rest.popFirst(), !value.isEmpty else {
        throw UsageError(description: "\(option) has no value: it takes a transport")
    }
    return value
}

private func kernelConnection(_ text: String) throws(UsageError) -> KernelConnection {
    do {
        return try KernelConnection(text)
    } catch {
        throw UsageError(description: error.description)
    }
}

private func connection(
    _ text: String,
    _ side: ConnectionString.Side
) throws(UsageError) -> ConnectionString {
    do {
        return try ConnectionString(text, for: side)
    } catch {
        throw UsageError(description: error.description)
    }
}

/// What `dbgbridge -?` prints.
let helpText = """
    dbgbridge: repeater; it carries the bytes of a debugging connection from one transport to another.

      dbgbridge -c TRANSPORT -s stdio            the client is whoever started us (gdb's `|`)
      dbgbridge -c TRANSPORT -s tcp:port=PORT    clients connect to a TCP port, any number of them

      dbgbridge -k KERNEL -s TRANSPORT           a kernel's cable for whoever connects, one at a time: KERNEL is
                                                 com:port=PORT,baud=RATE, com:pipe,port=PATH or
                                                 com:ipport=PORT,port=HOST, without a channel

    -p goes on when all connections are gone; with clicon behind -s we connect to the client again. Without it a bridge that
    clients connect to ends 30 s after the last of them has gone.

    With a server of ours, gdb and lldb get most answers from here (DBGBRIDGE(1), "Answers from here"); --plain carries
    everything as it is.

    TRANSPORT says how the server is reached: com:port=PORT,baud=RATE,channel=0-254,
    tcp:server=HOST,port=PORT, tcp:clicon=HOST,port=PORT or npipe:server=localhost,pipe=NAME; a password as
    ,password=SECRET, @file:PATH, @env:NAME or @ask is proved for the client; with TLS
    ssl:proto=tls1,certuser=CERT,server=HOST,port=PORT, spipe:proto=tls1,certuser=CERT,server=localhost,
    pipe=NAME, or proto=tls1,certuser=CERT behind com:. CERT is the server's certificate: its thumbprint, or
    the name of a copy in ~/.config/dbgsrv/certificates. Behind -s, ssl: and spipe: make us the TLS server.

    gdb:   target extended-remote | dbgbridge -c com:port=com2,baud=115200,channel=3 -s stdio
    lldb:  dbgbridge -c com:port=com2,baud=115200,channel=3 -s tcp:port=5005
           platform select remote-linux
           platform connect connect://localhost:5005

    A kernel's Ctrl+C is a BREAK and SysRq-g on a serial line:
    kernel: dbgbridge -k com:port=com1,baud=115200 -s tcp:port=5005 -p
            cdb -k tcp:server=HOST,port=5005 vmlinux      gdb: target remote HOST:5005

    Exit status: 0 the connection ended in order, 1 wrong command line, 2 the server could not be
    reached or was lost.

    """
