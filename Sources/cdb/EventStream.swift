import DebugEngine
import DebugTarget
import Glibc
import LinuxSystem
import Symbols
import WireCore

/// `--json`: what happens in the session as lines of JSON, for tools that would else have to read the text.
///
/// Each line is one object with an `event`; docs/json-events.md has them all. A reader that does not read holds the
/// debugger up as a pipe does; one that is gone ends the stream and nothing else.
final class EventStream {
    private var file: OwnedDescriptor?
    private weak var session: DebugSession?

    /// Opens a file, which is added to, a FIFO, or with `fd:N` a descriptor that the debugger was started with.
    init(_ place: String) throws(SystemError) {
        if place.hasPrefix("fd:"), let number = Int32(place.dropFirst(3)), number > 2 {
            file = try OwnedDescriptor(duplicating: number)
        } else {
            file = try openFile(
                place,
                flags: O_WRONLY | O_CREAT | O_APPEND,
                permissions: 0o600
            )
        }
    }

    /// Hears of a session's events from now on.
    func observe(_ session: DebugSession) {
        self.session = session
        session.observer = self
    }

    /// Writes one event.
    func emit(_ name: String, _ fields: [(String, JSONValue)] = []) {
        guard let file else { return }
        let all: [(String, JSONValue)] = [("event", .text(name))] + fields
        var rest = Array((JSONValue.object(all).text + "\n").utf8)[...]
        while !rest.isEmpty {
            guard let taken = try? file.write(rest), taken > 0 else {
                self.file = nil
                return
            }
            rest = rest.dropFirst(taken)
        }
    }

    /// Text as it is printed.
    func output(_ text: String, _ kind: OutputKind) {
        emit("output", [("kind", .text("\(kind)")), ("text", .text(text))])
    }
}

extension EventStream: SessionObserver {
    func didStop(_ report: StopReport) {
        var fields: [(String, JSONValue)] = [("reason", .text(Self.reason(report.kind)))]
        if case .signal(let signal) = report.kind {
            fields.append(("signal", .number(Int64(signal.rawValue))))
            fields.append(("signal_name", .text(session?.signalName(signal.rawValue) ?? "")))
        }
        if !report.breakpoints.isEmpty {
            fields.append(("breakpoints", .list(report.breakpoints.map { .number(Int64($0)) })))
        }
        fields.append(("lines", .list(report.lines.map { .text($0) })))
        if !report.isExit { fields += place() }
        emit(report.isExit ? "exit" : "stop", fields)
    }

    /// Where the current thread stands.
    private func place() -> [(String, JSONValue)] {
        guard let session, let thread = session.currentThread,
            let process = session.currentProcess
        else { return [] }
        var fields: [(String, JSONValue)] = [
            ("process", .number(Int64(process.number))), ("thread", .number(Int64(thread.number))),
            ("pid", .number(Int64(process.id.rawValue))), ("tid", .number(thread.id.number)),
        ]
        guard let pc = try? session.programCounter(of: thread) else { return fields }
        fields.append(("address", .text("0x" + Format.hex(pc))))
        if let name = session.symbolicAddress(pc, in: process)?.text {
            fields.append(("symbol", .text(name)))
        }
        if let location = session.sourceLocation(pc, in: process) {
            fields.append(("file", .text(location.file)))
            fields.append(("line", .number(Int64(location.line))))
        }
        return fields
    }

    private static func reason(_ kind: StopReport.Kind) -> String {
        switch kind {
        case .step: "step"
        case .breakpoint: "breakpoint"
        case .signal: "signal"
        case .interrupt: "interrupt"
        case .thread: "thread"
        case .process: "process"
        case .module: "module"
        case .systemCall: "system-call"
        case .exit: "exit"
        }
    }

    func didLoad(_ module: Module) {
        emit("module-loaded", fields(of: module))
    }

    func didUnload(_ module: Module) {
        emit("module-unloaded", fields(of: module))
    }

    private func fields(of module: Module) -> [(String, JSONValue)] {
        [
            ("name", .text(module.name)), ("path", .text(module.path)),
            ("base", .text("0x" + Format.hex(module.range.lowerBound))),
            ("end", .text("0x" + Format.hex(module.range.upperBound))),
            ("build_id", .text(Format.bytes(module.buildID))),
        ]
    }
}

/// A value of JSON (RFC 8259).
indirect enum JSONValue {
    case text(String)
    case number(Int64)
    case list([JSONValue])
    case object([(String, JSONValue)])

    /// As it is written.
    var text: String {
        switch self {
        case .text(let text): return Self.quoted(text)
        case .number(let number): return String(number)
        case .list(let values): return "[" + values.map(\.text).joined(separator: ",") + "]"
        case .object(let fields):
            return "{"
                + fields.map { Self.quoted($0.0) + ":" + $0.1.text }.joined(separator: ",") + "}"
        }
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case "\r": result += "\\r"
            case _ where scalar.value < 0x20:
                let digits = Format.hex(UInt64(scalar.value), width: 4)
                result += "\\u" + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
