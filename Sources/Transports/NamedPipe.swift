internal import ByteTransport
internal import ConnectionStrings
internal import Glibc
internal import LinuxSystem

// A named pipe is a Unix socket in the folder `pipes` of the user's runtime folder, which nobody else may enter;
// so the programs of one user, and root's among themselves, meet by names. gdb takes the socket's path:
// `target extended-remote /run/dbgsrv/pipes/rabbit`.

/// Named pipes of this machine.
enum NamedPipe {
    /// How many connections may wait to be accepted.
    static let backlog: Int32 = 64

    /// Where the pipe of that name is.
    static func path(of name: String) throws(TransportError) -> String {
        do {
            return try RuntimeDirectory.open(subfolder: "pipes") + "/" + name
        } catch {
            throw TransportError(error.description)
        }
    }

    /// Connects to a pipe of this machine.
    static func connect(
        _ pipe: ConnectionString.Pipe
    ) throws(TransportError) -> DescriptorTransport {
        if let machine = pipe.server, !isThisMachine(machine) {
            throw TransportError(
                "npipe: server was '\(machine)': this version reaches pipes of this machine only"
                    + " (server=localhost); use tcp or com for another"
            )
        }
        let path = try path(of: pipe.name)
        let socket: OwnedDescriptor
        do {
            socket = try UnixSocket.connect(path: path)
        } catch {
            throw TransportError(words(for: error, pipe.name, path))
        }
        return try wrap(socket, peerName: "npipe \(pipe.name)", link: .local)
    }

    private static func words(for error: SystemError, _ name: String, _ path: String) -> String {
        switch error.errorNumber {
        case ENOENT, ECONNREFUSED:
            "cannot connect to npipe \(name): no server of user \(userName(geteuid())) has a pipe"
                + " of that name (\(path))"
        case ENAMETOOLONG:
            tooLong(name, path)
        default:
            "cannot connect to npipe \(name): \(error.reason) (\(path))"
        }
    }

    static func tooLong(_ name: String, _ path: String) -> String {
        let most = UnixSocket.pathBytesMax - (path.utf8.count - name.utf8.count)
        return "npipe: pipe was '\(name)': its name may have \(most) bytes"
    }

    private static func isThisMachine(_ machine: String) -> Bool {
        [".", "localhost", "127.0.0.1", "::1", hostName().lowercased()]
            .contains(machine.lowercased())
    }
}

/// A named pipe as a listener of a process server.
final class PipeStreamListener: StreamListener {
    private let socket: OwnedDescriptor
    private let name: String
    private let path: String
    let displayedName: String

    /// Listens under the name with its format codes replaced.
    init(
        _ connection: ConnectionString,
        _ pipe: ConnectionString.Pipe
    ) throws(TransportError) {
        let process = Files.ownProcess
        name = PipeName.expand(pipe.name, processID: process, threadID: Files.ownThread)
        path = try NamedPipe.path(of: name)
        displayedName = connection.displayed(pipeName: name)
        do {
            socket = try UnixSocket.listen(path: path, backlog: NamedPipe.backlog)
        } catch {
            switch error.errorNumber {
            case EADDRINUSE:
                throw TransportError("npipe \(name) is in use by another server; give another name")
            case ENAMETOOLONG:
                throw TransportError(NamedPipe.tooLong(name, path))
            default:
                throw TransportError("cannot listen on npipe \(name) (\(path))", error)
            }
        }
    }

    deinit { removeFile(path) }

    var descriptor: Int32 { socket.number }

    func accept() throws(TransportError) -> AcceptedConnection? {
        do {
            guard let (descriptor, _) = try SocketAddress.accept(from: socket) else { return nil }
            let peer = try UnixSocket.peerCredentials(of: descriptor.number)
            // The folder keeps others out; this is for one whose mode somebody has changed.
            guard peer.userID == geteuid() || peer.userID == 0 else { return nil }
            return AcceptedConnection(
                descriptor: descriptor,
                peerName: "npipe \(name) (pid \(peer.processID))",
                link: .local,
                userID: peer.userID
            )
        } catch {
            throw TransportError("npipe \(name)", error)
        }
    }
}
