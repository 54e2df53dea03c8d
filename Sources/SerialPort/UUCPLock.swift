internal import Glibc
internal import LinuxSystem

/// The lock file of older programs, `/run/lock/LCK..ttyUSB0` with the owner's process id in ten columns.
///
/// It comes second: flock(2) on the terminal is the lock that counts, dies with its owner and needs no
/// writable folder. Programs that know only the file (older minicom) are warned off by it where the folder
/// lets us make one; where it does not, that is not an error.
struct UUCPLock {
    static let defaultFolder = "/run/lock"
    private let path: String

    /// Takes the lock as far as possible.
    ///
    /// The file of a program that is gone is replaced, where the folder lets us remove it; where it does not (a
    /// sticky folder and another user's file) the port is ours all the same, by flock(2).
    ///
    /// - Throws: `SerialPortError.lockFile` when a live program has it.
    init?(device: String, folder: String) throws(SerialPortError) {
        let name = device.hasPrefix("/dev/") ? String(device.dropFirst(5)) : device
        path = "\(folder)/LCK.." + name.map { $0 == "/" ? "_" : String($0) }.joined()
        if let owner = Self.owner(of: path), owner != getpid() {
            if processIsAlive(owner) {
                let holder = DescriptorHolder(processID: owner)
                throw .lockFile(path: device, file: path, holder: holder)
            }
            unlink(path)
        }
        guard Self.create(path) else { return nil }
    }

    /// Removes the file if it is still ours.
    func release() {
        if Self.owner(of: path) == getpid() { unlink(path) }
    }

    /// The process id in a lock file, as text or as the four bytes of very old programs.
    static func owner(of path: String) -> Int32? {
        guard let file = try? openFile(path, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK),
            let bytes = try? file.read(maximum: 64)
        else { return nil }
        if bytes.count == 4, bytes.contains(where: { $0 < 0x20 && $0 != 0x0A }) {
            let number = bytes.reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            return Int32(bitPattern: number)
        }
        let words = String(decoding: bytes, as: UTF8.self).split { " \n\t\0".contains($0) }
        guard let number = words.first.flatMap({ Int32($0) }), number > 0 else { return nil }
        return number
    }

    /// Makes the file whole or not at all: written under another name, then linked.
    private static func create(_ path: String) -> Bool {
        let process = getpid()
        let temporary = "\(path).\(process)"
        let digits = String(process)
        let line = String(repeating: " ", count: max(0, 10 - digits.count)) + digits + "\n"
        guard
            let file = try? openFile(
                temporary,
                flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW,
                permissions: 0o644
            )
        else { return false }
        defer { unlink(temporary) }
        let written = try? file.write(Array(line.utf8)[...])
        return written == line.utf8.count
            && (link(temporary, path) == 0 || owner(of: path) == process)
    }
}
