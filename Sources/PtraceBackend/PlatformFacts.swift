public import DebugTarget
internal import LinuxSystem

extension PtraceTarget: HostFacts {
    /// This machine.
    public var host: HostDescription {
        HostDescription(
            architecture: NativeArchitecture.family,
            kernelRelease: ProcFS.text(of: "/proc/sys/kernel/osrelease") ?? "",
            kernelVersion: ProcFS.text(of: "/proc/sys/kernel/version") ?? "",
            hostName: hostName(),
            distribution: Machine.distribution
        )
    }

    /// The folder that relative paths start at.
    public var workingDirectory: String { Folders.current }

    /// Who a process is; nil when there is none of that number.
    public func identity(of process: ProcessID) -> ProcessIdentity? {
        Machine.identity(of: process.rawValue)
    }

    /// The processes that may be seen, by ascending id.
    public func processNumbers() throws(TargetError) -> [ProcessID] {
        try translating { () throws(SystemError) in try ProcFS.processes() }.map { ProcessID($0) }
    }

    /// The name of a user; nil for none.
    public func userName(_ user: UInt32) -> String? {
        let name = LinuxSystem.userName(user)
        return name == "\(user)" ? nil : name
    }

    /// The name of a group; nil for none.
    public func groupName(_ group: UInt32) -> String? { LinuxSystem.groupName(group) }
}

extension PtraceTarget: PlatformServices {
    private static let temporaryName = "dbgsrv"

    /// mkdir(2); a folder that is there already is no error.
    public func makeFolder(_ path: String, mode: UInt32) throws(TargetError) {
        if let status = try? Files.status(ofPath: path), status.isDirectory { return }
        try translating { () throws(SystemError) in try Folders.make(path, mode: mode & 0o7777) }
    }

    /// chmod(2).
    public func setPermissions(_ mode: UInt32, of path: String) throws(TargetError) {
        try translating { () throws(SystemError) in
            try Folders.setPermissions(mode & 0o7777, of: path)
        }
    }

    /// symlink(2).
    public func makeLink(at path: String, to destination: String) throws(TargetError) {
        try translating { () throws(SystemError) in
            try Folders.makeLink(at: path, to: destination)
        }
    }

    /// The GNU build-id of an ELF file; empty where it has none.
    public func buildID(ofFile path: String) throws(TargetError) -> [UInt8] {
        try translating { () throws(SystemError) in
            // A FIFO or a device would keep us waiting.
            guard try Files.status(ofPath: path).isRegularFile else { return [] }
            let file = try Files.open(path, flags: [], mode: 0)
            return ElfFile { offset, count in
                try? Files.read(file, count: count, at: offset)
            }.buildID
        }
    }

    /// The path without symbolic links; the path itself where it cannot be resolved.
    public func resolved(_ path: String) -> String { (try? resolvedPath(path)) ?? path }

    /// Makes a folder that nobody else can look into, among the machine's temporary files.
    public func makeTemporaryFolder() throws(TargetError) -> String {
        try translating { () throws(SystemError) in
            try Folders.makeTemporary(named: PtraceTarget.temporaryName)
        }
    }

    /// Removes a folder with all that is in it, as far as it can be removed.
    public func removeFolder(_ path: String) { Folders.remove(path) }

    /// The names in a folder, those of folders with a slash.
    public func names(inFolder path: String) -> [String] {
        folderEntries(path).map { name in
            let isFolder = (try? Files.status(ofPath: "\(path)/\(name)"))?.isDirectory ?? false
            return isFolder ? name + "/" : name
        }
    }

    /// Runs a line with /bin/sh and waits for its end.
    public func runCommand(
        _ line: String,
        in folder: String?,
        seconds: Int
    ) throws(TargetError) -> CommandResult {
        let run = try translating { () throws(SystemError) in
            try ProgramOutput.runShell(line, in: folder, milliseconds: seconds * 1000)
        }
        switch run.ending {
        case .exited(let status)?:
            return CommandResult(status: Int32(status), signal: 0, output: run.bytes)
        case .killed(let signal)?:
            let number = Int32(signal)
            return CommandResult(status: 128 + number, signal: number, output: run.bytes)
        case nil:
            let words = Array("(killed: it took longer than \(seconds) s)\n".utf8)
            let number = Signal.kill.rawValue
            return CommandResult(
                status: 128 + number,
                signal: number,
                output: run.bytes + words
            )
        }
    }
}

extension Machine {
    /// `ID` of os-release(5).
    static var distribution: String {
        let text = ProcFS.text(of: "/etc/os-release") ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("ID=") }
        return line.map { $0.dropFirst(3).filter { $0 != "\"" && $0 != "'" } } ?? ""
    }

    /// The file name of the program that a process runs; nil where that cannot be told.
    static func fileName(of process: Int32) -> String? {
        guard let path = try? ProcFS.linkDestination(of: "/proc/\(process)/exe") else { return nil }
        return path.split(separator: "/").last.map { String($0) }
    }

    static func identity(of process: Int32) -> ProcessIdentity? {
        guard let statistics = ProcFS.statistics(of: process) else { return nil }
        let users = numbers("Uid", of: process)
        let groups = numbers("Gid", of: process)
        return ProcessIdentity(
            process: ProcessID(process),
            parent: statistics.parent,
            user: users.real,
            group: groups.real,
            effectiveUser: users.effective,
            effectiveGroup: groups.effective,
            executable: (try? ProcFS.linkDestination(of: "/proc/\(process)/exe")) ?? "",
            arguments: ProcFS.arguments(of: process)
        )
    }

    private static func numbers(
        _ key: String,
        of process: Int32
    ) -> (real: UInt32, effective: UInt32) {
        let fields = ProcFS.status(of: process, key)?.split(separator: "\t") ?? []
        let numbers = fields.map { UInt32($0) ?? .max }
        return numbers.count > 1 ? (numbers[0], numbers[1]) : (.max, .max)
    }
}
