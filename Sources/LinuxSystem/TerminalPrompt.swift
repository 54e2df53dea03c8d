internal import CLinuxShims
internal import Glibc

/// Questions to whoever sits at the controlling terminal.
public enum TerminalPrompt {
    /// Whether there is a terminal, and this program has it.
    public static var isPossible: Bool { openTerminal() != nil }

    private static func openTerminal() -> OwnedDescriptor? {
        guard let terminal = try? openFile("/dev/tty", flags: O_RDWR | O_NOCTTY),
            tcgetpgrp(terminal.number) == getpgrp()
        else { return nil }
        return terminal
    }

    /// Asks for a line that is not shown.
    ///
    /// The terminal sends no signals meanwhile: Ctrl+C and Ctrl+D are the answer "none". So nothing can end the
    /// program while the terminal does not echo, short of a signal from elsewhere.
    ///
    /// - Parameters:
    ///   - question: what the user sees.
    ///   - maximumBytes: more are not taken.
    /// - Returns: the line; nil when there is no terminal, when another program has it in the foreground
    ///   (a read would stop this process), or when the user gives none.
    public static func readSecret(
        _ question: String,
        maximumBytes: Int
    ) throws(SystemError) -> [UInt8]? {
        guard let terminal = openTerminal() else { return nil }
        let before = try TerminalSettings(of: terminal)
        var silent = before
        silent.localFlags = 0
        silent.controlCharacters[Int(CLINUX_CHARACTER_MINIMUM.rawValue)] = 1
        silent.controlCharacters[Int(CLINUX_CHARACTER_TIME.rawValue)] = 0
        try silent.apply(to: terminal)
        defer { try? before.apply(to: terminal) }
        _ = try terminal.write(Array(question.utf8)[...])
        let line = try readLine(terminal, maximumBytes)
        _ = try terminal.write([0x0a])
        return line
    }

    private static func readLine(
        _ terminal: OwnedDescriptor,
        _ maximumBytes: Int
    ) throws(SystemError) -> [UInt8]? {
        var line: [UInt8] = []
        while let byte = try terminal.read(maximum: 1)?.first {
            switch byte {
            case 0x0a, 0x0d: return line
            case 0x03: return nil
            case 0x04 where line.isEmpty: return nil
            case 0x08, 0x7f: _ = line.popLast()
            case 0x15: line.removeAll()
            default: if line.count < maximumBytes { line.append(byte) }
            }
        }
        return nil
    }
}
