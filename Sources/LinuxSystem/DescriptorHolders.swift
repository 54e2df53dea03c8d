internal import Glibc

/// A process that has a file or device open, or locked.
public struct DescriptorHolder: Sendable, Equatable {
    /// Its process id.
    public var processID: Int32
    /// Its program, as far as it can be seen: the name of the executable, else of the task.
    public var program: String

    /// `picocom (pid 812)`.
    public var description: String { "\(program) (pid \(processID))" }
}

extension DescriptorHolder {
    /// Looks at a process.
    public init(processID: Int32) {
        self.processID = processID
        program = Self.programName(processID)
    }

    /// Who else has the device node open, by scanning /proc; other users' processes are seen by root only.
    public static func ofDevice(major: UInt32, minor: UInt32) -> [DescriptorHolder] {
        let own = getpid()
        var holders: [DescriptorHolder] = []
        for entry in folderEntries("/proc") {
            guard let process = Int32(entry), process != own else { continue }
            let holds = folderEntries("/proc/\(process)/fd").contains { descriptor in
                let status = try? FileAttributes(path: "/proc/\(process)/fd/\(descriptor)")
                return status.map {
                    $0.kind == .characterDevice && $0.deviceMajor == major
                        && $0.deviceMinor == minor
                } ?? false
            }
            if holds { holders.append(DescriptorHolder(processID: process)) }
        }
        return holders
    }

    /// Whose controlling terminal the device is; this is seen of all users' processes.
    public static func onTerminal(major: UInt32, minor: UInt32) -> [DescriptorHolder] {
        let own = getpid()
        return folderEntries("/proc").compactMap { Int32($0) }.filter { process in
            guard process != own,
                let terminal = controllingTerminal(ofStat: fileText("/proc/\(process)/stat") ?? "")
            else { return false }
            return terminal == (major, minor)
        }.map(DescriptorHolder.init(processID:))
    }

    /// The seventh word of /proc/PID/stat; the second one may have spaces and parentheses in it.
    static func controllingTerminal(ofStat text: String) -> (major: UInt32, minor: UInt32)? {
        guard let end = text.lastIndex(of: ")") else { return nil }
        let words = text[text.index(after: end)...].split(separator: " ")
        guard words.count > 4, let number = Int32(words[4]), number != 0 else { return nil }
        let device = UInt32(bitPattern: number)
        return (device >> 8 & 0xFFF, device & 0xFF | device >> 12 & 0xFFF00)
    }

    /// Who holds a lock on the file, from /proc/locks.
    ///
    /// - Parameters:
    ///   - file: the file's status.
    ///   - locks: the text of /proc/locks.
    public static func ofLock(
        on file: FileAttributes,
        locks: String = fileText("/proc/locks") ?? ""
    ) -> DescriptorHolder? {
        for line in locks.split(separator: "\n") {
            // "1: FLOCK  ADVISORY  WRITE 812 00:15:1034 0 EOF"; waiting ones have "->" as second word.
            let words = line.split(separator: " ")
            guard words.count >= 6, words[1] != "->", let process = Int32(words[4]) else {
                continue
            }
            let place = words[5].split(separator: ":")
            guard place.count == 3, UInt64(place[2]) == file.inode, process > 0 else { continue }
            guard deviceNumber(place[0], place[1]) == file.fileSystem else { continue }
            return DescriptorHolder(processID: process)
        }
        return nil
    }

    /// The st_dev of the hexadecimal major and minor numbers in /proc/locks.
    private static func deviceNumber(_ major: Substring, _ minor: Substring) -> UInt64? {
        guard let major = UInt64(major, radix: 16), let minor = UInt64(minor, radix: 16) else {
            return nil
        }
        return (minor & 0xFF) | (major & 0xFFF) << 8 | (minor & 0xFFFF_FF00) << 12
    }

    private static func programName(_ process: Int32) -> String {
        if let target = symbolicLinkTarget("/proc/\(process)/exe") {
            let path = target.hasSuffix(" (deleted)") ? target.dropLast(10) : target[...]
            if let name = path.split(separator: "/").last { return String(name) }
        }
        let task = fileText("/proc/\(process)/comm", maximum: 64)?.split(separator: "\n").first
        return task.map(String.init) ?? "another process"
    }
}

/// Whether a process runs, also when it belongs to somebody else.
///
/// One that has ended and waits for its parent to notice does not run.
public func processIsAlive(_ processID: Int32) -> Bool {
    guard kill(processID, 0) == 0 || errno == EPERM else { return false }
    // "812 (name) S …"; the name may have spaces and parentheses in it.
    guard let text = fileText("/proc/\(processID)/stat", maximum: 512),
        let end = text.lastIndex(of: ")")
    else { return true }
    let state = text[text.index(after: end)...].split(separator: " ").first
    return state != "Z" && state != "X"
}

/// This process's effective user.
public var effectiveUserID: UInt32 { geteuid() }

/// The name of a group; its number when it has none.
public func groupName(_ group: UInt32) -> String {
    var entry = Glibc.group()
    var found: UnsafeMutablePointer<Glibc.group>?
    var buffer = [CChar](repeating: 0, count: 4096)
    guard getgrgid_r(group, &entry, &buffer, buffer.count, &found) == 0, let found,
        let name = found.pointee.gr_name
    else { return String(group) }
    return String(cString: name)
}

/// The number of a user by name or by its own digits; nil where there is none of that name.
public func userNumber(_ name: String) -> UInt32? {
    if let number = UInt32(name) { return number }
    var entry = passwd()
    var found: UnsafeMutablePointer<passwd>?
    var buffer = [CChar](repeating: 0, count: 4096)
    guard getpwnam_r(name, &entry, &buffer, buffer.count, &found) == 0 else { return nil }
    return found?.pointee.pw_uid
}

/// The name of a user; the number when there is none.
public func userName(_ user: UInt32) -> String {
    var entry = passwd()
    var found: UnsafeMutablePointer<passwd>?
    var buffer = [CChar](repeating: 0, count: 4096)
    guard getpwuid_r(user, &entry, &buffer, buffer.count, &found) == 0, let found,
        let name = found.pointee.pw_name
    else { return String(user) }
    return String(cString: name)
}
