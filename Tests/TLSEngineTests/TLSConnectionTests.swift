import Testing

@testable import TLSEngine

@Suite("TLS connections in memory")
struct TLSConnectionTests {
    @Test("1.3 is preferred, 1.2 is spoken where asked for (TLS-1)")
    func versions() throws {
        for (versions, agreed) in [
            ((.family, .family), "TLSv1.3"), ((.only12, .family), "TLSv1.2"),
            ((.family, .only12), "TLSv1.2"), ((.only13, .family), "TLSv1.3"),
            ((.only13, .only13), "TLSv1.3"), ((.only12, .only12), "TLSv1.2"),
        ] as [((TLSVersions, TLSVersions), String)] {
            let pair = try EnginePair(versions: versions)
            pair.shakeHands()
            #expect(pair.clientProgress == .done && pair.serverProgress == .done, "\(pair.words)")
            #expect(pair.client.agreement.hasPrefix(agreed), "\(pair.client.agreement)")
            #expect(pair.client.agreement == pair.server.agreement)
        }
    }

    @Test("two ends without a version in common both say so (TLS-1, TLS-5)")
    func noVersionInCommon() throws {
        for versions in [(TLSVersions.only12, TLSVersions.only13), (.only13, .only12)] {
            let pair = try EnginePair(versions: versions)
            pair.shakeHands()
            #expect(pair.words.server.contains("no version of TLS"), "\(pair.words)")
            #expect(pair.words.client.contains("none of the versions"), "\(pair.words)")
        }
    }

    @Test(
        "bytes arrive as they were sent, both ways, in any pieces (TLS-4)",
        arguments: [1, 7, 1000]
    )
    func data(step: Int) throws {
        let pair = try EnginePair()
        pair.shakeHands(step: step)
        #expect(pair.clientProgress == .done && pair.serverProgress == .done, "\(pair.words)")
        let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        #expect(pair.carryData(from: pair.client, to: pair.server, bytes) == bytes)
        #expect(pair.carryData(from: pair.server, to: pair.client, bytes) == bytes)
    }

    @Test("no more is enciphered than may wait (TLS-4)")
    func outputIsBounded() throws {
        let pair = try EnginePair()
        pair.shakeHands()
        let bytes = [UInt8](repeating: 7, count: 1 << 20)
        let taken = try #require(pair.client.write(bytes[...]))
        #expect(taken == TLSConnection.outputBytesMax)
        #expect(pair.client.write(bytes[...]) == 0)
        #expect(pair.client.outputCount < TLSConnection.outputBytesMax + 4096)
    }

    @Test("a handshake with a fresh pair of certificates is short enough for a serial line (TLS-3)")
    func size() throws {
        let pair = try EnginePair()
        pair.shakeHands()
        // No tickets, no chain: at 9600 baud this is under a second.
        #expect(pair.bytesFromServer < 1200, "\(pair.bytesFromServer)")
    }

    @Test("both ends name the connection alike, and no two connections alike (TLS-17)")
    func channelBinding() throws {
        var seen: Set<[UInt8]> = []
        for versions in [(TLSVersions.family, TLSVersions.family), (.only12, .only12)] {
            for _ in 0..<2 {
                let pair = try EnginePair(versions: versions)
                #expect(pair.client.channelBinding == nil)
                pair.shakeHands()
                let binding = try #require(pair.client.channelBinding)
                #expect(binding.count == 32)
                #expect(pair.server.channelBinding == binding)
                #expect(seen.insert(binding).inserted)
            }
        }
    }

    @Test("an end in order is told, and the other direction goes on (TLS-15)")
    func closing() throws {
        for versions in [(TLSVersions.only13, TLSVersions.only13), (.only12, .only12)] {
            let pair = try EnginePair(versions: versions)
            pair.shakeHands()
            pair.client.finishWriting()
            #expect(pair.client.write([1]) == nil)
            pair.server.receive(pair.client.takeOutput()[...])
            #expect(pair.server.read(maximum: 10) == .closed)
            let bytes: [UInt8] = [1, 2, 3]
            #expect(pair.carryData(from: pair.server, to: pair.client, bytes) == bytes)
        }
    }

    @Test("keys are logged only to whom asks, in the format of analysers (TLS-18)")
    func keyLog() throws {
        let identity = try ownIdentity()
        var client = TLSConfiguration(trust: .pinned(identity.chain[0].sha256))
        final class Lines { var list: [String] = [] }
        let lines = Lines()
        client.keyLog = { lines.list.append($0) }
        let pair = EnginePair(
            client: client,
            server: TLSConfiguration(trust: .anybody, identity: identity)
        )
        pair.shakeHands()
        #expect(lines.list.contains { $0.hasPrefix("CLIENT_TRAFFIC_SECRET_0 ") }, "\(lines.list)")
    }
}
