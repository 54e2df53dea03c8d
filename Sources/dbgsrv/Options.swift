internal import SessionProtocol
internal import Transports
internal import WireCore

/// What the command line asks for.
enum Request: Equatable {
    /// Serve a transport.
    case serve(ServeOptions)
    /// Make a certificate.
    case newCertificate(NewCertificateOptions)
    /// Start a program, or the debugger that its image options name.
    case imageOptions([[UInt8]])
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
    /// `--stdio`: one session for whoever started us, in the place of a transport.
    var isStandardStreams = false
    /// `--program-streams`: descriptors 3 and 4 are what programs that are started read and write.
    var givesProgramStreams = false
    /// `-v`: say on standard error what happens.
    var isVerbose = false
    /// `--log FILE`: write what happens to a file, or to the journal.
    var log: String?
    /// `--max-sessions`, `--max-sessions-per-client`: how many there may be at once.
    var limits = PeerLimits.Limits()
    /// `--handshake-seconds N`: how long a client may take until it is greeted.
    var greetingSeconds = ClientReception.defaultSeconds
    /// False for `--no-discovery`: other machines' `cdb -QR` is not answered.
    var answersDiscovery = true
    /// `-c`, `-cs`: a program to be started.
    var program: ProgramToStart?
    /// `-pc`: the command line that a client's `-cimp` starts.
    var implicitCommand: [[UInt8]] = []
    /// `--read-only`.
    var isReadOnly = false
    /// `--policy FILE`.
    var policyFile: String?
}

/// `-c` or `-cs`.
struct ProgramToStart: Equatable {
    /// The program and its arguments, byte for byte.
    var words: [[UInt8]]
    /// `-cs`: it is left stopped before its first instruction.
    var isSuspended: Bool
    /// `-sifeo`: the image whose options do not count for this start.
    var suspendedImage: String?
}

/// What is wrong with the command line, in one sentence.
struct UsageError: Error, Equatable, CustomStringConvertible {
    var description: String
}

/// Reads the command line; like the original's, dbgsrv's options are case-sensitive.
func parseCommandLine(_ arguments: [[UInt8]]) throws(UsageError) -> Request {
    var parser = CommandLineParser(rest: arguments[...])
    return try parser.parse()
}

private struct CommandLineParser {
    var rest: ArraySlice<[UInt8]>
    var options = ServeOptions()
    var suspendedImage: String?

    static let known = [
        "-t", "-c", "-cs", "-sifeo", "-x", "-pc", "-v", "--log", "--max-sessions",
        "--max-sessions-per-client", "--handshake-seconds", "--new-certificate", "--no-discovery",
        "--read-only", "--policy", "--stdio", "--program-streams",
        "--image-options", "-?", "--help", "--version",
    ]

    mutating func parse() throws(UsageError) -> Request {
        if rest.count == 1, popText(if: "--session") { return .session }
        if popText(if: "--image-options") {
            return .imageOptions(try commandLine("--image-options"))
        }
        while let word = rest.popFirst() {
            let option = String(decoding: word, as: UTF8.self)
            switch option {
            case "-?", "-h", "--help": return .help
            case "--version": return .version
            case "--new-certificate":
                let words = rest.map { String(decoding: $0, as: UTF8.self) }
                return .newCertificate(try NewCertificateOptions(words[...]))
            default: try take(option)
            }
        }
        try check()
        return .serve(options)
    }

    private mutating func popText(if text: String) -> Bool {
        guard rest.first == Array(text.utf8) else { return false }
        rest.removeFirst()
        return true
    }

    private mutating func take(_ option: String) throws(UsageError) {
        switch option {
        case "-t": options.transport = try value(of: option, "a transport such as tcp:port=5005")
        case "-v": options.isVerbose = true
        case "--log": options.log = try value(of: option, "a file, or the word journal")
        case "--max-sessions": options.limits.sessionsMax = try number(of: option, 1...4096)
        case "--max-sessions-per-client":
            options.limits.sessionsPerPeerMax = try number(of: option, 1...4096)
        case "--handshake-seconds": options.greetingSeconds = try number(of: option, 1...3600)
        case "--no-discovery": options.answersDiscovery = false
        case "--stdio": options.isStandardStreams = true
        case "--program-streams": options.givesProgramStreams = true
        case "--read-only": options.isReadOnly = true
        case "--policy": options.policyFile = try value(of: option, "a file")
        case "-sifeo": suspendedImage = try value(of: option, "the name of an executable")
        case "-c", "-cs":
            options.program = ProgramToStart(
                words: try commandLine(option),
                isSuspended: option == "-cs",
                suspendedImage: suspendedImage
            )
        case "-pc": options.implicitCommand = try commandLine(option)
        case "-x": rest = []
        default: throw unknown(option)
        }
    }

    private func check() throws(UsageError) {
        if suspendedImage != nil, options.program == nil {
            throw UsageError(
                description: "-sifeo is for a program that -c or -cs starts, and has to stand"
                    + " before that option"
            )
        }
        if options.isStandardStreams {
            guard options.transport.isEmpty else {
                throw UsageError(
                    description: "--stdio serves whoever started dbgsrv, -t a transport: choose one"
                )
            }
            return
        }
        guard options.transport.isEmpty else { return }
        let greedy = options.program != nil ? "-c" : options.implicitCommand.isEmpty ? nil : "-pc"
        let hint = greedy.map { "; it has to stand before \($0), which takes all that follows" }
        throw UsageError(
            description: "-t is missing: it names the transport, for example"
                + " -t com:port=com2,baud=115200,channel=7" + (hint ?? "")
        )
    }

    private mutating func value(
        of option: String,
        _ meaning: String
    ) throws(UsageError) -> String {
        guard let value = rest.popFirst(), !value.isEmpty else {
            throw UsageError(description: "\(option) has no value: it takes \(meaning)")
        }
        return String(decoding: value, as: UTF8.self)
    }

    private mutating func number(
        of option: String,
        _ range: ClosedRange<Int>
    ) throws(UsageError) -> Int {
        let limits = "a number, \(range.lowerBound)–\(range.upperBound)"
        let text = try value(of: option, limits)
        guard let number = Int(text), range.contains(number) else {
            let shown = printableText(text)
            throw UsageError(description: "\(option) takes \(limits), but was '\(shown)'")
        }
        return number
    }

    /// All that follows, as a command line.
    private mutating func commandLine(_ option: String) throws(UsageError) -> [[UInt8]] {
        defer { rest = [] }
        do throws(CommandWordsError) {
            return try CommandWords.words(Array(rest))
        } catch {
            let problem =
                switch error {
                case .empty: "has no command line behind it: it takes a program and its arguments"
                case .unterminated(let quote): "the quote \(quote) has no partner"
                case .danglingBackslash: "a backslash at the end has nothing to stand before"
                case .nameIsNoText:
                    "the program's name is not UTF-8 (its arguments may be anything)"
                }
            let colon = error == .empty ? " " : ": "
            throw UsageError(description: option + colon + problem)
        }
    }

    private func unknown(_ option: String) -> UsageError {
        let near = nearestMatch(to: option, among: Self.known)
        let hint = near.map { "; did you mean \($0)?" } ?? ""
        let shown = printableText(option)
        return UsageError(
            description: "there is no option '\(shown)'\(hint) (dbgsrv -? lists them)"
        )
    }
}
