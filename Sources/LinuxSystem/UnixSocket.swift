internal import CLinuxShims
internal import Glibc

/// Who is at the other end of a Unix socket, by the kernel's word.
public struct PeerCredentials: Sendable, Equatable {
    /// The process that connected.
    public var processID: Int32
    /// Its user.
    public var userID: UInt32
    /// Its group.
    public var groupID: UInt32

    /// Names a process, its user and its group.
    public init(processID: Int32, userID: UInt32, groupID: UInt32 = .max) {
        self.processID = processID
        self.userID = userID
        self.groupID = groupID
    }
}

/// Unix stream sockets by path.
public enum UnixSocket {
    /// Bytes of a path that fit into an address, without the final zero.
    public static let pathBytesMax = 107

    /// Two connected sockets, closed on exec (socketpair(2)).
    public static func makePair() throws(SystemError) -> (OwnedDescriptor, OwnedDescriptor) {
        var ends: [Int32] = [-1, -1]
        try systemCall("socketpair") { socketpair(AF_UNIX, streamKind, 0, &ends) }
        return (OwnedDescriptor(ends[0]), OwnedDescriptor(ends[1]))
    }

    /// Connects to a listening socket; the descriptor blocks.
    public static func connect(path: String) throws(SystemError) -> OwnedDescriptor {
        let socket = try make()
        try withAddress(path) { (address, length) throws(SystemError) in
            _ = try systemCall("connect", path) { Glibc.connect(socket.number, address, length) }
        }
        return socket
    }

    /// Listens at a path, where only this user may connect.
    ///
    /// A name that nobody listens on any more is replaced.
    public static func listen(path: String, backlog: Int32) throws(SystemError) -> OwnedDescriptor {
        let status = try? FileAttributes(linkPath: path)
        if status?.kind == .socket {
            do {
                _ = try connect(path: path)
            } catch  where error.errorNumber == ECONNREFUSED {
                removeFile(path)
            }
        }
        let socket = try make()
        let mask = umask(0o177)
        defer { umask(mask) }
        try withAddress(path) { (address, length) throws(SystemError) in
            _ = try systemCall("bind", path) { bind(socket.number, address, length) }
        }
        try systemCall("listen", path) { Glibc.listen(socket.number, backlog) }
        try socket.setNonBlocking()
        return socket
    }

    /// Writes a short message, whole, without a SIGPIPE when the other end is gone.
    public static func send(
        _ bytes: ArraySlice<UInt8>,
        on socket: OwnedDescriptor
    ) throws(SystemError) {
        var rest = bytes
        while !rest.isEmpty {
            let taken = try systemCall("send") {
                rest.withUnsafeBytes { buffer in
                    Glibc.send(socket.number, buffer.baseAddress, buffer.count, noSignal)
                }
            }
            rest = rest.dropFirst(taken)
        }
    }

    /// Writes a message and hands a descriptor over with it (SCM_RIGHTS, unix(7)); ours stays open.
    ///
    /// - Returns: how many of the bytes were taken; the descriptor goes with the first.
    public static func send(
        _ bytes: [UInt8],
        with descriptor: OwnedDescriptor,
        on socket: OwnedDescriptor
    ) throws(SystemError) -> Int {
        try systemCall("sendmsg") {
            clinux_send_descriptor(socket.number, bytes, UInt(bytes.count), descriptor.number)
        }
    }

    /// Waits for a message and takes the descriptor that came with it, nil where none did.
    public static func receive(
        maximum: Int,
        on socket: OwnedDescriptor
    ) throws(SystemError) -> (bytes: [UInt8], descriptor: OwnedDescriptor?) {
        var buffer = [UInt8](repeating: 0, count: maximum)
        var number: Int32 = -1
        let taken = try systemCall("recvmsg") {
            clinux_receive_descriptor(socket.number, &buffer, UInt(maximum), &number)
        }
        return (Array(buffer[..<taken]), number < 0 ? nil : OwnedDescriptor(number))
    }

    private static let noSignal = Int32(MSG_NOSIGNAL)

    /// Who connected.
    public static func peerCredentials(of descriptor: Int32) throws(SystemError) -> PeerCredentials
    {
        var raw = (processID: Int32(0), userID: UInt32(0), groupID: UInt32(0))
        var size = socklen_t(MemoryLayout.size(ofValue: raw))
        try systemCall("SO_PEERCRED") {
            getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &raw, &size)
        }
        return PeerCredentials(
            processID: raw.processID,
            userID: raw.userID,
            groupID: raw.groupID
        )
    }

    /// The further groups that the process was in when it connected.
    public static func peerGroups(of descriptor: Int32) throws(SystemError) -> [UInt32] {
        var groups = [gid_t](repeating: 0, count: groupsMax)
        var size = socklen_t(groups.count * MemoryLayout<gid_t>.size)
        try systemCall("SO_PEERGROUPS") {
            getsockopt(descriptor, SOL_SOCKET, SO_PEERGROUPS, &groups, &size)
        }
        return Array(groups.prefix(Int(size) / MemoryLayout<gid_t>.size))
    }

    /// How many groups a process may be in (NGROUPS_MAX).
    private static let groupsMax = 65_536

    /// Says that no more bytes will be written; reading goes on.
    public static func finishWriting(_ socket: OwnedDescriptor) {
        _ = shutdown(socket.number, Int32(SHUT_WR))
    }

    private static let streamKind =
        Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)

    private static func make() throws(SystemError) -> OwnedDescriptor {
        OwnedDescriptor(try systemCall("socket") { socket(AF_UNIX, streamKind, 0) })
    }

    static func withAddress(
        _ path: String,
        _ body: (UnsafePointer<sockaddr>, socklen_t) throws(SystemError) -> Void
    ) throws(SystemError) {
        let bytes = Array(path.utf8)
        guard bytes.count <= pathBytesMax else {
            throw SystemError("bind", path, errorNumber: ENAMETOOLONG)
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        var failure: SystemError?
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                do throws(SystemError) { try body(generic, length) } catch { failure = error }
            }
        }
        if let failure { throw failure }
    }
}
