import Testing

@testable import SharedSession

@Suite("Messages between a debugger and its hub")
struct DebuggerMessageTests {
    private static let messages: [DebuggerMessage] = [
        .output(.warning, "text\n"), .prompt("0:000> "), .busy(targetRuns: true),
        .ask(number: 7, ["serve", "tcp:port=0", ""]),
        .completions(participant: 3, number: 4, ["bp", "bu"]), .end("over"),
        .command(participant: 2, identity: "BOX\\me (tcp)", "k"), .notice("somebody came"),
        .complete(participant: 1, number: 2, "b"), .answer(number: 9, isDone: false, ["no"]),
    ]

    @Test("each is read as it was written, glued together or byte by byte")
    func roundTrip() {
        let bytes = Self.messages.flatMap(\.encoded)
        for step in [1, 3, bytes.count] {
            var decoder = DebuggerMessageDecoder()
            var found: [DebuggerMessage] = []
            for start in stride(from: 0, to: bytes.count, by: step) {
                decoder.append(bytes[start..<min(start + step, bytes.count)])
                while decoder.hasMessage, let message = decoder.next() { found.append(message) }
            }
            #expect(found == Self.messages && !decoder.isBroken)
        }
    }

    @Test("anything else breaks the line, without a trap")
    func damage() {
        for bytes: [UInt8] in [
            [99, 0, 0, 0, 0], [1, 255, 255, 255, 255], [1, 0, 0, 0, 0], [16, 1, 0, 0, 0, 7],
            [2, 4, 0, 0, 0, 255, 255, 255, 255],
        ] {
            var decoder = DebuggerMessageDecoder()
            decoder.append(bytes)
            #expect(decoder.next() == nil && decoder.isBroken, "\(bytes)")
            #expect(!decoder.hasMessage)
        }
        for message in Self.messages {
            let whole = message.encoded
            for index in DebuggerMessage.headerBytes..<whole.count {
                var bytes = whole
                bytes[index] ^= 0xff
                var decoder = DebuggerMessageDecoder()
                decoder.append(bytes)
                _ = decoder.next()
            }
        }
    }
}

@Suite("Text of a session on somebody's screen")
struct ScreenTextTests {
    @Test("characters that pieces cut are put together; what is no UTF-8 is repaired")
    func pieces() {
        let text = "größe → 🛠 ok\n"
        for step in 1...5 {
            var screen = ScreenText()
            let bytes = Array(text.utf8)
            let shown = stride(from: 0, to: bytes.count, by: step).map { start in
                screen.take(Array(bytes[start..<min(start + step, bytes.count)]))
            }
            #expect(shown.joined() == text)
        }
        var screen = ScreenText()
        #expect(screen.take([0x61, 0xff, 0x62]) == "a\u{fffd}b")
        #expect(screen.take([0x80, 0x80, 0x80, 0x80, 0x63]).hasSuffix("c"))
    }

    @Test("nothing moves the cursor but newlines and tabs")
    func controls() {
        var screen = ScreenText()
        #expect(screen.take(Array("a\u{1b}[2Jb\tc\r\nd\u{07}\n".utf8)) == "a\\x1b[2Jb\tc\nd\\x07\n")
        #expect(ScreenText.line("a\nb") == "a\\x0ab")
    }
}
