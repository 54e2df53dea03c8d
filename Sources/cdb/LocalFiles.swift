import DebugEngine
import Glibc
import LinuxSystem
import RemoteClient

/// The client's files, and the cache of binaries under $XDG_CACHE_HOME/dbgsrv.
final class LocalFiles: ClientFiles {
    private let cacheFolder: String?
    private var open: (path: String, file: OwnedDescriptor?)?

    init() {
        if let folder = environmentValue("XDG_CACHE_HOME"), folder.hasPrefix("/") {
            cacheFolder = folder + "/dbgsrv"
        } else {
            cacheFolder = environmentValue("HOME").map { $0 + "/.cache/dbgsrv" }
        }
    }

    var hasDebugFileServers: Bool { DebugInfoServers.areNamed }

    func serverDebugFile(buildID: [UInt8], isCancelled: @escaping () -> Bool) -> String? {
        DebugInfoServers.debugFile(buildID: buildID, isCancelled: isCancelled)
    }

    func read(_ path: String, at offset: UInt64, count: Int) -> [UInt8]? {
        guard let file = regularFile(path), count > 0 else { return nil }
        var failed = false
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            var total = 0
            while total < count {
                let room = UnsafeMutableRawBufferPointer(buffer).baseAddress.map { $0 + total }
                let taken = pread(
                    file.number,
                    room,
                    count - total,
                    off_t(clamping: offset) &+ total
                )
                if taken < 0 && errno == EINTR { continue }
                if taken < 0 { failed = true }
                if taken <= 0 { break }
                total += taken
            }
            filled = total
        }
        return failed ? nil : bytes
    }

    /// The last file read stays open, since headers are read in several pieces.
    private func regularFile(_ path: String) -> OwnedDescriptor? {
        if let open, open.path == path { return open.file }
        var file: OwnedDescriptor?
        if let status = try? FileAttributes(path: path), status.kind == .file {
            file = try? openFile(path, flags: O_RDONLY)
        }
        open = (path, file)
        return file
    }

    // MARK: - Cache

    /// Names from the target never lead out of the cache.
    private func place(_ buildID: String, _ name: String) -> (folder: String, file: String)? {
        guard let cacheFolder, !name.isEmpty, name != ".", name != "..", !name.contains("/") else {
            return nil
        }
        let key = buildID.isEmpty ? "session-\(getpid())" : buildID
        guard key.allSatisfy({ $0.isHexDigit || $0 == "-" || $0.isLetter }) else { return nil }
        return ("\(cacheFolder)/\(key)", "\(cacheFolder)/\(key)/\(name)")
    }

    func cachedModule(buildID: String, name: String) -> String? {
        guard let place = place(buildID, name),
            let status = try? FileAttributes(path: place.file), status.kind == .file
        else { return nil }
        return place.file
    }

    func storeModule(
        buildID: String,
        name: String,
        contents: () -> [UInt8]?
    ) -> String? {
        guard let place = place(buildID, name), makeFolders(place.folder) else { return nil }
        // Complete under another name first: an interrupted transfer must not look like a binary.
        let partial = "\(place.file).\(getpid()).part"
        guard write(contents, to: partial) else {
            unlink(partial)
            return nil
        }
        guard rename(partial, place.file) == 0 else { return nil }
        open = nil
        return place.file
    }

    func discardModule(_ path: String) {
        guard let cacheFolder, path.hasPrefix(cacheFolder + "/") else { return }
        unlink(path)
        open = nil
    }

    private func write(_ contents: () -> [UInt8]?, to path: String) -> Bool {
        let flags = O_WRONLY | O_CREAT | O_TRUNC
        guard let file = try? openFile(path, flags: flags, permissions: 0o600) else { return false }
        while let bytes = contents() {
            if bytes.isEmpty { return true }
            var rest = bytes[...]
            while !rest.isEmpty {
                guard let taken = try? file.write(rest), taken > 0 else { return false }
                rest = rest.dropFirst(taken)
            }
        }
        return false
    }

    private func makeFolders(_ path: String) -> Bool {
        var current = ""
        for part in path.split(separator: "/") {
            current += "/" + part
            if mkdir(current, 0o700) != 0 && errno != EEXIST { return false }
        }
        return true
    }

    /// Where the console's history is kept.
    var historyPath: String? {
        guard let cacheFolder, makeFolders(cacheFolder) else { return nil }
        return cacheFolder + "/history"
    }
}

extension LocalFiles: DocumentStore {
    /// The folder of the cache that documents are in.
    private static let documents = "documents"
    /// The longest document kept, in bytes.
    private static let documentBytesMax = 1 << 20

    func document(_ name: String) -> [UInt8]? {
        guard let path = cachedModule(buildID: Self.documents, name: name) else { return nil }
        return read(path, at: 0, count: Self.documentBytesMax)
    }

    func keep(_ document: [UInt8], as name: String) {
        guard document.count < Self.documentBytesMax else { return }
        var rest = document
        _ = storeModule(buildID: Self.documents, name: name) {
            defer { rest = [] }
            return rest
        }
    }
}
