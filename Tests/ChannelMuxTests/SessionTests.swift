import ChannelMux
import LineSimulator
import Testing
import WireCore

@testable import LinkTrials

private func line(_ baudRate: Int = 115_200) -> LineConditions {
    var conditions = LineConditions(baudRate: baudRate)
    conditions.latencyNanoseconds = 500_000
    return conditions
}

extension Endpoint {
    fileprivate var downs: [String] {
        events.compactMap { event in
            guard case .linkDown(let reason) = event else { return nil }
            return reason
        }
    }

    fileprivate var ups: Int {
        events.count { event in
            guard case .linkUp = event else { return false }
            return true
        }
    }
}

@Suite("Sessions: who is there, since when")
struct SessionTests {
    @Test(
        "MUX-9, MUX-12: whoever starts first, the link is up soon after the other starts",
        arguments: [0, 10, 70, 700, 3000, 61_000],
        [true, false]
    )
    func anyStartOrder(milliseconds: Int, leftFirst: Bool) {
        let cable = Cable(line(), opens: false)
        let (first, second) = leftFirst ? (cable.left, cable.right) : (cable.right, cable.left)
        first.link.lineOpened(at: cable.now)
        cable.run(milliseconds: Double(milliseconds))
        second.link.lineOpened(at: cable.now)
        let start = cable.now
        #expect(cable.run(milliseconds: 1200) { first.link.isUp && second.link.isUp })
        #expect(cable.now.nanoseconds(since: start) < 100_000_000)
        #expect(first.link.peerIdentity == (leftFirst ? "right" : "left"))
        #expect(first.events.contains(.linkUp(peerIdentity: leftFirst ? "right" : "left")))
    }

    @Test("MUX-11: a frame of the session brings a side up whose last HELLO was lost")
    func implicitUp() throws {
        let cable = Cable(line(), opens: false)
        cable.left.link.lineOpened(at: cable.now)
        cable.run(milliseconds: 20)
        cable.right.link.lineOpened(at: cable.now)
        cable.run { cable.right.link.isUp }
        // The HELLO by which right tells that it is up is lost.
        cable.toLeft.isCut = true
        cable.run(milliseconds: 12)
        cable.cut(false)
        #expect(cable.right.link.isUp && !cable.left.link.isUp)
        _ = try cable.right.link.connect(to: .number(1), waiting: true, at: cable.now)
        cable.run(milliseconds: 5) { cable.left.link.isUp }
        #expect(cable.left.link.isUp)
    }

    @Test("MUX-10: a HELLO from an earlier handshake neither begins a session nor ends one")
    func staleHello() throws {
        let cable = Cable(line())
        var old: [[UInt8]] = []
        // What an earlier process at the right end said.
        var former = MuxLink(
            Cable.configuration(115_200, epoch: 99, identity: "former"),
            at: cable.now
        )
        former.lineOpened(at: cable.now)
        if let hello = former.nextTransmit(at: cable.now) { old.append(hello) }
        var namesake = Cable.configuration(115_200, epoch: 0x1122_3344, identity: "left")
        namesake.seed = 5
        var other = MuxLink(namesake, at: cable.now)
        other.lineOpened(at: cable.now)
        if let hello = other.nextTransmit(at: cable.now) {
            former.receive(hello[...], at: cable.now)
        }
        let later = cable.now.advanced(byNanoseconds: 10_000_000)
        if let answer = former.nextTransmit(at: later) { old.append(answer) }
        #expect(old.count == 2)

        cable.left.link.receive(Array(old.joined())[...], at: cable.now)
        #expect(!cable.left.link.isUp)
        cable.connect()
        let (id, _) = try cable.open(5)
        cable.left.link.receive(Array(old.joined())[...], at: cable.now)
        cable.run(milliseconds: 200)
        #expect(cable.left.link.isUp && cable.left.resets.isEmpty)
        #expect(cable.left.link.peerIdentity == "right")
        #expect(try cable.left.link.send([1], on: id, at: cable.now) == 1)
    }

    @Test("MUX-13: a cut of five seconds loses no byte, and connections notice nothing")
    func cut() throws {
        let cable = Cable(line())
        let (id, peer) = try cable.open(5)
        let bytes = pattern(60_000)
        cable.left.write(bytes, on: id, at: cable.now)
        cable.run(milliseconds: 1000)
        cable.cut(true)
        cable.run(milliseconds: 5000)
        #expect(!cable.left.link.isUp && !cable.right.link.isUp)
        #expect(cable.left.downs == ["nothing has been heard from the other side for 3.5 seconds"])
        cable.cut(false)
        let start = cable.now
        cable.run { cable.left.link.isUp && cable.right.link.isUp }
        #expect(cable.now.nanoseconds(since: start) < 400_000_000)
        cable.run(milliseconds: 20_000) { cable.right.received[peer]?.count == bytes.count }
        expectSame(cable.right.received[peer], bytes)
        #expect(cable.left.link.statistics.resumes == 1)
    }

    @Test("MUX-16: a short cut does not bring the link down")
    func shortCut() throws {
        let cable = Cable(line())
        let (id, peer) = try cable.open(5)
        let bytes = pattern(30_000)
        cable.left.write(bytes, on: id, at: cable.now)
        cable.run(milliseconds: 500)
        cable.cut(true)
        cable.run(milliseconds: 2000)
        cable.cut(false)
        cable.run(milliseconds: 20_000) { cable.right.received[peer]?.count == bytes.count }
        expectSame(cable.right.received[peer], bytes)
        #expect(cable.left.downs.isEmpty && cable.right.downs.isEmpty)
    }

    @Test("MUX-13, MUX-16: unplugging is noticed at once and replugging resumes within 50 ms")
    func replug() throws {
        let cable = Cable(line())
        let (id, peer) = try cable.open(5)
        let bytes = pattern(30_000)
        cable.left.write(bytes, on: id, at: cable.now)
        cable.run(milliseconds: 800)
        cable.left.link.lineClosed(at: cable.now)
        #expect(!cable.left.link.isUp)
        cable.cut(true)
        cable.run(milliseconds: 30_000)
        #expect(cable.left.downs == ["the line was closed"])
        cable.cut(false)
        cable.left.link.lineOpened(at: cable.now)
        let start = cable.now
        cable.run { cable.left.link.isUp && cable.right.link.isUp }
        #expect(cable.now.nanoseconds(since: start) < 50_000_000)
        cable.run(milliseconds: 20_000) { cable.right.received[peer]?.count == bytes.count }
        expectSame(cable.right.received[peer], bytes)
        #expect(cable.left.resets.isEmpty && cable.right.resets.isEmpty)
    }

    @Test("MUX-16: a quiet line stays up and costs little")
    func keepAlive() {
        let cable = Cable(line())
        cable.connect()
        let before = cable.toRight.statistics.bytesIn + cable.toLeft.statistics.bytesIn
        cable.run(milliseconds: 60_000)
        let after = cable.toRight.statistics.bytesIn + cable.toLeft.statistics.bytesIn
        #expect(cable.left.ups == 1 && cable.left.downs.isEmpty && cable.right.downs.isEmpty)
        #expect(after - before < 60 * 2 * 24)
    }

    @Test("MUX-16: after the grace time connections are reset, and a new session begins")
    func grace() throws {
        let cable = Cable(line(), configure: { $0.graceMilliseconds = 10_000 })
        let (id, peer) = try cable.open(5)
        let epoch = cable.left.link.statistics.epoch
        cable.cut(true)
        cable.run(milliseconds: 13_000)
        #expect(cable.left.resets.isEmpty)
        cable.run(milliseconds: 1000)
        #expect(cable.left.resets == [id: .lineLost])
        #expect(cable.right.resets == [peer: .lineLost])
        #expect(cable.left.link.statistics.epoch != epoch)
        cable.cut(false)
        cable.connect()
        _ = try cable.open(5, listens: false)
        #expect(cable.left.opened.count == 2)
    }

    @Test("a grace time of 0 is for ever")
    func endlessGrace() throws {
        let cable = Cable(line(), configure: { $0.graceMilliseconds = 0 })
        let (id, _) = try cable.open(5)
        cable.cut(true)
        cable.run(milliseconds: 1_000_000)
        cable.cut(false)
        cable.connect()
        #expect(cable.left.resets.isEmpty && cable.right.resets.isEmpty)
        #expect(try cable.left.link.send([1], on: id, at: cable.now) == 1)
    }

    @Test(
        "MUX-14: a replaced peer resets connections with that reason, whatever was under way",
        arguments: [true, false],
        [0.0, 20.0, 2500.0, 6000.0]
    )
    func restart(isLeft: Bool, milliseconds: Double) throws {
        let cable = Cable(line())
        let (id, peer) = try cable.open(5)
        cable.left.write(pattern(50_000), on: id, at: cable.now)
        cable.right.write(pattern(50_000), on: peer, at: cable.now)
        cable.run(milliseconds: 700)
        let (dead, other) = isLeft ? (cable.left, cable.right) : (cable.right, cable.left)
        let handle = isLeft ? peer : id
        // Nobody reads at the dead end for a while.
        cable.cut(true)
        cable.run(milliseconds: milliseconds)
        cable.cut(false)
        cable.restart(dead, epoch: 0x5555_5555)
        let start = cable.now
        cable.run(milliseconds: 1500) { other.resets[handle] != nil }
        #expect(other.resets == [handle: .peerRestarted])
        // A long frame may be on its way in each direction.
        #expect(cable.now.nanoseconds(since: start) < 50_000_000 + 2 * 61_000_000)
        #expect(cable.run(milliseconds: 1200) { cable.left.link.isUp && cable.right.link.isUp })
        #expect(dead.received.isEmpty)

        try dead.link.listen(on: .number(9), at: cable.now)
        let again = try other.link.connect(to: .number(9), waiting: false, at: cable.now)
        cable.run { other.opened.contains(again) }
        #expect(other.opened.last == again)
    }

    @Test(
        "MUX-14: both restarted, one after the other, at any distance",
        arguments: [0, 1, 5, 12, 40]
    )
    func bothRestart(milliseconds: Int) throws {
        let cable = Cable(line())
        _ = try cable.open(5)
        cable.restart(cable.left, epoch: 21)
        cable.run(milliseconds: Double(milliseconds))
        cable.restart(cable.right, epoch: 22)
        #expect(cable.run(milliseconds: 1200) { cable.left.link.isUp && cable.right.link.isUp })
        _ = try cable.open(6)
        #expect(cable.left.opened.count == 1)
    }

    @Test("MUX-14: waiting connections and listeners go on to the next session by themselves")
    func waitingSurvives() throws {
        let cable = Cable(line())
        try cable.left.link.listen(on: .number(1), at: cable.now)
        let waiting = try cable.left.link.connect(to: .number(2), waiting: true, at: cable.now)
        cable.connect()
        cable.run(milliseconds: 50)
        for epoch in UInt32(30)..<34 {
            cable.restart(cable.right, epoch: epoch)
            cable.run(milliseconds: 300)
            #expect(cable.left.resets.isEmpty)
        }
        try cable.right.link.listen(on: .number(2), at: cable.now)
        cable.run { cable.left.opened == [waiting] }
        #expect(cable.left.opened == [waiting])
        let id = try cable.right.link.connect(to: .number(1), waiting: false, at: cable.now)
        cable.run { cable.right.opened == [id] }
        #expect(cable.right.opened == [id])
    }

    @Test("MUX-15: two ends that drew the same epoch still meet")
    func sameEpoch() {
        let cable = Cable(line(), configure: { $0.epoch = 77 })
        cable.connect()
        #expect(cable.left.link.isUp && cable.right.link.isUp)
    }

    @Test("MUX-15: our own echo is a loopback and never comes up")
    func loopback() {
        let cable = Cable(line(), opens: false)
        cable.left.link.lineOpened(at: cable.now)
        var echo: [(MonotonicInstant, [UInt8])] = []
        var now = cable.now
        for _ in 0..<400 {
            if let frame = cable.left.link.nextTransmit(at: now) {
                echo.append((now.advanced(byNanoseconds: 8_000_000), frame))
            }
            if let (time, frame) = echo.first, time <= now {
                echo.removeFirst()
                cable.left.link.receive(frame[...], at: now)
            }
            now = now.advanced(byNanoseconds: 5_000_000)
            cable.left.link.expireTimers(at: now)
            cable.left.takeEvents(at: now)
        }
        #expect(!cable.left.link.isUp)
        #expect(cable.left.events == [.lineVerdict(.loopback)])
    }

    @Test("MUX-17: leaving tells the peer, which stays silent until somebody comes")
    func leave() throws {
        let cable = Cable(line())
        let (id, peer) = try cable.open(5)
        cable.left.link.leave(at: cable.now)
        cable.run(milliseconds: 100)
        #expect(cable.left.resets == [id: .left])
        #expect(cable.right.resets == [peer: .left])
        #expect(cable.right.downs == ["the peer left the link"])
        let silent = cable.toLeft.statistics.bytesIn
        cable.run(milliseconds: 20_000)
        #expect(cable.toLeft.statistics.bytesIn == silent)
        #expect(throws: ChannelError.left) {
            _ = try cable.left.link.connect(to: .number(1), waiting: false, at: cable.now)
        }
        #expect(throws: ChannelError.left) {
            _ = try cable.left.link.send([1], on: id, at: cable.now)
        }
        cable.restart(cable.left, epoch: 4)
        #expect(cable.run(milliseconds: 1000) { cable.left.link.isUp && cable.right.link.isUp })
    }

    @Test("MUX-5: a peer that breaks the rules ends the session, not the process")
    func brokenPeer() throws {
        let cable = Cable(line())
        let (id, _) = try cable.open(5)
        cable.left.link.receive(
            forged(from: cable.right.link.statistics, body: [0x90, 1, 2, 3]),
            at: cable.now
        )
        cable.run(milliseconds: 500)
        #expect(cable.left.resets == [id: .protocolError])
        #expect(cable.left.link.statistics.protocolErrors == 1)
        #expect(cable.left.link.isUp && cable.right.link.isUp)
    }
}
