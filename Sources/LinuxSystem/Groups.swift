internal import Glibc

/// A group's number by its name; nil when there is none.
public func groupID(named name: String) -> UInt32? {
    var entry = group()
    var found: UnsafeMutablePointer<group>?
    var buffer = [CChar](repeating: 0, count: groupEntryBytesMax)
    guard getgrnam_r(name, &entry, &buffer, buffer.count, &found) == 0, found != nil else {
        return nil
    }
    return entry.gr_gid
}

/// How long an entry of the group database may be, with all its members.
private let groupEntryBytesMax = 1 << 18
/// Gives a file's group and permissions to others.
public func share(
    _ path: String,
    withGroup group: UInt32,
    permissions: UInt32
) throws(SystemError) {
    try systemCall("chown", path) { chown(path, uid_t.max, group) }
    try systemCall("chmod", path) { chmod(path, permissions) }
}
