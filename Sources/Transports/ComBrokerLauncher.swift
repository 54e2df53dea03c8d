internal import BrokerProtocol
internal import Glibc
internal import LinuxSystem
internal import PortDirectory

/// A port as its broker is found and started.
struct ComPortPlace: Sendable {
    /// The name for people, `COM2` or the path as given.
    let name: String
    /// What to open.
    let path: String
    let files: BrokerFiles

    /// Finds a port by name.
    init(named given: String, folder: String? = nil) throws(ComError) {
        do {
            let port: Port
            let identity: PortIdentity
            if let direct = try PortDirectory.direct(given) {
                port = direct
                identity = try PortDirectory.identity(of: direct, known: Self.knownNames)
            } else {
                let directory = try PortDirectory()
                port = try directory.port(named: given)
                identity = try directory.identity(of: port)
            }
            name = port.name
            path = port.path
            files = BrokerFiles(
                folder: try folder ?? RuntimeDirectory.open(),
                key: identity.key
            )
        } catch let error as PortNameError {
            throw ComError(.badPort, error.description)
        } catch {
            throw ComError(.broker, "\(error)")
        }
    }

    private static func knownNames() -> [String] {
        (try? PortDirectory().knownNames) ?? []
    }
}

/// Gets a connection to a port's broker, starting one when there is none.
///
/// Whoever holds the start lock looks once more, and only then starts a broker, so of several programs that come
/// at the same time one starts it and the others wait. The broker says on a pipe whether it could open the
/// port; that sentence becomes the starter's error.
enum ComBrokerLauncher {
    static let attemptsMax = 5
    static let startMillisecondsMax = 15_000

    /// A connection to the broker that runs; nil when none does.
    static func connectRunning(_ files: BrokerFiles) throws(ComError) -> OwnedDescriptor? {
        do {
            return try UnixSocket.connect(path: files.socket)
        } catch {
            switch error.errorNumber {
            case ENOENT, ECONNREFUSED: return nil
            default: throw ComError(.broker, "The broker cannot be reached: \(error.description).")
            }
        }
    }

    /// A connection to the broker, which is started when none runs.
    static func connect(
        _ place: ComPortPlace,
        _ settings: LineSettings
    ) throws(ComError) -> OwnedDescriptor {
        if let socket = try connectRunning(place.files) { return socket }
        let lock = try startLock(place)
        defer { withExtendedLifetime(lock) {} }
        if let socket = try connectRunning(place.files) { return socket }
        // On a machine that is busy, a broker may have given up waiting for its first program before that is
        // its turn.
        for _ in 0..<attemptsMax {
            try start(place, settings)
            if let socket = try connectRunning(place.files) { return socket }
        }
        throw ComError(
            .broker,
            "The broker of \(place.name) ends as soon as it has started."
        )
    }

    private static func startLock(_ place: ComPortPlace) throws(ComError) -> OwnedDescriptor {
        do {
            let file = try openFile(place.files.startLock, flags: O_RDWR | O_CREAT)
            let deadline = monotonicNanoseconds() + UInt64(startMillisecondsMax) * 1_000_000
            while try !tryLock(file) {
                guard monotonicNanoseconds() < deadline else {
                    throw ComError(
                        .timeout,
                        "Another program has been starting the broker of \(place.name) for "
                            + "\(startMillisecondsMax / 1000) seconds."
                    )
                }
                var none: [PollRequest] = []
                try pollDescriptors(&none, timeoutMilliseconds: 5)
            }
            return file
        } catch let error as ComError {
            throw error
        } catch {
            throw ComError(.broker, "The broker cannot be started: \(error).")
        }
    }

    private static func start(
        _ place: ComPortPlace,
        _ settings: LineSettings
    ) throws(ComError) {
        guard let program = findProgram() else {
            throw ComError(
                .broker,
                "The program dbgcom, which serves the port, is not beside this program, in "
                    + "../libexec/dbgsrv or in PATH."
            )
        }
        let report: OwnedDescriptor
        do {
            let pipe = try ProgramLauncher.makePipe()
            let null = try openFile("/dev/null", flags: O_RDWR)
            let log = try openFile(
                place.files.log,
                flags: O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW
            )
            let process = try ProgramLauncher.start(
                program,
                arguments: arguments(place, settings),
                descriptors: [null, null, log, pipe.write],
                newSession: true
            )
            // It starts the broker proper as nobody's child and ends.
            ProgramLauncher.waitForEnd(of: process)
            report = pipe.read
        } catch {
            throw ComError(.broker, "The broker cannot be started: \(error).")
        }
        try readReport(report, place)
    }

    private static func arguments(_ place: ComPortPlace, _ settings: LineSettings) -> [String] {
        [
            "broker", "--detach", "--port", place.path, "--name", place.name,
            "--folder", place.files.folder, "--key", place.files.key,
            "--baud", String(settings.baudRate), "--parity", settings.parity,
            "--stop-bits", String(settings.stopBits), "--flow", settings.flowControl,
            "--dtr", settings.dtr, "--rts", settings.rts,
        ]
    }

    /// Reads the one line about how the start went.
    private static func readReport(
        _ report: OwnedDescriptor,
        _ place: ComPortPlace
    ) throws(ComError) {
        let reader = ComLineReader(report)
        guard
            let line = try reader.nextLine(timeoutMilliseconds: startMillisecondsMax),
            let message = try? BrokerMessage(line)
        else {
            throw ComError(
                .broker,
                "The broker of \(place.name) did not start; its log is \(place.files.log)."
            )
        }
        if case .error(let code, let words) = message {
            throw ComError(code == .port ? .portUnavailable : .broker, words)
        }
    }

    /// `dbgcom` beside this program, in `../libexec/dbgsrv`, or in PATH.
    private static func findProgram() -> String? {
        var folders: [String] = []
        if let own = ProgramLauncher.ownPath, let slash = own.lastIndex(of: "/") {
            folders = [String(own[..<slash]), String(own[..<slash]) + "/../libexec/dbgsrv"]
        }
        folders += (environmentValue("PATH") ?? "").split(separator: ":").map(String.init)
        return folders.map { $0 + "/dbgcom" }.first(where: ProgramLauncher.isExecutable)
    }
}
