import Deflate
import Testing

@Suite("Deflate with a history and no state")
struct DeflateTests {
    private let packet = Array("$m7fffffffe4a0,40#8e".utf8)
    private let reply = Array(String(repeating: "$f0e4ffffff7f00001b10555555", count: 30).utf8)

    @Test("what is coded comes out again, with and without a history")
    func roundTrip() throws {
        for history in [[], packet, reply + packet, [UInt8](repeating: 7, count: 9000)] {
            let coded = try #require(Deflate.compress(reply[...], history: history[...]))
            #expect(coded.count < reply.count)
            let plain = Deflate.expand(coded[...], history: history[...], countMax: reply.count)
            #expect(plain == reply)
        }
    }

    @Test("the history makes small packets smaller")
    func history() throws {
        let like = Array("$m7fffffffe4e0,40#92".utf8)
        let alone = try #require(Deflate.compress(like[...], history: []))
        let coded = try #require(Deflate.compress(like[...], history: packet[...]))
        #expect(coded.count <= 12 && coded.count < alone.count)
        let other = Array("$m1234567890ab,40#92".utf8)
        #expect(Deflate.expand(coded[...], history: packet[...], countMax: 100) == like)
        #expect(Deflate.expand(coded[...], history: other[...], countMax: 100) != like)
    }

    @Test("what does not shrink is not coded")
    func incompressible() {
        #expect(Deflate.compress([], history: []) == nil)
        #expect(Deflate.compress([1], history: []) == nil)
        #expect(Deflate.compress([1, 2, 3, 4, 5, 6], history: []) == nil)
    }

    @Test("a piece that grows beyond its limit is not taken")
    func bomb() throws {
        let zeros = [UInt8](repeating: 0, count: 1_000_000)
        let coded = try #require(Deflate.compress(zeros[...], history: []))
        #expect(coded.count < 5000)
        #expect(Deflate.expand(coded[...], history: [], countMax: 999_999) == nil)
        #expect(Deflate.expand(coded[...], history: [], countMax: 1_000_000) == zeros)
    }

    @Test("cut short, continued or damaged: never a trap, and never more than the limit")
    func malformed() throws {
        let coded = try #require(Deflate.compress(reply[...], history: packet[...]))
        for count in 0..<coded.count {
            let cut = Deflate.expand(coded.prefix(count), history: packet[...], countMax: 5000)
            #expect(cut == nil)
        }
        let longer = coded + [0]
        #expect(Deflate.expand(longer[...], history: packet[...], countMax: 5000) == nil)
        for index in coded.indices {
            for bit in 0..<8 {
                var damaged = coded
                damaged[index] ^= 1 << UInt8(bit)
                let plain = Deflate.expand(damaged[...], history: packet[...], countMax: 5000)
                #expect(plain?.count ?? 0 <= 5000)
            }
        }
    }
}
