public import DiscoveryProtocol
internal import Glibc
internal import LinuxSystem

// One small file for each server, written by the server and removed when it ends in order. Root's servers are in
// a folder that everybody may read, another user's in that user's runtime folder. A file whose server was killed
// stays: readers notice and mark it, and the next server of the same user clears it away.
//
// A reader believes a file only when root or the reader owns the folder and nobody else can write to it, and when the
// file is a plain one of the folder's owner: symlinks, FIFOs and what others put there are passed over.

/// The servers of this machine.
public enum ServerRegistry {
    /// The most files of a folder that are looked at.
    public static let filesMax = 1024

    private static let suffix = ".server"

    /// Registers a server of this process.
    ///
    /// - Parameters:
    ///   - type: what kind of server it is, `ServerEntry.processServer`.
    ///   - transport: the connection string as lists show it, passwords masked.
    ///   - program: the program's name and version.
    /// - Returns: what removes the entry when it is let go of.
    public static func register(
        type: String,
        transport: String,
        program: String
    ) throws(ServerRegistryError) -> ServerRegistration {
        let folder: String
        do {
            folder = try RuntimeDirectory.openServers()
        } catch {
            throw ServerRegistryError(description: error.description)
        }
        clear(folder)
        let process = getpid()
        let record = ServerRecord(
            entry: ServerEntry(
                type: type,
                transport: transport,
                program: program,
                processID: process
            ),
            startTicks: ProcFS.statistics(of: process)?.startTicks ?? 0,
            bootID: bootID,
            startedAt: secondsSince1970()
        )
        do {
            return ServerRegistration(path: try write(record, to: folder))
        } catch {
            throw ServerRegistryError(
                description: "The server cannot be registered in \(folder): \(error.reason)."
            )
        }
    }

    /// What this user may see: root's servers and this user's own, the oldest first.
    public static func visibleServers() -> [ServerEntry] {
        var folders = [RuntimeDirectory.machineServers]
        if geteuid() != 0, let own = try? RuntimeDirectory.openServers(), own != folders[0] {
            folders.append(own)
        }
        return entries(in: folders)
    }

    /// What everybody may see, other machines too: root's servers, the oldest first.
    public static func machineServers() -> [ServerEntry] {
        entries(in: [RuntimeDirectory.machineServers])
    }

    private static func entries(in folders: [String]) -> [ServerEntry] {
        let now = secondsSince1970()
        return folders.flatMap { folder in files(in: folder).compactMap { read("\(folder)/\($0)") }
        }
        .sorted { ($0.startedAt, $0.startTicks) < ($1.startedAt, $1.startTicks) }
        .map { record in
            var entry = record.entry
            entry.ageSeconds = max(0, now - record.startedAt)
            entry.isStale = hasEnded(record)
            return entry
        }
    }

    private static func files(in folder: String) -> [String] {
        guard RuntimeDirectory.isTrusted(folder) else { return [] }
        let names = folderEntries(folder).filter { $0.hasSuffix(suffix) && !$0.hasPrefix(".") }
        return Array(names.prefix(filesMax))
    }

    /// The record of a file; nil for whatever is no registration.
    private static func read(_ path: String) -> ServerRecord? {
        let folder = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        guard let owner = (try? FileAttributes(linkPath: folder))?.owner,
            let file = try? openFile(path, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY),
            let status = try? FileAttributes(of: file), status.kind == .file,
            status.owner == owner,
            let bytes = try? file.read(maximum: ServerRecord.bytesMax + 1)
        else { return nil }
        return ServerRecord(bytes)
    }

    /// Writes a file beside its place and moves it there, so that nobody reads half of it.
    private static func write(
        _ record: ServerRecord,
        to folder: String
    ) throws(SystemError) -> String {
        let number = "\(getpid())-\(monotonicNanoseconds())"
        let path = "\(folder)/\(number)\(suffix)"
        let draft = "\(folder)/.\(number)\(suffix)"
        do {
            let file = try openFile(draft, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW)
            try systemCall("fchmod", draft) { fchmod(file.number, 0o644) }
            _ = try file.write(record.encoded[...])
            try systemCall("rename", path) { rename(draft, path) }
            return path
        } catch {
            removeFile(draft)
            throw error
        }
    }

    /// Removes what dead servers of this user have left.
    private static func clear(_ folder: String) {
        for name in folderEntries(folder).prefix(filesMax) where name.hasSuffix(suffix) {
            let path = "\(folder)/\(name)"
            if let record = read(path) {
                if hasEnded(record) { removeFile(path) }
            } else if name.hasPrefix("."),
                let process = Int32(name.dropFirst().prefix { $0 != "-" }),
                !isAlive(process)
            {
                // A draft whose writer was killed.
                removeFile(path)
            }
        }
    }

    /// Whether a record's process has ended, or its number has gone to another.
    static func hasEnded(_ record: ServerRecord) -> Bool {
        guard record.bootID == bootID, let process = record.entry.processID else { return true }
        guard let statistics = ProcFS.statistics(of: process) else { return !isAlive(process) }
        let isGone = statistics.state == "Z" || statistics.state == "X"
        return isGone || statistics.startTicks != record.startTicks
    }

    /// Whether there is such a process, also where /proc hides other users' (mount option hidepid).
    private static func isAlive(_ process: Int32) -> Bool {
        kill(process, 0) == 0 || errno != ESRCH
    }

    /// It lasts longer than any process.
    private static let bootID = ProcFS.text(of: "/proc/sys/kernel/random/boot_id") ?? ""

    private static func secondsSince1970() -> Int { time(nil) }
}

/// A server's place in the registry, as long as somebody holds it.
public final class ServerRegistration {
    private let path: String

    init(path: String) {
        self.path = path
    }

    deinit { removeFile(path) }
}

/// The server could not be registered; the description is a sentence for the user.
public struct ServerRegistryError: Error, Sendable, CustomStringConvertible {
    /// The sentence.
    public var description: String
}
