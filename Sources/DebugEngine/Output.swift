/// What kind of text the engine hands out, so that a console may colour or drop it.
public enum OutputKind: Sendable, Equatable {
    /// The answer to a command.
    case normal
    /// A command that could not be carried out.
    case error
    /// Something the user should know although the command went on.
    case warning
    /// Progress and details that only `-v` shows.
    case verbose
    /// What the program being debugged, or its stub, wrote.
    case debuggee
}

/// Where the engine's and the commands' text goes.
public protocol OutputSink: AnyObject {
    /// Writes text as it is; lines end in `\n`.
    func write(_ text: String, _ kind: OutputKind)
}

extension OutputSink {
    /// Writes a line of ordinary output.
    public func line(_ text: String = "") {
        write(text + "\n", .normal)
    }

    /// Writes a line of another kind.
    public func line(_ text: String, _ kind: OutputKind) {
        write(text + "\n", kind)
    }
}

/// Keeps what is written, for tests and for commands whose output is looked at.
public final class CapturedOutput: OutputSink {
    /// Everything written so far except verbose text.
    public private(set) var text = ""
    /// How much a script may keep of what commands print, in bytes.
    public static let scriptBytesMax = 16 << 20
    private let bytesMax: Int

    /// An empty capture.
    ///
    /// - Parameter bytesMax: how much is kept; what comes after it is dropped.
    public init(bytesMax: Int = .max) {
        self.bytesMax = bytesMax
    }

    /// Appends the text.
    public func write(_ text: String, _ kind: OutputKind) {
        if kind != .verbose, self.text.utf8.count < bytesMax { self.text += text }
    }

    /// Hands the text out and starts afresh.
    public func take() -> String {
        defer { text = "" }
        return text
    }
}
