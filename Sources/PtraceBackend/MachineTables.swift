public import DebugTarget
internal import LinuxSystem

extension PtraceTarget: ProcessListing {
    /// All processes the caller may see, by ascending id.
    public func listProcesses() throws(TargetError) -> [ProcessSummary] {
        let numbers = try translating { () throws(SystemError) in try ProcFS.processes() }
        return numbers.compactMap { Machine.summary(of: $0) }
    }
}

extension PtraceTarget: SystemTables {
    /// The tables there are.
    public var tables: [(name: String, title: String, description: String)] {
        Machine.tables.map { ($0.name, $0.title, $0.description) }
    }

    /// One table; nil when there is none of that name.
    public func table(named name: String) throws(TargetError) -> SystemTable? {
        guard let table = Machine.tables.first(where: { $0.name == name }) else { return nil }
        return SystemTable(rows: try translating { () throws(SystemError) in try table.rows() })
    }
}

/// What `info os` shows, with gdbserver's names of tables and columns.
enum Machine {
    typealias Row = [SystemTable.Cell]

    struct Table {
        var name: String
        var title: String
        var description: String
        var rows: () throws(SystemError) -> [Row]
    }

    static var tables: [Table] {
        [
            Table(
                name: "processes",
                title: "Processes",
                description: "Listing of all processes",
                rows: processRows
            ),
            Table(
                name: "procgroups",
                title: "Process groups",
                description: "Listing of all process groups",
                rows: groupRows
            ),
            Table(
                name: "threads",
                title: "Threads",
                description: "Listing of all threads",
                rows: threadRows
            ),
            Table(
                name: "files",
                title: "File descriptors",
                description: "Listing of all file descriptors",
                rows: fileRows
            ),
            Table(
                name: "modules",
                title: "Kernel modules",
                description: "Listing of all loaded kernel modules",
                rows: moduleRows
            ),
            Table(
                name: "cpus",
                title: "CPUs",
                description: "Listing of all cpus/cores on the system",
                rows: processorRows
            ),
        ] + kernelTables
    }

    static func summary(of process: Int32) -> ProcessSummary? {
        guard let statistics = ProcFS.statistics(of: process) else { return nil }
        let arguments = ProcFS.arguments(of: process).joined(separator: " ")
        let cores = ((try? ProcFS.threads(of: process)) ?? []).compactMap {
            ProcFS.statistics(process: process, thread: $0)?.processor
        }
        return ProcessSummary(
            process: ProcessID(process),
            parent: ProcessID(statistics.parent),
            session: statistics.session,
            user: owner(of: process),
            name: statistics.name,
            commandLine: arguments.isEmpty ? "[\(statistics.name)]" : arguments,
            cores: Set(cores).sorted()
        )
    }

    private static func owner(of process: Int32) -> String {
        let fields = ProcFS.status(of: process, "Uid")?.split(separator: "\t")
        guard let user = fields?.dropFirst().first.flatMap({ UInt32($0) }) else { return "?" }
        return userName(user)
    }

    private static func processRows() throws(SystemError) -> [Row] {
        try ProcFS.processes().compactMap { summary(of: $0) }.map { process in
            [
                .init("pid", "\(process.process)"), .init("user", process.user),
                .init("command", process.commandLine),
                .init("cores", process.cores.map { "\($0)" }.joined(separator: ",")),
            ]
        }
    }

    private static func groupRows() throws(SystemError) -> [Row] {
        let processes = try ProcFS.processes().compactMap { number in
            ProcFS.statistics(of: number).map { (number, $0) }
        }
        return processes.sorted { ($0.1.group, $0.0) < ($1.1.group, $1.0) }.compactMap {
            number,
            own in
            guard let process = summary(of: number) else { return nil }
            let leader = ProcFS.statistics(of: own.group)?.name ?? ""
            return [
                .init("pgid", "\(own.group)"), .init("leader command", leader),
                .init("pid", "\(number)"), .init("command line", process.commandLine),
            ]
        }
    }

    private static func threadRows() throws(SystemError) -> [Row] {
        try ProcFS.processes().flatMap { process -> [Row] in
            guard let name = ProcFS.statistics(of: process)?.name else { return [] }
            return ((try? ProcFS.threads(of: process)) ?? []).compactMap { thread in
                guard let own = ProcFS.statistics(process: process, thread: thread) else {
                    return nil
                }
                return [
                    .init("pid", "\(process)"), .init("command", name), .init("tid", "\(thread)"),
                    .init("core", own.processor.map { "\($0)" } ?? ""),
                ]
            }
        }
    }

    private static func fileRows() throws(SystemError) -> [Row] {
        try ProcFS.processes().flatMap { process -> [Row] in
            guard let name = ProcFS.statistics(of: process)?.name else { return [] }
            let folder = "/proc/\(process)/fd"
            return ((try? ProcFS.numbers(in: folder)) ?? []).compactMap { number in
                guard let target = try? ProcFS.linkDestination(of: "\(folder)/\(number)") else {
                    return nil
                }
                return [
                    .init("pid", "\(process)"), .init("command", name),
                    .init("file descriptor", "\(number)"), .init("name", target),
                ]
            }
        }
    }

    private static func moduleRows() throws(SystemError) -> [Row] {
        let columns = ["name", "size", "num uses", "dependencies", "status", "address"]
        let text = ProcFS.text(of: "/proc/modules") ?? ""
        return text.split(separator: "\n").map { line in
            zip(columns, line.split(separator: " ")).map { .init($0, String($1)) }
        }
    }

    private static func processorRows() throws(SystemError) -> [Row] {
        let text = ProcFS.text(of: "/proc/cpuinfo") ?? ""
        var rows: [Row] = []
        var row: Row = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if let colon = line.firstIndex(of: ":") {
                let key = line[..<colon].split(separator: "\t").joined()
                let value = line[line.index(after: colon)...].drop { $0 == " " }
                row.append(.init(key, String(value)))
            } else if !row.isEmpty {
                rows.append(row)
                row = []
            }
        }
        if !row.isEmpty { rows.append(row) }
        return rows
    }
}
