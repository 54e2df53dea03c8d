internal import WireCore

/// What the command line asks for.
struct Options {
    /// What is to be debugged.
    enum Debuggee: Equatable {
        /// Nothing was named.
        case none
        /// `-p`.
        case process(Int32)
        /// `-pn`.
        case processName(String)
        /// `-psn`: the main process of a systemd unit.
        case unit(String)
        /// A program and its arguments.
        case program([String])
        /// `-cimp`: the server's own.
        case implicit
        /// `-k`: a kernel.
        case kernel(String)
        /// `-z`: core files.
        case dumps([String])
    }

    /// `-premote`.
    var premote: String?
    /// `-server`: how others join.
    var server: String?
    /// `-remote`: the session to join.
    var remote: String?
    /// `-clines`: how many lines of earlier text a debugging client wants.
    var historyLines = 200
    /// `-bonc`: break in as soon as the session begins.
    var breaksIn = false
    /// `-sharelog`: who typed what in a shared session.
    var journalPath: String?
    /// `-noio`: the console takes no input and shows no output.
    var isConsoleSilent = false
    /// Whether something was asked for that only who starts a session can have.
    var namesTarget: Bool {
        premote != nil || debuggee != .none || skipsInitialStop || skipsFinalStop
            || attachesWithoutBreak || detachesAtEnd || followsChildren
    }
    /// `-QR`: the machine or the cable whose servers are listed.
    var query: String?
    var debuggee = Debuggee.none
    /// The program that core files were made of, or the kernel's image, where it was named.
    var namedImage: String?
    /// `-g`: the initial stop is passed over.
    var skipsInitialStop = false
    /// `-G`: the end of the process ends the session.
    var skipsFinalStop = false
    /// `-pb`: no break when attaching.
    var attachesWithoutBreak = false
    /// `-pr`: a process that stands by job control is set going.
    var resumesSuspended = false
    /// `-pd`: the end of the session lets everything run on.
    var detachesAtEnd = false
    /// `-o`: children are debugged too.
    var followsChildren = false
    /// `-pv`: look at a process without ever letting it run.
    var looksOnly = false
    /// `-pt`: how long a break-in may take, in seconds.
    var breakInSeconds: Int?
    /// `-x…`: what is done with events, as `sx` commands.
    var eventCommands: [String] = []
    /// `-noshell`: no shell commands.
    var forbidsShell = false
    /// `-sins`: the environment's symbol path does not count.
    var ignoresEnvironmentPaths = false
    /// `--json`: where events go for tools.
    var eventStreamPath: String?
    /// `-v`.
    var isVerbose = false
    /// `-lines`.
    var stepsByLine = false
    /// `-c`.
    var commands: String?
    /// `-cf`.
    var scriptPath: String?
    /// `-cfr`: the script is carried out after every `.restart` too.
    var repeatsScript = false
    /// `-y`, `-i`, `-srcpath`.
    var symbolPath: String?
    var imagePath: String?
    var sourcePath: String?
    /// `-logo`, `-loga`.
    var logPath: String?
    var appendsLog = false
    /// `-?` and `-version`.
    var wantsUsage = false
    var wantsVersion = false
}

/// Why a command line cannot be used: one sentence.
struct UsageError: Error, Equatable {
    var message: String
}

/// Reads CDB's command line: options begin with `-` or `/`, most in either case; those without a
/// value may be written together (`-gGv`); the program comes last and everything behind it is its
/// own.
struct OptionParser {
    private var rest: ArraySlice<String>
    private var options = Options()

    private init(_ arguments: [String]) {
        rest = arguments[...]
    }

    /// Reads the arguments without the program's own name.
    static func parse(_ arguments: [String]) throws(UsageError) -> Options {
        var parser = OptionParser(arguments)
        try parser.takeSharing()
        while let argument = parser.rest.first {
            guard let name = Self.optionName(argument) else {
                try parser.takeProgram()
                break
            }
            parser.rest = parser.rest.dropFirst()
            try parser.take(name, argument)
        }
        return parser.options
    }

    /// The program and its arguments; beside core files, the program that they are of, and beside a kernel, its image.
    private mutating func takeProgram() throws(UsageError) {
        switch options.debuggee {
        case .dumps, .kernel:
            guard rest.count == 1 else {
                throw UsageError(
                    message:
                        "behind -z CoreFile only the program that it is of may stand, and behind -k"
                        + " the kernel's image: \(rest.joined(separator: " "))"
                )
            }
            options.namedImage = rest.first
        default: options.debuggee = .program(Array(rest))
        }
    }

    /// `-server` and `-remote`, which count in this case only, and only as the first option.
    private mutating func takeSharing() throws(UsageError) {
        guard let first = rest.first, first == "-server" || first == "-remote" else { return }
        rest = rest.dropFirst()
        guard let value = rest.popFirst() else {
            throw UsageError(message: "\(first) needs a transport behind it: tcp:port=5005")
        }
        if first == "-server" { options.server = value } else { options.remote = value }
    }

    /// The name without its sign; nil for what is no option.
    ///
    /// `/name` is one only if it is known, since paths begin that way.
    private static func optionName(_ argument: String) -> String? {
        guard argument.count > 1 else { return nil }
        if argument.hasPrefix("-") { return String(argument.dropFirst()) }
        guard argument.hasPrefix("/") else { return nil }
        let name = String(argument.dropFirst())
        let isKnown = switchTable[key(name)] != nil || valueTable[key(name)] != nil
        return isKnown ? name : nil
    }

    /// Option names count in either case, but for `-g` and `-G`, `-remote` and `-server`.
    private static func key(_ name: String) -> String {
        name == "G" ? name : name.lowercased()
    }

    private typealias Switch = @Sendable (inout Options) -> Void
    private typealias Value = @Sendable (inout Options, String) throws(UsageError) -> Void

    private static let switchTable: [String: Switch] = [
        "g": { $0.skipsInitialStop = true },
        "G": { $0.skipsFinalStop = true },
        "pb": { $0.attachesWithoutBreak = true },
        "pd": { $0.detachesAtEnd = true },
        "pr": { $0.resumesSuspended = true },
        // What another debugger has abandoned stands as SIGSTOP leaves it.
        "pe": { $0.resumesSuspended = true },
        "cimp": { $0.debuggee = .implicit },
        "o": { $0.followsChildren = true },
        "v": { $0.isVerbose = true },
        "pv": { $0.looksOnly = true },
        "x": { $0.eventCommands.append("sxd av") },
        "noshell": { $0.forbidsShell = true },
        "sins": { $0.ignoresEnvironmentPaths = true },
        "lines": { $0.stepsByLine = true },
        "?": { $0.wantsUsage = true },
        "version": { $0.wantsVersion = true },
        // Taken from scripts made for the original; they mean nothing here.
        "n": { _ in }, "s": { _ in }, "w": { _ in }, "2": { _ in }, "hd": { _ in },
        "myob": { _ in }, "nosqm": { _ in }, "snul": { _ in }, "sup": { _ in }, "isd": { _ in },
        "noinh": { _ in }, "kqm": { _ in }, "failinc": { _ in }, "robp": { _ in }, "sdce": { _ in },
        "ses": { _ in }, "sicv": { _ in }, "snc": { _ in }, "netsyms:yes": { _ in },
        "netsyms:no": { _ in },
        "bonc": { $0.breaksIn = true },
        "noio": { $0.isConsoleSilent = true },
    ]

    private static let valueTable: [String: Value] = [
        "qr": { (options: inout Options, value: String) in options.query = value },
        "premote": { (options: inout Options, value: String) in options.premote = value },
        "p": { (options: inout Options, value: String) throws(UsageError) in
            options.debuggee = .process(try Self.processID(value))
        },
        "k": { (options: inout Options, value: String) in options.debuggee = .kernel(value) },
        "z": { (options: inout Options, value: String) in
            if case .dumps(let others) = options.debuggee {
                options.debuggee = .dumps(others + [value])
            } else {
                options.debuggee = .dumps([value])
            }
        },
        "pn": { (options: inout Options, value: String) in
            options.debuggee = .processName(value)
        },
        "psn": { (options: inout Options, value: String) in options.debuggee = .unit(value) },
        "pt": { (options: inout Options, value: String) throws(UsageError) in
            guard let seconds = Int(value), (1...86_400).contains(seconds) else {
                throw UsageError(message: "-pt \(value): a number of seconds from 1 to 86400")
            }
            options.breakInSeconds = seconds
        },
        "xe": { (options: inout Options, value: String) in
            options.eventCommands.append("sxe \(value)")
        },
        "xd": { (options: inout Options, value: String) in
            options.eventCommands.append("sxd \(value)")
        },
        "xn": { (options: inout Options, value: String) in
            options.eventCommands.append("sxn \(value)")
        },
        "xi": { (options: inout Options, value: String) in
            options.eventCommands.append("sxi \(value)")
        },
        "ee": { (options: inout Options, value: String) throws(UsageError) in
            guard ["masm", "c++"].contains(value.lowercased()) else {
                throw UsageError(message: "-ee \(value): masm or c++")
            }
            options.eventCommands.append(".expr /s \(value.lowercased())")
        },
        "-json": { (options: inout Options, value: String) in options.eventStreamPath = value },
        "cfr": { (options: inout Options, value: String) in
            options.scriptPath = value
            options.repeatsScript = true
        },
        // Taken from scripts made for the original; they mean nothing here.
        "r": { _, _ in }, "t": { _, _ in }, "zp": { _, _ in }, "sflags": { _, _ in },
        "clines": { (options: inout Options, value: String) throws(UsageError) in
            guard let lines = Int(value), (0...1_000_000).contains(lines) else {
                throw UsageError(message: "-clines \(value): a number of lines, 0 for none")
            }
            options.historyLines = lines
        },
        "sharelog": { (options: inout Options, value: String) in options.journalPath = value },
        "c": { (options: inout Options, value: String) in options.commands = value },
        "cf": { (options: inout Options, value: String) in options.scriptPath = value },
        "y": { (options: inout Options, value: String) in options.symbolPath = value },
        "i": { (options: inout Options, value: String) in options.imagePath = value },
        "srcpath": { (options: inout Options, value: String) in options.sourcePath = value },
        "logo": { (options: inout Options, value: String) in options.logPath = value },
        "logou": { (options: inout Options, value: String) in options.logPath = value },
        "loga": { (options: inout Options, value: String) in
            options.logPath = value
            options.appendsLog = true
        },
        "logau": { (options: inout Options, value: String) in
            options.logPath = value
            options.appendsLog = true
        },
    ]

    /// Options of the original that this version does not have.
    private static let missing: Set<String> = [
        "wake", "iae", "iaec", "iu", "vf", "d", "ddefer", "e",
    ]

    /// Options of the original that Linux has no way for, and what is there instead.
    private static let impossible: [String: String] = [
        "pvr":
            "the registers of a thread that runs cannot be read on Linux: -pv looks at a process that"
            + " stands for so long"
    ]

    private static func processID(_ text: String) throws(UsageError) -> Int32 {
        let digits = text.lowercased().hasPrefix("0n") ? String(text.dropFirst(2)) : text
        let number =
            digits.lowercased().hasPrefix("0x")
            ? Int32(digits.dropFirst(2), radix: 16) : Int32(digits)
        guard let number, number > 0 else {
            throw UsageError(message: "-p \(text): a process id is a decimal number above 0")
        }
        return number
    }

    private mutating func take(_ name: String, _ written: String) throws(UsageError) {
        let key = Self.key(name)
        if let apply = Self.switchTable[key] { return apply(&options) }
        if let apply = Self.valueTable[key] {
            guard let value = rest.popFirst() else {
                throw UsageError(message: "\(written) needs a value behind it")
            }
            return try apply(&options, value)
        }
        if name == "server" || name == "remote" {
            throw UsageError(message: "\(written) must be the first option")
        }
        if Self.missing.contains(key) {
            throw UsageError(message: "\(written) is not supported by this version of cdb")
        }
        if let words = Self.impossible[key] { throw UsageError(message: "\(written): \(words)") }
        let letters = name.map { Self.key(String($0)) }
        if name.count > 1, letters.allSatisfy({ Self.switchTable[$0] != nil && $0 != "?" }) {
            for letter in letters { Self.switchTable[letter]?(&options) }
            return
        }
        throw UsageError(message: "unknown option \(written)" + Self.suggestion(key))
    }

    private static func suggestion(_ key: String) -> String {
        let names = (Array(switchTable.keys) + Array(valueTable.keys)).sorted()
        guard let near = nearestMatch(to: key, among: names) else {
            return "; cdb -? lists the options"
        }
        return "; did you mean -\(near)?"
    }
}
