internal import Glibc

// Where servers are registered. It is a folder of its own and not one inside root's runtime folder, because
// that one is closed to everybody else for good reason: brokers and pipes meet in it.

extension RuntimeDirectory {
    /// The environment variable that overrides the place of root's registrations.
    public static let serversVariable = "DBGSRV_SERVERS_DIR"

    /// The folder of root's registrations, which everybody may read: `$DBGSRV_SERVERS_DIR`;
    /// `$DBGSRV_RUNTIME_DIR/servers.d`; `/run/dbgsrv-servers`.
    public static var machineServers: String {
        environmentValue(serversVariable)
            ?? environmentValue(variable).map { $0 + "/servers.d" } ?? "/run/dbgsrv-servers"
    }

    /// The folder where this user's servers register, made when it is not there: root's is the machine's.
    public static func openServers() throws(RuntimeDirectoryError) -> String {
        guard geteuid() == 0 else { return try open(subfolder: "servers.d") }
        if environmentValue(serversVariable) == nil, environmentValue(variable) != nil {
            _ = try open()
        }
        return try secured(machineServers, permissions: 0o755)
    }

    /// Whether nobody but its owner, who is root or this user, can have put a folder's files there.
    public static func isTrusted(_ folder: String) -> Bool {
        guard let status = try? FileAttributes(linkPath: folder) else { return false }
        return status.kind == .directory && (status.owner == 0 || status.owner == geteuid())
            && status.permissions & 0o022 == 0
    }
}
