public import LinuxSystem

/// What a piece of output is, as far as the console cares.
public enum ConsoleStyle: Sendable {
    /// Plain text.
    case plain
    /// An error: red on a terminal.
    case error
    /// A warning: yellow on a terminal.
    case warning
}

/// Writes to standard output and, when one is open, to a log file.
public final class ConsoleOutput {
    /// The open log file's name.
    public private(set) var logName: String?
    private var log: OwnedDescriptor?
    private let usesColor: Bool
    private let isSilent: Bool

    /// Output in colour only on a terminal that has it.
    ///
    /// - Parameter isSilent: whether nothing but the log gets it.
    public init(isSilent: Bool = false) {
        self.isSilent = isSilent
        usesColor =
            standardOutputIsTerminal && environmentValue("NO_COLOR") == nil
            && environmentValue("TERM").map { $0 != "dumb" } ?? false
    }

    /// Writes text.
    public func write(_ text: String, _ style: ConsoleStyle = .plain) {
        logOnly(text)
        if isSilent { return }
        guard usesColor, style != .plain else { return printOut(text) }
        let color = style == .error ? "\u{1b}[31m" : "\u{1b}[33m"
        let hasNewline = text.hasSuffix("\n")
        printOut(color + (hasNewline ? String(text.dropLast()) : text) + "\u{1b}[0m")
        if hasNewline { printOut("\n") }
    }

    /// Writes what the user typed to the log, where the terminal has shown it already.
    public func logOnly(_ text: String) {
        guard let log else { return }
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            guard let taken = try? log.write(rest), taken > 0 else {
                self.log = nil
                printError("The log file \(logName ?? "") cannot be written; it is closed.\n")
                logName = nil
                return
            }
            rest = rest.dropFirst(taken)
        }
    }

    /// Starts a log.
    public func openLog(_ path: String, appending: Bool) throws(SystemError) {
        log = try openLogFile(path, appending: appending)
        logName = path
    }

    /// Ends the log.
    ///
    /// - Returns: its name; nil when there was none.
    public func closeLog() -> String? {
        defer {
            log = nil
            logName = nil
        }
        return logName
    }
}
