/// One process of the machine, for lists.
public struct ProcessSummary: Sendable, Equatable {
    /// Its id.
    public var process: ProcessID
    /// The parent's id, 0 when there is none.
    public var parent: ProcessID
    /// The session it belongs to.
    public var session: Int32
    /// Its owner's name, or the number where there is no name.
    public var user: String
    /// The program's name (comm).
    public var name: String
    /// The command line, arguments separated by spaces; `[name]` for kernel threads.
    public var commandLine: String
    /// The processors its threads last ran on.
    public var cores: [Int]

    /// Builds a summary.
    public init(
        process: ProcessID,
        parent: ProcessID,
        session: Int32,
        user: String,
        name: String,
        commandLine: String,
        cores: [Int]
    ) {
        self.process = process
        self.parent = parent
        self.session = session
        self.user = user
        self.name = name
        self.commandLine = commandLine
        self.cores = cores
    }
}

/// Lists processes and threads of the whole machine.
public protocol ProcessListing: AnyObject {
    /// All processes the caller may see, by ascending id.
    func listProcesses() throws(TargetError) -> [ProcessSummary]
}

/// A region of a process's memory, as /proc/PID/maps shows it.
public struct MemoryRegion: Sendable, Equatable {
    /// From the first to past the last byte.
    public var range: Range<TargetAddress>
    /// Whether it may be read.
    public var isReadable: Bool
    /// Whether it may be written.
    public var isWritable: Bool
    /// Whether it may be executed.
    public var isExecutable: Bool
    /// Whether others may change it while the process stands: `MAP_SHARED` (mmap(2)).
    public var isShared: Bool
    /// Where in the file the region starts, in bytes.
    public var fileOffset: UInt64
    /// The file's path, a name in brackets such as `[stack]`, or empty.
    public var name: String

    /// Builds a region.
    public init(
        range: Range<TargetAddress>,
        isReadable: Bool,
        isWritable: Bool,
        isExecutable: Bool,
        isShared: Bool = false,
        fileOffset: UInt64,
        name: String
    ) {
        self.range = range
        self.isReadable = isReadable
        self.isWritable = isWritable
        self.isExecutable = isExecutable
        self.isShared = isShared
        self.fileOffset = fileOffset
        self.name = name
    }
}

/// A module as the dynamic linker's list (`struct link_map`) has it.
public struct LoadedModule: Sendable, Equatable {
    /// The file's path on the target.
    public var path: String
    /// `l_addr`: what is added to the file's addresses.
    public var loadBias: UInt64
    /// `l_ld`: where its dynamic section lies.
    public var dynamicSection: TargetAddress
    /// Where the list entry itself lies.
    public var linkMap: TargetAddress
    /// The GNU build-id, empty where there is none or it is not known.
    public var buildID: [UInt8]

    /// Builds a module entry.
    public init(
        path: String,
        loadBias: UInt64,
        dynamicSection: TargetAddress,
        linkMap: TargetAddress,
        buildID: [UInt8] = []
    ) {
        self.path = path
        self.loadBias = loadBias
        self.dynamicSection = dynamicSection
        self.linkMap = linkMap
        self.buildID = buildID
    }
}

/// What the kernel and the dynamic linker say of a process.
public protocol ProcessDetails: AnyObject {
    /// The raw auxiliary vector (`/proc/PID/auxv`).
    func auxiliaryVector(of process: ProcessID) throws(TargetError) -> [UInt8]
    /// The executable's path on the target.
    func executablePath(of process: ProcessID) throws(TargetError) -> String
    /// The mappings in order of address.
    func memoryRegions(of process: ProcessID) throws(TargetError) -> [MemoryRegion]
    /// The modules of the default namespace in link order, the executable first; empty before the
    /// dynamic linker has run or in a static program.
    func modules(of process: ProcessID) throws(TargetError) -> [LoadedModule]
    /// Where the executable's dynamic section has the address of `struct r_debug` (<link.h>); nil in a static program
    /// and where it is not known.
    func linkerDebugPointer(of process: ProcessID) throws(TargetError) -> TargetAddress?
    /// Whether the target created the process itself (as opposed to having attached to it).
    func wasLaunched(_ process: ProcessID) -> Bool
}

extension ProcessDetails {
    /// Not known, where a target cannot tell.
    public func linkerDebugPointer(of process: ProcessID) throws(TargetError) -> TargetAddress? {
        nil
    }
}

/// The signal a thread stopped for, in the kernel's layout.
public protocol SignalInformation: AnyObject {
    /// `siginfo_t` of the thread's stop, 128 bytes on 64-bit Linux (ptrace(2) PTRACE_GETSIGINFO).
    func signalInformation(of thread: ThreadID) throws(TargetError) -> [UInt8]
    /// Replaces it.
    func setSignalInformation(_ bytes: [UInt8], of thread: ThreadID) throws(TargetError)
}

/// Which signals need no stop.
public protocol SignalPolicy: AnyObject {
    /// Signals that go to the program without a stop being reported.
    var passedSignals: Set<Signal> { get set }
    /// Signals that a program which is let go of while one is pending still gets; nil for all.
    var signalsKeptOnDetach: Set<Signal>? { get set }
}

extension SignalPolicy {
    /// All of them, where a target cannot be told.
    public var signalsKeptOnDetach: Set<Signal>? {
        get { nil }
        // A target without this setting keeps all.
        set { _ = newValue }
    }
}

/// Events that are reported only when asked for.
public enum OptionalEvent: String, Sendable, CaseIterable {
    /// fork(2): the child stays attached; otherwise it runs on untraced.
    case fork
    /// vfork(2): the same.
    case vfork
    /// A thread began or ended.
    case threads
}

/// Chooses among the optional events.
public protocol EventSelection: AnyObject {
    /// Those that are reported.
    var reportedEvents: Set<OptionalEvent> { get set }
}

/// One of the operating system's tables (`info os`): names of columns and values, row by row.
public struct SystemTable: Sendable, Equatable {
    /// One cell.
    public struct Cell: Sendable, Equatable {
        /// The column's name.
        public var column: String
        /// The value.
        public var value: String

        /// Builds a cell.
        public init(_ column: String, _ value: String) {
            self.column = column
            self.value = value
        }
    }

    /// The rows.
    public var rows: [[Cell]]

    /// Builds a table.
    public init(rows: [[Cell]]) {
        self.rows = rows
    }
}

/// Shows the operating system's tables.
public protocol SystemTables: AnyObject {
    /// The tables there are, with a title and a description for people.
    var tables: [(name: String, title: String, description: String)] { get }
    /// One table; nil when there is none of that name.
    func table(named name: String) throws(TargetError) -> SystemTable?
}

/// How a file is opened, by the flags of File-I/O (GDB manual, "Open Flags").
public struct OpenFlags: OptionSet, Sendable {
    /// The protocol's bits.
    public var rawValue: Int

    /// Wraps the protocol's bits.
    public init(rawValue: Int) {
        self.rawValue = rawValue
    }

    /// O_WRONLY.
    public static let writeOnly = OpenFlags(rawValue: 0x1)
    /// O_RDWR.
    public static let readWrite = OpenFlags(rawValue: 0x2)
    /// O_APPEND.
    public static let append = OpenFlags(rawValue: 0x8)
    /// O_CREAT.
    public static let create = OpenFlags(rawValue: 0x200)
    /// O_TRUNC.
    public static let truncate = OpenFlags(rawValue: 0x400)
    /// O_EXCL.
    public static let exclusive = OpenFlags(rawValue: 0x800)
}

/// What stat(2) says of a file, as far as the protocol carries it.
public struct FileStatus: Sendable, Equatable {
    /// st_dev.
    public var device: UInt64 = 0
    /// st_ino.
    public var inode: UInt64 = 0
    /// st_mode, type and permissions.
    public var mode: UInt32 = 0
    /// st_nlink.
    public var linkCount: UInt64 = 0
    /// st_uid.
    public var userID: UInt32 = 0
    /// st_gid.
    public var groupID: UInt32 = 0
    /// st_rdev.
    public var specialDevice: UInt64 = 0
    /// st_size in bytes.
    public var size: UInt64 = 0
    /// st_blksize in bytes.
    public var blockSize: UInt64 = 0
    /// st_blocks in 512-byte units.
    public var blockCount: UInt64 = 0
    /// st_atime in seconds since 1970.
    public var accessTime: Int64 = 0
    /// st_mtime in seconds since 1970.
    public var modificationTime: Int64 = 0
    /// st_ctime in seconds since 1970.
    public var changeTime: Int64 = 0

    /// An all-zero status.
    public init() {}
}

/// Files on the target's machine; errors carry `.system(errno)`.
public protocol TargetFiles: AnyObject {
    /// Opens a file.
    ///
    /// - Returns: a small number that names it until `close`.
    func open(_ path: String, flags: OpenFlags, mode: UInt32) throws(TargetError) -> Int
    /// Closes a file.
    func close(_ file: Int) throws(TargetError)
    /// Reads up to `count` bytes at `offset`; an empty answer is the end of the file.
    func read(_ file: Int, count: Int, at offset: UInt64) throws(TargetError) -> [UInt8]
    /// Writes bytes at `offset` and says how many were taken.
    func write(_ bytes: [UInt8], to file: Int, at offset: UInt64) throws(TargetError) -> Int
    /// fstat(2).
    func status(of file: Int) throws(TargetError) -> FileStatus
    /// stat(2), or lstat(2) where links are not followed.
    func status(ofPath path: String, followingLinks: Bool) throws(TargetError) -> FileStatus
    /// unlink(2).
    func remove(_ path: String) throws(TargetError)
    /// readlink(2).
    func linkDestination(of path: String) throws(TargetError) -> String
    /// Looks paths up as that process sees them (its mount namespace), or as the target itself does.
    func useFileSystem(of process: ProcessID?) throws(TargetError)
}

/// Registers that are known without asking, because they came with the news of the stop.
public protocol StopRegisters: AnyObject {
    /// The value of a register of up to 64 bits; nil where it would have to be asked for.
    func stopRegister(_ register: RegisterDescription, of thread: ThreadID) -> UInt64?
}

/// Job control's stops (SIGSTOP and its like), which outlast a debugger.
public protocol JobControl: AnyObject {
    /// Whether a process that was attached to stands by job control: it runs only when SIGCONT comes.
    func isSuspended(_ process: ProcessID) -> Bool
}

/// Starts the program that the target was given for the purpose (`dbgsrv -pc`).
public protocol ImplicitLaunch: AnyObject {
    /// Starts it and stops it at its first instruction, as `launch` does.
    func launchImplicitly() throws(TargetError) -> ThreadID
}
