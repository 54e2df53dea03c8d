public import DebugTarget
internal import GDBRemoteProtocol

extension RemoteTarget: TargetFiles {
    /// Runs a `vFile` request; failures carry the Linux error number.
    private func run(_ request: FileRequest, _ purpose: String) throws(TargetError) -> FileReply {
        let reply = try exchange(request.payload, purpose)
        if reply.isEmpty { throw TargetError(.unsupported, "\(peerName) serves no files.") }
        guard let answer = FileReply(payload: reply) else { throw failure(reply, purpose) }
        guard answer.result >= 0 else {
            let number = FileErrors.linuxNumber(of: answer.errorNumber ?? FileErrors.unknown)
            let words = Self.errorWords[number] ?? "error \(number)"
            throw TargetError(.system(number), "\(purpose): \(words)")
        }
        return answer
    }

    private static let errorWords: [Int32: String] = [
        1: "operation not permitted", 2: "no such file or directory", 13: "permission denied",
        17: "the file exists", 20: "not a directory", 21: "is a directory",
        22: "invalid argument", 24: "too many open files", 28: "no space left", 30: "read-only",
    ]

    /// Opens a file of the target's machine.
    public func open(
        _ path: String,
        flags: OpenFlags,
        mode: UInt32
    ) throws(TargetError) -> Int {
        do {
            let request = FileRequest.open(path: path, flags: flags, mode: mode)
            return Int(clamping: try run(request, "opening \(path) on the target").result)
        } catch {
            if error.code == .unsupported { missingPackets.insert("vFile") }
            throw error
        }
    }

    /// Closes it.
    public func close(_ file: Int) throws(TargetError) {
        _ = try run(.close(file), "closing a file on the target")
    }

    /// Reads up to `count` bytes, at the most what one packet carries.
    public func read(
        _ file: Int,
        count: Int,
        at offset: UInt64
    ) throws(TargetError) -> [UInt8] {
        let portion = min(count, max(64, packetBytesMax - 32), options.fileChunkBytesMax)
        let request = FileRequest.read(file, count: portion, offset: offset)
        let answer = try run(request, "reading a file on the target")
        let bytes = answer.attachment ?? []
        guard Int64(bytes.count) >= answer.result, bytes.count <= portion else {
            throw TargetError(.invalid, "\(peerName) sent another number of bytes than it said.")
        }
        return Array(bytes.prefix(Int(answer.result)))
    }

    /// Writes bytes, at the most what one packet carries.
    public func write(
        _ bytes: [UInt8],
        to file: Int,
        at offset: UInt64
    ) throws(TargetError) -> Int {
        let portion = Array(bytes.prefix(max(16, (packetBytesMax - 64) / 2)))
        let request = FileRequest.write(file, offset: offset, portion)
        let taken = try run(request, "writing a file on the target").result
        return min(Int(clamping: taken), portion.count)
    }

    /// fstat(2).
    public func status(of file: Int) throws(TargetError) -> FileStatus {
        try status(run(.fileStatus(file), "the status of a file on the target"))
    }

    /// stat(2), lstat(2).
    public func status(
        ofPath path: String,
        followingLinks: Bool
    ) throws(TargetError) -> FileStatus {
        let request = FileRequest.pathStatus(path: path, followingLinks: followingLinks)
        return try status(run(request, "the status of \(path) on the target"))
    }

    private func status(_ answer: FileReply) throws(TargetError) -> FileStatus {
        guard let status = FileStatus(wireBytes: answer.attachment ?? []) else {
            throw TargetError(.invalid, "\(peerName) sent a file status that is too short.")
        }
        return status
    }

    /// unlink(2).
    public func remove(_ path: String) throws(TargetError) {
        _ = try run(.unlink(path: path), "removing \(path) on the target")
    }

    /// readlink(2).
    public func linkDestination(of path: String) throws(TargetError) -> String {
        let answer = try run(.readLink(path: path), "reading the link \(path) on the target")
        return String(decoding: answer.attachment ?? [], as: UTF8.self)
    }

    /// Looks paths up as a process sees them; a stub without name spaces looks them up as itself.
    public func useFileSystem(of process: ProcessID?) throws(TargetError) {
        guard process != fileSystemProcess, !missingPackets.contains("setfs") else { return }
        if let process { _ = try checked(process) }
        do {
            _ = try run(.setFileSystem(process), "choosing the file system of a process")
            fileSystemProcess = process
        } catch  where error.code == .unsupported {
            missingPackets.insert("setfs")
        }
    }

    /// Reads a whole small file such as those of /proc.
    func readWholeFile(_ path: String, bytesMax: Int) throws(TargetError) -> [UInt8] {
        let file = try open(path, flags: [], mode: 0)
        defer { try? close(file) }
        var bytes: [UInt8] = []
        while bytes.count < bytesMax {
            let part = try read(
                file,
                count: options.fileChunkBytesMax,
                at: UInt64(bytes.count)
            )
            if part.isEmpty { break }
            bytes += part
        }
        return bytes
    }
}
