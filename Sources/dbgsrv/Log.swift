internal import Glibc
internal import LinuxSystem
internal import Logging
internal import WireCore

/// Where a server, and each of its sessions, writes what happens.
enum LogDestination: Equatable {
    /// Nowhere.
    case none
    /// Lines with time, program and level, to a descriptor: standard error or a file.
    case lines(Int32)
    /// Lines with a syslog level in front, `<6>`, to standard error, which is a stream of the journal
    /// (sd-daemon(3)); the journal adds time and program itself.
    case journalStream(Int32)
    /// Records to the journal's socket, in its native protocol.
    case journal

    /// The descriptor that a session process needs, where there is one.
    var descriptor: Int32? {
        switch self {
        case .lines(let number), .journalStream(let number): number
        case .none, .journal: nil
        }
    }

    /// One word, for a session's settings.
    var word: String {
        switch self {
        case .none: "none"
        case .lines: "lines"
        case .journalStream: "journal-stream"
        case .journal: "journal"
        }
    }

    /// Reads the word.
    init(word: String, descriptor: Int32) {
        switch word {
        case "lines": self = .lines(descriptor)
        case "journal-stream": self = .journalStream(descriptor)
        case "journal": self = .journal
        default: self = .none
        }
    }
}

/// The metadata that this program gives to messages.
enum LogKey {
    /// The far end of a connection, `tcp [::1]:5005`.
    static let peer = "peer"
    /// What an audit line is about, `attach`.
    static let audit = "audit"
    /// The process it is about.
    static let process = "process"
    /// The user at the far end, where the transport tells.
    static let user = "user"
}

/// Writes one line for each message.
///
/// Messages hold what peers say: control characters are written as escapes, so that a line of the log is one
/// that this program wrote.
struct LineLogHandler: LogHandler {
    let descriptor: Int32
    let label: String
    /// Whether the line begins with a syslog level instead of time, program and level.
    let hasLevelPrefix: Bool
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let text = printableText("\(event.message)")
        let line =
            hasLevelPrefix
            ? "<\(event.level.syslogNumber)>\(text)\n"
            : "\(timeStamp()) \(label)[\(getpid())] \(event.level): \(text)\n"
        // One write for one line, so that lines of several processes do not mix.
        _ = line.utf8.withContiguousStorageIfAvailable {
            write(descriptor, $0.baseAddress, $0.count)
        }
    }
}

/// Sends one record for each message to the journal.
struct JournalLogHandler: LogHandler {
    let journal: UnixDatagramSender
    let label: String
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { _, own in own }
        let fields = all.sorted { $0.key < $1.key }.map { key, value in
            JournalRecord.Field("DBGSRV_\(key.uppercased())", printableText("\(value)"))
        }
        let record = JournalRecord(
            message: printableText("\(event.message)"),
            priority: event.level.syslogNumber,
            program: label,
            fields: fields
        )
        // A journal that is away or full loses the line; waiting for it would stop a session.
        try? journal.send(record.bytes)
    }
}

/// A logger for a destination.
func makeLogger(_ destination: LogDestination) -> Logger {
    let journal = destination == .journal ? try? UnixDatagramSender(to: JournalRecord.path) : nil
    return Logger(label: "dbgsrv") { label in
        switch destination {
        case .none: SwiftLogNoOpLogHandler()
        case .lines(let number):
            LineLogHandler(descriptor: number, label: label, hasLevelPrefix: false)
        case .journalStream(let number):
            LineLogHandler(descriptor: number, label: label, hasLevelPrefix: true)
        case .journal:
            if let journal {
                JournalLogHandler(journal: journal, label: label)
            } else {
                SwiftLogNoOpLogHandler()
            }
        }
    }
}

/// Where `-v` and `--log` want the log.
///
/// - Returns: the place, and the file that has to stay open with it.
func openLog(
    _ log: String?,
    isVerbose: Bool
) throws(SystemError) -> (LogDestination, OwnedDescriptor?) {
    switch log {
    case "journal":
        // Said now rather than never.
        let status = try FileAttributes(path: JournalRecord.path)
        guard status.kind == .socket else {
            throw SystemError("send", JournalRecord.path, errorNumber: ENOTSOCK)
        }
        return (.journal, nil)
    case let path?:
        let file = OwnedDescriptor(
            try systemCall("open", path) {
                open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0o640)
            }
        )
        return (.lines(file.number), file)
    case nil where isVerbose:
        return (JournalRecord.isStream(2) ? .journalStream(2) : .lines(2), nil)
    case nil:
        return (.none, nil)
    }
}

extension Logger.Level {
    /// syslog(3)'s number.
    var syslogNumber: Int {
        switch self {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}

/// The local time with milliseconds, `2026-11-20 23:33:41.123`.
private func timeStamp() -> String {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    var parts = tm()
    localtime_r(&now.tv_sec, &parts)
    var buffer = [CChar](repeating: 0, count: 32)
    strftime(&buffer, buffer.count, "%Y-%m-%d %H:%M:%S", &parts)
    let seconds = String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
    let milliseconds = String(now.tv_nsec / 1_000_000)
    return seconds + "." + String(repeating: "0", count: 3 - milliseconds.count) + milliseconds
}
