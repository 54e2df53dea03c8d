internal import Glibc

/// What a connection's two ends say of it.
public struct SocketEnds: Sendable, Equatable {
    /// The port of this end.
    public var port: Int
    /// Whether both ends are on this machine.
    public var areOnOneMachine: Bool

    /// Looks at a connected socket; nil for what is none of the Internet's.
    public init?(of descriptor: Int32) {
        guard
            let own = try? SocketAddress.asked("getsockname", { getsockname(descriptor, $0, $1) }),
            let peer = try? SocketAddress.asked("getpeername", { getpeername(descriptor, $0, $1) }),
            own.isInternet, peer.isInternet
        else { return nil }
        port = own.port
        areOnOneMachine = own.machine == peer.machine
    }
}
