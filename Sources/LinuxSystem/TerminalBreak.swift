internal import CLinuxShims
internal import Glibc

/// What a BREAK on a terminal's line means to its programs (termios(3), BRKINT).
public enum BreakMeaning: Sendable, Equatable {
    /// Nothing.
    case ignored
    /// SIGINT for the foreground process group.
    case interrupt
    /// One zero byte to be read; with PARMRK a driver of real lines puts a mark before it.
    case zeroByte
}

extension TerminalSettings {
    /// What a BREAK means with these settings.
    public var breakMeaning: BreakMeaning {
        func has(_ flag: clinux_terminal_flag) -> Bool { inputFlags & flag.rawValue != 0 }
        if has(CLINUX_IGNORE_BREAK) { return .ignored }
        if has(CLINUX_BREAK_INTERRUPTS) { return .interrupt }
        return .zeroByte
    }

    /// Makes a BREAK interrupt what runs in the foreground, as getty(8) does.
    public mutating func makeBreakInterrupt() {
        inputFlags |= CLINUX_BREAK_INTERRUPTS.rawValue
    }

    /// Has a BREAK read as 0xff 0 0, and the byte 0xff as two of it: see `BreakMarks`.
    public mutating func markBreaks() {
        inputFlags |= CLINUX_MARK_BREAKS.rawValue
    }
}

extension PseudoTerminal {
    /// Does to the programs on the terminal what a BREAK on a serial line would do.
    ///
    /// The pseudo-terminal driver has no line that could be held, nor a way to bring in PARMRK's mark.
    public func receiveBreak() {
        guard let settings = try? TerminalSettings(of: master) else { return }
        switch settings.breakMeaning {
        case .ignored: break
        case .interrupt: _ = clinux_pseudo_terminal_signal(master.number, SIGINT)
        case .zeroByte: _ = try? master.write([0])
        }
    }
}

extension OwnedDescriptor {
    /// The longest BREAK that `sendBreak` sends, since it waits so long, in milliseconds.
    public static let breakMillisecondsMax = 1000

    /// Sends a BREAK on a serial line, in steps of 100 ms, and waits for its end; does nothing on a
    /// pseudo-terminal.
    public func sendBreak(milliseconds: Int) throws(SystemError) {
        let tenths = Int32(max(1, min(milliseconds, Self.breakMillisecondsMax) / 100))
        try systemCall("TCSBRKP") { clinux_terminal_send_break(number, tenths) }
    }
}

/// Tells BREAKs from bytes on a terminal that marks them (PARMRK).
public struct BreakMarks: Sendable {
    /// What was read.
    public enum Element: Sendable, Equatable {
        /// Bytes.
        case bytes([UInt8])
        /// A BREAK.
        case lineBreak
    }

    private var marks: [UInt8] = []

    /// Starts between two bytes.
    public init() {}

    /// Takes what was read from the terminal.
    ///
    /// A byte that came with a wrong parity or frame, which is marked as 0xff 0 and the byte, stays as it came.
    public mutating func take(_ read: [UInt8]) -> [Element] {
        var elements: [Element] = []
        var plain: [UInt8] = []
        for byte in read {
            guard !marks.isEmpty || byte == 0xFF else {
                plain.append(byte)
                continue
            }
            marks.append(byte)
            if marks.count == 1 || marks == [0xFF, 0] { continue }
            if marks == [0xFF, 0, 0] {
                if !plain.isEmpty { elements.append(.bytes(plain)) }
                plain = []
                elements.append(.lineBreak)
            } else {
                plain.append(byte)
            }
            marks = []
        }
        if !plain.isEmpty { elements.append(.bytes(plain)) }
        return elements
    }
}
