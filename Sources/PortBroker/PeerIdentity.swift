internal import Glibc
internal import LinuxSystem
internal import NIOCore

/// struct ucred.
private struct RawCredentials {
    var processID: Int32 = 0
    var userID: UInt32 = 0
    var groupID: UInt32 = 0
}

extension Channel {
    /// Who is at the other end of a Unix socket.
    var peerCredentials: EventLoopFuture<PeerCredentials> {
        guard let provider = self as? any SocketOptionProvider else {
            return eventLoop.makeFailedFuture(SystemError("SO_PEERCRED", errorNumber: ENOTSOCK))
        }
        let option = NIOBSDSocket.Option(rawValue: SO_PEERCRED)
        let raw: EventLoopFuture<RawCredentials> = provider.unsafeGetSocketOption(
            level: .socket,
            name: option
        )
        return raw.map { PeerCredentials(processID: $0.processID, userID: $0.userID) }
    }
}
