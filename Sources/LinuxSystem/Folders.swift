internal import CLinuxShims
internal import Glibc

/// Folders, permissions and links.
public enum Folders {
    /// How deep folders may stand in each other for `remove`.
    private static let depthMax = 64

    /// The folder that relative paths of this process start at.
    public static var current: String { symbolicLinkTarget("/proc/self/cwd") ?? "/" }

    /// mkdir(2).
    public static func make(_ path: String, mode: UInt32) throws(SystemError) {
        try systemCall("mkdir", path) { mkdir(path, mode) }
    }

    /// chmod(2).
    public static func setPermissions(_ mode: UInt32, of path: String) throws(SystemError) {
        try systemCall("chmod", path) { chmod(path, mode) }
    }

    /// symlink(2).
    public static func makeLink(at path: String, to destination: String) throws(SystemError) {
        try systemCall("symlink", path) { symlink(destination, path) }
    }

    /// Makes a folder for this user alone, `/tmp/name-XXXXXX` (mkdtemp(3)).
    public static func makeTemporary(named name: String) throws(SystemError) -> String {
        var template = Array("/tmp/\(name)-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError("mkdtemp", "/tmp") }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Removes a folder with all that is in it, links as such, as far as it can be removed.
    public static func remove(_ path: String) {
        remove(path, depth: 0)
    }

    private static func remove(_ path: String, depth: Int) {
        guard depth < depthMax else { return }
        for name in folderEntries(path) {
            let member = "\(path)/\(name)"
            if (try? FileAttributes(linkPath: member))?.kind == .directory {
                remove(member, depth: depth + 1)
            } else {
                _ = unlink(member)
            }
        }
        _ = rmdir(path)
    }
}

/// The name of a group; nil when there is none.
public func groupName(_ number: UInt32) -> String? {
    var entry = group()
    var found: UnsafeMutablePointer<group>?
    var buffer = [CChar](repeating: 0, count: 65_536)
    guard getgrgid_r(number, &entry, &buffer, buffer.count, &found) == 0, let found,
        let name = found.pointee.gr_name
    else { return nil }
    return String(cString: name)
}
