import LineSimulator
import Testing
import WireCore

@testable import ChannelMux
@testable import LinkTrials

@Suite("The directory of a link")
struct DirectoryTests {
    private let list = Array("what there is\n".utf8)

    /// The right end is of a version that has no directory.
    private func olderRight(_ configuration: inout MuxConfiguration) {
        if configuration.identity == "right" { configuration.hasDirectory = false }
    }

    /// Has the right end answer as a broker does.
    private func serve(_ cable: Cable) throws {
        try cable.right.link.listen(on: .directory, at: cable.now)
        let list = list
        cable.right.onEvent = { end, event, now in
            guard case .incoming(let id, .directory) = event else { return }
            end.write(list, on: id, thenFinish: true, at: now)
        }
    }

    @Test(
        "MUX-48: asked for, it comes whole and ends, whatever is lost",
        arguments: [0, 1e-3, 4e-3]
    )
    func asked(bitErrorRate: Double) throws {
        let cable = Cable(LineConditions(baudRate: 115_200))
        try serve(cable)
        cable.toLeft.conditions.bitErrorRate = bitErrorRate
        let id = try cable.left.link.connect(to: .directory, waiting: false, at: cable.now)
        cable.run(milliseconds: 20_000) { cable.left.finished == [id] }
        #expect(cable.left.received[id] == list)
        cable.left.link.finishWriting(id, at: cable.now)
        cable.run(milliseconds: 5_000) { cable.left.closed == [id] }
        #expect(cable.right.closed == cable.right.incoming)
    }

    @Test("MUX-48: asked before the other end is there, it comes when that is")
    func early() throws {
        let cable = Cable(LineConditions(baudRate: 115_200), opens: false)
        let id = try cable.left.link.connect(to: .directory, waiting: false, at: cable.now)
        try serve(cable)
        cable.left.plug(at: cable.now)
        cable.run(milliseconds: 3_000)
        cable.right.plug(at: cable.now)
        cable.run(milliseconds: 10_000) { cable.left.finished == [id] }
        #expect(cable.left.received[id] == list)
    }

    @Test("MUX-48: a peer without the feature never sees an OPEN to it, and nothing else changes")
    func olderPeer() throws {
        let cable = Cable(LineConditions(baudRate: 115_200), configure: olderRight)
        // It would be offered, were it sent.
        try cable.right.link.listen(on: .directory, at: cable.now)
        let id = try cable.left.link.connect(to: .directory, waiting: false, at: cable.now)
        cable.run(milliseconds: 2_000) { cable.left.refusals[id] != nil }
        #expect(cable.left.refusals[id] == .noListener)
        #expect(cable.right.incoming.isEmpty)
        #expect(cable.right.link.statistics.protocolErrors == 0)
        let other = try cable.open(7)
        cable.left.write([1, 2, 3], on: other.left, at: cable.now)
        cable.run(milliseconds: 2_000) { cable.right.received[other.right] == [1, 2, 3] }
        #expect(cable.right.received[other.right] == [1, 2, 3])
    }

    @Test("MUX-48: an OPEN to it that was not agreed is passed over and counted")
    func notAgreed() throws {
        let cable = Cable(LineConditions(baudRate: 115_200), configure: olderRight)
        cable.run(milliseconds: 500)
        let open = Chunk.open(wireID: 40, .directory, waits: false, limit: 1024)
        let sequence = UInt8(truncatingIfNeeded: cable.left.link.session?.sender.next ?? 0)
        let frame = forged(from: cable.left.link.statistics, sequence: sequence, [open])
        cable.right.link.receive(frame, at: cable.now)
        #expect(cable.right.link.statistics.protocolErrors == 1)
        #expect(cable.right.link.isUp)
        #expect(cable.right.incoming.isEmpty)
    }
}
