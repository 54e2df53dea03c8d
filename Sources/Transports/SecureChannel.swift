public import ByteTransport
internal import Certificates
public import ConnectionStrings
internal import LinuxSystem
internal import TLSEngine

/// TLS as a connection string asks for it, its certificates looked up and checked.
///
/// Who is TLS's server and who its client follows from who serves debugging, not from who connected: with
/// `clicon` the server connects out and is TLS's server none the less.
public struct SecureChannel {
    /// How long a handshake may take, in milliseconds, beside what a slow line takes for its bytes.
    public static let handshakeMilliseconds = 15_000
    /// The bytes of a handshake with its certificates, for the time that a serial line needs for them.
    static let handshakeBytes = 16_384

    private let configuration: TLSConfiguration
    private let role: TLSConnection.Role
    private let transportName: String

    /// What a server's string asks for; nil when that is a transport without TLS.
    public static func server(
        _ connection: ConnectionString
    ) throws(TransportError) -> SecureChannel? {
        guard let security = connection.security else { return nil }
        do throws(CertificateError) {
            guard let (folder, name) = security.serverCertificate else { return nil }
            var configuration = TLSConfiguration(
                trust: try clientTrust(security, folder),
                identity: try folder.identity(name, for: .server)
            )
            configuration.versions = security.versions
            return try SecureChannel(configuration, .server, connection)
        } catch {
            throw TransportError("\(connection.transportName): \(error)")
        }
    }

    /// What a client's string asks for; nil when that is a transport without TLS.
    public static func client(
        _ connection: ConnectionString
    ) throws(TransportError) -> SecureChannel? {
        guard let security = connection.security else { return nil }
        do throws(CertificateError) {
            let folder = security.serverCertificate?.folder ?? .user
            var configuration = TLSConfiguration(trust: try serverTrust(security))
            if let own = security.clientCertificate {
                configuration.identity = try folder.identity(own, for: .client)
            }
            configuration.versions = security.versions
            return try SecureChannel(configuration, .client, connection)
        } catch {
            throw TransportError("\(connection.transportName): \(error)")
        }
    }

    private init(
        _ configuration: TLSConfiguration,
        _ role: TLSConnection.Role,
        _ connection: ConnectionString
    ) throws(CertificateError) {
        var configuration = configuration
        configuration.keyLog = KeyLog.open().map { log in { line in log.append(line) } }
        self.configuration = configuration
        self.role = role
        transportName = connection.transportName
    }

    private static func serverTrust(
        _ security: ConnectionString.Security
    ) throws(CertificateError) -> PeerTrust {
        if let (folder, name) = security.serverCertificate {
            return .pinned(try folder.thumbprint(name))
        }
        let host = security.host ?? ""
        guard let authority = security.authority, authority != "system" else {
            return .systemAuthorities(host: host)
        }
        let folder = CertificateFolder.user.has(authority) ? CertificateFolder.user : .machine
        return .authorities(try folder.authorities(authority), host: host)
    }

    private static func clientTrust(
        _ security: ConnectionString.Security,
        _ folder: CertificateFolder
    ) throws(CertificateError) -> PeerTrust {
        guard let demanded = security.clientCertificate else { return .anybody }
        if let thumbprint = Thumbprint.bytes(of: demanded) { return .pinned(thumbprint) }
        return .authorities(try folder.authorities(demanded), host: nil)
    }

    /// Puts TLS around a fresh connection; the handshake is still to be done.
    public func wrap(_ inner: any ByteTransport) -> TLSTransport {
        TLSTransport(
            inner,
            TLSConnection(configuration, role: role),
            peerName: transportName == "com" ? inner.peerName + " (TLS)" : renamed(inner.peerName)
        )
    }

    /// `ssl [::1]:5005` for `tcp [::1]:5005`.
    private func renamed(_ name: String) -> String {
        secureName(name, transportName)
    }

    /// How long the handshake may take on a line, given what it may take on a quick one.
    public static func limitMilliseconds(
        on link: LinkKind,
        quick: Int = handshakeMilliseconds
    ) -> Int {
        guard case .serial(let baudRate) = link else { return quick }
        return quick + handshakeBytes * 10 * 1000 / max(baudRate, 1)
    }

    /// Puts TLS around a fresh connection and does the handshake.
    func connect(_ inner: any ByteTransport) throws(TransportError) -> any ByteTransport {
        let secure = wrap(inner)
        do {
            _ = try secure.handshake(limitMilliseconds: Self.limitMilliseconds(on: inner.link))
        } catch {
            secure.close()
            throw error
        }
        return secure
    }
}

/// A peer's name with the secure transport's name in front.
func secureName(_ name: String, _ transportName: String) -> String {
    guard transportName == "ssl" || transportName == "spipe",
        let space = name.firstIndex(of: " ")
    else { return name }
    return transportName + name[space...]
}

extension ConnectionString.Security {
    fileprivate var serverCertificate: (folder: CertificateFolder, name: String)? {
        switch certificate {
        case .user(let name): (.user, name)
        case .machine(let name): (.machine, name)
        case nil: nil
        }
    }

    fileprivate var versions: TLSVersions {
        switch version {
        case .tls1: .family
        case .tls12: .only12
        case .tls13: .only13
        }
    }
}
