public import ConnectionStrings
internal import SessionProtocol

/// What a server asks of its clients: the keys of its passwords, if it has any; never a password.
public struct ServerAccess: Sendable, Equatable {
    /// The keys of the password.
    let credentials: ScramCredentials?
    /// The keys of a password for those who only look.
    let readOnlyCredentials: ScramCredentials?

    /// Nothing is asked.
    public static let open = ServerAccess([])

    private init(_ keys: [ScramCredentials]) {
        credentials = keys.first
        readOnlyCredentials = keys.count > 1 ? keys[1] : nil
    }

    /// Gets the passwords of a server's connection string and derives their keys.
    public init(_ connection: ConnectionString) throws(TransportError) {
        let named = [connection.access.password, connection.access.readOnlyPassword]
        var passwords: [[UInt8]] = []
        for case .some(let name) in named {
            passwords.append(try PasswordSource.password(name, of: connection.transportName))
        }
        guard Set(passwords).count == passwords.count else {
            throw TransportError(
                "\(connection.transportName): password and readonly-password are the same"
            )
        }
        self.init(PasswordProof.credentials(passwords))
    }

    /// Whether a password is asked for.
    public var hasPassword: Bool { credentials != nil }

    /// One word for a pipe to another process of this user, empty for none.
    public var encoded: String {
        [credentials, readOnlyCredentials].compactMap { $0?.encoded }.joined(separator: ";")
    }

    /// Reads what `encoded` wrote; nil for anything else.
    public init?(encoded: String) {
        let keys = encoded.split(separator: ";").map { ScramCredentials(encoded: String($0)) }
        guard keys.count <= 2, !keys.contains(nil) else { return nil }
        self.init(keys.compactMap(\.self))
    }
}
