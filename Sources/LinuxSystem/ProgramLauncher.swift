internal import CLinuxShims
internal import Glibc

/// Starts other programs, with exactly the descriptors they are given.
public enum ProgramLauncher {
    /// Starts a program.
    ///
    /// - Parameters:
    ///   - path: the executable.
    ///   - arguments: those after the program's name.
    ///   - descriptors: what becomes its descriptors 0, 1, 2 and so on; everything else is closed.
    ///   - newSession: whether it leaves our terminal and process group.
    /// - Returns: its process id; the caller waits for its end.
    public static func start(
        _ path: String,
        arguments: [String],
        descriptors: [OwnedDescriptor],
        newSession: Bool
    ) throws(SystemError) -> Int32 {
        // Out of the way of the numbers that are about to be filled.
        let copies = try descriptors.map { (descriptor) throws(SystemError) in
            OwnedDescriptor(
                try systemCall("fcntl") {
                    fcntl(descriptor.number, F_DUPFD_CLOEXEC, Int32(descriptors.count))
                }
            )
        }
        var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) }
        words.append(nil)
        defer { words.forEach { free($0) } }
        return try systemCall("start", path) {
            clinux_start_program(
                path,
                words,
                copies.map(\.number),
                Int32(copies.count),
                newSession ? 1 : 0,
                nil
            )
        }
    }

    /// Starts a program in a session of its own, with a terminal as its input, output and controlling terminal.
    ///
    /// - Parameters:
    ///   - path: the executable.
    ///   - arguments: those after the program's name.
    ///   - terminal: the terminal's path, `/dev/pts/7`.
    /// - Returns: its process id; the caller waits for its end.
    public static func start(
        _ path: String,
        arguments: [String],
        onTerminal terminal: String
    ) throws(SystemError) -> Int32 {
        var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) }
        words.append(nil)
        defer { words.forEach { free($0) } }
        return try systemCall("start", path) {
            clinux_start_program(path, words, [], 0, 1, terminal)
        }
    }

    /// How a program ended.
    public enum Ending: Sendable, Equatable {
        /// By exit(2).
        case exited(UInt8)
        /// By a signal.
        case killed(signal: UInt8)

        /// What a shell shows as its status.
        public var status: Int32 {
            switch self {
            case .exited(let code): Int32(code)
            case .killed(let signal): 128 + Int32(signal)
            }
        }
    }

    /// How a process started by this one ended; nil while it runs.
    public static func ending(of process: Int32) -> Ending? {
        var status: Int32 = 0
        guard waitpid(process, &status, WNOHANG) == process else { return nil }
        let signal = status & 0x7F
        return signal == 0
            ? .exited(UInt8((status >> 8) & 0xFF)) : .killed(signal: UInt8(signal))
    }

    /// Sends a signal to a process and everything else in its process group.
    public static func signalGroup(_ process: Int32, _ signal: Int32) {
        if kill(-process, signal) < 0 { kill(process, signal) }
    }

    /// Waits until a process started by this one has ended.
    ///
    /// - Returns: its exit status; nil when a signal ended it or somebody else has waited for it.
    @discardableResult
    public static func waitForEnd(of process: Int32) -> Int32? {
        var status: Int32 = 0
        guard (try? systemCall("waitpid") { waitpid(process, &status, 0) }) == process else {
            return nil
        }
        return status & 0x7F == 0 ? (status >> 8) & 0xFF : nil
    }

    /// A pipe, both ends closed on exec.
    public static func makePipe() throws(SystemError) -> (
        read: OwnedDescriptor, write: OwnedDescriptor
    ) {
        var ends: [Int32] = [-1, -1]
        try systemCall("pipe2") { clinux_pipe(&ends) }
        return (OwnedDescriptor(ends[0]), OwnedDescriptor(ends[1]))
    }

    /// The path of the program that runs.
    public static var ownPath: String? { symbolicLinkTarget("/proc/self/exe") }

    /// The path of a program: the name itself where it is a path, or else where PATH or one of the other
    /// folders has it; nil where there is none.
    public static func find(_ name: String, otherFolders: [String] = []) -> String? {
        if name.contains("/") { return isExecutable(name) ? name : nil }
        let folders = (environmentValue("PATH") ?? "/usr/local/bin:/usr/bin:/bin")
            .split(separator: ":").map(String.init)
        return (folders + otherFolders).map { $0 + "/" + name }.first(where: isExecutable)
    }

    /// What starts the running program once more: its path, or the kernel's name for it where an upgrade has put
    /// another program there meanwhile.
    public static var ownProgram: String {
        let kernelsName = "/proc/self/exe"
        guard let path = ownPath, let there = try? FileAttributes(path: path),
            let own = try? FileAttributes(path: kernelsName),
            (there.fileSystem, there.inode) == (own.fileSystem, own.inode)
        else { return kernelsName }
        return path
    }

    /// Whether a path is a file that this user may execute.
    public static func isExecutable(_ path: String) -> Bool {
        access(path, X_OK) == 0 && (try? FileAttributes(path: path))?.kind == .file
    }
}
