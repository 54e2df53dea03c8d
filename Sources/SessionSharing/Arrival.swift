internal import ByteTransport
internal import ConnectionStrings
internal import LinuxSystem
internal import SessionProtocol
internal import Transports

/// A connection whose client is not yet a participant: its TLS handshake, its greeting, its farewell.
final class Arrival {
    /// How long a client that was refused may take to read why, in milliseconds.
    static let farewellMilliseconds = 2_000

    /// What came of it.
    enum Verdict {
        /// It takes part from now on.
        case participant(any ByteTransport, isReadOnly: Bool)
        /// It did not know the password; words for the session's log.
        case wrongPassword(String)
        /// It has to read why it was refused, or is gone.
        case refused(String)
    }

    private enum Stage {
        case handshake(TLSTransport)
        case greeting(ClientArrival)
        case farewell
        case over
    }

    let connection: AcceptedConnection
    let server: ServedTransport
    private let program: String
    private var stage = Stage.over
    private var transport: any ByteTransport
    private(set) var deadline: UInt64

    init(
        _ connection: AcceptedConnection,
        _ server: ServedTransport,
        program: String,
        at now: UInt64
    ) throws {
        self.connection = connection
        self.server = server
        self.program = program
        let plain = try DescriptorTransport(
            connection.descriptor,
            peerName: connection.peerName,
            link: connection.link
        )
        transport = plain
        deadline = now + UInt64(ClientArrival.milliseconds) * 1_000_000
        // Anew each time: a certificate may be renewed under a running server.
        guard let channel = try SecureChannel.server(server.connection) else {
            stage = .greeting(greeting(on: plain))
            return
        }
        let secure = channel.wrap(plain)
        transport = secure
        stage = .handshake(secure)
        let milliseconds = SecureChannel.limitMilliseconds(on: connection.link)
        deadline = now + UInt64(milliseconds) * 1_000_000
    }

    private func greeting(on transport: any ByteTransport) -> ClientArrival {
        ClientArrival(
            transport,
            role: .debuggingClient,
            access: server.access,
            program: program
        )
    }

    /// Whether there is nothing more to be done with it.
    var isOver: Bool { if case .over = stage { true } else { false } }

    /// What to poll for.
    var request: PollRequest {
        PollRequest(transport.descriptor, write: transport.hasBufferedOutput)
    }

    /// Whether to look at it without waiting.
    var hasInput: Bool { transport.hasBufferedInput }

    /// Turns it away before it has said anything.
    func turnAway(_ words: String, at now: UInt64) {
        guard case .greeting = stage else { return close() }
        _ = transport.write(AccessWords.refusal(words)[...])
        beginFarewell(now)
    }

    /// Does what can be done now.
    func advance(at now: UInt64) -> Verdict? {
        guard now < deadline else { return expire(now) }
        switch stage {
        case .handshake(let secure):
            do {
                guard try secure.advanceHandshake() else { return nil }
                stage = .greeting(greeting(on: secure))
                deadline = now + UInt64(ClientArrival.milliseconds) * 1_000_000
                return advance(at: now)
            } catch {
                // The client may have begun to speak already: with TLS 1.3 it learns last that it is refused.
                beginFarewell(now)
                return .refused(error.description)
            }
        case .greeting(var arrival):
            let verdict = arrival.advance()
            stage = .greeting(arrival)
            return verdict.map { settle($0, now) }
        case .farewell:
            takeFarewell()
            return nil
        case .over:
            return nil
        }
    }

    private func settle(_ verdict: ClientArrival.Verdict, _ now: UInt64) -> Verdict {
        switch verdict {
        case .client(let client):
            stage = .over
            let isReadOnly = client.isReadOnly || server.connection.access.isReadOnly
            return .participant(client.stream, isReadOnly: isReadOnly)
        case .gone(let words):
            close()
            return .refused(words)
        case .refused(let words):
            beginFarewell(now)
            return .refused(words)
        case .wrongPassword(let words):
            beginFarewell(now)
            return .wrongPassword(words)
        }
    }

    private func expire(_ now: UInt64) -> Verdict? {
        switch stage {
        case .greeting(let arrival):
            _ = arrival.refuse(AccessWords.tooSlow)
            beginFarewell(now)
            return .refused(AccessWords.tooSlow)
        case .handshake, .farewell, .over:
            close()
            return nil
        }
    }

    /// Closing first, with bytes of the client's unread, would reset a TCP connection and take our words along.
    private func beginFarewell(_ now: UInt64) {
        stage = .farewell
        deadline = now + UInt64(Self.farewellMilliseconds) * 1_000_000
        transport.finishWriting()
        transport.flush()
    }

    private func takeFarewell() {
        transport.flush()
        switch transport.read(maximum: 65_536) {
        case .ended: close()
        case .bytes, .wouldBlock: return
        }
    }

    /// Lets go of the connection.
    func close() {
        stage = .over
        transport.close()
    }
}
