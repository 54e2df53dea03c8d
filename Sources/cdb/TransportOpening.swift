import ByteTransport
import Transports

/// Why there is no connection: one sentence.
struct ConnectionFailure: Error {
    var message: String
}

/// Opens the way to the process server.
func openTransport(_ text: String) throws(ConnectionFailure) -> any ByteTransport {
    do {
        return try openClientStream(text, program: Product.greeting)
    } catch {
        throw ConnectionFailure(message: "\(error)")
    }
}
