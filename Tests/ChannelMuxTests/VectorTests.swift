import Foundation
import Testing
import WireCore

@testable import ChannelMux

private let check = FrameCheck(sender: 0x1122_3344, receiver: 0xAABB_CCDD)
private let chunk = DataChunk(
    wireID: 4,
    order: 0,
    isSparse: true,
    payload: Array("$g#67".utf8)[...]
)

/// The frames of section 11 of docs/protocols/mux.md, which were coded there by another program.
private let vectors: [(frame: Frame, wire: String)] = [
    (.data(SequenceHead(sequence: 1), chunk), "04 04 01 04 0a 24 67 23 36 37 09 10 03 7c 00"),
    (
        .data(SequenceHead(sequence: 1, acknowledged: 2), chunk),
        "05 14 01 02 04 0a 24 67 23 36 37 14 8b d2 95 00"
    ),
    (
        .bundle(SequenceHead(sequence: 0), chunks: [0x10, 4, 7, 0, 0, 1, 0]),
        "02 20 04 10 04 07 01 02 01 05 5d bb d1 69 00"
    ),
    (.ack(Acknowledgement(next: 5)), "07 50 05 7e 16 c7 93 00"),
    (
        .ack(Acknowledgement(next: 5, bitmap: [2], sawDamage: true)),
        "08 51 05 02 e4 9d 74 cb 00"
    ),
    (.poll(acknowledged: 5, nonce: 1), "08 60 05 01 f0 7a 83 ec 00"),
    (.bye(reason: 10), "07 70 0a 58 c9 5f b2 00"),
]

private func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { String(format: "%02x", $0) }.joined(separator: " ")
}

@Suite("The specification's test vectors")
struct VectorTests {
    private func specification() throws -> String {
        let top = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let path = top.appendingPathComponent("docs/protocols/mux.md")
        return try String(contentsOf: path, encoding: .utf8)
    }

    @Test("MUX-40: frames are coded as the specification prints them", arguments: vectors.indices)
    func frames(index: Int) throws {
        let (frame, wire) = vectors[index]
        let coded = check.wire(frame.body)
        #expect(hexadecimal(coded) == wire)
        #expect(try specification().contains("`\(wire)`"))
        let bytes = try #require(Cobs.decode(coded.dropLast()))
        #expect(try Frame(body: #require(check.body(of: bytes))) == frame)
    }

    @Test("MUX-40: a HELLO is coded as the specification prints it")
    func hello() throws {
        var hello = Hello(epoch: 0x1122_3344, nonce: 0x0102_0304, identity: "lab7")
        hello.peerEpoch = 0xAABB_CCDD
        hello.echo = 0x0506_0708
        let text = String(decoding: hello.wire.dropFirst().dropLast(), as: UTF8.self)
        #expect(try specification().contains("`\(text)`"))
    }
}
