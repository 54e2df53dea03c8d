internal import LinuxSystem

/// The socket that a service manager opened before it started this program (systemd.socket(5)): a listener takes
/// it instead of opening one.
enum ActivatedSocket {
    /// The TCP socket, where one was passed; its port has to be one of those that the connection string allows.
    static func take(ports: ClosedRange<Int>) throws(TransportError) -> OwnedDescriptor? {
        guard let socket = try take() else { return nil }
        guard case .tcp(let port) = socket.place else {
            throw mismatch(socket, "a TCP port")
        }
        // Port 0 is "any", as where the listener chooses.
        guard ports == 0...0 || ports.contains(port) else {
            throw mismatch(socket, "port \(ports.lowerBound)" + (ports.count > 1 ? " and up" : ""))
        }
        return socket.descriptor
    }

    /// The pipe's socket, where one was passed; it has to be where the pipe's name leads.
    static func take(path: String) throws(TransportError) -> OwnedDescriptor? {
        guard let socket = try take() else { return nil }
        guard socket.place == .unix(path: path) else { throw mismatch(socket, path) }
        return socket.descriptor
    }

    /// For transports that no service manager can open.
    static func refuse(_ transport: String) throws(TransportError) {
        if let socket = try take() { throw mismatch(socket, transport) }
    }

    private static func take() throws(TransportError) -> ServiceSocket? {
        let sockets: [ServiceSocket]
        do {
            sockets = try ServiceManager.takeSockets()
        } catch {
            throw TransportError("the service manager's socket", error)
        }
        guard sockets.count <= 1 else {
            throw TransportError(
                "the service manager passed \(sockets.count) sockets, but a server has one transport:"
                    + " give each its own socket unit"
            )
        }
        return sockets.first
    }

    private static func mismatch(_ socket: ServiceSocket, _ wanted: String) -> TransportError {
        let place =
            switch socket.place {
            case .tcp(let port): "on TCP port \(port)"
            case .unix(let path): "at \(path)"
            case .other: "of another kind (Accept=no and ListenStream= are needed)"
            }
        return TransportError(
            "the service manager passed a socket \(place), but the transport is for \(wanted)"
        )
    }
}
