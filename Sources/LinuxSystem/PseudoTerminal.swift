internal import CLinuxShims
internal import Glibc

/// A pseudo-terminal: the end a program simulates, and the path of the end that looks like a port.
public struct PseudoTerminal: Sendable {
    /// The simulating end.
    public let master: OwnedDescriptor
    /// The other end's path, `/dev/pts/7`.
    public let path: String

    /// Makes a new one.
    public init() throws(SystemError) {
        let number = try systemCall("open", "/dev/ptmx") { clinux_pseudo_terminal_open() }
        master = OwnedDescriptor(number)
        path = "/dev/pts/\(try systemCall("TIOCGPTN") { clinux_pseudo_terminal_number(number) })"
    }

    /// Opens the end that looks like a port.
    ///
    /// While any such descriptor is open, the master does not see an end of file when others close theirs.
    public func openSlave() throws(SystemError) -> OwnedDescriptor {
        OwnedDescriptor(
            try systemCall("open", path) { clinux_pseudo_terminal_slave(master.number) }
        )
    }
}
