import ArgumentParser
import BrokerProtocol
import Glibc
import LinuxSystem
import PortBroker
import PortDirectory
import SerialPort

/// `dbgcom broker`: what the other programs start when a port has no broker yet.
struct BrokerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "broker",
        abstract: "Serve a port to the programs of this machine (started by them when needed).",
        discussion: """
            One broker owns a port and shares its channels. The programs that use a port start its broker \
            themselves; it ends when nobody has used it for DBGSRV_BROKER_IDLE_SECONDS (30). Connections \
            outlive a silent or unplugged line for DBGSRV_BROKER_GRACE_SECONDS (120). Its socket, lock and log are in \
            $DBGSRV_RUNTIME_DIR, /run/dbgsrv (root), $XDG_RUNTIME_DIR/dbgsrv or /tmp/dbgsrv-UID.
            """,
        shouldDisplay: false
    )

    @Option(help: "The port: com2, 2, a device path or a symlink.")
    var port: String

    @OptionGroup var line: LineOptions

    @Option(help: "The port's name for people.")
    var name: String?

    @Option(help: "The runtime folder.")
    var folder: String?

    @Option(help: "The port's key in the names of files.")
    var key: String?

    @Flag(help: "Start again as nobody's child, and report the start on descriptor 3.")
    var detach = false

    @Flag(help: "Report the start on descriptor 3.")
    var report = false

    func run() throws {
        if detach {
            try startAgain()
            return
        }
        let signals = try TerminationSignals()
        let reportDescriptor =
            report ? OwnedDescriptor(BrokerFiles.reportDescriptor) : nil
        let place = try place()
        try BrokerProcess.run(
            configuration(place.port, place.files),
            signals: signals,
            report: reportDescriptor
        )
    }

    /// Our parent waits for us only, and the broker has no parent that could forget to.
    private func startAgain() throws {
        guard let own = ProgramLauncher.ownPath else {
            throw CommandFailure("The path of this program cannot be found in /proc.")
        }
        let arguments = CommandLine.arguments.dropFirst().map { $0 == "--detach" ? "--report" : $0 }
        _ = try ProgramLauncher.start(
            own,
            arguments: arguments,
            descriptors: (0...BrokerFiles.reportDescriptor).map(OwnedDescriptor.init),
            newSession: true
        )
    }

    private func place() throws -> (port: Port, files: BrokerFiles) {
        let directory = try PortDirectory()
        let found = try directory.port(named: port)
        let files = BrokerFiles(
            folder: try folder ?? RuntimeDirectory.open(),
            key: try key ?? directory.identity(of: found).key
        )
        return (Port(name: name ?? found.name, path: found.path), files)
    }

    /// How a port is found again that has been unplugged; what is built in has its path for that.
    private func search(_ port: Port) -> PortSearch? {
        guard let device = SerialDevices.device(path: port.path), device.identity.isPortable else {
            return nil
        }
        return PortSearch(
            identity: device.identity.description,
            find: { SerialDevices.device(like: device)?.path },
            watch: { onChange in PortWatch { _ in onChange() } }
        )
    }

    private func configuration(_ port: Port, _ files: BrokerFiles) -> BrokerConfiguration {
        let log = BrokerLog()
        return BrokerConfiguration(
            devicePath: port.path,
            portName: port.name,
            search: search(port),
            files: files,
            keyOfDevice: Self.key(ofDevice:),
            settings: line.configuration,
            identity: "\(hostName()) \(port.name) pid \(getpid())",
            idleMilliseconds: milliseconds("DBGSRV_BROKER_IDLE_SECONDS", 30),
            graceMilliseconds: milliseconds("DBGSRV_BROKER_GRACE_SECONDS", 120),
            log: { log.write($0) }
        )
    }

    @Sendable
    private static func key(ofDevice path: String) -> String? {
        let port = Port(name: path, path: path)
        return try? PortDirectory.identity(of: port, known: { [] }).key
    }

    private func milliseconds(_ variable: String, _ usual: Double) -> Int {
        let seconds = environmentValue(variable).flatMap(Double.init) ?? usual
        guard seconds >= 0, seconds <= 1_000_000 else { return Int(usual * 1000) }
        return Int(seconds * 1000)
    }
}

/// The broker's log: lines with the time on standard error; a file is emptied when it has grown too long.
struct BrokerLog: Sendable {
    private static let bytesMax = 1 << 20

    func write(_ words: String) {
        if lseek(STDERR_FILENO, 0, SEEK_END) > Self.bytesMax { _ = ftruncate(STDERR_FILENO, 0) }
        Output.note("\(timestamp()) \(words)")
    }

    private func timestamp() -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        var parts = tm()
        gmtime_r(&now.tv_sec, &parts)
        var text = [CChar](repeating: 0, count: 32)
        let length = strftime(&text, text.count, "%Y-%m-%dT%H:%M:%S", &parts)
        let seconds = String(
            decoding: text.prefix(length).map(UInt8.init(bitPattern:)),
            as: UTF8.self
        )
        let fraction = String(1000 + now.tv_nsec / 1_000_000).dropFirst()
        return "\(seconds).\(fraction)Z"
    }
}
