internal import CLinuxShims
internal import Glibc

/// What /proc says of processes and threads (proc(5)).
public enum ProcFS {
    /// The most that is read of any file here.
    public static let fileBytesMax = 16 << 20

    /// A whole file; what cannot be read is an error.
    public static func contents(of path: String) throws(SystemError) -> [UInt8] {
        let number = try systemCall("open", path) { clinux_open(path, O_RDONLY, 0) }
        let file = OwnedDescriptor(number)
        var bytes: [UInt8] = []
        while bytes.count < fileBytesMax {
            guard let portion = try file.read(maximum: 16384), !portion.isEmpty else { break }
            bytes += portion
        }
        return bytes
    }

    /// A whole file as text, without the line feed at its end; nil when it cannot be read.
    public static func text(of path: String) -> String? {
        guard var bytes = try? contents(of: path) else { return nil }
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Where a symbolic link points.
    public static func linkDestination(of path: String) throws(SystemError) -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let capacity = buffer.count
        let count = try systemCall("readlink", path) { readlink(path, &buffer, capacity) }
        let bytes = buffer[..<count].map { UInt8(bitPattern: $0) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The entries of a folder that are numbers, ascending.
    public static func numbers(in folder: String) throws(SystemError) -> [Int32] {
        guard let stream = opendir(folder) else { throw SystemError("opendir", folder) }
        defer { closedir(stream) }
        var numbers: [Int32] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if let number = Int32(name) { numbers.append(number) }
        }
        return numbers.sorted()
    }

    /// All processes.
    public static func processes() throws(SystemError) -> [Int32] {
        try numbers(in: "/proc")
    }

    /// The threads of a process.
    public static func threads(of process: Int32) throws(SystemError) -> [Int32] {
        try numbers(in: "/proc/\(process)/task")
    }

    /// A name of a thread or process (comm), empty when it is gone.
    public static func name(process: Int32, thread: Int32) -> String {
        text(of: "/proc/\(process)/task/\(thread)/comm") ?? ""
    }

    /// Part of `/proc/PID/stat`.
    public struct Statistics: Sendable, Equatable {
        /// The program's name.
        public var name: String
        /// `R`, `S`, `D`, `T`, `t`, `Z`, `X`, ….
        public var state: Character
        /// The parent.
        public var parent: Int32
        /// The process group.
        public var group: Int32
        /// The session.
        public var session: Int32
        /// The group in the foreground of its terminal; -1 where it has none.
        public var foregroundGroup: Int32
        /// Whether it is a thread of the kernel.
        public var isKernelThread: Bool
        /// The processor it last ran on.
        public var processor: Int?
        /// When it began, in clock ticks since the machine did.
        public var startTicks: UInt64

        /// Reads the line; nil when it is malformed.
        init?(line bytes: [UInt8]) {
            // The name is in parentheses and may contain any character, these included.
            guard let open = bytes.firstIndex(of: UInt8(ascii: "(")),
                let close = bytes.lastIndex(of: UInt8(ascii: ")")), open < close
            else { return nil }
            name = String(decoding: bytes[(open + 1)..<close], as: UTF8.self)
            let fields = bytes[(close + 1)...].split(separator: UInt8(ascii: " "))
            guard fields.count > 6, let state = fields[0].first,
                let parent = Int32(decimal: fields[1]), let group = Int32(decimal: fields[2]),
                let session = Int32(decimal: fields[3])
            else { return nil }
            self.state = Character(Unicode.Scalar(state))
            self.parent = parent
            self.group = group
            self.session = session
            foregroundGroup = Int32(decimal: fields[5]) ?? -1
            // PF_KTHREAD
            isKernelThread = (UInt64(decimal: fields[6]) ?? 0) & 0x0020_0000 != 0
            processor = fields.count > 36 ? Int(decimal: fields[36]) : nil
            startTicks = fields.count > 19 ? UInt64(decimal: fields[19]) ?? 0 : 0
        }
    }

    /// What one read of a file of /proc gives, which of `stat` is all; nil when it is gone.
    private static func line(of path: String) -> [UInt8]? {
        guard let number = try? systemCall("open", path, { clinux_open(path, O_RDONLY, 0) }) else {
            return nil
        }
        guard var bytes = (try? OwnedDescriptor(number).read(maximum: 4096)) ?? nil else {
            return nil
        }
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        return bytes
    }

    /// The statistics of a process, nil when it is gone.
    public static func statistics(of process: Int32) -> Statistics? {
        line(of: "/proc/\(process)/stat").flatMap { Statistics(line: $0) }
    }

    /// The statistics of a thread, nil when it is gone.
    public static func statistics(process: Int32, thread: Int32) -> Statistics? {
        line(of: "/proc/\(process)/task/\(thread)/stat").flatMap { Statistics(line: $0) }
    }

    /// One value of `/proc/PID/status`, `Tgid` or `Uid`; nil when it is gone or has no such line.
    public static func status(of process: Int32, _ key: String) -> String? {
        guard let text = text(of: "/proc/\(process)/status") else { return nil }
        for line in text.split(separator: "\n") where line.hasPrefix(key + ":") {
            let value = line.dropFirst(key.utf8.count + 1)
            return String(value.drop { $0 == "\t" || $0 == " " })
        }
        return nil
    }

    /// The arguments of a process, empty for a thread of the kernel.
    public static func arguments(of process: Int32) -> [String] {
        guard let bytes = try? contents(of: "/proc/\(process)/cmdline") else { return [] }
        var arguments = bytes.split(separator: 0, omittingEmptySubsequences: false)
        if arguments.last?.isEmpty == true { arguments.removeLast() }
        return arguments.map { String(decoding: $0, as: UTF8.self) }
    }
}

extension FixedWidthInteger {
    /// A number in decimal digits; nil when it is none, or too large.
    fileprivate init?(decimal digits: ArraySlice<UInt8>) {
        let isNegative = digits.first == UInt8(ascii: "-")
        var number: Self = 0
        guard digits.count > (isNegative ? 1 : 0) else { return nil }
        for digit in digits.dropFirst(isNegative ? 1 : 0) {
            let value = digit &- UInt8(ascii: "0")
            let (tens, overflow) = number.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tens.addingReportingOverflow(Self(truncatingIfNeeded: value))
            guard value < 10, !overflow, !carry else { return nil }
            number = sum
        }
        self = isNegative ? 0 &- number : number
    }
}
