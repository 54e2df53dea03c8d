internal import Glibc
public import LinuxSystem

/// An open serial port: ours alone, raw, with the settings that were asked for; everything as it was before
/// once it is closed.
///
/// The order is open, flock, lock file, TIOCEXCL, settings: nothing of a port that somebody else uses is
/// touched before the lock is held. Opening raises DTR and RTS, which no program can prevent; HUPCL is
/// cleared so that they stay up until the original settings return.
public final class SerialPort {
    /// The device, symlinks followed.
    public let path: String
    /// The terminal; it does not block.
    public let descriptor: OwnedDescriptor
    /// What was asked for and granted.
    public private(set) var configuration: SerialConfiguration
    /// The rate as the driver states it, within 2 % of the one asked for.
    public private(set) var grantedBaudRate: Int
    /// Sentences about what may disturb the line.
    public let warnings: [String]
    /// What was done to have bytes passed on at once, for the log.
    public var notes: [String] { tuning.notes }

    /// Milliseconds that `close` waits for the last bytes to leave.
    public static let drainMillisecondsMax = 200
    /// How far, in percent, the driver's rate may be from the one asked for.
    static let toleratedPercent = 2

    private let original: TerminalSettings
    private let tuning: LineTuning
    private let lockFile: UUCPLock?
    private var isOpen = true

    /// Opens a device.
    ///
    /// - Parameters:
    ///   - path: the device node or a symlink to it.
    ///   - configuration: the line's settings.
    ///   - lockFolder: where older programs keep their lock files.
    ///   - sysfsFolder: where the kernel shows its ttys.
    public init(
        path given: String,
        configuration: SerialConfiguration,
        lockFolder: String = "/run/lock",
        sysfsFolder: String = "/sys/class/tty"
    ) throws(SerialPortError) {
        guard SerialConfiguration.baudRates ~= configuration.baudRate else {
            throw .badBaudRate(configuration.baudRate)
        }
        path = try Self.resolve(given)
        descriptor = try Self.openTerminal(path)
        try Self.lock(descriptor, path)
        try Self.checkOtherUsers(descriptor, path)
        lockFile = try UUCPLock(device: path, folder: lockFolder)
        do {
            try? descriptor.setTerminalExclusive(true)
            original = try Self.originalSettings(descriptor, path)
            grantedBaudRate = try Self.configure(descriptor, path, original, configuration)
        } catch {
            lockFile?.release()
            throw error
        }
        tuning = LineTuning(descriptor, path: path, sysfsFolder: sysfsFolder)
        try? descriptor.flushTerminal()
        self.configuration = configuration
        warnings = PortRivals.consoleWarnings(path)
    }

    deinit {
        close()
    }

    /// Changes the settings of the open port.
    public func reconfigure(_ wanted: SerialConfiguration) throws(SerialPortError) {
        guard SerialConfiguration.baudRates ~= wanted.baudRate else {
            throw .badBaudRate(wanted.baudRate)
        }
        grantedBaudRate = try Self.configure(descriptor, path, original, wanted)
        configuration = wanted
        try? descriptor.flushTerminal()
    }

    /// Has BREAKs marked in what is read, see `BreakMarks`.
    public func markBreaks() throws(SystemError) {
        var settings = try TerminalSettings(of: descriptor)
        settings.markBreaks()
        try settings.apply(to: descriptor)
    }

    /// Puts everything back as it was found and lets others have the port; safe to call twice.
    ///
    /// What is still queued gets a moment to leave, then it is thrown away: a line that is held up by flow
    /// control would block the last close for half a minute.
    public func close() {
        guard isOpen else { return }
        isOpen = false
        if !drain() { try? descriptor.flushTerminal() }
        tuning.restore(descriptor)
        try? original.apply(to: descriptor)
        try? descriptor.setTerminalExclusive(false)
        lockFile?.release()
    }

    /// Waits for the last bytes to leave.
    ///
    /// - Returns: whether they did.
    private func drain() -> Bool {
        let deadline = monotonicNanoseconds() + UInt64(Self.drainMillisecondsMax) * 1_000_000
        while let queued = descriptor.queuedTerminalOutput, queued > 0 {
            guard monotonicNanoseconds() < deadline else { return false }
            var none: [PollRequest] = []
            _ = try? pollDescriptors(&none, timeoutMilliseconds: 2)
        }
        return true
    }
}

/// The steps of opening.
extension SerialPort {
    private static func resolve(_ path: String) throws(SerialPortError) -> String {
        do {
            return try resolvedPath(path)
        } catch {
            switch error.errorNumber {
            case ENOENT, ENOTDIR: throw .absent(path: path)
            default: throw .system(error)
            }
        }
    }

    private static func openTerminal(_ path: String) throws(SerialPortError) -> OwnedDescriptor {
        do {
            let status = try FileAttributes(path: path)
            guard status.kind == .characterDevice else {
                throw SerialPortError.notATerminal(path: path)
            }
            return try openFile(path, flags: O_RDWR | O_NOCTTY | O_NONBLOCK)
        } catch let error as SystemError {
            switch error.errorNumber {
            case ENOENT: throw .absent(path: path)
            case ENXIO, ENODEV, EIO: throw .noHardware(path: path)
            case EACCES, EPERM: throw .permissionDenied(path: path, group: groupOf(path))
            case EBUSY: throw .busy(path: path, holder: holder(path))
            default: throw .system(error)
            }
        } catch let error as SerialPortError {
            throw error
        } catch {
            throw .absent(path: path)
        }
    }

    /// The group that may open the device; the usual one when the node's group is root.
    private static func groupOf(_ path: String) -> String {
        guard let status = try? FileAttributes(path: path), status.group != 0 else {
            return "dialout"
        }
        return groupName(status.group)
    }

    private static func holder(_ path: String) -> DescriptorHolder? {
        guard let status = try? FileAttributes(path: path) else { return nil }
        return DescriptorHolder.ofLock(on: status)
            ?? DescriptorHolder.ofDevice(major: status.deviceMajor, minor: status.deviceMinor).first
            ?? DescriptorHolder.onTerminal(major: status.deviceMajor, minor: status.deviceMinor)
            .first
    }

    private static func lock(_ descriptor: OwnedDescriptor, _ path: String) throws(SerialPortError)
    {
        guard descriptor.isTerminal || isPhantom(descriptor) else {
            throw .notATerminal(path: path)
        }
        let locked: Bool
        do {
            locked = try tryLock(descriptor)
        } catch {
            throw .system(error)
        }
        if !locked { throw .busy(path: path, holder: holder(path)) }
    }

    /// An absent 8250 port opens, and then answers EIO to everything.
    private static func isPhantom(_ descriptor: OwnedDescriptor) -> Bool {
        do {
            _ = try TerminalSettings(of: descriptor)
            return false
        } catch {
            return error.errorNumber == EIO
        }
    }

    /// Pseudo-terminals are let through: whoever made the pair rightly keeps this end open.
    private static func checkOtherUsers(
        _ descriptor: OwnedDescriptor,
        _ path: String
    ) throws(SerialPortError) {
        guard let status = try? FileAttributes(of: descriptor),
            !pseudoTerminalMajors.contains(status.deviceMajor),
            let rival = PortRivals.error(
                path: path,
                major: status.deviceMajor,
                minor: status.deviceMinor
            )
        else { return }
        throw rival
    }

    private static let pseudoTerminalMajors: ClosedRange<UInt32> = 136...143

    private static func originalSettings(
        _ descriptor: OwnedDescriptor,
        _ path: String
    ) throws(SerialPortError) -> TerminalSettings {
        if descriptor.hasNoUART == true, path.hasPrefix("/dev/ttyS") {
            throw .noHardware(path: path)
        }
        do {
            return try TerminalSettings(of: descriptor)
        } catch {
            switch error.errorNumber {
            case ENOTTY: throw .notATerminal(path: path)
            case EIO, ENODEV, ENXIO: throw .noHardware(path: path)
            default: throw .system(SystemError(error.call, path, errorNumber: error.errorNumber))
            }
        }
    }
}

/// Settings: ask, read back, compare.
extension SerialPort {
    private static func configure(
        _ descriptor: OwnedDescriptor,
        _ path: String,
        _ original: TerminalSettings,
        _ wanted: SerialConfiguration
    ) throws(SerialPortError) -> Int {
        let asked = settings(from: original, wanted)
        let granted: TerminalSettings
        do {
            try asked.apply(to: descriptor)
            granted = try TerminalSettings(of: descriptor)
        } catch {
            try? original.apply(to: descriptor)
            throw .system(SystemError(error.call, path, errorNumber: error.errorNumber))
        }
        let fastest = path.hasPrefix("/dev/ttyS") ? descriptor.fastestUARTRate : nil
        if let complaint = complaint(path, wanted, asked, granted, fastest: fastest) {
            try? original.apply(to: descriptor)
            throw complaint
        }
        do {
            try setModemLines(descriptor, path, wanted)
        } catch {
            try? original.apply(to: descriptor)
            throw error
        }
        return hasRate(path) ? Int(granted.outputSpeed) : wanted.baudRate
    }

    private static func setModemLines(
        _ descriptor: OwnedDescriptor,
        _ path: String,
        _ wanted: SerialConfiguration
    ) throws(SerialPortError) {
        let rts = wanted.flowControl == .rtsCts ? .leave : wanted.rts
        let lines: [(line: ModemLine, name: String, wanted: SerialConfiguration.ModemLine)] = [
            (.dtr, "dtr", wanted.dtr), (.rts, "rts", rts),
        ]
        for (line, name, state) in lines where state != .leave {
            guard (try? descriptor.setModemLine(line, state == .on)) != nil else {
                throw .settingNotGranted(path: path, asked: "\(name)=\(state.rawValue)")
            }
        }
    }

    /// The settings for a configuration; what it does not speak of stays as it was.
    static func settings(
        from original: TerminalSettings,
        _ wanted: SerialConfiguration
    ) -> TerminalSettings {
        var settings = original
        settings.makeRaw()
        settings.setSpeed(bitsPerSecond: UInt32(clamping: wanted.baudRate))
        settings.setCharacter(
            sevenBits: wanted.dataBits == 7,
            parity: wanted.parity != .none,
            odd: wanted.parity == .odd,
            twoStopBits: wanted.stopBits == 2
        )
        settings.setFlowControl(
            lines: wanted.flowControl == .rtsCts,
            bytes: wanted.flowControl == .xonXoff
        )
        return settings
    }

    /// Whether a port has a rate at all: the serial gadget, a board that is itself the USB adapter, has none, and its
    /// driver leaves the settings as they were.
    private static func hasRate(_ path: String) -> Bool { !path.hasPrefix("/dev/ttyGS") }

    /// tcsetattr succeeds when any change was made, so every one is compared.
    static func complaint(
        _ path: String,
        _ wanted: SerialConfiguration,
        _ asked: TerminalSettings,
        _ granted: TerminalSettings,
        fastest: Int? = nil
    ) -> SerialPortError? {
        for speed in [granted.outputSpeed, granted.inputSpeed] where hasRate(path) {
            let difference = abs(Int(speed) - wanted.baudRate)
            if difference * 100 > wanted.baudRate * toleratedPercent {
                return .baudRateNotGranted(
                    path: path,
                    asked: wanted.baudRate,
                    granted: Int(speed),
                    // A rate in the UART's range was refused for another reason.
                    fastest: fastest.flatMap { $0 < wanted.baudRate ? $0 : nil }
                )
            }
        }
        if granted.characterFlags != asked.characterFlags {
            return .settingNotGranted(
                path: path,
                asked: "\(wanted.character), flow control \(wanted.flowControl.rawValue)"
            )
        }
        if granted.inputFlags != asked.inputFlags || granted.outputFlags != 0
            || granted.localFlags != 0
        {
            return .settingNotGranted(path: path, asked: "raw mode")
        }
        return nil
    }
}
