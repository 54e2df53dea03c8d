internal import Glibc

/// What stat(2) says of a path, as far as it is needed here.
public struct FileAttributes: Sendable, Equatable {
    /// What kind of thing it is.
    public enum Kind: Sendable { case file, directory, characterDevice, socket, other }

    /// The kind.
    public var kind: Kind
    /// The permission bits.
    public var permissions: UInt32
    /// The owner's user id.
    public var owner: UInt32
    /// The group id.
    public var group: UInt32
    /// The device that holds it.
    public var fileSystem: UInt64
    /// Its number there.
    public var inode: UInt64
    /// Major number of a device node.
    public var deviceMajor: UInt32
    /// Minor number of a device node.
    public var deviceMinor: UInt32

    /// Looks at a path, through symlinks.
    public init(path: String) throws(SystemError) {
        var raw = stat()
        try systemCall("stat", path) { stat(path, &raw) }
        self.init(raw)
    }

    /// Looks at a path itself, even if it is a symlink.
    public init(linkPath path: String) throws(SystemError) {
        var raw = stat()
        try systemCall("lstat", path) { lstat(path, &raw) }
        self.init(raw)
    }

    /// Looks at an open descriptor.
    public init(of descriptor: OwnedDescriptor) throws(SystemError) {
        var raw = stat()
        try systemCall("fstat") { fstat(descriptor.number, &raw) }
        self.init(raw)
    }

    private init(_ raw: stat) {
        kind =
            switch raw.st_mode & S_IFMT {
            case S_IFREG: .file
            case S_IFDIR: .directory
            case S_IFCHR: .characterDevice
            case S_IFSOCK: .socket
            default: .other
            }
        permissions = raw.st_mode & 0o7777
        owner = raw.st_uid
        group = raw.st_gid
        fileSystem = UInt64(raw.st_dev)
        inode = UInt64(raw.st_ino)
        (deviceMajor, deviceMinor) = Self.deviceNumbers(UInt64(raw.st_rdev))
    }

    /// major(3) and minor(3), which glibc has as macros only.
    private static func deviceNumbers(_ device: UInt64) -> (UInt32, UInt32) {
        let major = (device >> 8) & 0xFFF | (device >> 32) & 0xFFFF_F000
        let minor = device & 0xFF | (device >> 12) & 0xFFFF_FF00
        return (UInt32(truncatingIfNeeded: major), UInt32(truncatingIfNeeded: minor))
    }
}

/// Opens a file.
public func openFile(
    _ path: String,
    flags: Int32,
    permissions: UInt32 = 0o600
) throws(SystemError) -> OwnedDescriptor {
    OwnedDescriptor(try systemCall("open", path) { open(path, flags | O_CLOEXEC, permissions) })
}

/// Makes a folder, and those above it, where they are not there; they get these permissions less the umask.
public func makeFolders(_ path: String, permissions: UInt32) throws(SystemError) {
    var place = path.hasPrefix("/") ? "" : "."
    for name in path.split(separator: "/") {
        place += "/" + name
        guard mkdir(place, permissions) != 0, errno != EEXIST else { continue }
        throw SystemError("mkdir", place)
    }
}

/// Removes a file, if it is there.
public func removeFile(_ path: String) {
    _ = unlink(path)
}

/// The path with every symlink followed.
///
/// The kernel is asked, rather than the links walked: this is what open(2) opens.
public func resolvedPath(_ path: String) throws(SystemError) -> String {
    let number = try systemCall("open", path) { open(path, pathOnly | O_CLOEXEC) }
    let place = OwnedDescriptor(number)
    guard let target = symbolicLinkTarget("/proc/self/fd/\(place.number)") else {
        throw SystemError("readlink", path)
    }
    return target
}

/// O_PATH, which glibc shows to GNU programs only: names a file without opening it.
private let pathOnly: Int32 = 0o10000000

/// Where a symlink points; nil when it is none.
public func symbolicLinkTarget(_ path: String) -> String? {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let length = readlink(path, &buffer, buffer.count)
    guard length > 0 else { return nil }
    return String(decoding: buffer.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// Reads a small file as text, `maximum` bytes at the most; nil when it cannot be read.
public func fileText(_ path: String, maximum: Int = 65_536) -> String? {
    guard let file = try? openFile(path, flags: O_RDONLY | O_NONBLOCK) else { return nil }
    var bytes: [UInt8] = []
    while bytes.count < maximum {
        guard let more = try? file.read(maximum: min(8192, maximum - bytes.count)) else { break }
        if more.isEmpty { break }
        bytes += more
    }
    return String(decoding: bytes, as: UTF8.self)
}

/// The names in a folder, sorted; empty when it cannot be read.
public func folderEntries(_ path: String) -> [String] {
    guard let folder = opendir(path) else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
            pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
}

/// Takes a file lock (flock(2)) without waiting; it goes when the last copy of the descriptor is closed.
///
/// - Returns: false when somebody else has it.
public func tryLock(_ file: OwnedDescriptor) throws(SystemError) -> Bool {
    do {
        try systemCall("flock") { flock(file.number, LOCK_EX | LOCK_NB) }
        return true
    } catch {
        if error.errorNumber == EWOULDBLOCK { return false }
        throw error
    }
}
