import LineSimulator
import Testing
import WireCore

@testable import ChannelMux
@testable import LinkTrials

private let reserved: Set<UInt8> = [0x11, 0x13, 0x91, 0x93]

@Suite("Lines on which XON and XOFF belong to the drivers")
struct FlowControlCodingTests {
    @Test("MUX-45: every byte is coded without the four, and comes out again")
    func everyByte() {
        let bytes = (0...255).map { UInt8($0) }
        let coded = FlowControlCoding.encode(bytes)
        #expect(reserved.isDisjoint(with: coded))
        #expect(coded.count == 256 + 5)
        #expect(coded.count { $0 == 0 } == 1)
        #expect(FlowControlCoding.decode(coded[...]) == bytes)
    }

    @Test("MUX-45: what a driver puts in between is left out, what nobody sends is damage")
    func strangers() {
        let coded: [UInt8] = [1, 0x13, 0x7E, 0x11, 0x31, 0x91, 2]
        #expect(FlowControlCoding.decode(coded[...]) == [1, 0x11, 2])
        #expect(FlowControlCoding.decode([1, 0x7E]) == nil)
        #expect(FlowControlCoding.decode([0x7E, 0x41]) == nil)
    }

    @Test(
        "MUX-46: one end's wish is enough: none of the four is on the wire, in either direction",
        arguments: [(true, false), (false, true), (true, true)]
    )
    func onTheWire(wishes: (left: Bool, right: Bool)) throws {
        let cable = try exchange(wishes: wishes)
        #expect(reserved.isDisjoint(with: cable.seenRight))
        #expect(reserved.isDisjoint(with: cable.seenLeft))
        #expect(cable.seenRight.count > 3000 && cable.seenLeft.count > 3000)
    }

    @Test("MUX-46: without a wish they are there: the stage costs nothing")
    func withoutWish() throws {
        let cable = try exchange(wishes: (false, false))
        #expect(reserved.isSubset(of: Set(cable.seenRight)))
    }

    /// A start, a transfer in both directions, and a farewell; all bytes of it.
    private func exchange(
        wishes: (left: Bool, right: Bool)
    ) throws -> (seenRight: [UInt8], seenLeft: [UInt8]) {
        let cable = Cable(
            LineConditions(baudRate: 115_200),
            configure: {
                $0.avoidsFlowControlBytes = $0.identity == "left" ? wishes.left : wishes.right
            }
        )
        cable.records = true
        let (id, peer) = try cable.open(1)
        let (there, back) = (pattern(4000), pattern(4000, seed: 2))
        cable.left.write(there, on: id, at: cable.now)
        cable.right.write(back, on: peer, at: cable.now)
        cable.run(milliseconds: 1000)
        expectSame(cable.right.received[peer], there)
        expectSame(cable.left.received[id], back)
        cable.left.link.leave(at: cable.now)
        cable.run(milliseconds: 100)
        #expect(cable.right.resets == [peer: .left])
        return (cable.recordedRight, cable.recordedLeft)
    }

    @Test("MUX-45: XON and XOFF that come in anywhere cost nothing")
    func inserted() throws {
        let cable = Cable(
            LineConditions(baudRate: 115_200),
            configure: { $0.avoidsFlowControlBytes = true }
        )
        let (id, peer) = try cable.open(1)
        cable.run(milliseconds: 100)
        let first = cable.toRight.statistics.bytesOut
        // An inserted byte is counted with what came out, but not with what went in.
        cable.toRight.plannedFaults = (0..<90).map { index in
            PlannedFault(at: first + index * 37, .insert(index % 2 == 0 ? 0x11 : 0x13))
        }
        cable.left.write(pattern(4000), on: id, at: cable.now)
        cable.run(milliseconds: 1000)
        expectSame(cable.right.received[peer], pattern(4000))
        #expect(cable.right.link.statistics.damagedFrames == 0)
        #expect(cable.toRight.statistics.added > 50)
    }

    @Test("MUX-2: an assembler keeps no more than twice as much")
    func bounded() {
        var assembler = FrameAssembler(frameBytesMax: 100)
        assembler.isFlowControlSafe = true
        let escapes = [UInt8](repeating: 0x7E, count: 5000)
        var input = escapes[...]
        #expect(assembler.next(from: &input) == nil)
        #expect(assembler.pendingCount <= 202)
        input = [0]
        #expect(assembler.next(from: &input) == .damaged)
    }
}
