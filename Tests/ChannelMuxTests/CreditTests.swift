import LineSimulator
import Testing
import WireCore

@testable import ChannelMux
@testable import LinkTrials

private func line() -> LineConditions {
    var conditions = LineConditions(baudRate: 115_200)
    conditions.latencyNanoseconds = 500_000
    conditions.deliveryIntervalNanoseconds = 500_000
    return conditions
}

@Suite("Credit and the peer that breaks the rules of a connection")
struct CreditTests {
    @Test("MUX-31: who does not consume stalls himself alone, within his window")
    func stall() throws {
        let cable = Cable(line(), configure: { $0.receiveWindowBytes = 4096 })
        let (stuck, stuckPeer) = try cable.open(1)
        let (free, freePeer) = try cable.open(2)
        cable.right.consumes = false
        cable.left.write(pattern(20_000), on: stuck, at: cable.now)
        cable.run(milliseconds: 1500)
        #expect(cable.right.received[stuckPeer]?.count == 4096)
        cable.right.onEvent = { end, event, now in
            guard case .received(freePeer, let bytes) = event else { return }
            end.link.consumed(bytes.count, on: freePeer, at: now)
        }
        cable.left.write(pattern(20_000, seed: 2), on: free, at: cable.now)
        #expect(cable.run(milliseconds: 2500) { cable.right.received[freePeer]?.count == 20_000 })
        #expect(cable.right.received[stuckPeer]?.count == 4096)
        let gauges = try #require(
            cable.left.link.statistics.connections.first { $0.id == stuck }
        )
        #expect(gauges.creditBytes == 0 && gauges.queuedBytes == 20_000 - 4096)

        cable.right.onEvent = nil
        cable.right.consumes = true
        cable.right.link.consumed(4096, on: stuckPeer, at: cable.now)
        cable.run { cable.right.received[stuckPeer]?.count == 20_000 }
        expectSame(cable.right.received[stuckPeer], pattern(20_000))
    }

    @Test("send takes what fits, and says when there is room again")
    func sendQueue() throws {
        let cable = Cable(line(), configure: { $0.sendQueueBytesMax = 3000 })
        let (id, _) = try cable.open(1)
        #expect(try cable.left.link.send(pattern(2000)[...], on: id, at: cable.now) == 2000)
        #expect(try cable.left.link.send(pattern(2000)[...], on: id, at: cable.now) == 1000)
        #expect(try cable.left.link.send(pattern(2000)[...], on: id, at: cable.now) == 0)
        cable.run { cable.left.events.contains(.writable(id)) }
        #expect(cable.left.events.count { $0 == .writable(id) } == 1)
        cable.left.link.finishWriting(id, at: cable.now)
        #expect(throws: ChannelError.notOpen) {
            _ = try cable.left.link.send([1], on: id, at: cable.now)
        }
    }

    @Test("consuming more than there was does not open the window further")
    func overconsumption() throws {
        let cable = Cable(line(), configure: { $0.receiveWindowBytes = 2048 })
        let (id, peer) = try cable.open(1)
        cable.right.consumes = false
        cable.right.link.consumed(1_000_000, on: peer, at: cable.now)
        cable.right.link.consumed(-5, on: peer, at: cable.now)
        cable.left.write(pattern(20_000), on: id, at: cable.now)
        cable.run(milliseconds: 1500)
        #expect(cable.right.received[peer]?.count == 2048)
    }

    @Test("MUX-32: a peer that runs past its limit loses that connection only")
    func violation() throws {
        let cable = Cable(line(), configure: { $0.receiveWindowBytes = 1024 })
        let (id, peer) = try cable.open(1)
        let (other, otherPeer) = try cable.open(2)
        cable.right.consumes = false
        cable.run(milliseconds: 100)
        let sequence = UInt8(truncatingIfNeeded: cable.left.link.session?.sender.next ?? 0)
        let much = DataChunk(wireID: 0, order: 0, payload: pattern(1025)[...])
        cable.right.link.receive(
            forged(from: cable.left.link.statistics, sequence: sequence, [.data(much)]),
            at: cable.now
        )
        cable.settle()
        #expect(cable.right.resets == [peer: .protocolError])
        #expect(cable.right.received[peer] == nil)
        #expect(cable.right.link.isUp)
        // The forged frame took the number of left's next one: what follows it gets through.
        cable.left.write([1], on: other, at: cable.now)
        cable.run(milliseconds: 30)
        cable.left.write([2], on: other, at: cable.now)
        cable.run(milliseconds: 300)
        #expect(cable.left.resets == [id: .protocolError])
        _ = otherPeer
    }

    @Test("MUX-31: parts of a chunk that is there already, out of order, take no credit again")
    func partsOfWhatIsThere() {
        var stream = IncomingStream()
        stream.limit = 100
        let bytes = pattern(100)
        let second = DataChunk(wireID: 0, order: 1, payload: bytes[40..<100])
        #expect(stream.receive(second) == .nothing)
        let again = DataChunk(wireID: 0, order: 1, payload: bytes[60..<100])
        #expect(stream.receive(again, start: 20) == .nothing)
        let first = DataChunk(wireID: 0, order: 0, payload: bytes[0..<40])
        #expect(stream.receive(first) == .bytes(bytes, isLast: false))
        let more = DataChunk(wireID: 0, order: 2, payload: [1])
        #expect(stream.receive(more) == .violation)
    }

    @Test("chunks about connections that nobody knows, or of the wrong side, are passed over")
    func strangers() throws {
        let cable = Cable(line())
        let (id, peer) = try cable.open(1)
        cable.run(milliseconds: 100)
        let sequence = UInt8(truncatingIfNeeded: cable.left.link.session?.sender.next ?? 0)
        let data = DataChunk(wireID: 500, order: 3, payload: [1])
        let chunks: [Chunk] = [
            .data(data), .part(data, start: 7, isFinal: false), .accept(wireID: 500, limit: 7),
            .refuse(wireID: 0, reason: 1), .accept(wireID: 0, limit: 9),
            .release(wireID: 0), .credit(wireID: 501, limit: 1), .reset(wireID: 502, reason: 200),
            .open(wireID: 0, .number(1), waits: false, limit: 1),
            .open(wireID: 7, .number(1), waits: false, limit: 1), .release(wireID: 7),
        ]
        cable.right.link.receive(
            forged(from: cable.left.link.statistics, sequence: sequence, chunks),
            at: cable.now
        )
        cable.settle()
        #expect(cable.right.resets.isEmpty && cable.right.incoming == [peer])
        #expect(cable.right.link.isUp)
        #expect(cable.right.link.statistics.protocolErrors == 2)
        _ = id
    }

    @Test("MUX-18: a frame outside the window is not taken")
    func outsideTheWindow() throws {
        let cable = Cable(line())
        _ = try cable.open(1)
        cable.run(milliseconds: 100)
        let sequence = UInt8(truncatingIfNeeded: (cable.left.link.session?.sender.next ?? 0) + 128)
        cable.right.link.receive(
            forged(
                from: cable.left.link.statistics,
                sequence: sequence,
                [.open(wireID: 100, .number(1), waits: false, limit: 1)]
            ),
            at: cable.now
        )
        cable.settle()
        #expect(cable.right.incoming.count == 1)
        #expect(cable.right.link.statistics.protocolErrors == 1)
    }

    /// A peer that opens connections and acknowledges nothing.
    private func flood(_ cable: Cable, frames: Int) {
        let left = cable.left.link
        let first = left.session?.sender.next ?? 0
        let chunks = (0..<450).map { index in
            Chunk.open(wireID: UInt16(1000 + 2 * index), .number(9), waits: false, limit: 1)
        }
        for index in 0..<frames where cable.right.link.isUp {
            let sequence = UInt8(truncatingIfNeeded: first + UInt64(index))
            let frame = forged(from: left.statistics, sequence: sequence, chunks)
            cable.right.link.receive(frame, at: cable.now)
            while cable.right.link.nextTransmit(at: cable.now) != nil {}
        }
    }

    @Test("MUX-5: a peer that makes our queues grow and acknowledges nothing breaks the link")
    func controlFlood() throws {
        let cable = Cable(line())
        let (_, peer) = try cable.open(1)
        cable.run(milliseconds: 100)
        flood(cable, frames: 20)
        #expect(cable.right.link.isUp)
        let count = cable.right.link.session?.control.count ?? 0
        #expect(count > 10_000)
        flood(cable, frames: 40)
        #expect(!cable.right.link.isUp)
        cable.settle()
        #expect(cable.right.resets == [peer: .protocolError])
    }

    @Test("MUX-5: a bundle of more chunks than any peer sends breaks the link")
    func longBundle() throws {
        let cable = Cable(line())
        _ = try cable.open(1)
        cable.run(milliseconds: 100)
        let sequence = UInt8(truncatingIfNeeded: cable.left.link.session?.sender.next ?? 0)
        let chunks = [Chunk](repeating: .release(wireID: 1000), count: 513)
        let frame = forged(from: cable.left.link.statistics, sequence: sequence, chunks)
        cable.right.link.receive(frame, at: cable.now)
        #expect(!cable.right.link.isUp)
    }

    @Test("events that nobody takes have a limit")
    func eventFlood() throws {
        let cable = Cable(line(), configure: { $0.receiveWindowBytes = 1_048_576 })
        _ = try cable.open(1)
        cable.run(milliseconds: 100)
        let first = cable.left.link.session?.sender.next ?? 0
        for index in 0..<66_000 where cable.right.link.isUp {
            let byte = DataChunk(
                wireID: 0,
                order: UInt8(truncatingIfNeeded: index),
                payload: [7]
            )
            let sequence = UInt8(truncatingIfNeeded: first + UInt64(index))
            let frame = forged(from: cable.left.link.statistics, sequence: sequence, [.data(byte)])
            cable.right.link.receive(frame, at: cable.now)
        }
        #expect(!cable.right.link.isUp)
        #expect(cable.right.link.events.count <= MuxLink.eventsMax + 10)
    }
}
