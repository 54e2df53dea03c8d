internal import Glibc

extension ProgramLauncher {
    /// Becomes another program.
    ///
    /// - Parameters:
    ///   - path: the executable.
    ///   - arguments: its whole argv, each byte for byte.
    ///   - changes: variables to set, or to unset where the value is nil.
    /// - Returns: only when that failed.
    public static func become(
        _ path: String,
        arguments: [[UInt8]],
        changes: [(name: String, value: String?)] = []
    ) -> SystemError {
        for change in changes {
            if let value = change.value {
                setenv(change.name, value, 1)
            } else {
                unsetenv(change.name)
            }
        }
        // What this program does not want to hear of is its own affair.
        signal(SIGPIPE, SIG_DFL)
        var words = copiedCStrings(arguments) + [nil]
        execv(path, &words)
        let error = SystemError("start", path)
        words.forEach { free($0) }
        return error
    }
}
