internal import Glibc

/// What a connection's two ends say of it.
public struct SocketEnds: Sendable, Equatable {
    /// The port of this end.
    public var port: Int
    /// Whether both ends are on this machine.
    public var areOnOneMachine: Bool

    /// Looks at a connected socket; nil for what is none of the Internet's.
    public init?(of descriptor: Int32) {
        guard let own = Self.address(of: descriptor, getsockname),
            let peer = Self.address(of: descriptor, getpeername)
        else { return nil }
        port = own.port
        areOnOneMachine = own.host == peer.host
    }

    private typealias Query = (
        Int32, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>
    ) -> Int32

    /// The numeric host and the port.
    private static func address(of descriptor: Int32, _ query: Query) -> (host: String, port: Int)?
    {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        var host = [CChar](repeating: 0, count: 128)
        var service = [CChar](repeating: 0, count: 16)
        let code = withUnsafeMutableBytes(of: &storage) { bytes -> Int32 in
            // SAFETY: sockaddr_storage is made to be looked at as any sockaddr (POSIX sys/socket.h).
            let address = bytes.assumingMemoryBound(to: sockaddr.self).baseAddress.unsafelyUnwrapped
            guard query(descriptor, address, &length) == 0,
                [AF_INET, AF_INET6].contains(Int32(address.pointee.sa_family))
            else { return -1 }
            let flags = NI_NUMERICHOST | NI_NUMERICSERV
            return getnameinfo(
                address,
                length,
                &host,
                socklen_t(host.count),
                &service,
                socklen_t(service.count),
                flags
            )
        }
        guard code == 0 else { return nil }
        let port = String(decoding: service.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
        return (
            String(decoding: host.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self), Int(port) ?? 0
        )
    }
}
