import Testing
import WireCore

@testable import ChannelMux

private func instant(_ milliseconds: Double) -> MonotonicInstant {
    MonotonicInstant(nanoseconds: UInt64(milliseconds * 1_000_000))
}

@Suite("The sending half of selective repeat")
struct LinkSenderTests {
    /// Frames 0, 1, 2 … whose last bits left the wire at 10, 20, 30 … ms.
    private func sender(_ count: Int) -> LinkSender {
        var sender = LinkSender()
        for index in 0..<count {
            sender.sent(
                [UInt8](repeating: UInt8(index), count: 100),
                wireEnd: instant(Double(index + 1) * 10),
                isQueued: true
            )
        }
        return sender
    }

    private func acknowledge(
        _ sender: inout LinkSender,
        _ next: UInt8,
        bitmap: [UInt8] = [],
        sawDamage: Bool = false,
        at milliseconds: Double
    ) -> LinkSender.Outcome {
        sender.acknowledge(
            Acknowledgement(next: next, bitmap: bitmap[...], sawDamage: sawDamage),
            shortestRoundTrip: 4_000_000,
            at: instant(milliseconds)
        )
    }

    private func lost(_ sender: inout LinkSender, at milliseconds: Double) -> [UInt64] {
        var all: [UInt64] = []
        while let sequence = sender.firstLost {
            all.append(sequence)
            sender.resentFirstLost([1], wireEnd: instant(milliseconds + Double(all.count)))
        }
        return all
    }

    @Test("MUX-19: the bitmap names what is there beyond the next; the gaps are lost")
    func bitmap() {
        var sender = sender(20)
        // 3 is next; 4, 6 and 13 are there.
        let outcome = acknowledge(&sender, 3, bitmap: [0b0000_0101, 0b0000_0010], at: 205)
        #expect(sender.base == 3 && sender.framesInFlight == 14)
        #expect(outcome.lostFrames == 8)
        #expect(lost(&sender, at: 205) == [3, 5, 7, 8, 9, 10, 11, 12])
    }

    @Test("MUX-19: an older acknowledgement, and one of frames never sent, is passed over")
    func staleAcknowledgement() {
        var sender = sender(10)
        _ = acknowledge(&sender, 6, at: 105)
        for next in [UInt8(3), 0, 11, 200] {
            #expect(acknowledge(&sender, next, bitmap: [0xFF], at: 106) == LinkSender.Outcome())
        }
        #expect(sender.base == 6 && sender.framesInFlight == 4)
        // Bits for frames that were never sent say nothing.
        _ = acknowledge(&sender, 9, bitmap: [0xFF, 0xFF], at: 107)
        #expect(sender.base == 9 && sender.framesInFlight == 1 && sender.firstLost == nil)
    }

    @Test("MUX-21: a lost retransmission is found by what was sent after it")
    func lostRetransmission() {
        var sender = sender(3)
        _ = acknowledge(&sender, 0, bitmap: [0b10], at: 34)
        #expect(lost(&sender, at: 40) == [0, 1])
        sender.sent([9], wireEnd: instant(50), isQueued: true)
        // 3, sent after both, arrives; 0 does too, 1 does not.
        let outcome = acknowledge(&sender, 1, bitmap: [0b10], at: 55)
        #expect(outcome.lostFrames == 1)
        #expect(sender.firstLost == 1)
    }

    @Test("MUX-21: an acknowledgement that comes too soon is of the first transmission")
    func earlyAcknowledgement() {
        var sender = sender(2)
        _ = acknowledge(&sender, 0, sawDamage: true, at: 15)
        #expect(lost(&sender, at: 30) == [0])
        // The wire ended at 31 ms: what comes at 32 ms cannot be the answer to that.
        let outcome = acknowledge(&sender, 1, at: 32)
        #expect(outcome.lostFrames == 0 && sender.firstLost == nil)
    }

    @Test("MUX-22: damage means the oldest frame, if it has left the wire, once")
    func damage() {
        var sender = sender(3)
        #expect(acknowledge(&sender, 0, sawDamage: true, at: 5).lostFrames == 0)
        #expect(acknowledge(&sender, 0, sawDamage: true, at: 15).lostFrames == 1)
        #expect(sender.firstLost == 0)
        #expect(acknowledge(&sender, 0, sawDamage: true, at: 16).lostFrames == 0)
    }

    @Test("MUX-22: damage is not another frame's when what came behind it has told so already")
    func damageFoundBefore() {
        var sender = sender(3)
        #expect(acknowledge(&sender, 0, bitmap: [1], at: 31).lostFrames == 1)
        #expect(acknowledge(&sender, 0, sawDamage: true, at: 33).lostFrames == 0)
        #expect(acknowledge(&sender, 0, sawDamage: true, at: 34).lostFrames == 1)
        #expect(lost(&sender, at: 34) == [0, 2])
    }

    @Test("MUX-22: the oldest frame is the one whose last transmission is the oldest")
    func damageInOrder() {
        var sender = sender(2)
        #expect(acknowledge(&sender, 0, sawDamage: true, at: 15).lostFrames == 1)
        #expect(lost(&sender, at: 20) == [0])
        #expect(acknowledge(&sender, 0, sawDamage: true, at: 22).lostFrames == 1)
        #expect(sender.firstLost == 1)
    }

    @Test("MUX-25: round trips count from the wire's end, on frames that went out once")
    func roundTrip() {
        var sender = sender(4)
        #expect(acknowledge(&sender, 2, at: 26).roundTrip == 6_000_000)
        _ = acknowledge(&sender, 2, bitmap: [1], at: 45)
        #expect(lost(&sender, at: 50) == [2])
        #expect(acknowledge(&sender, 4, at: 60).roundTrip == nil)
    }

    @Test(
        "MUX-23: a probe resends a short frame, asks about a long one, and waits longer each time"
    )
    func probe() {
        var long = sender(1)
        #expect(long.probeDeadline(timeout: 30_000_000) == instant(40))
        #expect(long.probe(at: instant(40)) == .poll)
        #expect(long.probeDeadline(timeout: 30_000_000) == instant(100))
        for _ in 0..<20 { _ = long.probe(at: instant(200)) }
        #expect(long.probeDeadline(timeout: 90_000_000) == instant(1200))

        var short = LinkSender()
        short.sent([1, 2, 3], wireEnd: instant(1), isQueued: false)
        #expect(short.probe(at: instant(40)) == .resend)
        #expect(short.firstLost == 0 && short.probeDeadline(timeout: 1) == nil)
    }

    @Test("MUX-23: what was sent before an answered POLL and is not there is lost")
    func answeredPoll() {
        var sender = sender(2)
        sender.polled(nonce: 7, wireEnd: instant(60))
        sender.sent([1], wireEnd: instant(70), isQueued: true)
        var answer = Acknowledgement(next: 0)
        answer.pollNonce = 6
        #expect(
            sender.acknowledge(answer, shortestRoundTrip: 0, at: instant(64))
                == LinkSender.Outcome()
        )
        answer.pollNonce = 7
        let outcome = sender.acknowledge(answer, shortestRoundTrip: 0, at: instant(64))
        #expect(outcome.lostFrames == 2 && outcome.roundTrip == 4_000_000)
    }

    @Test("MUX-18: sequence numbers go round many times")
    func wrapAround() {
        var sender = LinkSender()
        var receiver = LinkReceiver()
        for round in 0..<2000 {
            let number = UInt8(truncatingIfNeeded: sender.next)
            sender.sent([number], wireEnd: instant(Double(round)), isQueued: false)
            #expect(receiver.arrival(number) == .inOrder)
            receiver.advance()
            #expect(receiver.arrival(number) == .duplicate)
            #expect(receiver.arrival(number &+ 129) == .outside)
            _ = sender.acknowledge(
                receiver.acknowledgement,
                shortestRoundTrip: 0,
                at: instant(Double(round))
            )
            #expect(sender.framesInFlight == 0)
        }
        #expect(sender.base == 2000)
    }
}

@Suite("The receiving half of selective repeat")
struct LinkReceiverTests {
    @Test("MUX-19: what came ahead is in the bitmap and delivered in its turn")
    func ahead() {
        var receiver = LinkReceiver()
        #expect(receiver.acknowledgement == Acknowledgement(next: 0))
        #expect(receiver.arrival(2) == .ahead(2))
        receiver.hold([.release(wireID: 2)], at: 2)
        #expect(receiver.arrival(2) == .duplicate)
        receiver.hold([], at: 10)
        #expect(receiver.hasGap)
        #expect(receiver.acknowledgement == Acknowledgement(next: 0, bitmap: [0b10, 0b10]))
        receiver.advance()
        #expect(receiver.takeHeld() == nil)
        receiver.advance()
        #expect(receiver.takeHeld() == [.release(wireID: 2)])
        receiver.advance()
        #expect(receiver.acknowledgement.next == 3)
        #expect(receiver.arrival(3 &+ 127) == .ahead(130))
        #expect(receiver.arrival(3 &+ 128) == .outside)
    }

    @Test("MUX-20: at once for a second frame, a long one, an urgent one; else after a while")
    func ackTimer() {
        var timer = AckTimer()
        timer.received(isUrgent: false, frameNanoseconds: 1_000_000, at: instant(10))
        #expect(!timer.isDue(at: instant(14)) && timer.isDue(at: instant(15)))
        timer.received(isUrgent: false, frameNanoseconds: 1_000_000, at: instant(11))
        #expect(timer.isDue(at: instant(11)))
        timer.carried()
        #expect(!timer.isDue(at: instant(1000)) && !timer.hasNews)
        timer.received(isUrgent: false, frameNanoseconds: 20_000_000, at: instant(20))
        #expect(timer.isDue(at: instant(20)))
        timer.carried()
        timer.received(isUrgent: true, frameNanoseconds: 1, at: instant(30))
        #expect(timer.isDue(at: instant(30)))
    }

    @Test("MUX-20: damage is reported at once, but every 2 ms at most")
    func damageRate() {
        var timer = AckTimer()
        timer.damaged(at: instant(10))
        #expect(timer.isDue(at: instant(10)) && timer.needsOwnFrame)
        timer.carried()
        #expect(timer.isDue(at: instant(10)))
        timer.sent(at: instant(10))
        timer.damaged(at: instant(11))
        #expect(!timer.isDue(at: instant(11.5)) && timer.isDue(at: instant(12)))
    }
}
