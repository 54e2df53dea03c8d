import Testing

@testable import SharedSession

@Suite("The text of a session")
struct TranscriptTests {
    private func text(_ transcript: Transcript, from offset: UInt64, for number: UInt16) -> String {
        var (bytes, position): ([UInt8], UInt64) = ([], offset)
        while let piece = transcript.piece(from: position, for: number) {
            bytes += piece.bytes
            position = piece.next
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test("each reader sees what is for him, in order, from wherever he is")
    func audiences() {
        var transcript = Transcript()
        transcript.append("all ", .plain)
        transcript.append("not one ", .plain, for: .except(1))
        transcript.append("two alone ", .plain, for: .only(2))
        transcript.append("end", .error)
        #expect(text(transcript, from: 0, for: 1) == "all end")
        #expect(text(transcript, from: 0, for: 2) == "all not one two alone end")
        #expect(text(transcript, from: 2, for: 3) == "l not one end")
        #expect(transcript.piece(from: transcript.end, for: 1) == nil)
    }

    @Test("no more is kept than allowed, and who is behind is told how much he missed")
    func bounded() {
        var transcript = Transcript(bytesMax: 1000)
        for index in 0..<500 {
            transcript.append("line \(index)\n", index % 2 == 0 ? .plain : .error)
        }
        #expect(transcript.end - transcript.start <= 1000)
        let piece = transcript.piece(from: 0, for: 1)
        #expect(piece?.missed == transcript.start)
        #expect(text(transcript, from: transcript.start, for: 1).hasSuffix("line 499\n"))
        #expect(!text(transcript, from: transcript.start, for: 1).contains("line 300\n"))
    }

    @Test("a long run of text is kept in pieces that fit into a frame")
    func pieces() {
        var transcript = Transcript()
        transcript.append(String(repeating: "x", count: 100_000), .plain)
        var position: UInt64 = 0
        while let piece = transcript.piece(from: position, for: 1) {
            #expect(piece.bytes.count <= SharedFrame.outputBytesMax)
            position = piece.next
        }
        #expect(position == 100_000)
    }

    @Test(
        "the last lines begin where they begin",
        arguments: [(0, ""), (1, "four\n"), (2, "three\nfour\n"), (9, "one\ntwo\nthree\nfour\n")]
    )
    func lastLines(count: Int, expected: String) {
        var transcript = Transcript()
        transcript.append("one\ntwo\nth", .plain)
        transcript.append("ree\nfour\n", .warning)
        #expect(text(transcript, from: transcript.offset(ofLastLines: count), for: 1) == expected)
    }

    @Test("an unfinished last line counts as one")
    func unfinished() {
        var transcript = Transcript()
        transcript.append("one\ntwo", .plain)
        #expect(text(transcript, from: transcript.offset(ofLastLines: 1), for: 1) == "two")
    }
}
