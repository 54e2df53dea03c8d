import ByteTransport
import TLSEngine
import Testing

@testable import Transports

/// The far end of a connection and the wire to it, in memory: a peer that speaks TLS when it is written to.
private final class MemoryPeer: ByteTransport {
    let engine: TLSConnection
    /// How many bytes the wire takes before it is full.
    var room = Int.max
    /// How many bytes one read gives.
    var portion = Int.max
    /// Whether the wire has ended behind what is on it.
    var isCutOff = false
    private(set) var hasFinished = false
    private var wire: [UInt8] = []
    private(set) var received: [UInt8] = []
    private(set) var sawClosing = false

    init(_ engine: TLSConnection) { self.engine = engine }

    var descriptor: Int32 { -1 }
    var peerName: String { "tcp peer" }
    var link: LinkKind { .local }

    func read(maximum: Int) -> ReadResult {
        wire += engine.takeOutput(maximum: .max)
        let bytes = Array(wire.prefix(min(maximum, portion)))
        wire.removeFirst(bytes.count)
        if bytes.isEmpty { return isCutOff ? .ended(.closed) : .wouldBlock }
        return .bytes(bytes)
    }

    func write(_ bytes: ArraySlice<UInt8>) -> Int? {
        let taken = min(bytes.count, room)
        guard taken > 0 else { return 0 }
        room -= taken
        engine.receive(bytes.prefix(taken))
        _ = engine.advance()
        while true {
            switch engine.read(maximum: 4096) {
            case .bytes(let more): received += more
            case .closed:
                sawClosing = true
                return taken
            case .needsInput, .failed: return taken
            }
        }
    }

    func finishWriting() { hasFinished = true }
    func close() {}
}

@Suite("A stream inside TLS")
struct TLSTransportTests {
    private func connected() throws -> (TLSTransport, MemoryPeer) {
        let made = NewCertificate(name: "lab", hosts: [], addresses: [])
        let identity = TLSIdentity(
            chain: [made.certificate],
            key: try PrivateKey(pem: made.keyPEM)
        )
        let server = TLSConnection(
            TLSConfiguration(trust: .anybody, identity: identity),
            role: .server
        )
        let client = TLSConnection(
            TLSConfiguration(trust: .pinned(made.certificate.sha256)),
            role: .client
        )
        let peer = MemoryPeer(server)
        let transport = TLSTransport(peer, client, peerName: "ssl peer")
        #expect(try transport.handshake(limitMilliseconds: 1000))
        return (transport, peer)
    }

    @Test("a read of a few bytes leaves the rest of the record to be read without a poll (TLS-14)")
    func bufferedInput() throws {
        let (transport, peer) = try connected()
        #expect(!transport.hasBufferedInput)
        _ = peer.engine.write(Array(repeating: 7, count: 1000)[...])
        #expect(transport.read(maximum: 1) == .bytes([7]))
        #expect(transport.hasBufferedInput)
        var count = 1
        while transport.hasBufferedInput, case .bytes(let bytes) = transport.read(maximum: 100) {
            count += bytes.count
        }
        #expect(count == 1000)
        #expect(transport.read(maximum: 10) == .wouldBlock)
        let outer = PrefixedTransport([1], before: transport)
        #expect(outer.hasBufferedInput && outer.channelBinding == transport.channelBinding)
    }

    @Test("a part of a record is no input yet (TLS-14)")
    func partialRecord() throws {
        let (transport, peer) = try connected()
        peer.portion = 10
        _ = peer.engine.write(Array(repeating: 7, count: 300)[...])
        // Sixteen portions carry nothing yet; the descriptor goes on showing the others.
        #expect(transport.read(maximum: 10) == .wouldBlock)
        #expect(!transport.hasBufferedInput)
        var result = transport.read(maximum: 1000)
        while result == .wouldBlock { result = transport.read(maximum: 1000) }
        #expect(result == .bytes(Array(repeating: 7, count: 300)))
    }

    @Test("what the wire does not take waits, is told of, and is bounded (TLS-4, TLS-14)")
    func bufferedOutput() throws {
        let (transport, peer) = try connected()
        peer.room = 100
        let bytes = [UInt8](repeating: 9, count: 300_000)
        let taken = try #require(transport.write(bytes[...]))
        #expect(taken == TLSConnection.outputBytesMax)
        #expect(transport.hasBufferedOutput)
        #expect(transport.write(bytes[...]) == 0)
        transport.finishWriting()
        #expect(!peer.hasFinished && !peer.sawClosing)
        peer.room = .max
        transport.flush()
        #expect(!transport.hasBufferedOutput)
        #expect(peer.received.count == taken && peer.sawClosing && peer.hasFinished)
    }

    @Test("an end in order and an end by cutting are two things (TLS-15)")
    func endings() throws {
        let (closed, peer) = try connected()
        _ = peer.engine.write([1, 2][...])
        peer.engine.finishWriting()
        peer.isCutOff = true
        #expect(closed.read(maximum: 10) == .bytes([1, 2]))
        #expect(closed.hasBufferedInput)
        #expect(closed.read(maximum: 10) == .ended(.closed))

        let (cut, other) = try connected()
        _ = other.engine.write([1, 2][...])
        other.isCutOff = true
        #expect(cut.read(maximum: 10) == .bytes([1, 2]))
        guard case .ended(.failed(let words)) = cut.read(maximum: 10) else {
            Issue.record("a cut passed for an end")
            return
        }
        #expect(words.contains("cut off"))
    }

    @Test("a handshake that ends, or never does, says so (TLS-5, TLS-13)")
    func brokenHandshakes() throws {
        let nobody = MemoryPeer(
            TLSConnection(TLSConfiguration(trust: .anybody), role: .client)
        )
        let client = TLSConnection(TLSConfiguration(trust: .pinned([])), role: .client)
        let transport = TLSTransport(nobody, client, peerName: "ssl peer")
        nobody.room = 0
        #expect(throws: TransportError.self) { try transport.handshake(limitMilliseconds: 30) }
        nobody.isCutOff = true
        do {
            _ = try transport.handshake(limitMilliseconds: 30)
            Issue.record("it went through")
        } catch {
            #expect(error.description.contains("closed the connection during the TLS handshake"))
        }
    }
}
