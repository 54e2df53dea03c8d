import SessionProtocol
import Testing

@Suite("Frames of a program's session")
struct ProgramFrameTests {
    static let all: [ProgramFrame] = [
        .hello(terminal: "xterm-256color"), .data([0, 1, 255]), .end, .exited(7),
        .killed(signal: 9), .window(rows: 50, columns: 300), .signal(2),
        .data([UInt8](repeating: 7, count: ProgramFrame.payloadBytesMax)),
    ]

    @Test("every frame comes back, whole, byte by byte and cut anywhere (PROG-1)")
    func roundTrip() throws {
        let bytes = Self.all.flatMap(\.encoded)
        #expect(try decode([bytes]) == Self.all)
        #expect(try decode(bytes.map { [$0] }) == Self.all)
        for cut in 0..<60 {
            #expect(try decode([Array(bytes[..<cut]), Array(bytes[cut...])]) == Self.all)
        }
    }

    @Test("vectors")
    func vectors() {
        #expect(
            ProgramFrame.hello(terminal: "vt100").encoded
                == [0, 0, 22] + Array("dbgcom-program 1 vt100".utf8)
        )
        #expect(ProgramFrame.window(rows: 24, columns: 80).encoded == [5, 0, 4, 0, 24, 0, 80])
        #expect(ProgramFrame.exited(7).encoded == [3, 0, 1, 7])
    }

    @Test(
        "what is no session is refused (PROG-2, PROG-3)",
        arguments: [
            Array("plain text\n".utf8), [1, 0, 1, 65], [0, 0, 3, 65, 65, 65],
            ProgramFrame.hello(terminal: "").encoded + [9, 0, 0],
            ProgramFrame.hello(terminal: "").encoded + [1, 0xFF, 0xFF],
            ProgramFrame.hello(terminal: "").encoded + [1, 0, 0],
            ProgramFrame.hello(terminal: "").encoded + [5, 0, 1, 0],
            ProgramFrame.hello(terminal: "").encoded + ProgramFrame.hello(terminal: "").encoded,
        ]
    )
    func violations(bytes: [UInt8]) {
        #expect(throws: ProgramFrameDecoder.Violation.self) { try decode([bytes]) }
    }

    private func decode(_ pieces: [[UInt8]]) throws -> [ProgramFrame] {
        var decoder = ProgramFrameDecoder()
        var frames: [ProgramFrame] = []
        for piece in pieces {
            decoder.append(piece)
            while let frame = try decoder.next() { frames.append(frame) }
        }
        return frames
    }
}
