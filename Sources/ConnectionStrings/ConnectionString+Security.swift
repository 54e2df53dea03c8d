// TLS in a connection string: the parameters of the seeds, and those that they lack.
//
// `ca=`, `host=` and `clientcert=` are extensions: a client that trusts an authority instead of one
// certificate, and a server that asks who its client is. On `com:` all of them are extensions.

extension ConnectionString.Security {
    static let serverNames = ["proto", "certuser", "machuser", "clientcert"]
    static let clientNames = ["proto", "certuser", "machuser", "ca", "host", "clientcert"]

    /// The parameters whose values may hold spaces: names of certificates and thumbprints.
    static let spacedNames = ["certuser", "machuser", "ca", "clientcert"]

    /// What a protocol that is no longer spoken was called.
    private static let obsolete = ["pct1": "PCT 1.0", "ssl2": "SSL 2.0", "ssl3": "SSL 3.0"]

    init(
        from list: inout ParameterList,
        _ side: ConnectionString.Side
    ) throws(ConnectionStringError) {
        version = try Self.version(from: &list)
        certificate = try Self.certificate(from: &list)
        clientCertificate = try list.take("clientcert")
        guard side == .client else {
            if certificate == nil {
                throw ConnectionStringError(
                    "\(list.transport): certuser= or machuser= is missing: it names the certificate"
                        + " that the server shows (dbgsrv --new-certificate NAME makes one)"
                )
            }
            return
        }
        authority = try list.take("ca")
        host = try list.take("host")
        try checkClient(list.transport)
    }

    private func checkClient(_ transport: String) throws(ConnectionStringError) {
        switch (certificate, authority) {
        case (nil, nil):
            throw ConnectionStringError(
                "\(transport): certuser= or machuser= is missing: it names the certificate that the"
                    + " server must show, or its thumbprint (or ca= the authority that vouches for it)"
            )
        case (.some, .some):
            throw ConnectionStringError(
                "\(transport): ca excludes certuser and machuser: either one certificate is"
                    + " demanded, or any that the authority vouches for"
            )
        case (.some, nil) where host != nil:
            throw ConnectionStringError(
                "\(transport): host belongs to ca: a certificate that is demanded itself needs no"
                    + " name in it"
            )
        default:
            return
        }
    }

    /// With an authority, some host's name must be in the certificate: the machine's unless `host=` says.
    mutating func settle(machine: String?, _ transport: String) throws(ConnectionStringError) {
        guard authority != nil, host == nil else { return }
        guard let machine else {
            throw ConnectionStringError(
                "\(transport): host= is missing: with ca= it names the host that the server's"
                    + " certificate must be for"
            )
        }
        host = machine == "." ? "localhost" : machine
    }

    private static func version(
        from list: inout ParameterList
    ) throws(ConnectionStringError) -> Version {
        let written = try list.require("proto", "the protocol, for example proto=tls1")
        let name = written.lowercased()
        if let version = Version(rawValue: name) { return version }
        if let full = obsolete[name] {
            throw ConnectionStringError(
                "\(list.transport): proto was '\(written)': \(full) is broken and no longer spoken;"
                    + " write proto=tls1, which is TLS 1.3 or 1.2"
            )
        }
        let known = Version.allCases.map(\.rawValue).joined(separator: ", ")
        throw ConnectionStringError(
            "\(list.transport): proto must be one of \(known), but was '\(written)'"
        )
    }

    private static func certificate(
        from list: inout ParameterList
    ) throws(ConnectionStringError) -> ConnectionString.Certificate? {
        let user = try list.take("certuser")
        let machine = try list.take("machuser")
        if user != nil, machine != nil {
            throw ConnectionStringError(
                "\(list.transport): certuser and machuser exclude each other"
            )
        }
        return user.map { .user($0) } ?? machine.map { .machine($0) }
    }

    /// The parameters as lists show them.
    ///
    /// - Parameter machine: the server's name, which `host=` repeats unless it was written.
    func displayed(machine: String?) -> [String] {
        var shown = ["Proto=\(version.rawValue)"]
        switch certificate {
        case .user(let name): shown.append("CertUser=\(name)")
        case .machine(let name): shown.append("MachUser=\(name)")
        case nil: break
        }
        if let authority { shown.append("CA=\(authority)") }
        if let host, host != machine { shown.append("Host=\(host)") }
        if let clientCertificate { shown.append("ClientCert=\(clientCertificate)") }
        return shown
    }
}
