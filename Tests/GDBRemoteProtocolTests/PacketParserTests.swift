import GDBRemoteProtocol
import Testing
import WireCore

private func text(_ string: String) -> [UInt8] { Array(string.utf8) }

/// What a stream of bytes is parsed to when it arrives in those portions.
private func items(
    _ portions: [[UInt8]],
    payloadBytesMax: Int = 1000,
    expandsRunLengths: Bool = false
) -> [WireItem] {
    var parser = PacketParser(
        payloadBytesMax: payloadBytesMax,
        expandsRunLengths: expandsRunLengths
    )
    return portions.reduce(into: []) { items, portion in
        parser.append(portion)
        while let item = parser.next() { items.append(item) }
    }
}

@Suite struct PacketParserTests {
    struct Vector: Sendable {
        var name: String
        var bytes: [UInt8]
        var items: [WireItem]
    }

    static let vectors: [Vector] = [
        Vector(name: "packet", bytes: text("$OK#9a"), items: [.packet(text("OK"))]),
        Vector(name: "empty packet", bytes: text("$#00"), items: [.packet([])]),
        Vector(name: "upper-case checksum", bytes: text("$OK#9A"), items: [.packet(text("OK"))]),
        Vector(
            name: "acknowledgements around",
            bytes: text("+$g#67-"),
            items: [.acknowledgement, .packet(text("g")), .retransmissionRequest]
        ),
        Vector(
            name: "interrupt between packets",
            bytes: text("$c#63") + [0x03],
            items: [.packet(text("c")), .interrupt]
        ),
        Vector(
            name: "0x03 inside a packet is data",
            bytes: PacketEncoder.packet([0x58, 0x03]),
            items: [.packet([0x58, 0x03])]
        ),
        Vector(
            name: "notification",
            bytes: PacketEncoder.notification(text("Stop:T05")),
            items: [.notification(text("Stop:T05"))]
        ),
        Vector(
            name: "junk and keepalives between packets",
            bytes: [0, 0, 0x0a] + text("login: #12") + text("$?#3f") + [0],
            items: [.packet(text("?"))]
        ),
        Vector(
            name: "wrong checksum",
            bytes: text("$OK#9b$?#3f"),
            items: [.damaged(.checksum(payload: text("OK"))), .packet(text("?"))]
        ),
        Vector(
            name: "a checksum that is not hexadecimal",
            bytes: text("$OK#zz$?#3f"),
            items: [.damaged(.checksum(payload: text("OK"))), .packet(text("?"))]
        ),
        Vector(
            name: "a packet that lost its end",
            bytes: text("$qSuppo$?#3f"),
            items: [.damaged(.truncated), .packet(text("?"))]
        ),
    ]

    @Test("every vector parses the same whole, byte by byte and split anywhere", arguments: vectors)
    func vectorsInAnyPortions(_ vector: Vector) {
        #expect(items([vector.bytes]) == vector.items, "whole: \(vector.name)")
        #expect(items(vector.bytes.map { [$0] }) == vector.items, "bytewise: \(vector.name)")
        for index in vector.bytes.indices {
            let portions = [Array(vector.bytes[..<index]), Array(vector.bytes[index...])]
            #expect(items(portions) == vector.items, "split at \(index): \(vector.name)")
        }
    }

    @Test("vectors glued together give all their items")
    func gluedVectors() {
        let bytes = Self.vectors.flatMap(\.bytes)
        #expect(items([bytes]) == Self.vectors.flatMap(\.items))
    }

    @Test("a payload beyond the limit is reported once and the next packet is whole")
    func oversizedPayload() {
        let long = PacketEncoder.packet([UInt8](repeating: 0x61, count: 101))
        let fitting = PacketEncoder.packet([UInt8](repeating: 0x61, count: 100))
        let parsed = items([long + fitting], payloadBytesMax: 100)
        #expect(
            parsed == [.damaged(.oversized), .packet([UInt8](repeating: 0x61, count: 100))]
        )
        #expect(items((long + fitting).map { [$0] }, payloadBytesMax: 100) == parsed)
    }

    @Test("runs are expanded for a client and left alone for a server")
    func runLengths() {
        let frame = PacketEncoder.packet(text("0* 1"))
        #expect(items([frame], expandsRunLengths: true) == [.packet(text("00001"))])
        #expect(items([frame]) == [.packet(text("0* 1"))])
    }

    @Test("a run that nothing precedes, or that would pass the limit, is damage")
    func badRuns() {
        let malformed = PacketEncoder.packet(text("*~"))
        #expect(items([malformed], expandsRunLengths: true) == [.damaged(.badRunLength)])
        let bomb = PacketEncoder.packet(text(String(repeating: "0*~", count: 20)))
        #expect(
            items([bomb], payloadBytesMax: 1000, expandsRunLengths: true)
                == [.damaged(.oversized)]
        )
    }

    @Test("random bytes never trap and do not hide a packet that follows", arguments: 0..<200)
    func randomBytes(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let noise = (0..<Int.random(in: 0...300, using: &generator)).map { _ in
            // Bytes that mean something are made likely.
            Bool.random(using: &generator)
                ? text("$#+-*}%").randomElement(using: &generator) ?? 0
                : UInt8.random(in: 0...255, using: &generator)
        }
        // Whatever state the noise leaves, two packets in a row bring the parser back.
        let parsed = items(
            [noise, PacketEncoder.packet(text("qC")), PacketEncoder.packet(text("?"))],
            payloadBytesMax: 64,
            expandsRunLengths: true
        )
        #expect(parsed.last == .packet(text("?")), "seed \(seed)")
    }
}

@Suite struct EscapingTests {
    @Test("all bytes survive escaping, and none of the framing's is left")
    func roundTrip() {
        let all = (0...255).map { UInt8($0) }
        let (escaped, count) = Escaping.escape(all[...], escapedBytesMax: .max)
        #expect(count == 256)
        #expect(Escaping.unescape(escaped[...]) == all)
        #expect(!escaped.contains(UInt8(ascii: "#")) && !escaped.contains(UInt8(ascii: "$")))
        #expect(!escaped.contains(UInt8(ascii: "*")))
    }

    @Test("escaping stops before an escape would be cut")
    func limit() {
        let bytes = text("a#b")
        #expect(Escaping.escape(bytes[...], escapedBytesMax: 2).plainCount == 1)
        #expect(Escaping.escape(bytes[...], escapedBytesMax: 3).plainCount == 2)
        #expect(Escaping.escape(bytes[...], escapedBytesMax: 4).plainCount == 3)
    }

    @Test("data that ends within an escape is refused")
    func cutEscape() {
        #expect(Escaping.unescape(text("a}")[...]) == nil)
    }
}

@Suite struct RunLengthTests {
    @Test("the manual's example expands to four zeros")
    func manualExample() {
        #expect(RunLength.expand(text("0* "), bytesMax: 10) == .success(text("0000")))
    }

    @Test("runs of every length survive, and no count is a framing byte")
    func everyLength() {
        for count in 1...300 {
            let payload = text("a") + [UInt8](repeating: 0x30, count: count) + text("b")
            let compressed = RunLength.compress(payload)
            #expect(RunLength.expand(compressed, bytesMax: 1000) == .success(payload))
            #expect(compressed.count <= payload.count)
            for byte in text("#$+-") { #expect(!compressed.contains(byte), "run of \(count)") }
        }
    }

    @Test("long runs become short")
    func compression() {
        #expect(RunLength.compress([UInt8](repeating: 0x30, count: 98)).count == 3)
    }

    @Test("random payloads of few different bytes survive", arguments: 0..<100)
    func randomPayloads(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let payload = (0..<500).map { _ in text("0019a").randomElement(using: &generator) ?? 0x30 }
        let compressed = RunLength.compress(payload)
        #expect(RunLength.expand(compressed, bytesMax: 500) == .success(payload), "seed \(seed)")
    }
}
