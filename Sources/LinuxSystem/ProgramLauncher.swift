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
                newSession ? 1 : 0
            )
        }
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

    /// Whether a path is a file that this user may execute.
    public static func isExecutable(_ path: String) -> Bool {
        access(path, X_OK) == 0 && (try? FileAttributes(path: path))?.kind == .file
    }
}
