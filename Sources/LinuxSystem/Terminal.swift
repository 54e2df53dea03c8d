internal import CLinuxShims
internal import Glibc

/// The kernel's settings of a terminal: struct termios2, speeds as plain numbers.
public struct TerminalSettings: Sendable, Equatable {
    /// c_iflag.
    public var inputFlags: UInt32
    /// c_oflag.
    public var outputFlags: UInt32
    /// c_cflag.
    public var controlFlags: UInt32
    /// c_lflag.
    public var localFlags: UInt32
    /// c_line.
    public var lineDiscipline: UInt8
    /// c_cc, 19 of them.
    public var controlCharacters: [UInt8]
    /// Bits per second, receiving.
    public var inputSpeed: UInt32
    /// Bits per second, sending.
    public var outputSpeed: UInt32
}

extension TerminalSettings {
    static let controlCharacterCount = 19

    /// Reads a terminal's settings; ENOTTY when the descriptor is none.
    public init(of descriptor: OwnedDescriptor) throws(SystemError) {
        var raw = clinux_termios2()
        try systemCall("TCGETS2") { clinux_terminal_read(descriptor.number, &raw) }
        inputFlags = raw.input_flags
        outputFlags = raw.output_flags
        controlFlags = raw.control_flags
        localFlags = raw.local_flags
        lineDiscipline = raw.line_discipline
        controlCharacters = withUnsafeBytes(of: raw.control_characters) { Array($0) }
        inputSpeed = raw.input_speed
        outputSpeed = raw.output_speed
    }

    /// Gives the settings to a terminal; the driver may change them, so read them back.
    public func apply(to descriptor: OwnedDescriptor) throws(SystemError) {
        precondition(
            controlCharacters.count == Self.controlCharacterCount,
            "a terminal has 19 control characters"
        )
        var raw = clinux_termios2()
        raw.input_flags = inputFlags
        raw.output_flags = outputFlags
        raw.control_flags = controlFlags
        raw.local_flags = localFlags
        raw.line_discipline = lineDiscipline
        withUnsafeMutableBytes(of: &raw.control_characters) {
            $0.copyBytes(from: controlCharacters)
        }
        raw.input_speed = inputSpeed
        raw.output_speed = outputSpeed
        try systemCall("TCSETS2") { clinux_terminal_write(descriptor.number, &raw) }
    }

    /// Makes the line raw: bytes pass unchanged, nothing is echoed, no byte means a signal, a BREAK
    /// reads as one zero byte; the modem's carrier is ignored and the last close does not hang up.
    public mutating func makeRaw() {
        inputFlags = 0
        outputFlags = 0
        localFlags = 0
        lineDiscipline = 0
        controlFlags &= ~CLINUX_HANG_UP_ON_CLOSE.rawValue
        controlFlags |= CLINUX_LOCAL.rawValue | CLINUX_RECEIVE.rawValue
        controlCharacters[Int(CLINUX_CHARACTER_MINIMUM.rawValue)] = 1
        controlCharacters[Int(CLINUX_CHARACTER_TIME.rawValue)] = 0
    }

    /// Asks for any rate (BOTHER), the same in both directions.
    public mutating func setSpeed(bitsPerSecond: UInt32) {
        let speeds = CLINUX_SPEED_MASK.rawValue | CLINUX_INPUT_SPEED_MASK.rawValue
        controlFlags = controlFlags & ~speeds | CLINUX_OTHER_SPEED.rawValue
        inputSpeed = bitsPerSecond
        outputSpeed = bitsPerSecond
    }

    /// Sets 7 or 8 data bits, parity and stop bits.
    public mutating func setCharacter(sevenBits: Bool, parity: Bool, odd: Bool, twoStopBits: Bool) {
        setControl(CLINUX_SIZE_MASK, false)
        setControl(sevenBits ? CLINUX_SIZE_7 : CLINUX_SIZE_8, true)
        setControl(CLINUX_PARITY, parity)
        setControl(CLINUX_ODD_PARITY, odd)
        setControl(CLINUX_TWO_STOP_BITS, twoStopBits)
    }

    /// Sets flow control by the RTS and CTS lines, and by the bytes XON and XOFF.
    public mutating func setFlowControl(lines: Bool, bytes: Bool) {
        setControl(CLINUX_RTS_CTS, lines)
        let both = CLINUX_XON_XOFF_IN.rawValue | CLINUX_XON_XOFF_OUT.rawValue
        inputFlags = bytes ? inputFlags | both : inputFlags & ~both
    }

    private mutating func setControl(_ flag: clinux_terminal_flag, _ on: Bool) {
        controlFlags = on ? controlFlags | flag.rawValue : controlFlags & ~flag.rawValue
    }

    /// The control flags without the coded speeds, for comparing what was asked with what was granted.
    public var characterFlags: UInt32 {
        controlFlags & ~(CLINUX_SPEED_MASK.rawValue | CLINUX_INPUT_SPEED_MASK.rawValue)
    }
}

/// Modem lines that the other side drives.
public struct ModemInputs: OptionSet, Sendable {
    /// The lines as bits.
    public let rawValue: Int32
    /// The other side may be sent to.
    public static let clearToSend = ModemInputs(rawValue: 1)
    /// The other side is there.
    public static let dataSetReady = ModemInputs(rawValue: 2)
    /// The other side has a carrier.
    public static let carrier = ModemInputs(rawValue: 4)

    /// Lines of these bits.
    public init(rawValue: Int32) {
        self.rawValue = rawValue
    }
}

/// The size of a terminal's window, in characters.
public struct WindowSize: Sendable, Equatable {
    /// Lines.
    public var rows: UInt16
    /// Characters of a line.
    public var columns: UInt16

    /// Builds a size.
    public init(rows: UInt16, columns: UInt16) {
        self.rows = rows
        self.columns = columns
    }

    /// The size of a terminal's window; nil when the descriptor is none.
    public init?(of descriptor: OwnedDescriptor) {
        rows = 0
        columns = 0
        guard clinux_terminal_read_window(descriptor.number, &rows, &columns) == 0 else {
            return nil
        }
    }

    /// Gives the size to a terminal, whose programs get SIGWINCH when it is another one.
    public func apply(to descriptor: OwnedDescriptor) {
        _ = clinux_terminal_write_window(descriptor.number, rows, columns)
    }
}

/// What a serial driver has counted since it was loaded.
public struct LineCounters: Sendable, Equatable {
    /// Bytes received.
    public var received: Int
    /// Bytes sent.
    public var sent: Int
    /// Bytes without a proper stop bit: usually another baud rate.
    public var frameErrors: Int
    /// Bytes lost because the hardware was not emptied in time.
    public var overruns: Int
    /// Bytes of wrong parity.
    public var parityErrors: Int
    /// BREAK conditions.
    public var breaks: Int
    /// Bytes lost because no program read them in time.
    public var bufferOverruns: Int

    /// Nothing counted.
    public static let zero = LineCounters(
        received: 0,
        sent: 0,
        frameErrors: 0,
        overruns: 0,
        parityErrors: 0,
        breaks: 0,
        bufferOverruns: 0
    )
}

/// The lines of a port that a program can raise and lower.
public enum ModemLine: Int32, Sendable {
    /// Data terminal ready.
    case dtr = 0
    /// Request to send.
    case rts = 1
}

/// The terminal calls beside the settings.
extension OwnedDescriptor {
    /// Whether the descriptor is a terminal.
    public var isTerminal: Bool { isatty(number) == 1 }

    /// Throws away what has arrived and what is still to be sent.
    public func flushTerminal() throws(SystemError) {
        try systemCall("TCFLSH") { clinux_terminal_flush(number) }
    }

    /// Makes later opens of the terminal fail with EBUSY, except root's.
    public func setTerminalExclusive(_ on: Bool) throws(SystemError) {
        try systemCall(on ? "TIOCEXCL" : "TIOCNXCL") {
            clinux_terminal_set_exclusive(number, on ? 1 : 0)
        }
    }

    /// Raises or lowers a modem line; ENOTTY where there are none, as on a pseudo-terminal.
    public func setModemLine(_ line: ModemLine, _ on: Bool) throws(SystemError) {
        try systemCall(on ? "TIOCMBIS" : "TIOCMBIC") {
            clinux_terminal_set_modem_line(number, line.rawValue, on ? 1 : 0)
        }
    }

    /// Bytes that the driver has not sent yet; nil when it cannot say.
    public var queuedTerminalOutput: Int? {
        let queued = clinux_terminal_queued_output(number)
        return queued < 0 ? nil : Int(queued)
    }

    /// The driver's counters; nil when it has none, as a pseudo-terminal.
    public var lineCounters: LineCounters? {
        var raw = clinux_line_counters()
        guard clinux_terminal_counters(number, &raw) == 0 else { return nil }
        return LineCounters(
            received: Int(raw.received),
            sent: Int(raw.sent),
            frameErrors: Int(raw.frame_errors),
            overruns: Int(raw.overruns),
            parityErrors: Int(raw.parity_errors),
            breaks: Int(raw.breaks),
            bufferOverruns: Int(raw.buffer_overruns)
        )
    }

    /// The modem lines that the other side drives; nil when there are none, as on a pseudo-terminal.
    public var modemInputs: ModemInputs? {
        let bits = clinux_terminal_modem_inputs(number)
        return bits < 0 ? nil : ModemInputs(rawValue: bits)
    }

    /// Whether the driver says that no hardware is behind the name (a phantom ttyS); nil when it cannot say.
    public var hasNoUART: Bool? {
        let type = clinux_terminal_uart_type(number)
        return type < 0 ? nil : type == 0
    }

    /// The fastest rate of an 8250-like UART (its rate at divisor 1, TIOCGSERIAL), bits per second; nil for others.
    public var fastestUARTRate: Int? {
        let rate = clinux_terminal_uart_base_rate(number)
        return rate > 0 ? Int(rate) : nil
    }

    /// Asks the driver to pass bytes on at once rather than after its latency timer.
    ///
    /// - Returns: the earlier state; nil when the driver has no such thing.
    @discardableResult
    public func setLowLatency(_ on: Bool) -> Bool? {
        let before = clinux_terminal_set_low_latency(number, on ? 1 : 0)
        return before < 0 ? nil : before == 1
    }
}
