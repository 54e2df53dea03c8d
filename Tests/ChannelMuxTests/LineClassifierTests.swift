import LineSimulator
import Testing
import WireCore

@testable import ChannelMux
@testable import LinkTrials

private let whiteNoise: [UInt8] = {
    var generator = SeededGenerator(seed: 7)
    return (0..<3000).map { _ in UInt8.random(in: 0...255, using: &generator) }
}()

/// What arrives on a line, in portions of some milliseconds, and what is to be made of it.
private let lines: [(what: String, bytes: [UInt8], verdict: LineVerdict)] = [
    ("gdbserver", Array("$T05thread:p1.1;core:0;#f4+".utf8), .rawRSP),
    ("a stub's short packet", Array("+$OK#9a".utf8), .rawRSP),
    (
        "a login prompt", Array("\r\nDebian GNU/Linux 12 lab7 ttyS0\r\n\r\nlab7 login: ".utf8),
        .console
    ),
    (
        "U-Boot",
        Array("U-Boot 2023.01\r\nHit any key to stop autoboot:  3 \u{8}\u{8}\u{8} 2".utf8), .console
    ),
    (
        "a shell with `$` and `#` in it",
        Array("root@lab7:/# echo $HOME # $x#00\r\n/root\r\n".utf8), .console
    ),
    (
        "KD",
        [0x69, 0x69, 0x69, 0x69, 6, 0, 0, 0, 0, 0, 0x80, 0x80, 0, 0, 0, 0], .kernelDebugger
    ),
    ("CMUX", [0xF9, 0x03, 0x3F, 0x01, 0x1C, 0xF9], .otherMultiplexer),
    (
        "PPP",
        [0x7E, 0xFF, 0x7D, 0x23, 0xC0, 0x21, 9, 0x7E, 0x7E, 0xFF, 0x7D, 0x23, 0xC0, 0x21, 9, 0x7E],
        .otherMultiplexer
    ),
    ("another baud rate", (0..<80).map { UInt8(truncatingIfNeeded: $0 &* 151 | 0x80) }, .noise),
    ("white noise", whiteNoise, .noise),
    ("a break that does not end", [UInt8](repeating: 0, count: 100), .noise),
]

@Suite("What is on the other end, without asking")
struct LineClassifierTests {
    private func listener(speaksFirst: Bool) -> Endpoint {
        var configuration = Cable.configuration(115_200, epoch: 9, identity: "me")
        configuration.speaksFirst = speaksFirst
        return Endpoint(MuxLink(configuration, at: MonotonicInstant(nanoseconds: 0)))
    }

    /// Lets the time pass; returns what was sent.
    private func pass(
        _ end: Endpoint,
        from now: inout MonotonicInstant,
        milliseconds: Int
    ) -> [UInt8] {
        var sent: [UInt8] = []
        for _ in 0..<milliseconds {
            now = now.advanced(byNanoseconds: 1_000_000)
            end.link.expireTimers(at: now)
            while let frame = end.link.nextTransmit(at: now) { sent += frame }
            end.takeEvents(at: now)
        }
        return sent
    }

    @Test(
        "MUX-39: each is named within 3 s, and then left alone",
        arguments: lines.indices,
        [true, false]
    )
    func verdicts(index: Int, speaksFirst: Bool) {
        let (what, bytes, verdict) = lines[index]
        let end = listener(speaksFirst: speaksFirst)
        var now = MonotonicInstant(nanoseconds: 0)
        end.link.lineOpened(at: now)
        _ = pass(end, from: &now, milliseconds: 900)
        for start in stride(from: 0, to: bytes.count, by: 7) {
            end.link.receive(bytes[start..<min(start + 7, bytes.count)], at: now)
            _ = pass(end, from: &now, milliseconds: 2)
        }
        _ = pass(end, from: &now, milliseconds: 3000 - 900)
        #expect(end.events == [.lineVerdict(verdict)], "\(what)")
        let sent = pass(end, from: &now, milliseconds: 5000)
        let isOurs = verdict == .noise
        #expect(sent.isEmpty == !(isOurs && speaksFirst), "\(what)")
    }

    @Test("MUX-39: nothing at all is said to be so, once")
    func silence() {
        let end = listener(speaksFirst: true)
        var now = MonotonicInstant(nanoseconds: 0)
        end.link.lineOpened(at: now)
        _ = pass(end, from: &now, milliseconds: 20_000)
        #expect(end.events == [.lineVerdict(.silent)])
    }

    @Test(
        "MUX-39: frames of an earlier session are no console and no stub, whatever is in them",
        arguments: ["login: root\r\nLast login: never\r\n", "$m7fffffffe4a0,40#8e", "0000\u{1}"]
    )
    func earlierSession(text: String) {
        let end = listener(speaksFirst: true)
        var now = MonotonicInstant(nanoseconds: 0)
        end.link.lineOpened(at: now)
        let check = FrameCheck(sender: 9, receiver: 8)
        for number in 0..<20 {
            let head = SequenceHead(sequence: UInt8(number))
            let chunk = DataChunk(wireID: 0, order: 0, payload: Array(text.utf8)[...])
            end.link.receive(check.wire(Frame.data(head, chunk).body)[...], at: now)
            _ = pass(end, from: &now, milliseconds: 100)
        }
        #expect(!end.events.contains { if case .lineVerdict = $0 { true } else { false } })
        // So it goes on greeting.
        #expect(pass(end, from: &now, milliseconds: 2000).count > 100)
    }

    @Test("MUX-39: a link told not to speak first listens until it hears a HELLO")
    func listensOnly() throws {
        let cable = Cable(
            LineConditions(baudRate: 115_200),
            configure: { $0.speaksFirst = $0.identity == "left" },
            opens: false
        )
        cable.right.link.lineOpened(at: cable.now)
        cable.run(milliseconds: 5000)
        #expect(cable.toLeft.statistics.bytesIn == 0)
        cable.left.link.lineOpened(at: cable.now)
        cable.connect()
        #expect(cable.right.link.isUp)
    }

    @Test("MUX-39: a console that becomes a multiplexer is spoken to again")
    func consoleThenPeer() {
        let cable = Cable(LineConditions(baudRate: 115_200), opens: false)
        cable.left.link.lineOpened(at: cable.now)
        cable.toLeft.inject(
            Array("[    1.234567] Linux version 6.1\r\nlogin: ".utf8)[...],
            at: cable.now
        )
        cable.run(milliseconds: 4000)
        #expect(cable.left.events.last == .lineVerdict(.console))
        cable.right.link.lineOpened(at: cable.now)
        #expect(cable.run(milliseconds: 1000) { cable.left.link.isUp && cable.right.link.isUp })
    }

    @Test("MUX-7: a multiplexer of other versions is named with its versions")
    func otherVersion() {
        let end = listener(speaksFirst: false)
        var now = MonotonicInstant(nanoseconds: 0)
        end.link.lineOpened(at: now)
        var hello = Hello(epoch: 5, nonce: 6, identity: "later")
        hello.lowestVersion = 3
        hello.highestVersion = 4
        end.link.receive(hello.wire[...], at: now)
        _ = pass(end, from: &now, milliseconds: 100)
        #expect(end.events == [.lineVerdict(.otherVersion(lowest: 3, highest: 4))])
        #expect(!end.link.isUp)
    }
}
