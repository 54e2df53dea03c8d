import Commands
import Console
import DebugEngine
import DebugTarget
import Glibc
import LinuxSystem
import RemoteClient

/// What commands need of the program.
final class ProgramEnvironment: CommandEnvironment {
    private let console: ConsoleOutput
    private let remote: RemoteTarget?
    private let share: SessionShare
    private let arguments: [String]
    private let host: ProgramHost
    private let forbidsShell: Bool
    let systemText: String

    /// - Parameter remote: the stub that does the work; nil where a dump is looked at.
    init(
        console: ConsoleOutput,
        remote: RemoteTarget?,
        systemText: String,
        share: SessionShare,
        arguments: [String],
        host: ProgramHost,
        forbidsShell: Bool
    ) {
        self.host = host
        self.forbidsShell = forbidsShell
        self.systemText = systemText
        self.console = console
        self.remote = remote
        self.share = share
        self.arguments = arguments
    }

    var debuggingServer: (any DebuggingServer)? { share }
    var versionText: String { Product.banner }
    var commandLine: String { arguments.joined(separator: " ") }
    var logName: String? { console.logName }

    func openLog(_ path: String, appending: Bool) throws -> String {
        do {
            try console.openLog(path, appending: appending)
        } catch {
            throw EngineError.sentence("Unable to open log file: \(error)")
        }
        return path
    }

    func closeLog() -> String? { console.closeLog() }

    func pause(milliseconds: Int) {
        var nothing: [PollRequest] = []
        _ = try? pollDescriptors(&nothing, timeoutMilliseconds: milliseconds)
    }

    /// Ends the server by its monitor command; one that goes before it can answer has done as told.
    func endProcessServer() throws {
        guard let remote else {
            throw EngineError.sentence("There is no process server: this is a dump")
        }
        do {
            _ = try remote.monitor("exit")
        } catch  where error.code == .disconnected {
            return
        }
    }

    func runShell(_ line: String) throws -> String {
        guard !forbidsShell, !share.shellIsForbidden else {
            throw EngineError.sentence(
                "Shell commands are forbidden in this session (-noshell, .noshell, or others could join it)"
            )
        }
        return try ShellCommand.run(line) { host.takeInterrupt() }
    }

    func fileNames(inFolder path: String) -> [String] {
        folderEntries(path).filter { $0 != "." && $0 != ".." }.map { name in
            let attributes = try? FileAttributes(path: path + "/" + name)
            return attributes?.kind == .directory ? name + "/" : name
        }
    }

    func clearScreen() {
        if standardOutputIsTerminal { printOut("\u{1b}[H\u{1b}[2J") }
    }

    func variable(_ name: String) -> String? { environmentValue(name) }

    func writeFile(_ path: String, _ bytes: [UInt8], appending: Bool) throws {
        do {
            let file = try openLogFile(path, appending: appending)
            var rest = bytes[...]
            while !rest.isEmpty {
                rest = rest.dropFirst(try file.write(rest))
            }
        } catch {
            throw EngineError.sentence("\(error)")
        }
    }

    func scriptLines(_ path: String) -> [String]? {
        fileText(path, maximum: 4 << 20).map { text in
            text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        }
    }

    /// `2026-11-21 19:25:09`, the local time.
    static var clockText: String { localTime("%Y-%m-%d %H:%M:%S") }

    var fileTimeText: String { Self.localTime("%Y-%m-%d_%H-%M-%S") }

    func createDumpFile(_ path: String, overwriting: Bool) throws -> any DumpFile {
        try LocalDumpFile(path, overwriting: overwriting)
    }

    private static func localTime(_ format: String) -> String {
        var now = time(nil)
        var local = tm()
        localtime_r(&now, &local)
        var text = [CChar](repeating: 0, count: 32)
        let count = strftime(&text, text.count, format, &local)
        return String(decoding: text.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    var timeText: String {
        var now = time(nil)
        var local = tm()
        localtime_r(&now, &local)
        let offset = local.tm_gmtoff
        let sign = offset < 0 ? "-" : "+"
        let minutes = abs(offset) / 60
        let rest = minutes % 60
        let zone = "\(sign) \(minutes / 60):\(rest < 10 ? "0" : "")\(rest)"
        return "\(TimeText.date(Int64(now + offset))) (UTC \(zone))"
    }
}
