import Deflate
import LineSimulator
import Testing
import WireCore

@testable import ChannelMux
@testable import LinkTrials

private func line(bitErrorRate: Double = 0) -> LineConditions {
    var conditions = LineConditions(baudRate: 115_200)
    conditions.latencyNanoseconds = 500_000
    conditions.deliveryIntervalNanoseconds = 500_000
    conditions.bitErrorRate = bitErrorRate
    return conditions
}

/// What a debugger reads: memory in hexadecimal, part of it repeating.
private func hexadecimal(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    let digits = Array("0123456789abcdef".utf8)
    let words = pattern(256, seed: seed)
    var generator = SeededGenerator(seed: seed)
    var bytes: [UInt8] = []
    while bytes.count < count {
        let isZero = Int.random(in: 0..<3, using: &generator) == 0
        let word = Int.random(in: 0..<64, using: &generator) * 4
        for byte in isZero ? [0, 0, 0, 0] : words[word..<(word + 4)] {
            bytes += [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }
    return Array(bytes.prefix(count))
}

@Suite("Compressed connections")
struct CompressionTests {
    @Test("MUX-41, MUX-42: what shrinks takes less of the line, both ways, and comes out as it was")
    func shrinks() throws {
        let cable = Cable(line())
        let (id, peer) = try cable.open(1)
        cable.run(milliseconds: 100)
        let before = cable.toRight.statistics.bytesIn
        let (there, back) = (hexadecimal(60_000), hexadecimal(30_000, seed: 9))
        cable.left.write(there, on: id, thenFinish: true, at: cable.now)
        cable.right.write(back, on: peer, thenFinish: true, at: cable.now)
        cable.run(milliseconds: 20_000) {
            !cable.left.closed.isEmpty && !cable.right.closed.isEmpty
        }
        expectSame(cable.right.received[peer], there)
        expectSame(cable.left.received[id], back)
        #expect(cable.toRight.statistics.bytesIn - before < 60_000 * 2 / 5)
        let statistics = cable.left.link.statistics
        #expect(statistics.payloadBytesOut == 60_000)
        #expect(statistics.savedBytesOut > 60_000 * 3 / 5)
    }

    @Test("MUX-41: nothing is coded unless both ends want it", arguments: [true, false])
    func onlyTogether(leftWants: Bool) throws {
        let cable = Cable(
            line(),
            configure: { $0.compresses = ($0.identity == "left") == leftWants }
        )
        let (id, peer) = try cable.open(1)
        let bytes = hexadecimal(5000)
        cable.left.write(bytes, on: id, at: cable.now)
        cable.right.write(bytes, on: peer, at: cable.now)
        cable.run(milliseconds: 3000)
        expectSame(cable.right.received[peer], bytes)
        expectSame(cable.left.received[id], bytes)
        #expect(cable.left.link.statistics.savedBytesOut == 0)
        #expect(cable.right.link.statistics.savedBytesOut == 0)
    }

    @Test("MUX-42: bytes of before the acceptance count to what coded chunks refer to")
    func earlyBytes() throws {
        let cable = Cable(line())
        try cable.right.link.listen(on: .number(1), at: cable.now)
        cable.connect()
        let id = try cable.left.link.connect(to: .number(1), waiting: false, at: cable.now)
        let bytes = pattern(900)
        cable.left.write(bytes, on: id, at: cable.now)
        cable.run(milliseconds: 300)
        let before = cable.toRight.statistics.bytesIn
        cable.left.write(bytes, on: id, at: cable.now)
        cable.run(milliseconds: 300)
        let peer = try #require(cable.right.incoming.first)
        expectSame(cable.right.received[peer], bytes + bytes)
        #expect(cable.toRight.statistics.bytesIn - before < 100)
    }

    @Test("MUX-43: coding is given up for what does not shrink, and comes back for what does")
    func switchesItself() throws {
        let cable = Cable(line())
        let (id, peer) = try cable.open(1)
        let noise = pattern(30_000)
        cable.left.write(noise, on: id, at: cable.now)
        cable.run(milliseconds: 4000)
        let slot = try #require(cable.left.link.connections.slot(of: id))
        #expect(cable.left.link.connections[slot].outgoing.encoder?.isPaused == true)
        #expect(cable.left.link.statistics.savedBytesOut == 0)
        let text = hexadecimal(100_000)
        cable.left.write(text, on: id, at: cable.now)
        cable.run(milliseconds: 20_000) { cable.right.received[peer]?.count == 130_000 }
        expectSame(cable.right.received[peer], noise + text)
        #expect(cable.left.link.statistics.savedBytesOut > 30_000)
    }

    @Test("MUX-42: small packets do not wait for others, and find their like in what went before")
    func packets() throws {
        let cable = Cable(line())
        let (id, peer) = try cable.open(1)
        var wire = 0
        for number in 0..<20 {
            let packet = Array("$m7fffffffe4\(number)0,40#8e".utf8)
            let before = cable.toRight.statistics.bytesIn
            let count = cable.right.received[peer]?.count ?? 0
            cable.left.write(packet, on: id, at: cable.now)
            let limit = Double(packet.count + 20) * 10_000 / 115_200 + 2
            cable.run(milliseconds: limit) {
                cable.right.received[peer]?.count == count + packet.count
            }
            #expect(cable.right.received[peer]?.suffix(packet.count) == packet[...])
            cable.run(milliseconds: 300)
            wire = cable.toRight.statistics.bytesIn - before
        }
        // The packet alone has 18 bytes; with what the link puts around it, it would be 29 and more.
        #expect(wire < 27)
    }

    @Test("a line that has become bad gets coded chunks in parts", arguments: [1e-4, 1e-3])
    func badLine(bitErrorRate: Double) throws {
        let cable = Cable(line(), seed: 5)
        let (id, peer) = try cable.open(1)
        let (text, noise) = (hexadecimal(40_000), pattern(6000))
        let bytes = text + noise + text
        cable.left.write(bytes, on: id, thenFinish: true, at: cable.now)
        cable.run(milliseconds: 500)
        cable.toRight.conditions.bitErrorRate = bitErrorRate
        cable.toLeft.conditions.bitErrorRate = bitErrorRate
        cable.toRight.conditions.dropRate = bitErrorRate
        cable.run(milliseconds: 60_000) { !cable.right.finished.isEmpty }
        expectSame(cable.right.received[peer], bytes)
        #expect(cable.right.resets.isEmpty)
    }

    @Test("MUX-44: a chunk that would grow without end resets its connection; the others go on")
    func bomb() throws {
        let zeros = [UInt8](repeating: 0, count: 1_000_000)
        try checkReset(with: try #require(Deflate.compress(zeros[...], history: [])))
    }

    @Test("MUX-44: so does a chunk that is no deflate stream, or not complete")
    func malformedChunk() throws {
        try checkReset(with: [0xFF, 0xFF, 0x00])
        let text = hexadecimal(300)
        try checkReset(with: try #require(Deflate.compress(text[...], history: [])).dropLast())
    }

    @Test("MUX-44, MUX-32: so does a chunk that stands for more than its credit")
    func beyondCredit() throws {
        let zeros = [UInt8](repeating: 0, count: 1025)
        let coded = try #require(Deflate.compress(zeros[...], history: []))
        try checkReset(with: coded, windowBytes: 1024)
    }

    @Test("MUX-41, MUX-44: so does a coded chunk where none was agreed")
    func notAgreed() throws {
        let coded = try #require(Deflate.compress(hexadecimal(300)[...], history: []))
        try checkReset(with: coded, compresses: false)
    }

    private func checkReset(
        with coded: [UInt8],
        windowBytes: Int = 65_536,
        compresses: Bool = true
    ) throws {
        let cable = Cable(
            line(),
            configure: {
                $0.receiveWindowBytes = windowBytes
                $0.compresses = compresses
            }
        )
        let (_, peer) = try cable.open(1)
        let (other, otherPeer) = try cable.open(2)
        cable.run(milliseconds: 100)
        let sequence = UInt8(truncatingIfNeeded: cable.left.link.session?.sender.next ?? 0)
        let chunk = DataChunk(wireID: 0, order: 0, isCoded: true, payload: coded[...])
        cable.right.link.receive(
            forged(from: cable.left.link.statistics, sequence: sequence, [.data(chunk)]),
            at: cable.now
        )
        cable.settle()
        #expect(cable.right.resets == [peer: .protocolError])
        #expect(cable.right.received[peer] == nil)
        #expect(cable.right.link.isUp)
        cable.right.write([1, 2, 3], on: otherPeer, at: cable.now)
        cable.run(milliseconds: 300)
        #expect(cable.left.received[other] == [1, 2, 3])
    }

    @Test("MUX-44: parts of a coded chunk that never ends are not kept without limit")
    func endlessParts() {
        var stream = IncomingStream()
        stream.limit = 1_000_000
        stream.decoder = StreamDecoder()
        let part = DataChunk(wireID: 0, order: 0, isCoded: true, payload: pattern(1000)[...])
        for index in 0..<8 {
            #expect(stream.receive(part, start: index * 1000, isFinal: false) == .nothing)
        }
        #expect(stream.receive(part, start: 8000, isFinal: false) == .violation)
    }

    @Test("what a direction remembers is bounded")
    func memory() {
        var history = StreamHistory()
        for _ in 0..<100 { history.append(pattern(777)) }
        #expect(history.bytes.count <= 4096 + 1024)
        #expect(history.recent.count == 4096)
    }

    @Test("MUX-41: a connection that waits for another session is compressed if that one can")
    func nextSession() throws {
        let cable = Cable(line())
        cable.connect()
        let id = try cable.left.link.connect(to: .number(1), waiting: true, at: cable.now)
        cable.run(milliseconds: 200)
        cable.restart(cable.right, epoch: 77)
        try cable.right.link.listen(on: .number(1), at: cable.now)
        #expect(cable.run(milliseconds: 3000) { cable.left.opened == [id] })
        let bytes = hexadecimal(20_000)
        cable.left.write(bytes, on: id, at: cable.now)
        cable.run(milliseconds: 3000)
        let peer = try #require(cable.right.incoming.first)
        expectSame(cable.right.received[peer], bytes)
        #expect(cable.left.link.statistics.savedBytesOut > 10_000)
    }
}
