@testable import TLSEngine

/// Two ends of one connection in memory, and what went from one to the other.
final class EnginePair {
    let client: TLSConnection
    let server: TLSConnection
    private(set) var clientProgress = TLSConnection.Progress.needsInput
    private(set) var serverProgress = TLSConnection.Progress.needsInput
    private(set) var bytesFromServer = 0

    init(client: TLSConfiguration, server: TLSConfiguration) {
        self.client = TLSConnection(client, role: .client)
        self.server = TLSConnection(server, role: .server)
    }

    /// A pair that trusts each other.
    convenience init(versions: (client: TLSVersions, server: TLSVersions) = (.family, .family))
        throws
    {
        let identity = try ownIdentity()
        var server = TLSConfiguration(trust: .anybody, identity: identity)
        server.versions = versions.server
        var client = TLSConfiguration(trust: .pinned(identity.chain[0].sha256))
        client.versions = versions.client
        self.init(client: client, server: server)
    }

    /// Does the handshake, in steps of so many bytes, until nothing moves any more.
    func shakeHands(step: Int = .max) {
        var moved = true
        while moved {
            moved = false
            clientProgress = client.advance()
            moved = carry(from: client, to: server, step) || moved
            serverProgress = server.advance()
            moved = carry(from: server, to: client, step) || moved
        }
        clientProgress = client.advance()
    }

    private func carry(from: TLSConnection, to: TLSConnection, _ step: Int) -> Bool {
        let bytes = from.takeOutput(maximum: .max)
        if from === server { bytesFromServer += bytes.count }
        var rest = bytes[...]
        while !rest.isEmpty {
            to.receive(rest.prefix(step))
            if step != .max { _ = to.advance() }
            rest = rest.dropFirst(step)
        }
        return !bytes.isEmpty
    }

    /// Sends bytes from one end to the other.
    func carryData(from: TLSConnection, to: TLSConnection, _ bytes: [UInt8]) -> [UInt8] {
        var rest = bytes[...]
        var arrived: [UInt8] = []
        while let taken = from.write(rest), taken > 0 {
            rest = rest.dropFirst(taken)
            to.receive(from.takeOutput(maximum: .max)[...])
            while case .bytes(let more) = to.read(maximum: 4096) { arrived += more }
        }
        return arrived
    }

    var words: (client: String, server: String) {
        (Self.words(clientProgress), Self.words(serverProgress))
    }

    private static func words(_ progress: TLSConnection.Progress) -> String {
        if case .failed(let words) = progress { words } else { "\(progress)" }
    }
}
