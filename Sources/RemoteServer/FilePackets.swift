internal import DebugTarget
internal import GDBRemoteProtocol

extension ServerSession {
    static var filePackets: [PacketEntry] {
        [
            PacketEntry("vFile:") { session, packet in
                guard let files = session.target.files else { return .unsupported }
                switch FileRequest.parse(packet) {
                case .unknownOperation: return .unsupported
                case .malformed:
                    // EINVAL
                    return .payload(FileReply.failure(22).payload)
                case .request(let request): return session.answer(request, files)
                }
            }
        ]
    }

    private func answer(_ request: FileRequest, _ files: any TargetFiles) -> Reply {
        do throws(TargetError) {
            return .payload(try perform(request, files))
        } catch {
            if error.code == .unsupported { return .unsupported }
            return .payload(FileReply.failure(error.linuxNumber).payload)
        }
    }

    private func perform(
        _ request: FileRequest,
        _ files: any TargetFiles
    ) throws(TargetError) -> [UInt8] {
        switch request {
        case .open(let path, let flags, let mode):
            let file = try files.open(path, flags: flags, mode: mode)
            return FileReply(result: Int64(file)).payload
        case .close(let file):
            try files.close(file)
        case .read(let file, let count, let offset):
            let limit = min(count, profile.fileReadBytesMax, packetBytesMax)
            let bytes = try files.read(file, count: limit, at: offset)
            return FileReply.data(bytes[...], payloadBytesMax: packetBytesMax)
        case .write(let file, let offset, let bytes):
            let count = try files.write(bytes, to: file, at: offset)
            return FileReply(result: Int64(count)).payload
        case .fileStatus(let file): return reply(try files.status(of: file))
        case .pathStatus(let path, let followingLinks):
            return reply(try files.status(ofPath: path, followingLinks: followingLinks))
        case .unlink(let path):
            try files.remove(path)
        case .readLink(let path):
            let destination = Array(try files.linkDestination(of: path).utf8)
            return FileReply.data(destination[...], payloadBytesMax: packetBytesMax)
        case .permissions(let path):
            let mode = try files.status(ofPath: path, followingLinks: true).mode
            return FileReply(result: Int64(mode & 0o7777)).payload
        case .size(let path):
            let status = try files.status(ofPath: path, followingLinks: true)
            return FileReply(result: Int64(clamping: status.size)).payload
        case .exists(let path):
            let isThere = (try? files.status(ofPath: path, followingLinks: true)) != nil
            return [UInt8](text: isThere ? "F,1" : "F,0")
        case .link(let destination, let path):
            guard let services = target.platformServices else {
                throw TargetError(.unsupported, "this target makes no links")
            }
            try services.makeLink(at: path, to: destination)
        case .setFileSystem(let process):
            try files.useFileSystem(of: process)
        }
        return FileReply(result: 0).payload
    }

    private func reply(_ status: FileStatus) -> [UInt8] {
        FileReply(
            result: Int64(FileStatus.wireByteCount),
            attachment: status.wireBytes
        ).payload
    }
}

extension TargetError {
    /// The Linux error number a file operation failed with.
    fileprivate var linuxNumber: Int32 {
        if case .system(let number) = code { return number }
        return Int32(wireNumber)
    }
}
