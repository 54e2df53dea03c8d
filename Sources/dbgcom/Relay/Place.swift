import ArgumentParser
import Glibc
import LinuxSystem
import Transports

/// Where a socket is: `tcp:PORT`, `tcp:HOST:PORT` or `unix:PATH`.
enum Place: ExpressibleByArgument, Equatable {
    case tcp(host: String, port: Int)
    case unix(String)

    static let thisMachine = "127.0.0.1"

    init?(argument: String) {
        if argument.hasPrefix("unix:"), argument.count > 5 {
            self = .unix(String(argument.dropFirst(5)))
            return
        }
        guard argument.hasPrefix("tcp:") else { return nil }
        let rest = argument.dropFirst(4)
        let colon = rest.lastIndex(of: ":")
        let digits = colon.map { rest[rest.index(after: $0)...] } ?? rest
        let host = colon.map { String(rest[..<$0]) } ?? Self.thisMachine
        guard let port = Int(digits), 0...65_535 ~= port, !host.isEmpty else { return nil }
        self = .tcp(host: host, port: port)
    }
}

/// A listening socket.
final class PlaceListener {
    let socket: OwnedDescriptor
    /// Where it listens, with the port that was chosen.
    let name: String
    private let path: String?

    private static let backlog: Int32 = 64

    init(_ place: Place) throws {
        switch place {
        case .tcp(let host, let port):
            let addresses = try SocketAddress.resolve(host: host, port: port, onlyIPv6: false)
            guard let address = addresses.first else {
                throw CommandFailure("There is no machine \(host).")
            }
            let chosen: Int
            do {
                (socket, chosen) = try address.listen(onlyIPv6: false, backlog: Self.backlog)
            } catch {
                throw CommandFailure("tcp:\(host):\(port) cannot be listened on: \(error.reason).")
            }
            name = "tcp:\(host):\(chosen)"
            path = nil
        case .unix(let path):
            do {
                socket = try UnixSocket.listen(path: path, backlog: Self.backlog)
            } catch {
                throw CommandFailure("unix:\(path) cannot be listened on: \(error.reason).")
            }
            name = "unix:\(path)"
            self.path = path
        }
    }

    deinit {
        if let path { removeFile(path) }
    }

    /// The next connection; nil when there is none.
    func accept() throws -> OwnedDescriptor? {
        guard let (socket, _) = try SocketAddress.accept(from: socket) else { return nil }
        if path == nil { try? TCPSocket.prepare(socket) }
        return socket
    }
}

/// A connection that is being made to a place; each address of a name is tried.
final class PlaceConnector {
    private let place: Place
    private var addresses: [SocketAddress]
    private var socket: OwnedDescriptor?
    private var trouble = "it has no address"

    /// - Parameter addresses: those of the place's host, looked up before.
    init(_ place: Place, addresses: [SocketAddress]) {
        self.place = place
        self.addresses = addresses
    }

    /// The addresses of a place; none of a path.
    static func addresses(of place: Place) throws -> [SocketAddress] {
        guard case .tcp(let host, let port) = place else { return [] }
        return try SocketAddress.resolve(host: host, port: port, onlyIPv6: false)
    }

    /// What poll watches for room.
    var descriptor: Int32 { socket?.number ?? -1 }

    /// The connected socket; nil while nothing is known.
    ///
    /// - Parameter isReady: whether poll said that the descriptor is writable.
    func take(isReady: Bool) throws -> OwnedDescriptor? {
        if case .unix(let path) = place {
            do {
                let socket = try UnixSocket.connect(path: path)
                try socket.setNonBlocking()
                return socket
            } catch {
                throw CommandFailure("unix:\(path) cannot be connected: \(error.reason).")
            }
        }
        if let socket, isReady {
            let failure = try pendingError(of: socket)
            if failure == 0 {
                try? TCPSocket.prepare(socket)
                return socket
            }
            trouble = SystemError("connect", errorNumber: failure).reason
            self.socket = nil
        }
        while socket == nil {
            guard !addresses.isEmpty else { throw failure }
            do {
                socket = try addresses.removeFirst().startConnecting()
            } catch {
                trouble = error.reason
            }
        }
        return nil
    }

    private var failure: CommandFailure {
        guard case .tcp(let host, let port) = place else { return CommandFailure(trouble) }
        return CommandFailure("tcp:\(host):\(port) cannot be connected: \(trouble).")
    }
}
