internal import CLinuxShims
internal import Glibc

/// Files by path and number, as another machine asks for them.
public enum Files {
    /// What stat(2) says.
    public struct Status: Sendable {
        /// st_dev.
        public var device: UInt64
        /// st_ino.
        public var inode: UInt64
        /// st_mode.
        public var mode: UInt32
        /// st_nlink.
        public var linkCount: UInt64
        /// st_uid.
        public var userID: UInt32
        /// st_gid.
        public var groupID: UInt32
        /// st_rdev.
        public var specialDevice: UInt64
        /// st_size.
        public var size: UInt64
        /// st_blksize.
        public var blockSize: UInt64
        /// st_blocks.
        public var blockCount: UInt64
        /// st_atime.
        public var accessTime: Int64
        /// st_mtime.
        public var modificationTime: Int64
        /// st_ctime.
        public var changeTime: Int64

        init(_ raw: stat) {
            device = UInt64(raw.st_dev)
            inode = UInt64(raw.st_ino)
            mode = raw.st_mode
            linkCount = UInt64(raw.st_nlink)
            userID = raw.st_uid
            groupID = raw.st_gid
            specialDevice = UInt64(raw.st_rdev)
            size = UInt64(clamping: raw.st_size)
            blockSize = UInt64(clamping: raw.st_blksize)
            blockCount = UInt64(clamping: raw.st_blocks)
            accessTime = Int64(raw.st_atim.tv_sec)
            modificationTime = Int64(raw.st_mtim.tv_sec)
            changeTime = Int64(raw.st_ctim.tv_sec)
        }

        /// Whether it is a folder.
        public var isDirectory: Bool { mode & S_IFMT == S_IFDIR }
        /// Whether it is a regular file.
        public var isRegularFile: Bool { mode & S_IFMT == S_IFREG }
    }

    /// Flags of open(2) by what they mean.
    public struct OpenFlags: OptionSet, Sendable {
        /// open(2)'s own bits.
        public var rawValue: Int32

        /// Wraps open(2)'s own bits.
        public init(rawValue: Int32) {
            self.rawValue = rawValue
        }

        /// O_WRONLY.
        public static let writeOnly = OpenFlags(rawValue: O_WRONLY)
        /// O_RDWR.
        public static let readWrite = OpenFlags(rawValue: O_RDWR)
        /// O_APPEND.
        public static let append = OpenFlags(rawValue: O_APPEND)
        /// O_CREAT.
        public static let create = OpenFlags(rawValue: O_CREAT)
        /// O_TRUNC.
        public static let truncate = OpenFlags(rawValue: O_TRUNC)
        /// O_EXCL.
        public static let exclusive = OpenFlags(rawValue: O_EXCL)
    }

    /// open(2); never waits for the other end of a FIFO.
    public static func open(
        _ path: String,
        flags: OpenFlags,
        mode: UInt32
    ) throws(SystemError) -> OwnedDescriptor {
        let number = try systemCall("open", path) {
            clinux_open(path, flags.rawValue | O_NOCTTY | O_NONBLOCK, mode)
        }
        return OwnedDescriptor(number)
    }

    /// pread(2), or read(2) for what has no position; short only at the end.
    public static func read(
        _ file: OwnedDescriptor,
        count: Int,
        at offset: UInt64
    ) throws(SystemError) -> [UInt8] {
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, taken in
            while taken < count {
                let start = buffer.baseAddress?.advanced(by: taken)
                let place = off_t(clamping: offset &+ UInt64(taken))
                let more = pread(file.number, start, count - taken, place)
                if more < 0 && errno == EINTR { continue }
                if more < 0 { failure = errno }
                if more <= 0 { break }
                taken += more
            }
        }
        if bytes.isEmpty && failure != 0 { throw SystemError("pread", errorNumber: failure) }
        return bytes
    }

    /// pwrite(2).
    public static func write(
        _ file: OwnedDescriptor,
        _ bytes: [UInt8],
        at offset: UInt64
    ) throws(SystemError) -> Int {
        try systemCall("pwrite") {
            bytes.withUnsafeBytes {
                pwrite(file.number, $0.baseAddress, $0.count, off_t(clamping: offset))
            }
        }
    }

    /// fstat(2).
    public static func status(of file: OwnedDescriptor) throws(SystemError) -> Status {
        var raw = stat()
        try systemCall("fstat") { fstat(file.number, &raw) }
        return Status(raw)
    }

    /// stat(2) or lstat(2).
    public static func status(
        ofPath path: String,
        followingLinks: Bool = true
    ) throws(SystemError) -> Status {
        var raw = stat()
        try systemCall(followingLinks ? "stat" : "lstat", path) {
            followingLinks ? stat(path, &raw) : lstat(path, &raw)
        }
        return Status(raw)
    }

    /// Whether the caller may read it (access(2) R_OK).
    public static func mayRead(_ path: String) -> Bool {
        access(path, R_OK) == 0
    }

    /// Whether the caller may run it (access(2) X_OK).
    public static func mayRun(_ path: String) -> Bool {
        access(path, X_OK) == 0
    }

    /// Whether there is something of that name (access(2) F_OK).
    public static func exists(_ path: String) -> Bool {
        access(path, F_OK) == 0
    }

    /// unlink(2).
    public static func remove(_ path: String) throws(SystemError) {
        try systemCall("unlink", path) { unlink(path) }
    }

    /// This process's id.
    public static var ownProcess: Int32 { getpid() }

    /// The calling thread's id.
    public static var ownThread: Int32 { clinux_own_thread() }

}
