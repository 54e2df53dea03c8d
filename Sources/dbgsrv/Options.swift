internal import SessionProtocol
internal import Transports
internal import WireCore

/// What the command line asks for.
enum Request: Equatable {
    /// Serve a transport.
    case serve(ServeOptions)
    /// Make a certificate.
    case newCertificate(NewCertificateOptions)
    /// Be the process of one session (started by the supervisor only).
    case session
    /// Print the help.
    case help
    /// Print the version.
    case version
}

/// The options of `dbgsrv -t …`.
struct ServeOptions: Equatable {
    /// The transport as written.
    var transport = ""
    /// `-v`: say on standard error what happens.
    var isVerbose = false
    /// `--log FILE`: write what happens to a file.
    var logFile: String?
    /// `--max-sessions`, `--max-sessions-per-client`: how many there may be at once.
    var limits = PeerLimits.Limits()
    /// `--handshake-seconds N`: how long a client may take until it is greeted.
    var greetingSeconds = ClientReception.defaultSeconds
    /// False for `--no-discovery`: other machines' `cdb -QR` is not answered.
    var answersDiscovery = true
}

/// What is wrong with the command line, in one sentence.
struct UsageError: Error, Equatable, CustomStringConvertible {
    var description: String
}

/// Reads the command line; like the original's, dbgsrv's options are case-sensitive.
func parseCommandLine(_ arguments: [String]) throws(UsageError) -> Request {
    var rest = arguments[...]
    if arguments == ["--session"] { return .session }
    var options = ServeOptions()
    while let option = rest.popFirst() {
        switch option {
        case "-t":
            options.transport = try value(of: "-t", "a transport such as tcp:port=5005", &rest)
        case "-v":
            options.isVerbose = true
        case "--log":
            options.logFile = try value(of: "--log", "a file", &rest)
        case "--max-sessions":
            options.limits.sessionsMax = try number(of: option, 1...4096, &rest)
        case "--max-sessions-per-client":
            options.limits.sessionsPerPeerMax = try number(of: option, 1...4096, &rest)
        case "--handshake-seconds":
            options.greetingSeconds = try number(of: option, 1...3600, &rest)
        case "--new-certificate":
            return .newCertificate(try NewCertificateOptions(rest))
        case "--no-discovery":
            options.answersDiscovery = false
        case "-x":
            rest = []
        case "-?", "-h", "--help":
            return .help
        case "--version":
            return .version
        default:
            throw unknown(option)
        }
    }
    if options.transport.isEmpty {
        throw UsageError(
            description: "-t is missing: it names the transport, for example"
                + " -t com:port=com2,baud=115200,channel=7"
        )
    }
    return .serve(options)
}

private func value(
    of option: String,
    _ meaning: String,
    _ rest: inout ArraySlice<String>
) throws(UsageError) -> String {
    guard let value = rest.popFirst(), !value.isEmpty else {
        throw UsageError(description: "\(option) has no value: it takes \(meaning)")
    }
    return value
}

private func number(
    of option: String,
    _ range: ClosedRange<Int>,
    _ rest: inout ArraySlice<String>
) throws(UsageError) -> Int {
    let limits = "a number, \(range.lowerBound)–\(range.upperBound)"
    let text = try value(of: option, limits, &rest)
    guard let number = Int(text), range.contains(number) else {
        throw UsageError(description: "\(option) takes \(limits), but was '\(text)'")
    }
    return number
}

private func unknown(_ option: String) -> UsageError {
    let planned = ["-c", "-cs", "-sifeo", "-pc"]
    if planned.contains(option) {
        return UsageError(description: "\(option) is not supported by this version of dbgsrv")
    }
    let known = [
        "-t", "-v", "--log", "--max-sessions", "--max-sessions-per-client", "--handshake-seconds",
        "--new-certificate", "--no-discovery", "-x", "-?", "--help", "--version",
    ]
    let hint = nearestMatch(to: option, among: known).map { "; did you mean \($0)?" } ?? ""
    return UsageError(description: "there is no option '\(option)'\(hint) (dbgsrv -? lists them)")
}

/// What `dbgsrv -?` prints.
let helpText = """
    dbgsrv: process server; it does the ptrace work on this machine for any number of debuggers.

      dbgsrv -t com:port=PORT,baud=RATE,channel=0-254   a channel of a serial port
      dbgsrv -t tcp:port=PORT                           a TCP port, or the first free one of LOW:HIGH
      dbgsrv -t npipe:pipe=NAME                         a named pipe, for programs of this user here
      dbgsrv -t ssl:proto=tls1,certuser=CERT,port=PORT  a TCP port with TLS
      dbgsrv -t spipe:proto=tls1,certuser=CERT,pipe=NAME
      dbgsrv -t com:…,proto=tls1,certuser=CERT          TLS on a channel, for a cable that leaves the room
      dbgsrv --new-certificate NAME [--machine]         makes a certificate and says how to use it

      -v          say on standard error what happens
      --log FILE  write what happens to FILE
      --max-sessions N             sessions at once (256)
      --max-sessions-per-client N  sessions of one machine, user or serial channel at once (64)
      --handshake-seconds N        how long a client may take until it is greeted (60)
      --no-discovery  do not answer other machines that ask for the servers here (cdb -QR)
      -x          ignore the rest of the command line
      -?          this help
      --version   the version

    A serial port is com2, 2, a device path or a symlink to one; several servers and debuggers may
    use one port at the same time, each server on its own channel.

    CERT is a file's name, a subject or a thumbprint (SHA-1 or SHA-256): with certuser= in
    ~/.config/dbgsrv/certificates, with machuser= in /etc/dbgsrv/certificates. proto= is tls1 (TLS 1.3
    or 1.2), tls12 or tls13; with clientcert=CERT only clients get in that show that certificate, or
    one that it vouches for.

    A password: add ,password=SECRET to the transport (1–12 letters and digits), or keep it out of process
    lists: ,password=@file:PATH (first line; chmod 600), ,password=@env:NAME or ,password=@ask. It is never
    sent. gdb and lldb then come through dbgbridge. Wrong passwords make their sender wait longer and longer.

    Clients:   cdb -premote com:port=PORT,baud=RATE,channel=N -p PID
               cdb -premote tcp:server=HOST,port=PORT PROGRAM ARGUMENTS
               gdb -ex 'target extended-remote HOST:PORT'
               gdb -ex 'target extended-remote | dbgbridge -c com:port=PORT,baud=RATE,channel=N -s stdio'

    It runs until SIGTERM, SIGINT or a client's .endpsrv; what clients attached to then runs on.
    Exit status: 0 ended in order, 1 wrong command line, 2 the transport could not be had.

    """
