import SessionProtocol
import Testing

@Suite("Who may connect now")
struct PeerLimitsTests {
    private let second: UInt64 = 1_000_000_000

    private func limits() -> PeerLimits.Limits {
        var limits = PeerLimits.Limits()
        limits.sessionsMax = 10
        limits.sessionsPerPeerMax = 4
        limits.greetingsMax = 5
        limits.greetingsPerPeerMax = 3
        limits.failedPeersMax = 8
        return limits
    }

    @Test("SES-15: two slips cost nothing, then the wait doubles up to a minute")
    func growingWait() {
        var book = PeerLimits()
        var now: UInt64 = 5 * second
        for _ in 0..<2 {
            book.failed("desk", at: now)
            #expect(book.verdict(on: "desk", at: now) == .admitted)
        }
        for wait in [1, 2, 4, 8, 16, 32, 60, 60] {
            book.failed("desk", at: now)
            #expect(book.verdict(on: "desk", at: now) == .mustWait(seconds: wait))
            now += UInt64(wait) * second - 1
            #expect(book.verdict(on: "desk", at: now) == .mustWait(seconds: 1))
            now += 1
            #expect(book.verdict(on: "desk", at: now) == .admitted)
        }
    }

    @Test("SES-15: others are not held up; a right password and time forgive")
    func others() {
        var book = PeerLimits()
        for _ in 0..<6 { book.failed("desk", at: 0) }
        #expect(book.verdict(on: "lab", at: 0) == .admitted)
        #expect(book.verdict(on: "desk", at: 0) == .mustWait(seconds: 8))
        book.succeeded("desk")
        #expect(book.verdict(on: "desk", at: 0) == .admitted)
        for _ in 0..<6 { book.failed("desk", at: 0) }
        book.failed("desk", at: 700 * second)
        #expect(book.verdict(on: "desk", at: 700 * second) == .admitted)
    }

    @Test("SES-15: who has failed gets one attempt at a time")
    func noParallelGuesses() {
        var book = PeerLimits()
        for _ in 0..<2 { book.failed("desk", at: 0) }
        book.enter("desk")
        #expect(book.verdict(on: "desk", at: 0) == .oneAtATime)
        book.greeted("desk")
        #expect(book.verdict(on: "desk", at: 0) == .admitted)
    }

    @Test("the table of failures stays small, and keeps those who wait longest")
    func boundedTable() {
        var book = PeerLimits(limits())
        for _ in 0..<6 { book.failed("worst", at: 0) }
        for number in 0..<100 { book.failed("peer \(number)", at: UInt64(number)) }
        #expect(book.failedPeerCount == 8)
        #expect(book.verdict(on: "worst", at: 0) == .mustWait(seconds: 8))
    }

    @Test("SES-16: sessions are counted in all and by peer, ungreeted ones apart")
    func counts() {
        var book = PeerLimits(limits())
        for _ in 0..<3 {
            #expect(book.verdict(on: "desk", at: 0) == .admitted)
            book.enter("desk")
        }
        #expect(book.verdict(on: "desk", at: 0) == .tooManyGreetings)
        #expect(book.verdict(on: "lab", at: 0) == .admitted)
        book.enter("lab")
        book.enter("lab")
        #expect(book.verdict(on: "third", at: 0) == .tooManyGreetings)
        for _ in 0..<3 { book.greeted("desk") }
        book.enter("desk")
        #expect(book.verdict(on: "desk", at: 0) == .peerFull(sessions: 4))
        for peer in ["lab", "lab", "desk"] { book.greeted(peer) }
        for number in 0..<4 {
            book.enter("p\(number)")
            book.greeted("p\(number)")
        }
        #expect(book.verdict(on: "p9", at: 0) == .full(sessions: 10))
        book.leave("desk", wasGreeted: true)
        #expect(book.verdict(on: "p9", at: 0) == .admitted)
        for _ in 0..<3 { book.leave("desk", wasGreeted: true) }
        for _ in 0..<2 { book.leave("lab", wasGreeted: true) }
        for number in 0..<4 { book.leave("p\(number)", wasGreeted: true) }
        #expect(book.sessionCount == 0 && book.greetingCount == 0)
    }
}
