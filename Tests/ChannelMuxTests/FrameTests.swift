import Testing
import WireCore

@testable import ChannelMux

private let frames: [Frame] = [
    .data(
        SequenceHead(sequence: 1, acknowledged: 2),
        DataChunk(wireID: 3, order: 0, payload: Array("$g#67".utf8)[...])
    ),
    .data(
        SequenceHead(sequence: 255, acknowledged: nil, wantsAck: true),
        DataChunk(wireID: 0x3FFF, order: 200, isLast: true, isSparse: true, payload: [])
    ),
    .bundle(SequenceHead(sequence: 7, acknowledged: 0), chunks: [0x60, 2]),
    .bundle(SequenceHead(sequence: 8), chunks: []),
    .ack(Acknowledgement(next: 5)),
    .ack(Acknowledgement(next: 9, bitmap: [1, 0x80], sawDamage: true, pollNonce: 77)),
    .poll(acknowledged: 3, nonce: 0),
    .bye(reason: 10),
]

private let chunks: [Chunk] = [
    .data(DataChunk(wireID: 1, order: 9, isLast: true, payload: [1, 2, 3])),
    .part(DataChunk(wireID: 130, order: 9, payload: [0]), start: 600, isFinal: true),
    .open(wireID: 2, ChannelNumber(unchecked: 254), waits: true, limit: 65_536),
    .open(wireID: 300, ChannelNumber(unchecked: 0), waits: false, limit: .max),
    .accept(wireID: 4, limit: 0),
    .refuse(wireID: 5, reason: 6),
    .credit(wireID: 6, limit: 0xDEAD_BEEF),
    .reset(wireID: 7, reason: 3),
    .release(wireID: 0x3FFF),
]

@Suite("Frames, chunks and their check sum")
struct FrameTests {
    private let check = FrameCheck(sender: 0x1122_3344, receiver: 0xAABB_CCDD)

    @Test(
        "MUX-4: every kind of frame comes back from the line as it was",
        arguments: frames.indices
    )
    func roundTrip(index: Int) throws {
        let frame = frames[index]
        let wire = check.wire(frame.body)
        let bytes = try #require(Cobs.decode(wire.dropLast()))
        let body = try #require(check.body(of: bytes))
        #expect(Frame(body: body) == frame)
    }

    @Test("an acknowledgement put in on the way out is the same frame with it")
    func lateAcknowledgement() throws {
        let head = SequenceHead(sequence: 4, wantsAck: true)
        let chunk = DataChunk(wireID: 200, order: 1, payload: [0, 0, 9])
        var other = head
        other.acknowledged = 250
        let late = check.wire(Frame.data(head, chunk).body, acknowledged: 250)
        #expect(late == check.wire(Frame.data(other, chunk).body))
    }

    @Test("MUX-4: chunks come back one by one, and a strange one is passed over")
    func chunkByChunk() {
        var writer = ByteWriter()
        for chunk in chunks { chunk.write(to: &writer) }
        writer.put([0xB0, 3, 1, 2, 3])
        chunks[0].write(to: &writer)
        var reader = ByteReader(writer.bytes)
        for chunk in chunks { #expect(Chunk.take(from: &reader) == chunk) }
        #expect(Chunk.take(from: &reader) == .unknown(kind: 0xB0))
        #expect(Chunk.take(from: &reader) == chunks[0])
        #expect(Chunk.take(from: &reader) == nil && reader.isAtEnd)
    }

    @Test("a chunk that is cut off anywhere is no chunk", arguments: chunks.indices)
    func cutChunks(index: Int) {
        var writer = ByteWriter()
        chunks[index].write(to: &writer)
        for count in 1..<writer.bytes.count {
            var reader = ByteReader(Array(writer.bytes.prefix(count)))
            #expect(Chunk.take(from: &reader) == nil)
            #expect(!reader.isAtEnd)
        }
    }

    @Test("MUX-3: another epoch on either side, swapped sides, any flipped bit: damage")
    func checkSum() throws {
        let wire = check.wire(frames[0].body)
        let bytes = try #require(Cobs.decode(wire.dropLast()))
        #expect(check.body(of: bytes) != nil)
        #expect(FrameCheck(sender: 0x1122_3345, receiver: 0xAABB_CCDD).body(of: bytes) == nil)
        #expect(FrameCheck(sender: 0x1122_3344, receiver: 0xAABB_CCDC).body(of: bytes) == nil)
        #expect(FrameCheck(sender: 0xAABB_CCDD, receiver: 0x1122_3344).body(of: bytes) == nil)
        for bit in 0..<(bytes.count * 8) {
            var damaged = bytes
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(check.body(of: damaged) == nil)
        }
        #expect(check.body(of: []) == nil)
        #expect(check.body(of: [1, 2, 3, 4]) == nil)
    }

    @Test("any bytes are a frame or are not, and never more than that")
    func randomBodies() {
        var generator = SeededGenerator(seed: 99)
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...24, using: &generator)
            let body = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            if case .bundle(_, let bytes)? = Frame(body: body[...]) {
                var reader = ByteReader(bytes)
                while Chunk.take(from: &reader) != nil {}
            }
            _ = Hello(body: body)
            _ = Hello(body: [Wire.hello] + SixBitText.encode(body))
        }
    }
}

@Suite("HELLO")
struct HelloTests {
    private func hello(_ identity: String) -> Hello {
        var hello = Hello(epoch: 0x0302_0100, nonce: 0x0A0D_2400, identity: identity)
        hello.peerEpoch = 0x1113_0D0A
        hello.receiveNext = 3
        hello.isUp = true
        return hello
    }

    @Test("it comes back as it was", arguments: ["", "dbgsrv lab7 pid 812", "Gerät Ⅷ"])
    func roundTrip(identity: String) {
        let sent = hello(identity)
        #expect(Hello(body: sent.body) == sent)
    }

    @Test("MUX-6: zero bytes and visible characters that no console, stub or boot loader obeys")
    func harmless() {
        let allowed = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._".utf8)
        for count in 0...80 {
            let wire = hello(String(repeating: "\u{3}", count: count)).wire
            #expect(wire.first == 0 && wire.last == 0)
            let code = wire[1]
            #expect((0x40...0x7D).contains(code))
            #expect(Int(code) == wire.count - 2)
            #expect(wire.dropFirst(2).dropLast().allSatisfy(allowed.contains))
        }
    }

    @Test("any flipped bit makes it no HELLO, or nothing else")
    func damage() {
        let body = hello("somebody").body
        for bit in 8..<(body.count * 8) {
            var damaged = body
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            // The last character has bits that no byte of the fields uses.
            let read = Hello(body: damaged)
            #expect(read == nil || (read == hello("somebody") && bit / 8 == body.count - 1))
        }
    }

    @Test("MUX-7: of other versions only the versions are read")
    func otherVersions() {
        var later = hello("")
        later.lowestVersion = 2
        later.highestVersion = 9
        let read = Hello(body: later.body)
        #expect(read?.lowestVersion == 2 && read?.highestVersion == 9)
        #expect(read?.isCompatible == false && read?.epoch == 0)
    }

    @Test("MUX-8: an identity reaches a terminal without control characters, whole characters only")
    func identity() {
        #expect(Hello(body: hello("a\u{1B}[2Jb\u{9B}").body)?.identity == "a?[2Jb?")
        let long = String(repeating: "ä", count: 50)
        #expect(Hello(body: hello(long).body)?.identity == String(repeating: "ä", count: 30))
    }
}
