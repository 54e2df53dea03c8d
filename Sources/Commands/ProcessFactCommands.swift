internal import DebugEngine
internal import DebugTarget
internal import Disassembly

// What the kernel tells of a process in /proc (proc(5)), read over the connection.

let processFactCommands: [Command] =
    addressCommands + heapCommands + lockCommands + [
        Command(
            names: ["!handle"],
            usage: "!handle [Descriptor]",
            summary: "list the open files of the current process",
            run: { try listFiles(&$0) }
        ),
        Command(
            names: ["!runaway"],
            usage: "!runaway [Flags]",
            summary:
                "show the CPU times of threads, the busiest first: 1 user, 2 kernel, 4 elapsed",
            run: { try showTimes(&$0) }
        ),
        Command(
            names: ["!error"],
            usage: "!error Number",
            summary: "say what an error number (errno) means",
            run: { call in
                let value = try call.expression()
                try call.requireEnd()
                call.output.line(errorLine("Error code", Int64(bitPattern: value)))
            }
        ),
        Command(
            names: ["!gle"],
            usage: "!gle [-all]",
            summary: "show errno of the current thread, or of all",
            run: { try showErrno(&$0) }
        ),
        Command(
            names: [".ttime"],
            usage: ".ttime",
            summary: "show when the current thread was created and its CPU times",
            run: { call in
                try call.requireEnd()
                let thread = try call.prefixThread ?? call.thread()
                let times = try call.session.times(of: thread)
                call.output.line("Created: \(TimeText.date(times.created)) (UTC + 0:00)")
                call.output.line("Kernel:  \(TimeText.precise(times.system))")
                call.output.line("User:    \(TimeText.precise(times.user))")
            }
        ),
        Command(
            names: [".time"],
            usage: ".time",
            summary: "show the time, how long the system and the process have run",
            run: { call in
                try call.requireEnd()
                call.interpreter.timeLines().forEach { call.output.line($0) }
            }
        ),
    ]

/// CPU times of a thread.
struct ThreadTimes {
    /// In hundredths of a second, as everything here but `created`.
    var user: Int
    var system: Int
    /// Since its creation.
    var elapsed: Int
    /// In seconds since 1970.
    var created: Int64
}

extension DebugSession {
    /// The kernel counts in these for user space (sysconf(3) _SC_CLK_TCK) on all machines we know.
    private static let ticksPerSecond = 100
    /// The largest number taken from a file of the target's.
    private static let numberMax = 1 << 48

    /// The times of a thread.
    func times(of thread: ThreadState) throws -> ThreadTimes {
        let path = "/proc/\(thread.id.process)/task/\(thread.id.number)/stat"
        guard let text = targetText(path), let times = times(statistics: text) else {
            throw EngineError.sentence("\(path) cannot be read from the target")
        }
        return times
    }

    /// The times of a whole process.
    func times(of process: ProcessState) -> ThreadTimes? {
        targetText("/proc/\(process.id)/stat").flatMap { times(statistics: $0) }
    }

    private func times(statistics text: String) -> ThreadTimes? {
        // The name in parentheses may hold anything.
        guard let end = text.lastIndex(of: ")") else { return nil }
        // Whatever a server sends, sums and products of these stay within an Int.
        let fields = text[text.index(after: end)...].split(separator: " ").map { field in
            min(max(Int(field) ?? 0, 0), Self.numberMax)
        }
        guard fields.count > 19 else { return nil }
        let uptime = targetText("/proc/uptime").flatMap {
            hundredths($0.split(separator: " ").first)
        }
        let start = fields[19] * 100 / Self.ticksPerSecond
        let boot = targetText("/proc/stat")?.split(separator: "\n").first { $0.hasPrefix("btime ") }
        let bootTime = min(
            max(boot.flatMap { Int64($0.dropFirst(6)) } ?? 0, 0),
            Int64(Self.numberMax)
        )
        return ThreadTimes(
            user: fields[11] * 100 / Self.ticksPerSecond,
            system: fields[12] * 100 / Self.ticksPerSecond,
            elapsed: max(0, (uptime ?? start) - start),
            created: bootTime + Int64(start / 100)
        )
    }

    private func hundredths(_ text: Substring?) -> Int? {
        guard let parts = text?.split(separator: "."),
            let seconds = parts.first.flatMap({ Int($0) })
        else { return nil }
        let rest = parts.count > 1 ? Int((parts[1] + "00").prefix(2)) ?? 0 : 0
        return min(max(seconds, 0), Self.numberMax) * 100 + rest
    }
}

extension TimeText {
    /// `0 days 0:00:01.230` of hundredths of a second.
    static func precise(_ hundredths: Int) -> String {
        duration(hundredths / 100) + "."
            + Format.leftPad(String(hundredths % 100 * 10), to: 3, with: "0")
    }
}

extension CommandInterpreter {
    /// Times of the session, the system and the process.
    func timeLines() -> [String] {
        var lines = ["Debug session time: \(environment.timeText)"]
        if let text = session.targetText("/proc/uptime")?.split(separator: ".").first,
            let seconds = Int(text)
        {
            lines.append("System Uptime: \(TimeText.duration(seconds))")
        }
        if let process = session.currentProcess, let times = session.times(of: process) {
            lines.append("Process Uptime: \(TimeText.precise(times.elapsed))")
            lines.append("  Kernel time: \(TimeText.precise(times.system))")
            lines.append("  User time: \(TimeText.precise(times.user))")
        }
        return lines
    }
}

private func showTimes(_ call: inout CommandCall) throws {
    let process = try call.process()
    let flags = call.isAtEnd ? 1 : try call.expression()
    try call.requireEnd()
    try call.session.refreshThreads(of: process)
    let all = try process.threads.map { (thread: $0, times: try call.session.times(of: $0)) }
    let tables: [(UInt64, String, KeyPath<ThreadTimes, Int>)] = [
        (1, "User Mode Time", \.user), (2, "Kernel Mode Time", \.system),
        (4, "Elapsed Time", \.elapsed),
    ]
    for (flag, title, path) in tables where flags & flag != 0 {
        call.output.line(" \(title)")
        call.output.line("  Thread       Time")
        for (thread, times) in all.sorted(by: { $0.times[keyPath: path] > $1.times[keyPath: path] })
        {
            let number = Format.leftPad(String(thread.number), to: 4)
            let id = Format.pad(Format.hex(UInt64(truncatingIfNeeded: thread.id.number)), to: 8)
            let name = thread.name.isEmpty ? "" : "  \"\(thread.name)\""
            call.output.line("\(number):\(id)  \(TimeText.precise(times[keyPath: path]))\(name)")
        }
    }
}

/// The most descriptors that are looked at one by one.
private let descriptorsMax = 1024

private func listFiles(_ call: inout CommandCall) throws {
    let process = try call.process()
    let only = call.isAtEnd ? nil : Int(clamping: try call.expression())
    try call.requireEnd()
    var files = openFiles(of: process, call.session)
    if let only { files = files.filter { $0.number == only } }
    if files.isEmpty {
        throw EngineError.sentence(
            only.map { "Descriptor \($0) is not open" } ?? "The target does not tell of open files"
        )
    }
    for file in files {
        try call.checkInterrupt()
        call.output.line("Handle \(Format.hex(UInt64(file.number)))")
        call.output.line("  Type          \(kind(of: file.path))")
        call.output.line("  Name          \(file.path)")
        if let detail = details(of: file.number, process, call.session) {
            call.output.line("  Position      \(detail.position)")
            call.output.line("  Flags         \(detail.flags)")
        }
    }
    if only == nil { call.output.line("\(files.count) Handles") }
}

/// From the target's own table, or link by link.
private func openFiles(
    of process: ProcessState,
    _ session: DebugSession
) -> [(number: Int, path: String)] {
    let table = (try? session.target.systemTables?.table(named: "files")) ?? nil
    var found: [(number: Int, path: String)] = []
    for row in table?.rows ?? [] {
        func cell(_ names: [String]) -> String? {
            row.first { names.contains($0.column) }?.value
        }
        guard cell(["pid"]) == "\(process.id)",
            let number = cell(["file descriptor", "descriptor"]).flatMap({ Int($0) }), number >= 0
        else { continue }
        found.append((number, cell(["name"]) ?? ""))
    }
    if !found.isEmpty { return found.sorted { $0.number < $1.number } }
    guard let files = session.target.files else { return [] }
    for number in 0..<descriptorsMax {
        guard let path = try? files.linkDestination(of: "/proc/\(process.id)/fd/\(number)") else {
            // Descriptors are given out from below; a long gap is the end of them.
            if number > (found.last?.number ?? 0) + 64 { break }
            continue
        }
        found.append((number, path))
    }
    return found
}

private func kind(of path: String) -> String {
    if path.hasPrefix("socket:") { return "Socket" }
    if path.hasPrefix("pipe:") { return "Pipe" }
    if path.hasPrefix("anon_inode:") { return "Kernel object" }
    if path.hasPrefix("/dev/") { return "Device" }
    if path.hasPrefix("/memfd:") { return "Memory" }
    return path.hasSuffix(" (deleted)") ? "Deleted file" : "File"
}

private func details(
    of number: Int,
    _ process: ProcessState,
    _ session: DebugSession
) -> (position: String, flags: String)? {
    guard !session.isLineSlow, let text = session.targetText("/proc/\(process.id)/fdinfo/\(number)")
    else { return nil }
    var position = ""
    var flags = ""
    for line in text.split(separator: "\n") {
        let value = line.drop { $0 != "\t" }.dropFirst()
        if line.hasPrefix("pos:") { position = String(value) }
        if line.hasPrefix("flags:") { flags = flagText(Int(value, radix: 8) ?? 0) }
    }
    return (position, flags)
}

private func flagText(_ flags: Int) -> String {
    var words = [["read only", "write only", "read and write", "?"][flags & 3]]
    let names = [
        (0o2000, "append"), (0o4000, "non-blocking"), (0o2000000, "close on exec"),
        (0o10000, "synchronous"),
    ]
    for (bit, name) in names where flags & bit != 0 { words.append(name) }
    return words.joined(separator: ", ")
}

private func errorLine(_ title: String, _ value: Int64) -> String {
    let number = Int32(clamping: value.magnitude)
    let name = ErrorNumbers.name(of: number).map { " \($0):" } ?? ""
    let text = ErrorNumbers.text(of: number) ?? (number == 0 ? "Success" : "unknown error")
    return "\(title): (errno) 0x\(Format.hex(UInt64(number))) (\(number)) -\(name) \(text)"
}

private func showErrno(_ call: inout CommandCall) throws {
    let process = try call.process()
    let isForAll = call.take("-all")
    try call.requireEnd()
    let session = call.session
    let threads = isForAll ? process.threads : [try call.prefixThread ?? call.thread()]
    for thread in threads {
        guard let value = session.errorNumber(of: thread) else {
            throw EngineError.sentence(
                "errno cannot be found: that needs glibc's __errno_location in the process"
            )
        }
        if isForAll { call.output.line("Last error for thread \(thread.number):") }
        call.output.line(errorLine("LastErrorValue", Int64(value)))
    }
}

extension DebugSession {
    /// errno of a thread: where `__errno_location` finds it, which is two instructions in glibc.
    func errorNumber(of thread: ThreadState) -> Int32? {
        guard let process = process(of: thread),
            let function = symbol("__errno_location", in: process),
            let code = try? instructions(at: function.address, maximum: 4, in: process),
            let pointer = threadPointer(of: thread)
        else { return nil }
        for instruction in code {
            guard let operand = instruction.memoryOperand, operand.base == "rip" else { continue }
            let place = instruction.next.rawValue &+ UInt64(bitPattern: operand.displacement)
            guard let word = try? readMemory(at: place, count: 8), word.count == 8,
                let bytes = try? readMemory(at: pointer &+ LittleEndian.value(word), count: 4),
                bytes.count == 4
            else { return nil }
            return Int32(truncatingIfNeeded: LittleEndian.value(bytes))
        }
        return nil
    }

    private func threadPointer(of thread: ThreadState) -> UInt64? {
        (try? registers(of: thread))?.value("fs_base")
    }
}
