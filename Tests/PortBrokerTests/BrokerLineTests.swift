import Testing

@testable import BrokerProtocol

@Suite("A line of the broker's protocol")
struct BrokerLineTests {
    private func decode(_ text: String) throws(BrokerProtocolError) -> BrokerLine {
        try BrokerLine(decoding: Array(text.utf8)[...])
    }

    @Test(
        "survives encoding, whatever the values and words are (L1, L2)",
        arguments: [
            "", " ", "a b", "100 %", "naïve Ω", "a=b:c", "%41", "\u{7F}", "tab\there", "::",
        ]
    )
    func roundTrip(value: String) throws {
        let line = BrokerLine("hello", [("program", value), ("x", "1")], words: "so it : is")
        let bytes = line.encoded
        #expect(bytes.last == 0x0A)
        #expect(!bytes.dropLast().contains { $0 < 0x20 || $0 > 0x7E })
        #expect(try BrokerLine(decoding: bytes.dropLast()) == line)
    }

    @Test("may have words for people after the fields")
    func words() throws {
        let line = try decode("closed token=1 how=reset :the peer restarted: twice")
        #expect(line.words == "the peer restarted: twice")
        #expect(line["how"] == "reset")
        #expect(try decode("verdict :").words == "")
        #expect(try decode("status").words == nil)
    }

    @Test(
        "is refused when it is no keyword with fields (L1)",
        arguments: ["", " ", "a  b=1", "a b", "a =1", "a b=%", "a b=%G1", "a b=%4", "a b=%FF"]
    )
    func bad(text: String) {
        #expect(throws: BrokerProtocolError.badLine(text)) { try decode(text) }
    }

    @Test("is UTF-8 without control characters (L1)")
    func notText() {
        for bytes: [UInt8] in [[0xFF], [0x61, 0x00], [0x61, 0x0D], [0x61, 0x7F], [0xC3, 0x28]] {
            #expect(throws: BrokerProtocolError.notText) { try BrokerLine(decoding: bytes[...]) }
        }
    }

    @Test("is never longer than the limit: words are cut, not the fields (L1)")
    func cut() throws {
        let words = String(repeating: "wörter ", count: 400)
        let bytes = BrokerLine("closed", [("how", "reset")], words: words).encoded
        #expect(bytes.count <= BrokerLine.bytesMax + 1)
        let line = try BrokerLine(decoding: bytes.dropLast())
        #expect(line["how"] == "reset")
        #expect(words.hasPrefix(try #require(line.words)))
    }

    @Test("has its long values cut between characters, whatever they expand to (L1)")
    func cutValues() throws {
        let value = String(repeating: "🧵", count: 500)
        let bytes = BrokerLine("figure", [("key", value), ("value", value)]).encoded
        #expect(bytes.count <= BrokerLine.bytesMax)
        let line = try BrokerLine(decoding: bytes.dropLast())
        #expect(value.hasPrefix(try #require(line["value"])))
    }

    @Test("longer than the limit is refused before its end has come (L1)")
    func tooLong() throws {
        var splitter = LineSplitter()
        splitter.append([UInt8](repeating: 0x61, count: BrokerLine.bytesMax))
        #expect(try splitter.nextLine() == nil)
        splitter.append([0x61])
        #expect(throws: BrokerProtocolError.lineTooLong) { try splitter.nextLine() }
    }

    @Test("comes out the same however the stream is cut")
    func splits() throws {
        let bytes = BrokerLine("a", [("b", "c d")]).encoded + BrokerLine("e", words: "f").encoded
        let expected = [BrokerLine("a", [("b", "c d")]), BrokerLine("e", words: "f")]
        for cut in 0...bytes.count {
            var splitter = LineSplitter()
            var lines: [BrokerLine] = []
            for part in [bytes[..<cut], bytes[cut...]] {
                splitter.append(part)
                while let line = try splitter.nextLine() { lines.append(line) }
            }
            #expect(lines == expected)
        }
    }

    @Test("leaves what follows it untouched")
    func rest() throws {
        var splitter = LineSplitter()
        splitter.append(Array("data token=x\n$g#67\n".utf8))
        #expect(try splitter.nextLine()?.keyword == "data")
        #expect(splitter.takeRest() == Array("$g#67\n".utf8))
        #expect(splitter.takeRest().isEmpty)
    }
}
