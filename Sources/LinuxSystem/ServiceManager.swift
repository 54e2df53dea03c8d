internal import Glibc

// What a service manager gives a service, and wants to hear from it: sd_listen_fds(3) and sd_notify(3). Both are
// a few environment variables, so there is no library behind this.

/// A socket that a service manager has opened for this process.
public struct ServiceSocket {
    /// Where it listens.
    public enum Place: Sendable, Equatable {
        /// A TCP port, on whatever addresses.
        case tcp(port: Int)
        /// A Unix stream socket's path.
        case unix(path: String)
        /// Anything else: no stream, or nobody can connect to it.
        case other
    }

    /// The socket; it does not block and is closed on exec.
    public let descriptor: OwnedDescriptor
    /// Where it listens.
    public let place: Place
}

/// The service manager that started this process, if one did.
public enum ServiceManager {
    /// The first descriptor that it passes (SD_LISTEN_FDS_START).
    public static let firstDescriptor: Int32 = 3
    /// The most that are looked at.
    static let socketsMax = 64

    /// Takes the sockets that were passed to this process, once: the variables that say so are removed, so that
    /// nothing that this process starts believes they were for it.
    public static func takeSockets() throws(SystemError) -> [ServiceSocket] {
        defer { for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] { unsetenv(name) } }
        guard environmentValue("LISTEN_PID").flatMap({ Int32($0) }) == getpid(),
            let count = environmentValue("LISTEN_FDS").flatMap({ Int32($0) }), count > 0
        else { return [] }
        let numbers = firstDescriptor..<firstDescriptor + min(count, Int32(socketsMax))
        return try numbers.map { (number) throws(SystemError) in
            // The descriptors that a session process gets begin with the same numbers.
            let copy = try OwnedDescriptor(duplicating: number)
            close(number)
            let place = place(of: copy)
            if place != .other { try copy.setNonBlocking() }
            return ServiceSocket(descriptor: copy, place: place)
        }
    }

    /// Where a socket listens.
    public static func place(of socket: OwnedDescriptor) -> ServiceSocket.Place {
        guard option(socket, SO_ACCEPTCONN) == 1,
            option(socket, SO_TYPE) == Int32(SOCK_STREAM.rawValue),
            let family = option(socket, SO_DOMAIN)
        else { return .other }
        if family == AF_INET || family == AF_INET6 {
            return (try? SocketAddress.local(of: socket)).map { .tcp(port: $0.port) } ?? .other
        }
        return family == AF_UNIX ? unixPath(of: socket).map { .unix(path: $0) } ?? .other : .other
    }

    private static func option(_ socket: OwnedDescriptor, _ name: Int32) -> Int32? {
        var value: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        let answer = getsockopt(socket.number, SOL_SOCKET, name, &value, &length)
        return answer == 0 ? value : nil
    }

    /// The path; nil for a name that is in no folder (unix(7), abstract sockets).
    private static func unixPath(of socket: OwnedDescriptor) -> String? {
        var address = sockaddr_un()
        var length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let answer = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getsockname(socket.number, $0, &length)
            }
        }
        guard answer == 0 else { return nil }
        let bytes = withUnsafeBytes(of: &address.sun_path) { Array($0.prefix { $0 != 0 }) }
        return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
    }
}

/// Tells the service manager how a service is, where it wants to hear (NOTIFY_SOCKET).
public final class ServiceNotifier: Sendable {
    private let path: String

    /// Nil where nobody wants to hear; the variable is removed, so that nothing that is started speaks for us.
    public init?() {
        guard let path = environmentValue("NOTIFY_SOCKET") else { return nil }
        unsetenv("NOTIFY_SOCKET")
        guard path.hasPrefix("/") || path.hasPrefix("@"),
            (2...UnixSocket.pathBytesMax).contains(path.utf8.count)
        else { return nil }
        self.path = path
    }

    /// Sends assignments such as `READY=1`; a manager that does not take them is none of the service's business.
    public func say(_ assignments: String...) {
        let socket = Glibc.socket(
            AF_UNIX,
            Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue),
            0
        )
        guard socket >= 0 else { return }
        defer { close(socket) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(path.utf8)
        // A name in no folder begins with a zero byte, which is written as @.
        if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        let message = Array(assignments.joined(separator: "\n").utf8)
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                _ = sendto(
                    socket,
                    message,
                    message.count,
                    Int32(MSG_NOSIGNAL),
                    generic,
                    length
                )
            }
        }
    }
}
