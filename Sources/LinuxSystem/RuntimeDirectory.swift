internal import Glibc

/// The folder where the programs of one user meet: sockets, lock files and logs of brokers.
public enum RuntimeDirectory {
    /// The environment variable that overrides the place.
    public static let variable = "DBGSRV_RUNTIME_DIR"

    /// Finds the folder, made when it is not there; its owner and mode are checked, since whoever could
    /// write to it could answer in a broker's place.
    ///
    /// The places: `$DBGSRV_RUNTIME_DIR`; for root `/run/dbgsrv`, whatever the login session says, so that a
    /// service and a shell meet; `$XDG_RUNTIME_DIR/dbgsrv`; `/tmp/dbgsrv-UID`.
    public static func open() throws(RuntimeDirectoryError) -> String {
        if let given = environmentValue(variable) { return try secured(given) }
        let user = geteuid()
        if user == 0, let path = try? secured("/run/dbgsrv") { return path }
        if let session = environmentValue("XDG_RUNTIME_DIR"),
            let path = try? secured(session + "/dbgsrv")
        {
            return path
        }
        return try secured("/tmp/dbgsrv-\(user)")
    }

    /// A folder in the runtime folder, made and checked in the same way.
    public static func open(subfolder name: String) throws(RuntimeDirectoryError) -> String {
        try secured(open() + "/" + name)
    }

    /// Makes the folder when it is not there, and checks that nobody but this user can write to it.
    static func secured(
        _ path: String,
        permissions: UInt32 = 0o700
    ) throws(RuntimeDirectoryError) -> String {
        guard path.hasPrefix("/") else {
            throw RuntimeDirectoryError(path, "is not an absolute path")
        }
        if mkdir(path, permissions) == 0 {
            // Whatever the umask is.
            chmod(path, permissions)
        } else if errno != EEXIST {
            throw RuntimeDirectoryError(path, "cannot be made: \(SystemError("mkdir").reason)")
        }
        let status: FileAttributes
        do {
            status = try FileAttributes(linkPath: path)
        } catch {
            throw RuntimeDirectoryError(path, "cannot be looked at: \(error.reason)")
        }
        guard status.kind == .directory else {
            throw RuntimeDirectoryError(path, "is not a folder")
        }
        guard status.owner == geteuid() else {
            throw RuntimeDirectoryError(path, "belongs to the user \(userName(status.owner))")
        }
        guard status.permissions & 0o022 == 0 else {
            throw RuntimeDirectoryError(path, "can be written by others; it needs mode 0700")
        }
        return path
    }
}

/// The folder cannot be used.
public struct RuntimeDirectoryError: Error, Sendable, CustomStringConvertible {
    /// One sentence for people.
    public let description: String

    init(_ path: String, _ problem: String) {
        description = "The runtime folder \(path) \(problem)."
    }
}

/// An environment variable that is set and not empty.
public func environmentValue(_ name: String) -> String? {
    guard let value = getenv(name) else { return nil }
    let text = String(cString: value)
    return text.isEmpty ? nil : text
}
