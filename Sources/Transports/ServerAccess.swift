public import ConnectionStrings
internal import SessionProtocol

/// What a server asks of its clients: the keys of its password, if it has one; never the password.
public struct ServerAccess: Sendable, Equatable {
    /// The keys of the password.
    let credentials: ScramCredentials?

    /// Nothing is asked.
    public static let open = ServerAccess(credentials: nil)

    private init(credentials: ScramCredentials?) {
        self.credentials = credentials
    }

    /// Gets the password of a server's connection string and derives its keys.
    public init(_ connection: ConnectionString) throws(TransportError) {
        guard let named = connection.access.password else {
            credentials = nil
            return
        }
        let password = try PasswordSource.password(named, of: connection.transportName)
        credentials = PasswordProof.credentials(password)
    }

    /// Whether a password is asked for.
    public var hasPassword: Bool { credentials != nil }

    /// One word for a pipe to another process of this user, empty for none.
    public var encoded: String { credentials?.encoded ?? "" }

    /// Reads what `encoded` wrote; nil for anything else.
    public init?(encoded: String) {
        if encoded.isEmpty {
            self = .open
        } else {
            guard let credentials = ScramCredentials(encoded: encoded) else { return nil }
            self.credentials = credentials
        }
    }
}
