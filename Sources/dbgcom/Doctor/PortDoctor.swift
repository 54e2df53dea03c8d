import LinuxSystem
import PortDirectory
import SerialPort
import Transports

/// Looks at everything between a port's name and the program at the far end, and stops where nothing more can be seen.
struct PortDoctor {
    let name: String
    private let line: LineOptions
    /// How long the far end may take, in seconds; the link needs 3 to name what is no peer.
    let wait: Double
    private(set) var findings: [Finding] = []
    private var hasBroker = false

    init(port: String, line: LineOptions, wait: Double) {
        name = port
        self.line = line
        self.wait = wait
    }

    mutating func examine() throws {
        guard let port = examineName() else { return }
        examineMachine(port)
        guard try examineOpening(port) else { return }
        try examineLink(port)
    }

    /// The name and the device behind it.
    private mutating func examineName() -> Port? {
        do {
            let directory = try PortDirectory()
            findings += directory.warnings.map { .problem($0, "edit the file of COM names") }
            let port = try directory.port(named: name)
            let identity = try directory.identity(of: port)
            let driver = directory.devices.first { $0.path == identity.path }?.driver ?? ""
            findings.append(
                .well(
                    "\(port.name) is \(identity.path)"
                        + (driver.isEmpty ? "." : ", driver \(driver).")
                )
            )
            return Port(name: port.name, path: identity.path)
        } catch {
            findings.append(Finding(error))
            return nil
        }
    }

    /// What of this machine hinders or delays without making the port unusable.
    private mutating func examineMachine(_ port: Port) {
        let tty = port.path.split(separator: "/").last.map(String.init) ?? port.path
        let timer = "/sys/class/tty/\(tty)/device/latency_timer"
        if let text = fileText(timer, maximum: 16), let value = Int(text.filter(\.isNumber)),
            value > 1
        {
            findings.append(
                .problem(
                    "The adapter of \(port.name) holds bytes back for \(value) ms.",
                    "echo 1 | sudo tee \(timer)",
                    "sudo make install     (its udev rules set it for good)"
                )
            )
        }
        let isOnUSB = port.path.hasPrefix("/dev/ttyUSB") || port.path.hasPrefix("/dev/ttyACM")
        if isOnUSB, let manager = DescriptorHolder.running("ModemManager"),
            !Self.ruleFiles.contains(where: Files.exists)
        {
            findings.append(
                .problem(
                    "\(manager.description) runs and tries every new port for a modem.",
                    "sudo make install     (its udev rules keep it away)",
                    "sudo systemctl stop ModemManager"
                )
            )
        }
    }

    private static let ruleFiles = ["/lib", "/usr/lib", "/etc"].map {
        "\($0)/udev/rules.d/62-dbgsrv-serial.rules"
    }

    /// Whether the port can be had, which a broker that runs has shown already.
    private mutating func examineOpening(_ port: Port) throws -> Bool {
        if let status = try ComPortStatus.read(port: port.path, program: Self.program) {
            let clients = PortStatistics(status).clients
            hasBroker = true
            findings.append(
                .well(
                    clients.isEmpty
                        ? "Its broker runs." : "In use by \(clients.joined(separator: ", "))."
                )
            )
            return true
        }
        guard port.path.hasPrefix("/") else { return true }
        do {
            // A look at the port moves no modem line.
            var wanted = line.configuration
            wanted.dtr = .leave
            wanted.rts = .leave
            let opened = try SerialPort(path: port.path, configuration: wanted)
            defer { opened.close() }
            findings.append(.well("It can be opened at \(opened.grantedBaudRate) baud."))
            if opened.grantedBaudRate != line.baud {
                findings.append(
                    .problem(
                        "The driver runs at \(opened.grantedBaudRate) baud, not \(line.baud).",
                        "a rate that the hardware has, at both ends"
                    )
                )
            }
            findings += opened.warnings.map {
                .problem($0, "sudo systemctl mask --now serial-getty@…, and another console=")
            }
            return true
        } catch {
            findings.append(Finding(error))
            return false
        }
    }

    static let program = "dbgcom doctor"

    /// What answers on the cable, and how well.
    private mutating func examineLink(_ port: Port) throws {
        let client: ComPortClient
        do {
            client = try ComPortClient.open(
                port: port.path,
                settings: line.settings,
                program: Self.program
            )
        } catch {
            findings.append(.problem(error.description, "dbgcom stats \(name)", "dbgcom list"))
            return
        }
        defer { withExtendedLifetime(client) {} }
        guard let figures = try awaitLink(port) else { return }
        // A broker that ran before has changed to the settings that were asked for, or nobody has opened the port.
        if hasBroker, let granted = figures.number("granted-baud") {
            findings.append(.well("It is open at \(granted) baud."))
        }
        if figures.text("link") == "up" {
            findings.append(.well("The far end answers: \(figures.text("peer"))."))
            examineDamage(figures)
        } else {
            findings.append(
                Finding(
                    verdict: figures.text("verdict-kind"),
                    words: figures.text("verdict"),
                    port: name
                )
            )
        }
        examineUART(figures)
    }

    /// Figures once the link is up or somebody else was recognised.
    private func awaitLink(_ port: Port) throws -> PortStatistics? {
        let end = monotonicNanoseconds() + UInt64(wait * 1e9)
        while let status = try ComPortStatus.read(port: port.path, program: Self.program) {
            let figures = PortStatistics(status)
            let isKnown = figures.text("link") == "up" || !figures.text("verdict-kind").isEmpty
            if isKnown || monotonicNanoseconds() >= end { return figures }
            var none: [PollRequest] = []
            try pollDescriptors(&none, timeoutMilliseconds: 50)
        }
        return nil
    }

    private mutating func examineDamage(_ figures: PortStatistics) {
        let damaged = figures.number("damaged-frames") ?? 0
        let whole = figures.number("frames-in") ?? 0
        guard damaged * Self.damagedOneOf > damaged + whole else { return }
        findings.append(
            .problem(
                "\(damaged) of \(damaged + whole) frames arrive damaged, and are sent again.",
                "a lower --baud at both ends, or a shorter cable",
                "dbgcom stats \(name)"
            )
        )
    }

    /// More than one damaged frame of so many is worth a word.
    private static let damagedOneOf = 50

    private mutating func examineUART(_ figures: PortStatistics) {
        let counters = [
            ("uart-overruns", "were lost because the UART was not emptied in time"),
            ("uart-buffer-overruns", "were lost because nobody read them in time"),
            ("uart-frame-errors", "had no stop bit, as at another baud rate"),
            ("uart-parity-errors", "had the wrong parity"),
        ]
        for (key, words) in counters {
            guard let count = figures.number(key), count > 0 else { continue }
            findings.append(
                .problem(
                    "Since the driver was loaded \(count) bytes \(words).",
                    key.hasSuffix("overruns")
                        ? "--flow rts-cts, where the cable has these lines, or a lower --baud"
                        : "the same --baud and --parity at both ends",
                    "dbgcom stats \(name)     (does it still grow?)"
                )
            )
        }
        if line.flow == .rtsCts, figures.text("cts") == "off" {
            findings.append(
                .problem(
                    "The other side holds CTS off: nothing can be sent with --flow rts-cts.",
                    "--flow none, or a cable that joins RTS and CTS"
                )
            )
        }
    }
}

extension DescriptorHolder {
    /// A program of this name that runs.
    static func running(_ program: String) -> DescriptorHolder? {
        folderEntries("/proc").compactMap { Int32($0) }
            .first {
                fileText("/proc/\($0)/comm", maximum: 64)?.split(separator: "\n").first
                    == program.prefix(15)
            }
            .map { DescriptorHolder(processID: $0) }
    }
}
