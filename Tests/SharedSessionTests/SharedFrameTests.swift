import Testing

@testable import SharedSession

@Suite("Frames of a shared session")
struct SharedFrameTests {
    static let frames: [SharedFrame] = [
        .join(.init(user: "eve", host: "BOX", historyLines: 50)),
        .join(
            .init(user: "", host: "é", historyLines: 0, resumes: .init(session: 7, offset: 99))
        ),
        .command("k; .echo ü"), .command(""), .interrupt, .complete(number: 3, "bp ma"),
        .welcome(
            .init(
                position: .init(session: .max, offset: 12),
                participant: 5,
                isReadOnly: true,
                program: "cdb/0.1"
            )
        ),
        .output(.init(style: .error, nextOffset: 4, bytes: Array("what".utf8))),
        .missed(byteCount: 1 << 40), .prompt(answered: 3, "0:000> "), .busy(targetRuns: true),
        .busy(targetRuns: false), .completions(number: 3, ["main", "malloc"]),
        .completions(number: 4, []), .ended("the server ends"),
    ]

    @Test("survive encoding whole, byte by byte and glued (SHR-1)")
    func roundTrip() throws {
        var glued: [UInt8] = []
        for frame in Self.frames {
            var decoder = SharedFrameDecoder()
            for byte in frame.encoded.dropLast() {
                decoder.append([byte])
                #expect(try decoder.next() == nil)
            }
            decoder.append(frame.encoded.suffix(1))
            #expect(try decoder.next() == frame)
            #expect(try decoder.next() == nil)
            glued += frame.encoded
        }
        var decoder = SharedFrameDecoder()
        decoder.append(glued)
        for frame in Self.frames { #expect(try decoder.next() == frame) }
    }

    @Test(
        "that are none are violations, never a trap (SHR-2)",
        arguments: [
            [0, 0, 0], [1, 0, 0], [3, 0, 1, 9], [17, 0, 0], [17, 0, 9, 9, 0, 0, 0, 0, 0, 0, 0, 0],
            [4, 0, 1, 0], [16, 0, 3, 1, 2, 3], [21, 0, 3, 0, 0, 200], [255, 0, 0],
        ] as [[UInt8]]
    )
    func violations(bytes: [UInt8]) {
        var decoder = SharedFrameDecoder()
        decoder.append(bytes)
        #expect(throws: SharedFrameDecoder.Violation.self) { try decoder.next() }
    }

    @Test("text that is no UTF-8 is repaired (SHR-3)")
    func repaired() throws {
        var decoder = SharedFrameDecoder()
        decoder.append([2, 0, 2, 0x6B, 0xFF])
        #expect(try decoder.next() == .command("k\u{FFFD}"))
    }

    @Test("any bytes end in a frame, a violation or the wish for more")
    func noise() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            var decoder = SharedFrameDecoder()
            decoder.append((0..<40).map { _ in UInt8.random(in: 0...255, using: &random) })
            for _ in 0..<40 {
                guard let frame = try? decoder.next() else { break }
                _ = frame.encoded
            }
        }
    }
}
