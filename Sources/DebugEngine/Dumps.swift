internal import DebugTarget

// Sessions on dumps: everything can be looked at, nothing runs.
extension DebugSession {
    /// Whether the processes are dumps.
    public var isPostMortem: Bool { target.postMortem != nil }

    /// Whether a path is that of the program that a dump was made of.
    public func isProgramOfDump(_ path: String) -> Bool {
        target.processes.contains { id in
            (try? target.processDetails?.executablePath(of: id)) == path
        }
    }

    /// Opens a dump.
    ///
    /// - Returns: what it was made for; the thread that it was made for is current.
    public func openDump(_ path: String) throws -> StopReport {
        guard let ability = target.postMortem else {
            throw EngineError.sentence(
                "This session debugs what runs; cdb -z \(path) debugs a dump in a session of its own"
            )
        }
        let thread = try ability.openDump(path)
        guard let dump = ability.description(of: thread.process) else { return StopReport() }
        announce(dump)
        let process = try adopt(thread.process, origin: .dump, first: thread)
        refreshModules(of: process, announcing: false)
        return report(dump, process)
    }

    private func announce(_ dump: DumpDescription) {
        output.line("User Core File: \(Self.extentText(dump.extent))")
        if !dump.comment.isEmpty { output.line("Comment: '\(dump.comment)'") }
        for complaint in dump.complaints {
            output.line("*** WARNING: \(dump.path): \(complaint)", .warning)
        }
        output.line()
        if !dump.commandLine.isEmpty { output.line("CommandLine: \(dump.commandLine)") }
        if !dump.time.isEmpty { output.line("Debug session time: \(dump.time)") }
    }

    private static func extentText(_ extent: String) -> String {
        switch extent {
        case "mini": "Only registers, stack and portions of memory are available"
        case "all": "All of the process's memory is available"
        default: "What was in files unchanged is taken from them, the rest of memory is available"
        }
    }

    private func report(_ dump: DumpDescription, _ process: ProcessState) -> StopReport {
        guard let thread = currentThread, let signal = dump.signal else { return StopReport() }
        var report = StopReport()
        if SignalText.isException(signal) {
            report.lines = [
                "This dump file has an exception of interest stored in it.",
                "The stored exception information can be accessed via .ecxr.",
            ]
        }
        report.lines.append(note(thread, SignalText.storedException(for: signal)))
        if let details = signalDetails(of: thread), details.signal == signal.rawValue {
            report.lines.append(details.text)
        }
        return report
    }

    /// What was found out about files for memory that the dump does not have.
    func showDumpNotices() {
        target.postMortem?.takeNotices().forEach { output.line($0, .warning) }
    }
}
