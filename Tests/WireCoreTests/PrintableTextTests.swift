import Testing
import WireCore

@Suite("Printable text")
struct PrintableTextTests {
    @Test("control characters become escapes, and other text stays as it is")
    func escapes() {
        #expect(printableText("a\nb\u{1b}[31m\u{7f}\u{85}é") == "a\\x0ab\\x1b[31m\\x7f\\x85é")
        #expect(printableText("x\u{202e}y\u{2028}") == "x\\u{202e}y\\u{2028}")
        #expect(printableText("日本語 ✓") == "日本語 ✓")
    }

    @Test("a command line's words: empty ones and those with spaces are quoted")
    func words() {
        let words = [Array("a b".utf8), [], Array("c".utf8)]
        #expect(printableText(words) == "\"a b\" \"\" c")
    }
}
