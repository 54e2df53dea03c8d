import ChannelMux
import LineSimulator
import Testing
import WireCore

@testable import LinkTrials

/// What the broker's tests met on a real pair of brokers: transfers both ways on a bad line, where a chunk that
/// was held whole and its parts, sent after a loss that was none, stood in each other's way.
@Suite("Transfers both ways on a bad line")
struct BulkBothWaysTests {
    @Test("both streams come through whole", arguments: UInt64(1)...8)
    func bothWays(seed: UInt64) throws {
        var conditions = LineConditions(baudRate: 921_600)
        conditions.bitErrorRate = 1e-4
        conditions.deliveryIntervalNanoseconds = 100_000
        let cable = Cable(conditions, seed: seed)
        cable.connect()
        try cable.right.link.listen(on: .number(7), at: cable.now)
        let left = try cable.left.link.connect(to: .number(7), waiting: true, at: cable.now)
        cable.run(milliseconds: 5000) {
            cable.right.incoming.count == 1 && cable.left.opened.count == 1
        }
        let right = try #require(cable.right.incoming.first)

        let toRight = (0..<60_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
        let toLeft = (0..<60_000).map { UInt8(truncatingIfNeeded: $0 &* 37 ^ $0 >> 7) }
        cable.left.write(toRight, on: left, thenFinish: true, at: cable.now)
        cable.right.write(toLeft, on: right, thenFinish: true, at: cable.now)
        cable.run(milliseconds: 20_000) {
            cable.left.received[left]?.count == toLeft.count
                && cable.right.received[right]?.count == toRight.count
        }
        #expect(cable.left.received[left] == toLeft)
        #expect(cable.right.received[right] == toRight)
    }
}
