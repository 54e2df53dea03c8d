internal import Glibc
internal import LinuxSystem

/// The standard input of the server, which programs that a client starts read as gdbserver's do.
enum ServerInput {
    /// Whether nobody else reads it.
    ///
    /// A terminal is the server's only as long as it stands in its foreground. A session process has left the
    /// terminal, and what it starts would take a shell's input away without being stopped for it.
    static var isTheServers: Bool {
        guard isatty(STDIN_FILENO) == 1 else { return true }
        guard let server = ProcFS.statistics(of: getppid()) else { return false }
        return server.group == server.foregroundGroup
    }
}
