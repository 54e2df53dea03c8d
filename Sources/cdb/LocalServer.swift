import ByteTransport
import Glibc
import LinuxSystem
import Transports

/// The process server of a debugger that debugs on its own machine: a `dbgsrv --stdio` for it alone, which ends with
/// it, however that comes about.
///
/// A process of its own, since ptrace(2) wants one thread that does nothing but wait for its debuggees.
enum LocalServer {
    /// The program's name, looked for beside this one and then in PATH.
    private static let program = "dbgsrv"

    /// Starts it and opens the way to it.
    static func open() throws(ConnectionFailure) -> GreetingTransport {
        do throws(SystemError) {
            let (ours, theirs) = try UnixSocket.makePair()
            // Ctrl+C at the terminal is for the debugger, so the server has no terminal.
            _ = try ProgramLauncher.start(
                try path(),
                arguments: ["--stdio", "--program-streams"],
                descriptors: [
                    theirs, theirs, try OwnedDescriptor(duplicating: 2), try inputOfPrograms(),
                    try OwnedDescriptor(duplicating: 1),
                ],
                newSession: true
            )
            return GreetingTransport(
                try DescriptorTransport(ours, peerName: "this machine", link: .local),
                program: Product.greeting
            )
        } catch {
            throw ConnectionFailure(
                message: "cannot start \(program), which does the work on this machine: \(error)"
            )
        }
    }

    /// What programs read that are started here: the terminal while they run, else nothing, since what comes through
    /// a pipe are commands.
    private static func inputOfPrograms() throws(SystemError) -> OwnedDescriptor {
        isatty(0) == 1
            ? try OwnedDescriptor(duplicating: 0) : try openFile("/dev/null", flags: O_RDONLY)
    }

    private static func path() throws(SystemError) -> String {
        let own = ProgramLauncher.ownPath ?? ""
        let beside = own.prefix(through: own.lastIndex(of: "/") ?? own.startIndex) + program
        if let found = ProgramLauncher.find(String(beside)) ?? ProgramLauncher.find(program) {
            return found
        }
        throw SystemError("find", program, errorNumber: ENOENT)
    }
}
