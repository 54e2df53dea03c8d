internal import ByteTransport
internal import ConnectionStrings
internal import Glibc
internal import LinuxSystem

// A named pipe is a Unix socket in the folder `pipes` of the user's runtime folder, which nobody else may enter;
// so the programs of one user, and root's among themselves, meet by names. gdb takes the socket's path:
// `target extended-remote /run/dbgsrv/pipes/rabbit`. With `group=` the socket is where everybody may look, and the
// members of that group may connect.

/// Named pipes of this machine.
enum NamedPipe {
    /// How many connections may wait to be accepted.
    static let backlog: Int32 = 1024

    /// Where the pipe of that name is.
    ///
    /// - Parameter isShared: whether a group has it.
    static func path(of name: String, isShared: Bool = false) throws(TransportError) -> String {
        do {
            let folder =
                isShared
                ? try RuntimeDirectory.openSharedPipes()
                : try RuntimeDirectory.open(subfolder: "pipes")
            return folder + "/" + name
        } catch {
            throw TransportError(error.description)
        }
    }

    /// Connects to a pipe: of this user, of root with a group, or of another machine through ssh.
    static func connect(
        _ pipe: ConnectionString.Pipe
    ) throws(TransportError) -> DescriptorTransport {
        if let machine = pipe.server, !isThisMachine(machine) {
            return try SSHTunnel.connect(machine: machine, pipe: pipe.name)
        }
        let shared = RuntimeDirectory.sharedPipes
        let sharedPath = shared + "/" + pipe.name
        let own: String
        do {
            own = try path(of: pipe.name)
        } catch {
            // Who has no folder of their own may still be in a group.
            guard Files.exists(sharedPath) else { throw error }
            own = sharedPath
        }
        let isOwn = own != sharedPath && (Files.exists(own) || !Files.exists(sharedPath))
        guard isOwn || RuntimeDirectory.isTrusted(shared) else {
            throw TransportError(
                "npipe \(pipe.name): anybody can have put it into \(shared), which should belong to"
                    + " root and be closed to the writing of others"
            )
        }
        let path = isOwn ? own : sharedPath
        do {
            return try wrap(
                try UnixSocket.connect(path: path),
                peerName: "npipe \(pipe.name)",
                link: .local
            )
        } catch let error as SystemError {
            throw TransportError(words(for: error, pipe.name, path))
        } catch {
            throw TransportError("\(error)")
        }
    }

    private static func words(for error: SystemError, _ name: String, _ path: String) -> String {
        switch error.errorNumber {
        case ENOENT, ECONNREFUSED:
            "cannot connect to npipe \(name): no server of user \(userName(geteuid())) has a pipe"
                + " of that name (\(path))"
        case EACCES where path.hasPrefix(RuntimeDirectory.sharedPipes):
            "npipe \(name) is for the members of the group"
                + " \((try? FileAttributes(linkPath: path)).map { groupName($0.group) } ?? "?"), and"
                + " \(userName(geteuid())) is none (\(path))"
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
    private let transportName: String
    /// Whether the pipe's name goes with this listener; a service manager's stays.
    private let ownsName: Bool
    /// The group whose members may connect, where there is one.
    private let group: UInt32?
    let displayedName: String

    /// Listens under the name with its format codes replaced.
    init(
        _ connection: ConnectionString,
        _ pipe: ConnectionString.Pipe,
        _ process: (id: Int32, thread: Int32)
    ) throws(TransportError) {
        transportName = connection.transportName
        name = PipeName.expand(pipe.name, processID: process.id, threadID: process.thread)
        group = try pipe.group.map { (name) throws(TransportError) in
            guard let number = groupID(named: name) else {
                throw TransportError("npipe: group was '\(name)': there is no such group")
            }
            return number
        }
        path = try NamedPipe.path(of: name, isShared: group != nil)
        displayedName = connection.displayed(pipeName: name)
        if let given = try ActivatedSocket.take(path: path) {
            socket = given
            ownsName = false
            return
        }
        ownsName = true
        do {
            socket = try UnixSocket.listen(path: path, backlog: NamedPipe.backlog)
            if let group { try share(path, withGroup: group, permissions: 0o660) }
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

    deinit { if ownsName { removeFile(path) } }

    var descriptor: Int32 { socket.number }

    func accept() throws(TransportError) -> AcceptedConnection? {
        do {
            guard let (descriptor, _) = try SocketAddress.accept(from: socket) else { return nil }
            let peer = try UnixSocket.peerCredentials(of: descriptor.number)
            // Modes keep others out; this is for one that somebody has changed.
            guard try mayConnect(peer, descriptor) else {
                _ = try? descriptor.write(AccessWords.refusal(turnedAway(peer))[...])
                return nil
            }
            return AcceptedConnection(
                descriptor: descriptor,
                peerName: "\(transportName) \(name) (pid \(peer.processID))",
                link: .local,
                origin: "user \(userName(peer.userID))",
                userID: peer.userID
            )
        } catch {
            throw TransportError("npipe \(name)", error)
        }
    }

    private func mayConnect(
        _ peer: PeerCredentials,
        _ socket: OwnedDescriptor
    ) throws(SystemError) -> Bool {
        if peer.userID == geteuid() || peer.userID == 0 { return true }
        guard let group else { return false }
        if peer.groupID == group { return true }
        return try UnixSocket.peerGroups(of: socket.number).contains(group)
    }

    private func turnedAway(_ peer: PeerCredentials) -> String {
        let members = group.map { " and the members of the group \(groupName($0))" } ?? ""
        return "npipe \(name) is for the user \(userName(geteuid()))\(members), and"
            + " \(userName(peer.userID)) is none of them"
    }
}
