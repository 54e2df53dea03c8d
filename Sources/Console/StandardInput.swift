internal import Glibc
public import LinuxSystem

/// Whether a descriptor is a terminal.
func isTerminalDescriptor(_ descriptor: Int32) -> Bool {
    isatty(descriptor) == 1
}

/// Whether standard output goes to a terminal.
public var standardOutputIsTerminal: Bool {
    StandardDescriptor.output.isTerminal
}

/// Reads from standard input once; empty at its end.
func readStandardInput(maximum: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: maximum) { buffer, count in
        var taken = 0
        repeat {
            taken = read(STDIN_FILENO, buffer.baseAddress, maximum)
        } while taken < 0 && errno == EINTR
        count = max(taken, 0)
    }
}

/// Opens a log file for writing, new or at its end.
public func openLogFile(_ path: String, appending: Bool) throws(SystemError) -> OwnedDescriptor {
    let flags = O_WRONLY | O_CREAT | (appending ? O_APPEND : O_TRUNC)
    return try openFile(path, flags: flags, permissions: 0o644)
}
