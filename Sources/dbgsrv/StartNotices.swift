internal import ConnectionStrings
internal import Glibc
internal import LinuxSystem
internal import Transports

/// What the user hears at the start without having asked: nothing, in most cases.
enum StartNotices {
    /// Lines for standard error.
    static func lines(for connection: ConnectionString, _ listener: any StreamListener) -> [String]
    {
        let place = choosesPlace(connection) ? ["listening on \(listener.displayedName)"] : []
        let isOpen =
            listener.servesNetwork && connection.access.password == nil
            && connection.security == nil
        return place + (isOpen ? warning : [])
    }

    /// Whether only the server knows where it can be reached.
    private static func choosesPlace(_ connection: ConnectionString) -> Bool {
        switch connection {
        case .tcp(let socket), .ssl(let socket, _):
            socket.reverseConnection == nil && (socket.ports.count > 1 || socket.ports.contains(0))
        case .npipe(let pipe), .spipe(let pipe, _):
            pipe.name.contains("%")
        case .com:
            false
        }
    }

    private static var warning: [String] {
        [
            "WARNING: whoever reaches this TCP port debugs as user \(userName(geteuid())): there is"
                + " neither a password nor TLS.",
            "Write tcp:port=…,password=@file:PATH, or ssl: with a certificate; for this machine only,"
                + " npipe:pipe=NAME.",
        ]
    }
}
