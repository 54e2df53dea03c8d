internal import DebugEngine
internal import DebugTarget

let sessionCommands: [Command] = [
    Command(
        names: ["q", "Q", "qq"],
        usage: "q, qq",
        summary: "quit: end the session and its processes, attached ones too (unless -pd)",
        details:
            "From a debugging client q does nothing: it leaves with Ctrl+B, and qq ends the session.",
        run: { call in
            try call.requireEnd()
            if call.interpreter.isForClient, call.name.lowercased() == "q" {
                throw EngineError.sentence(
                    "q does nothing from a debugging client: Ctrl+B and Enter (or .remote_exit) leave,"
                        + " qq ends the session for everybody"
                )
            }
            call.interpreter.quitRequest = .quit
        }
    ),
    Command(
        names: ["qd"],
        usage: "qd",
        summary: "quit and detach: everything runs on",
        run: { call in
            try call.requireEnd()
            if call.interpreter.isForClient {
                throw EngineError.sentence(
                    "qd is for the server's own console; Ctrl+B and Enter (or .remote_exit) leave"
                )
            }
            call.interpreter.quitRequest = .detach
        }
    ),
    Command(
        names: ["vertarget"],
        usage: "vertarget",
        summary: "show the target's system and times",
        run: { call in call.interpreter.targetLines().forEach { call.output.line($0) } }
    ),
    Command(
        names: ["version"],
        usage: "version",
        summary: "show the target's and the debugger's version",
        run: { call in
            let environment = call.interpreter.environment
            call.interpreter.targetLines().forEach { call.output.line($0) }
            call.output.line(environment.systemText)
            call.output.line()
            call.output.line(environment.versionText)
            call.output.line("command line: '\(environment.commandLine)'")
        }
    ),
    Command(
        names: ["||"],
        usage: "||",
        summary: "list the systems being debugged",
        run: { call in
            try call.requireEnd()
            call.output.line(".  0 \(call.interpreter.environment.systemText)")
        }
    ),
    Command(
        names: [".logopen", ".logappend"],
        usage: ".logopen [File], .logappend [File]",
        summary: "write everything to a file too",
        run: { call in
            let name = try call.quoted() ?? call.remainder()
            let path = name.isEmpty ? "dbgeng.log" : name
            let opened = try call.interpreter.environment.openLog(
                path,
                appending: call.name == ".logappend"
            )
            call.output.line("Opened log file '\(opened)'")
        }
    ),
    Command(
        names: [".logclose"],
        usage: ".logclose",
        summary: "end the log file",
        run: { call in
            guard let name = call.interpreter.environment.closeLog() else {
                throw EngineError.sentence("No log file open")
            }
            call.output.line("Closing open log file \(name)")
        }
    ),
    Command(
        names: [".logfile"],
        usage: ".logfile",
        summary: "say whether there is a log file",
        run: { call in
            let name = call.interpreter.environment.logName
            call.output.line(name.map { "Log '\($0)' opened" } ?? "No log file open")
        }
    ),
]

extension CommandInterpreter {
    /// What is known of the target's system: from its own files, where it serves them.
    func targetLines() -> [String] {
        var lines: [String] = []
        if let release = targetFile("/proc/version") {
            let words = release.split(separator: " ").prefix(3).joined(separator: " ")
            lines.append(words)
        }
        if let name = targetFile("/proc/sys/kernel/hostname") {
            lines.append("Machine Name: \(name)")
        }
        lines.append("Debug session time: \(environment.timeText)")
        if let uptime = targetFile("/proc/uptime")?.split(separator: " ").first,
            let seconds = uptime.split(separator: ".").first.flatMap({ Int($0) })
        {
            lines.append("System Uptime: \(TimeText.duration(seconds))")
        }
        return lines
    }

    private func targetFile(_ path: String) -> String? {
        guard let files = session.target.files, let file = try? files.open(path, flags: [], mode: 0)
        else { return nil }
        defer { try? files.close(file) }
        guard let bytes = try? files.read(file, count: 1024, at: 0) else { return nil }
        return CommandText.trim(String(decoding: bytes, as: UTF8.self))
    }
}

/// Times in words.
public enum TimeText {
    private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// `0 days 0:47:01`.
    static func duration(_ seconds: Int) -> String {
        "\(seconds / 86_400) days \(seconds / 3600 % 24):\(two(seconds / 60 % 60)):\(two(seconds % 60))"
    }

    /// `Mon Jan 07 15:31:46 1985`, in UTC.
    public static func date(_ seconds: Int64) -> String {
        let day = seconds.quotient(by: 86_400)
        let second = Int(seconds - day * 86_400)
        // Days to a date in the proleptic Gregorian calendar, by eras of 400 years that begin in
        // March.
        let shifted = day + 719_468
        let era = shifted.quotient(by: 146_097)
        let ofEra = Int(shifted - era * 146_097)
        let year = (ofEra - ofEra / 1460 + ofEra / 36_524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * year + year / 4 - year / 100)
        let month = (5 * ofYear + 2) / 153
        let ofMonth = ofYear - (153 * month + 2) / 5 + 1
        let calendarMonth = month < 10 ? month + 2 : month - 10
        let fullYear = Int64(year) + era * 400 + (calendarMonth <= 1 ? 1 : 0)
        let weekday = Int((day + 4) - (day + 4).quotient(by: 7) * 7)
        let time = "\(two(second / 3600)):\(two(second / 60 % 60)):\(two(second % 60))"
        return "\(days[weekday]) \(months[calendarMonth]) \(two(ofMonth)) \(time) \(fullYear)"
    }

    private static func two(_ number: Int) -> String {
        Format.leftPad(String(number), to: 2, with: "0")
    }
}

extension Int64 {
    /// Division that rounds down.
    fileprivate func quotient(by divisor: Int64) -> Int64 {
        self >= 0 ? self / divisor : (self - divisor + 1) / divisor
    }
}
