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
                arguments: ["--stdio"],
                descriptors: [theirs, theirs, try OwnedDescriptor(duplicating: 2)],
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

    private static func path() throws(SystemError) -> String {
        let own = ProgramLauncher.ownPath ?? ""
        let beside = own.prefix(through: own.lastIndex(of: "/") ?? own.startIndex) + program
        if let found = ProgramLauncher.find(String(beside)) ?? ProgramLauncher.find(program) {
            return found
        }
        throw SystemError("find", program, errorNumber: ENOENT)
    }
}
