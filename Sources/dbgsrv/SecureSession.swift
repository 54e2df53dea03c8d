internal import ByteTransport
internal import ConnectionStrings
internal import LinuxSystem
internal import Logging
internal import Transports

// The TLS handshake happens in the session process: a client that is slow at it, or breaks it, holds up or
// ends nothing but its own session.

/// How long a TLS handshake may take on a quick line.
enum TLSHandshakeLimit {
    /// The environment variable that changes it, in milliseconds.
    static let variable = "DBGSRV_TLS_HANDSHAKE_MILLISECONDS"

    static var milliseconds: Int {
        let asked = environmentValue(variable).flatMap { Int($0) }
        return min(max(asked ?? SecureChannel.handshakeMilliseconds, 1), 600_000)
    }
}

/// Puts TLS around a session's connection where the server's connection string says so.
///
/// - Returns: nil when nothing came of it, which the log has been told.
func secure(
    _ plain: DescriptorTransport,
    _ settings: SessionSettings,
    _ endSignals: SignalDescriptor,
    _ logger: Logger
) throws -> (any ByteTransport)? {
    let connection = try ConnectionString(settings.transport, for: .server)
    guard let channel = try SecureChannel.server(connection) else { return plain }
    let transport = channel.wrap(plain)
    let limit = SecureChannel.limitMilliseconds(
        on: settings.link,
        quick: settings.handshakeMilliseconds
    )
    do throws(TransportError) {
        guard try transport.handshake(limitMilliseconds: limit, stop: endSignals.number) else {
            logger.info("\(settings.peerName): ended by a signal during the TLS handshake")
            return nil
        }
    } catch {
        logger.warning("\(error)")
        // The client may have begun to speak already: with TLS 1.3 it learns last that it is refused.
        try Farewell.say(on: plain, endSignals)
        transport.close()
        return nil
    }
    let client = transport.peerCertificate.map { ", the client's certificate is \($0)" } ?? ""
    logger.info("\(settings.peerName): \(transport.agreement)\(client)")
    return transport
}
