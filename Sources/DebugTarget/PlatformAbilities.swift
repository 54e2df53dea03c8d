// What a target says and does beyond the processes being debugged, for clients that take it for a platform
// (lldb's `platform` commands).

/// The machine a target is on.
public struct HostDescription: Sendable, Equatable {
    /// The processor family.
    public var architecture: Architecture
    /// The kernel's release, `6.1.0-18-amd64` (uname(2)).
    public var kernelRelease: String
    /// The kernel's version, `#1 SMP …` (uname(2)).
    public var kernelVersion: String
    /// The machine's name.
    public var hostName: String
    /// `ID` of /etc/os-release, `debian`; empty where it is not known.
    public var distribution: String

    /// Builds a description.
    public init(
        architecture: Architecture,
        kernelRelease: String,
        kernelVersion: String,
        hostName: String,
        distribution: String
    ) {
        self.architecture = architecture
        self.kernelRelease = kernelRelease
        self.kernelVersion = kernelVersion
        self.hostName = hostName
        self.distribution = distribution
    }
}

/// Who a process is and what it runs.
public struct ProcessIdentity: Sendable, Equatable {
    /// Its id.
    public var process: ProcessID
    /// Its parent's id, 0 for none.
    public var parent: Int32
    /// The real user's number.
    public var user: UInt32
    /// The real group's number.
    public var group: UInt32
    /// The effective user's number.
    public var effectiveUser: UInt32
    /// The effective group's number.
    public var effectiveGroup: UInt32
    /// The executable's path; empty for threads of the kernel and for processes that may not be looked at.
    public var executable: String
    /// argv.
    public var arguments: [String]

    /// Builds an identity.
    public init(
        process: ProcessID,
        parent: Int32,
        user: UInt32,
        group: UInt32,
        effectiveUser: UInt32,
        effectiveGroup: UInt32,
        executable: String,
        arguments: [String]
    ) {
        self.process = process
        self.parent = parent
        self.user = user
        self.group = group
        self.effectiveUser = effectiveUser
        self.effectiveGroup = effectiveGroup
        self.executable = executable
        self.arguments = arguments
    }
}

/// Describes the machine and who is on it.
public protocol HostFacts: AnyObject {
    /// The machine.
    var host: HostDescription { get }
    /// The folder that relative paths start at.
    var workingDirectory: String { get }
    /// Who a process is; nil when there is none of that number.
    func identity(of process: ProcessID) -> ProcessIdentity?
    /// The processes that may be seen, by ascending id.
    func processNumbers() throws(TargetError) -> [ProcessID]
    /// The name of a user; nil for none.
    func userName(_ user: UInt32) -> String?
    /// The name of a group; nil for none.
    func groupName(_ group: UInt32) -> String?
}

/// How a command that was run ended.
public struct CommandResult: Sendable, Equatable {
    /// Its exit status; 128 and the signal's number where a signal ended it.
    public var status: Int32
    /// The signal that ended it, 0 for none.
    public var signal: Int32
    /// What it wrote to either output.
    public var output: [UInt8]

    /// Builds a result.
    public init(status: Int32, signal: Int32, output: [UInt8]) {
        self.status = status
        self.signal = signal
        self.output = output
    }
}

/// Files and commands that only platform clients ask for; errors carry `.system(errno)`.
public protocol PlatformServices: AnyObject {
    /// mkdir(2); a folder that is there already is no error.
    func makeFolder(_ path: String, mode: UInt32) throws(TargetError)
    /// chmod(2).
    func setPermissions(_ mode: UInt32, of path: String) throws(TargetError)
    /// symlink(2).
    func makeLink(at path: String, to destination: String) throws(TargetError)
    /// The GNU build-id of an ELF file; empty where it has none.
    func buildID(ofFile path: String) throws(TargetError) -> [UInt8]
    /// The path without symbolic links; the path itself where it cannot be resolved.
    func resolved(_ path: String) -> String
    /// Makes a folder that nobody else can look into, among the machine's temporary files.
    func makeTemporaryFolder() throws(TargetError) -> String
    /// Removes a folder with all that is in it, as far as it can be removed.
    func removeFolder(_ path: String)
    /// The names in a folder, those of folders with a slash.
    func names(inFolder path: String) -> [String]
    /// Runs a line with /bin/sh and waits for its end.
    ///
    /// - Parameter seconds: how long it may take before it is killed.
    func runCommand(
        _ line: String,
        in folder: String?,
        seconds: Int
    ) throws(TargetError) -> CommandResult
}

/// What memory may be used for.
public struct MemoryPermissions: OptionSet, Sendable {
    /// The bits of mmap(2)'s `prot`.
    public var rawValue: Int

    /// Wraps the bits.
    public init(rawValue: Int) {
        self.rawValue = rawValue
    }

    /// PROT_READ.
    public static let read = MemoryPermissions(rawValue: 1)
    /// PROT_WRITE.
    public static let write = MemoryPermissions(rawValue: 2)
    /// PROT_EXEC.
    public static let execute = MemoryPermissions(rawValue: 4)
}

/// Memory of a debuggee's that the debugger may use as it likes.
public protocol MemoryAllocation: AnyObject {
    /// Maps memory into a stopped process.
    func allocate(
        _ byteCount: UInt64,
        _ permissions: MemoryPermissions,
        by thread: ThreadID
    ) throws(TargetError) -> TargetAddress
    /// Unmaps memory that was allocated.
    func release(_ address: TargetAddress, by thread: ThreadID) throws(TargetError)
}

/// Waits for a process to appear.
public protocol ProcessAwaiting: AnyObject {
    /// Attaches to the next process whose program has that file name; the event `.stopped(…, .attached)` follows.
    ///
    /// `interrupt` ends the wait with the event `.noneResumed`.
    func awaitProcess(named name: String) throws(TargetError)
}

/// The terminal of programs that were started on one of ours.
public protocol ConsoleInput: AnyObject {
    /// Types into it.
    func type(_ bytes: [UInt8]) throws(TargetError)
}

/// What a program is given as its standard streams.
public struct StandardStreamPaths: Sendable, Equatable {
    /// Files to open as descriptors 0, 1 and 2; nil where the terminal is meant.
    public var paths: [String?]

    /// All three on the terminal.
    public init() {
        paths = [nil, nil, nil]
    }
}
