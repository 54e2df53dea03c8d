internal import Glibc
internal import LinuxSystem
internal import Logging

/// Writes one line for each message to a descriptor: time, program, process, level, message.
struct DescriptorLogHandler: LogHandler {
    let descriptor: Int32
    let label: String
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let line = "\(timeStamp()) \(label)[\(getpid())] \(event.level): \(event.message)\n"
        // One write for one line, so that lines of several processes do not mix.
        _ = line.utf8.withContiguousStorageIfAvailable {
            write(descriptor, $0.baseAddress, $0.count)
        }
    }
}

/// A logger on a descriptor, or one that says nothing.
func makeLogger(descriptor: Int32?) -> Logger {
    Logger(label: "dbgsrv") { label in
        guard let descriptor else { return SwiftLogNoOpLogHandler() }
        return DescriptorLogHandler(descriptor: descriptor, label: label)
    }
}

/// Opens a log file for appending.
func openLogFile(_ path: String) throws(SystemError) -> OwnedDescriptor {
    OwnedDescriptor(
        try systemCall("open", path) {
            open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0o640)
        }
    )
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
