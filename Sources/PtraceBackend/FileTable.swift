internal import DebugTarget
internal import LinuxSystem

/// Files of this machine that a client has open.
final class FileTable: TargetFiles {
    /// The most files a client may have open.
    private static let filesMax = 256
    /// The most bytes of one read.
    private static let readBytesMax = 4 << 20

    private var files: [Int: OwnedDescriptor] = [:]

    private func descriptor(_ file: Int) throws(TargetError) -> OwnedDescriptor {
        guard let descriptor = files[file] else {
            throw TargetError(.system(9), "there is no open file \(file)")
        }
        return descriptor
    }

    private func translating<Answer>(
        _ body: () throws(SystemError) -> Answer
    ) throws(TargetError) -> Answer {
        do throws(SystemError) {
            return try body()
        } catch {
            throw TargetError(.system(error.errorNumber), "\(error)")
        }
    }

    private static let flags: [(OpenFlags, Files.OpenFlags)] = [
        (.writeOnly, .writeOnly), (.readWrite, .readWrite), (.append, .append),
        (.create, .create), (.truncate, .truncate), (.exclusive, .exclusive),
    ]

    func open(_ path: String, flags: OpenFlags, mode: UInt32) throws(TargetError) -> Int {
        guard files.count < FileTable.filesMax else {
            throw TargetError(.system(24), "too many files are open: \(files.count)")
        }
        let native = FileTable.flags.reduce(into: Files.OpenFlags()) { result, pair in
            if flags.contains(pair.0) { result.insert(pair.1) }
        }
        let descriptor = try translating { () throws(SystemError) in
            try Files.open(path, flags: native, mode: mode & 0o7777)
        }
        let number = (0...).first { files[$0] == nil } ?? files.count
        files[number] = descriptor
        return number
    }

    func close(_ file: Int) throws(TargetError) {
        _ = try descriptor(file)
        files[file] = nil
    }

    func read(_ file: Int, count: Int, at offset: UInt64) throws(TargetError) -> [UInt8] {
        let descriptor = try descriptor(file)
        return try translating { () throws(SystemError) in
            try Files.read(
                descriptor,
                count: min(max(count, 0), FileTable.readBytesMax),
                at: offset
            )
        }
    }

    func write(
        _ bytes: [UInt8],
        to file: Int,
        at offset: UInt64
    ) throws(TargetError) -> Int {
        let descriptor = try descriptor(file)
        return try translating { () throws(SystemError) in
            try Files.write(descriptor, bytes, at: offset)
        }
    }

    func status(of file: Int) throws(TargetError) -> FileStatus {
        let descriptor = try descriptor(file)
        return try translating { () throws(SystemError) in
            FileStatus(try Files.status(of: descriptor))
        }
    }

    func status(
        ofPath path: String,
        followingLinks: Bool
    ) throws(TargetError) -> FileStatus {
        try translating { () throws(SystemError) in
            FileStatus(try Files.status(ofPath: path, followingLinks: followingLinks))
        }
    }

    func remove(_ path: String) throws(TargetError) {
        try translating { () throws(SystemError) in try Files.remove(path) }
    }

    func linkDestination(of path: String) throws(TargetError) -> String {
        try translating { () throws(SystemError) in try ProcFS.linkDestination(of: path) }
    }

    /// Another mount namespace than ours is not entered: that of a process which shares ours is ours.
    func useFileSystem(of process: ProcessID?) throws(TargetError) {
        guard let process else { return }
        let own = try translating { () throws(SystemError) in
            try ProcFS.linkDestination(of: "/proc/self/ns/mnt")
        }
        let other = try translating { () throws(SystemError) in
            try ProcFS.linkDestination(of: "/proc/\(process)/ns/mnt")
        }
        guard own == other else {
            throw TargetError(
                .unsupported,
                "process \(process) has a mount namespace of its own; its files cannot be shown yet"
            )
        }
    }
}

extension FileStatus {
    fileprivate init(_ status: Files.Status) {
        self.init()
        device = status.device
        inode = status.inode
        mode = status.mode
        linkCount = status.linkCount
        userID = status.userID
        groupID = status.groupID
        specialDevice = status.specialDevice
        size = status.size
        blockSize = status.blockSize
        blockCount = status.blockCount
        accessTime = status.accessTime
        modificationTime = status.modificationTime
        changeTime = status.changeTime
    }
}
