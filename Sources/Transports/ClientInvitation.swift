internal import Certificates
public import ConnectionStrings
public import LinuxSystem

/// The connection string with which a client reaches a server, ready to be pasted: this machine's name, the port or
/// the pipe that was chosen, the certificate by its thumbprint, and `Password=*`, at which the client asks.
///
/// - Parameter host: what clients call this machine.
public func clientInvitation(
    to connection: ConnectionString,
    at listener: (any StreamListener)?,
    pipeName: String? = nil,
    host: String = hostName()
) -> String {
    func open(_ access: ConnectionString.Access) -> ConnectionString.Access {
        var access = access
        access.isHidden = false
        access.opensFirewall = false
        access.isReadOnly = false
        access.readOnlyPassword = nil
        return access
    }
    func pipe(_ served: ConnectionString.Pipe) -> ConnectionString.Pipe {
        var pipe = served
        pipe.name = pipeName ?? served.name
        pipe.server = host
        pipe.access = open(served.access)
        return pipe
    }
    func socket(_ served: ConnectionString.Socket) -> ConnectionString.Socket {
        var socket = served
        let port = listener?.portNumber ?? served.ports.lowerBound
        socket.ports = port...port
        socket.server = served.reverseConnection == nil ? host : nil
        socket.reverseConnection = served.reverseConnection.map { _ in host }
        socket.access = open(served.access)
        return socket
    }
    switch connection {
    case .npipe(let own): return ConnectionString.npipe(pipe(own)).displayed()
    case .spipe(let own, let security):
        return ConnectionString.spipe(pipe(own), security.forClients).displayed()
    case .tcp(let own): return ConnectionString.tcp(socket(own)).displayed()
    case .ssl(let own, let security):
        return ConnectionString.ssl(socket(own), security.forClients).displayed()
    case .com(var serial):
        serial.access = open(serial.access)
        serial.security = serial.security?.forClients
        return ConnectionString.com(serial).displayed()
    }
}

extension ConnectionString.Security {
    /// What a client writes who has nothing but this line.
    fileprivate var forClients: ConnectionString.Security {
        var client = self
        client.clientCertificate = nil
        let known: [UInt8]? =
            switch certificate {
            case .user(let name): try? CertificateFolder.user.thumbprint(name)
            case .machine(let name): try? CertificateFolder.machine.thumbprint(name)
            case nil: nil
            }
        if let known {
            client.certificate = .user(
                known.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            )
        }
        return client
    }
}
