import Commands
import DebugEngine
import DebugTarget

/// The command interpreter over a scripted target.
final class CommandBench: CommandEnvironment {
    let target = ScriptedTarget()
    let host = ScriptedHost()
    let session: DebugSession
    private(set) var interpreter: CommandInterpreter!
    var scripts: [String: [String]] = [:]

    init(attached: Bool = true) throws {
        session = DebugSession(target: target, host: host)
        interpreter = CommandInterpreter(session: session, environment: self)
        guard attached else { return }
        target.set("rip", ScriptedTarget.base + 0x100)
        target.set("rsp", ScriptedTarget.base + 0x800)
        session.show(try session.attach(to: ScriptedTarget.process))
        _ = host.captured.take()
    }

    /// Carries out a line and gives what it printed.
    func run(_ line: String) -> String {
        interpreter.execute(line)
        return host.captured.take()
    }

    /// Puts bytes into memory at an offset from its start.
    func put(_ bytes: [UInt8], at offset: Int) {
        target.memory.replaceSubrange(offset..<(offset + bytes.count), with: bytes)
    }

    var versionText: String { "Test Debugger Version 1" }
    var commandLine: String { "test" }
    var systemText: String { "Live user mode: <scripted>" }
    func openLog(_ path: String, appending: Bool) throws -> String { path }
    func closeLog() -> String? { nil }
    private(set) var pausedMilliseconds = 0
    func pause(milliseconds: Int) { pausedMilliseconds += milliseconds }
    var logName: String? { nil }
    func endProcessServer() throws {}
    func scriptLines(_ path: String) -> [String]? { scripts[path] }
    var timeText: String { "Thu Sep  8 12:55:08 2016 (UTC - 7:00)" }
}
