import LineSimulator
import Testing
import WireCore

@testable import ChannelMux
@testable import LinkTrials

private func line(_ baudRate: Int = 115_200, microseconds: UInt64 = 500) -> LineConditions {
    var conditions = LineConditions(baudRate: baudRate)
    conditions.latencyNanoseconds = 500_000
    conditions.deliveryIntervalNanoseconds = microseconds * 1000
    return conditions
}

@Suite("Sharing the line")
struct SharingTests {
    @Test(
        "MUX-37: bulk connections share the line evenly",
        arguments: [
            (921_600, 2, 2500.0), (921_600, 7, 2500), (921_600, 60, 5000), (921_600, 255, 10_000),
            (115_200, 255, 10_000),
        ]
    )
    func fairness(baudRate: Int, count: Int, milliseconds: Double) throws {
        let cable = Cable(line(baudRate))
        try cable.right.link.listen(on: .number(1), at: cable.now)
        for _ in 0..<count {
            let id = try cable.left.link.connect(to: .number(1), waiting: false, at: cable.now)
            cable.left.write(pattern(2_000_000 / count), on: id, at: cable.now)
        }
        cable.run(milliseconds: milliseconds)
        let shares = cable.right.incoming.map { Double(cable.right.received[$0]?.count ?? 0) }
        let sum = shares.reduce(0, +)
        let squares = shares.reduce(0) { $0 + $1 * $1 }
        #expect(shares.count == count)
        #expect(sum * sum / (Double(count) * squares) >= 0.99)
    }

    @Test("MUX-37: 254 transfers do not delay a small question by more than a few frames")
    func crowdedPing() throws {
        let cable = Cable(line(460_800))
        let pings = try Pings(on: cable, channel: 0)
        for number in 1...254 {
            try cable.right.link.listen(on: .number(number), at: cable.now)
            let id = try cable.left.link.connect(to: .number(number), waiting: false, at: cable.now)
            cable.left.write(pattern(4000), on: id, at: cable.now)
        }
        cable.run(milliseconds: 1500)
        pings.ask(20, pauseMilliseconds: 5...40)
        // Two frames of 10 ms before it, and its way.
        #expect(pings.percentile(1) < 25)
        #expect(cable.left.opened.count == 255)
    }

    @Test(
        "MUX-37: chatty connections, however many, do not stop a transfer",
        arguments: [(0.9, 900), (4.5, 1800), (9.0, 7000)]
    )
    func chatty(pauseMilliseconds: Double, bytes: Int) throws {
        let cable = Cable(line())
        let (bulk, bulkPeer) = try cable.open(1)
        cable.left.write(pattern(60_000), on: bulk, at: cable.now)
        try cable.right.link.listen(on: .number(2), at: cable.now)
        let chatters = try (0..<20).map { _ in
            try cable.left.link.connect(to: .number(2), waiting: false, at: cable.now)
        }
        let end = cable.now.advanced(byNanoseconds: 2_000_000_000)
        while cable.now < end {
            for id in chatters {
                cable.left.write(pattern(40), on: id, at: cable.now)
                cable.run(milliseconds: pauseMilliseconds)
            }
        }
        #expect(cable.right.received[bulkPeer]?.count ?? 0 > bytes)
    }

    @Test("MUX-30: a connection does not wait for another one's lost frame")
    func noHeadOfLineBlocking() throws {
        let cable = Cable(line(microseconds: 100))
        let (first, firstPeer) = try cable.open(1)
        let (second, secondPeer) = try cable.open(2)
        cable.run(milliseconds: 200)
        let position = cable.toRight.statistics.bytesOut
        cable.toRight.plannedFaults = [PlannedFault(at: position + 20, .flip(bit: 1))]
        cable.left.write(pattern(60), on: first, at: cable.now)
        cable.settle()
        cable.left.write(pattern(10), on: second, at: cable.now)
        var order: [ConnectionID] = []
        cable.right.onEvent = { _, event, _ in
            if case .received(let id, _) = event { order.append(id) }
        }
        cable.run(milliseconds: 100)
        #expect(order == [secondPeer, firstPeer])
    }

    @Test("MUX-36: no more is handed over than the wire carries in a frame and 4 ms")
    func pacing() throws {
        let cable = Cable(line(microseconds: 200))
        let (id, _) = try cable.open(1)
        cable.left.write(pattern(30_000), on: id, at: cable.now)
        var most = 0
        cable.onStep = { cable in
            let waiting = 4096 - cable.toRight.room(at: cable.now)
            most = max(most, waiting)
        }
        cable.run(milliseconds: 1500)
        #expect(most <= 680 + 48)
        #expect(most > 400)
    }

    @Test("MUX-36: a line slower than its nominal rate does not fill up")
    func slowLine() throws {
        var conditions = line(microseconds: 500)
        conditions.baudRate = 113_400
        let cable = Cable(conditions, configure: { $0.baudRate = 115_200 })
        let (id, peer) = try cable.open(1)
        cable.left.write(pattern(200_000), on: id, at: cable.now)
        var late: [Int] = []
        cable.onStep = { cable in
            guard cable.now.nanoseconds > 9_000_000_000 else { return }
            late.append(4096 - cable.toRight.room(at: cable.now))
        }
        cable.run(milliseconds: 15_000)
        let worst = late.max() ?? .max
        #expect(worst < 2 * 680)
        let share = Double(cable.right.received[peer]?.count ?? 0) / (15 * 11_340)
        #expect(share > 0.93)
    }

    @Test("MUX-38: frames shrink when an interactive connection shares the line, and grow again")
    func frameLength() throws {
        let cable = Cable(line())
        let (bulk, _) = try cable.open(1)
        let (small, _) = try cable.open(2)
        cable.run(milliseconds: 4000)
        cable.left.write(pattern(200_000), on: bulk, at: cable.now)
        cable.run(milliseconds: 300)
        #expect(cable.left.link.payloadMax(at: cable.now) > 450)
        cable.left.write([1, 2, 3], on: small, at: cable.now)
        cable.run(milliseconds: 200)
        let payload = cable.left.link.payloadMax(at: cable.now)
        #expect(payload + Wire.dataOverhead + 2 <= 115)
        #expect(payload > 90)
        cable.run(milliseconds: 3500)
        #expect(cable.left.link.payloadMax(at: cable.now) > 450)
    }

    @Test(
        "MUX-38: frame lengths by baud rate",
        arguments: [300, 9600, 115_200, 921_600, 4_000_000]
    )
    func frameTable(baudRate: Int) {
        let configuration = Cable.configuration(baudRate, epoch: 1, identity: "")
        let now = MonotonicInstant(nanoseconds: 0)
        let clock = LineClock(configuration, at: now)
        var sizer = FrameSizer(clock)
        let wireBytes = sizer.payloadMax(isInteractive: true) + Wire.dataOverhead + 2
        #expect(clock.duration(bytes: wireBytes) <= 10_000_000 || wireBytes <= 64)
        sizer.sent(bytes: 10_000_000)
        let longest = sizer.payloadMax(isInteractive: false)
        #expect((192...2048).contains(longest))
        for _ in 0..<200 {
            sizer.sent(bytes: 100)
            sizer.lost(frames: 1, bytes: 0)
        }
        #expect((24...30).contains(sizer.payloadMax(isInteractive: false)))
    }

    @Test("a line's quality is learnt from its first losses, and anew when they stop to fit")
    func learning() {
        let now = MonotonicInstant(nanoseconds: 0)
        var sizer = FrameSizer(
            LineClock(Cable.configuration(115_200, epoch: 1, identity: ""), at: now)
        )
        func payload(_ distances: [Int]) -> Int {
            for distance in distances {
                sizer.sent(bytes: distance)
                sizer.lost(frames: 1, bytes: 0)
            }
            return sizer.payloadMax(isInteractive: false)
        }
        // n = (√(h²+4hd)-h)/2 with h = 10.
        #expect((90...100).contains(payload([1000])))
        #expect((90...100).contains(payload([Int](repeating: 1000, count: 30))))
        #expect((24...40).contains(payload([50, 50])))
        #expect((300...325).contains(payload([Int](repeating: 10_000, count: 60))))
    }

    @Test("MUX-24: a line gone bad does not get stuck on a frame too long for it")
    func splitting() throws {
        let cable = Cable(line())
        let (id, peer) = try cable.open(1)
        let bytes = pattern(30_000)
        cable.left.write(bytes, on: id, thenFinish: true, at: cable.now)
        cable.run(milliseconds: 600)
        #expect(cable.left.link.payloadMax(at: cable.now) > 450)
        cable.toRight.conditions.bitErrorRate = 1.5e-3
        cable.run(milliseconds: 30_000) { !cable.right.finished.isEmpty }
        expectSame(cable.right.received[peer], bytes)
        #expect(cable.right.finished == [peer])
    }
}
