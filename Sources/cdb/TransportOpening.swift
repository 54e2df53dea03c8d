import ByteTransport
import ConnectionStrings
import DebugTarget
import RemoteClient
import Transports

/// Why there is no connection: one sentence.
struct ConnectionFailure: Error {
    var message: String
}

/// Opens the way to the process server.
func openTransport(_ text: String) throws(ConnectionFailure) -> GreetingTransport {
    do {
        return try openClientStream(text, program: Product.greeting)
    } catch {
        throw ConnectionFailure(message: "\(error)")
    }
}

/// The target behind a stream.
///
/// Where its server wants a password and a user sits at the terminal, the user is
/// asked for it, and it is proved on a new connection: on this one RSP has been said already.
func openTarget(
    _ text: String,
    _ transport: GreetingTransport,
    interrupts: any WaitObserver,
    documents: (any DocumentStore)? = nil,
    breakInSeconds: Int? = nil
) throws(ConnectionFailure) -> RemoteTarget {
    func options(_ transport: GreetingTransport) -> RemoteOptions {
        var options = RemoteOptions(for: transport.link)
        if let breakInSeconds { options.interruptGraceMilliseconds = breakInSeconds * 1000 }
        return options
    }
    do {
        return try RemoteTarget(
            transport,
            options: options(transport),
            interrupts: interrupts,
            documents: documents
        )
    } catch {
        guard transport.isPasswordAsked else { throw ConnectionFailure(message: error.message) }
        guard let second = try openTransportAskingUser(text, transport.peerName) else {
            throw ConnectionFailure(
                message: "\(transport.peerName): \(GreetingTransport.passwordAskedWords)"
            )
        }
        do {
            return try RemoteTarget(
                second,
                options: options(second),
                interrupts: interrupts,
                documents: documents
            )
        } catch {
            throw ConnectionFailure(message: error.message)
        }
    }
}

/// - Returns: nil when nobody answers.
private func openTransportAskingUser(
    _ text: String,
    _ peerName: String
) throws(ConnectionFailure) -> GreetingTransport? {
    do {
        guard let password = try PasswordSource.ask("\(peerName) password: ") else { return nil }
        return try openClientStream(
            try ConnectionString(text, for: .client),
            program: Product.greeting,
            password: password
        )
    } catch {
        throw ConnectionFailure(message: "\(error)")
    }
}
