internal import Glibc

/// A Unix datagram socket that sends to a path and never waits.
public final class UnixDatagramSender: Sendable {
    private let socket: OwnedDescriptor
    private let path: String

    /// Opens a socket for sending to a path; whether anybody listens there shows when something is sent.
    public init(to path: String) throws(SystemError) {
        self.path = path
        socket = OwnedDescriptor(
            try systemCall("socket") {
                Glibc.socket(
                    AF_UNIX,
                    Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue),
                    0
                )
            }
        )
    }

    /// Sends one datagram; what the receiver has no room for is an error (EAGAIN).
    public func send(_ bytes: [UInt8]) throws(SystemError) {
        try UnixSocket.withAddress(path) { (address, length) throws(SystemError) in
            _ = try systemCall("sendto", path) {
                sendto(
                    socket.number,
                    bytes,
                    bytes.count,
                    Int32(MSG_NOSIGNAL),
                    address,
                    length
                )
            }
        }
    }
}
