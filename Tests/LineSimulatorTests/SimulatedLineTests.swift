import LineSimulator
import Testing
import WireCore

@Suite("The simulated line")
struct SimulatedLineTests {
    private func instant(_ milliseconds: Double) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: 5_000_000_000 + UInt64(milliseconds * 1_000_000))
    }

    private func line(_ conditions: LineConditions, seed: UInt64 = 1) -> SimulatedLine {
        SimulatedLine(conditions, seed: seed, at: instant(0))
    }

    /// Lets everything out, jumping from deadline to deadline.
    private func drain(_ line: inout SimulatedLine) -> (bytes: [UInt8], last: MonotonicInstant) {
        var bytes: [UInt8] = []
        var last = instant(0)
        while let next = line.nextDeadline {
            last = next
            bytes += line.deliver(at: next)
        }
        return (bytes, last)
    }

    @Test("a byte takes ten bit times and the latency")
    func pacing() {
        var conditions = LineConditions(baudRate: 10_000)
        conditions.latencyNanoseconds = 2_000_000
        var line = line(conditions)
        #expect(line.inject([1, 2, 3], at: instant(0)) == 3)
        #expect(line.deliver(at: instant(2.99)).isEmpty)
        #expect(line.deliver(at: instant(3)) == [1])
        #expect(line.deliver(at: instant(4.5)) == [2])
        #expect(line.nextDeadline == instant(5))
        #expect(line.deliver(at: instant(5)) == [3])
        #expect(line.nextDeadline == nil)
    }

    @Test("a pause between two injections stays a pause, even while the first is under way")
    func pauses() {
        var conditions = LineConditions(baudRate: 10_000)
        conditions.latencyNanoseconds = 50_000_000
        var line = line(conditions)
        line.inject([1], at: instant(0))
        line.inject([2], at: instant(10))
        #expect(line.deliver(at: instant(51)) == [1])
        #expect(line.nextDeadline == instant(61))
        #expect(line.deliver(at: instant(61)) == [2])
    }

    @Test("the queue takes no more than its limit, and room comes back at the baud rate")
    func queueLimit() {
        var conditions = LineConditions(baudRate: 10_000)
        conditions.queueBytesMax = 4
        var line = line(conditions)
        #expect(line.inject([1, 2, 3, 4, 5, 6], at: instant(0)) == 4)
        #expect(line.room(at: instant(0)) == 0)
        #expect(line.room(at: instant(2)) == 2)
        #expect(line.inject([5, 6, 7], at: instant(2)) == 2)
        #expect(drain(&line).bytes == [1, 2, 3, 4, 5, 6])
    }

    @Test("a long transfer takes exactly its bytes' time", arguments: [9600, 115_200, 3_000_000])
    func throughput(baudRate: Int) {
        var conditions = LineConditions(baudRate: baudRate)
        conditions.queueBytesMax = .max
        var line = line(conditions)
        line.inject([UInt8](repeating: 7, count: 30_000)[...], at: instant(0))
        let (bytes, last) = drain(&line)
        let ideal = 30_000.0 * 10 / Double(baudRate) * 1000
        #expect(bytes.count == 30_000)
        #expect(abs(Double(last.nanoseconds(since: instant(0))) / 1e6 - ideal) < 0.01)
    }

    @Test("deliveries wait for the adapter's timer")
    func latencyTimer() {
        var conditions = LineConditions(baudRate: 100_000)
        conditions.deliveryIntervalNanoseconds = 16_000_000
        var line = line(conditions)
        line.inject([1, 2], at: instant(1))
        #expect(line.nextDeadline == instant(16))
        #expect(line.deliver(at: instant(15)).isEmpty)
        #expect(line.deliver(at: instant(16)) == [1, 2])
    }

    @Test("a planned fault hits its byte and no other")
    func plannedFaults() {
        let cases: [(PlannedFault.Kind, [UInt8])] = [
            (.flip(bit: 7), [10, 11, 12 ^ 128, 13]), (.drop, [10, 11, 13]),
            (.insert(99), [10, 11, 99, 12, 13]), (.duplicate, [10, 11, 12, 12, 13]),
        ]
        for (kind, expected) in cases {
            var line = line(LineConditions(baudRate: 9600))
            line.plannedFaults = [PlannedFault(at: 2, kind)]
            line.inject([10, 11, 12, 13], at: instant(0))
            #expect(drain(&line).bytes == expected)
        }
    }

    @Test("positions count bytes sent, whatever was lost or added before")
    func positionsCountSentBytes() {
        var line = line(LineConditions(baudRate: 9600))
        line.plannedFaults = [
            PlannedFault(at: 0, .drop), PlannedFault(at: 1, .duplicate), PlannedFault(at: 3, .drop),
        ]
        line.inject([1, 2, 3, 4, 5], at: instant(0))
        #expect(drain(&line).bytes == [2, 2, 3, 5])
    }

    @Test("errors come as often as asked for, and the same seed gives the same errors")
    func rates() {
        var conditions = LineConditions(baudRate: 115_200)
        conditions.queueBytesMax = .max
        conditions.bitErrorRate = 1e-3
        conditions.dropRate = 1e-2
        let sent = [UInt8](repeating: 0x55, count: 100_000)
        func received(seed: UInt64) -> ([UInt8], LineStatistics) {
            var line = line(conditions, seed: seed)
            line.inject(sent[...], at: instant(0))
            return (drain(&line).bytes, line.statistics)
        }
        let (first, statistics) = received(seed: 3)
        #expect(first == received(seed: 3).0)
        #expect(first != received(seed: 4).0)
        #expect((700...1100).contains(statistics.damaged))
        #expect((900...1300).contains(statistics.lost))
        #expect(statistics.bytesOut == sent.count - statistics.lost + statistics.added)
    }

    @Test("bursts are bursts")
    func bursts() {
        var conditions = LineConditions(baudRate: 115_200)
        conditions.queueBytesMax = .max
        conditions.bursts = BurstConditions(
            meanGoodBytes: 1000,
            meanBadBytes: 50,
            badBitErrorRate: 0.05
        )
        var line = line(conditions)
        line.inject([UInt8](repeating: 0, count: 100_000)[...], at: instant(0))
        let received = drain(&line).bytes
        let errors = received.indices.filter { received[$0] != 0 }
        let near = zip(errors, errors.dropFirst()).filter { $1 - $0 < 20 }.count
        #expect(errors.count > 500)
        #expect(Double(near) > 0.8 * Double(errors.count))
    }

    @Test("a cut line loses what would be delivered, and is whole again afterwards")
    func cut() {
        var line = line(LineConditions(baudRate: 10_000))
        line.inject([1, 2, 3, 4], at: instant(0))
        #expect(line.deliver(at: instant(1)) == [1])
        line.isCut = true
        #expect(line.deliver(at: instant(3)).isEmpty)
        line.isCut = false
        #expect(drain(&line).bytes == [4])
        #expect(line.statistics.lost == 2)
    }
}
