import LineSimulator
import Testing
import WireCore

@testable import ChannelMux
@testable import LinkTrials

private func line(_ bitErrorRate: Double = 0) -> LineConditions {
    var conditions = LineConditions(baudRate: 115_200)
    conditions.latencyNanoseconds = 500_000
    conditions.deliveryIntervalNanoseconds = 250_000
    conditions.bitErrorRate = bitErrorRate
    return conditions
}

@Suite("Connections")
struct ConnectionTests {
    @Test(
        "MUX-33: bytes go both ways, both sides finish, and both handles close",
        arguments: [0, 2e-4]
    )
    func wholeLife(bitErrorRate: Double) throws {
        let cable = Cable(line(bitErrorRate), seed: 3)
        let (id, peer) = try cable.open(7)
        let question = pattern(12_000)
        let answer = pattern(9000, seed: 8)
        cable.left.write(question, on: id, thenFinish: true, at: cable.now)
        cable.run { !cable.right.finished.isEmpty }
        expectSame(cable.right.received[peer], question)
        #expect(cable.left.closed.isEmpty && cable.right.closed.isEmpty)
        cable.right.write(answer, on: peer, thenFinish: true, at: cable.now)
        #expect(cable.run { !cable.left.closed.isEmpty && !cable.right.closed.isEmpty })
        expectSame(cable.left.received[id], answer)
        #expect(throws: ChannelError.notOpen) {
            _ = try cable.left.link.send([1], on: id, at: cable.now)
        }
        #expect(cable.refusedBytes == 0)
    }

    @Test("an empty stream finishes too")
    func emptyStream() throws {
        let cable = Cable(line())
        let (id, peer) = try cable.open(7)
        cable.left.link.finishWriting(id, at: cable.now)
        cable.right.link.finishWriting(peer, at: cable.now)
        #expect(cable.run { cable.left.closed == [id] && cable.right.closed == [peer] })
        #expect(cable.left.finished == [id] && cable.right.finished == [peer])
    }

    @Test("MUX-26: several clients meet on one number, each with a connection of its own")
    func meetingPoint() throws {
        let cable = Cable(line())
        try cable.right.link.listen(on: .number(0), at: cable.now)
        try cable.left.link.listen(on: .number(0), at: cable.now)
        let ids = try (0..<5).map { _ in
            try cable.left.link.connect(to: .number(0), waiting: false, at: cable.now)
        }
        let back = try cable.right.link.connect(to: .number(0), waiting: false, at: cable.now)
        cable.run { cable.left.opened.count == 5 && cable.right.opened.count == 1 }
        #expect(cable.left.opened == ids && cable.right.opened == [back])
        for (index, id) in ids.enumerated() {
            cable.left.write([UInt8(index)], on: id, at: cable.now)
        }
        cable.left.link.reset(ids[2], .clientDied, at: cable.now)
        cable.run(milliseconds: 100)
        let peers = cable.right.incoming
        #expect(peers.count == 5)
        for index in [0, 1, 3, 4] {
            #expect(cable.right.received[peers[index]] == [UInt8(index)])
        }
        #expect(cable.right.resets == [peers[2]: .clientDied])
    }

    @Test("MUX-27: ids of both sides differ, and low ones are used again")
    func ids() throws {
        let cable = Cable(line())
        try cable.right.link.listen(on: .number(1), at: cable.now)
        try cable.left.link.listen(on: .number(1), at: cable.now)
        for round in 1...40 {
            let id = try cable.left.link.connect(to: .number(1), waiting: false, at: cable.now)
            let other = try cable.right.link.connect(to: .number(1), waiting: false, at: cable.now)
            cable.run { cable.left.opened.count == round && cable.right.opened.count == round }
            let slot = try #require(cable.left.link.connections.slot(of: id))
            let otherSlot = try #require(cable.right.link.connections.slot(of: other))
            // 11223344 is the lower epoch.
            #expect(cable.left.link.connections[slot].wireID == 0)
            #expect(cable.right.link.connections[otherSlot].wireID == 1)
            cable.left.link.reset(id, .clientDied, at: cable.now)
            cable.right.link.reset(other, .clientDied, at: cable.now)
            cable.run(milliseconds: 100)
        }
        #expect(Set(cable.left.opened).count == 40)
        #expect(cable.left.link.connections.count == 0 && cable.right.link.connections.count == 0)
    }

    @Test("MUX-28: nobody listens: refused, and said so")
    func noListener() throws {
        let cable = Cable(line())
        let id = try cable.left.link.connect(to: .number(9), waiting: false, at: cable.now)
        cable.run { !cable.left.refusals.isEmpty }
        #expect(cable.left.refusals == [id: .noListener])
        cable.run(milliseconds: 100)
        #expect(cable.left.link.connections.count == 0 && cable.right.link.connections.count == 0)
    }

    @Test(
        "MUX-28: a waiting connection meets the listener when he comes",
        arguments: [true, false]
    )
    func waiting(listenerIsRestarted: Bool) throws {
        let cable = Cable(line())
        let id = try cable.left.link.connect(to: .number(9), waiting: true, at: cable.now)
        cable.left.write(pattern(3000), on: id, thenFinish: true, at: cable.now)
        cable.run(milliseconds: 500)
        if listenerIsRestarted { cable.restart(cable.right, epoch: 17) }
        cable.run(milliseconds: 500)
        #expect(cable.left.opened.isEmpty && cable.left.refusals.isEmpty)
        #expect(cable.right.incoming.isEmpty)
        try cable.right.link.listen(on: .number(9), at: cable.now)
        cable.run { !cable.right.finished.isEmpty }
        #expect(cable.left.opened == [id])
        expectSame(cable.right.incoming.first.flatMap { cable.right.received[$0] }, pattern(3000))
    }

    @Test("MUX-28: the user's refusal reaches the other user in his words")
    func refusal() throws {
        let cable = Cable(line())
        cable.right.accepts = false
        try cable.right.link.listen(on: .number(9), at: cable.now)
        let id = try cable.left.link.connect(to: .number(9), waiting: false, at: cable.now)
        cable.left.write(pattern(300), on: id, at: cable.now)
        cable.run { !cable.right.incoming.isEmpty }
        let peer = try #require(cable.right.incoming.first)
        cable.right.link.refuse(peer, .busy, at: cable.now)
        cable.run { !cable.left.refusals.isEmpty }
        #expect(cable.left.refusals == [id: .busy])
        #expect(cable.right.received.isEmpty)
        // Too late and to nobody: nothing happens.
        cable.right.link.accept(peer, at: cable.now)
        cable.run(milliseconds: 100)
        #expect(cable.left.link.connections.count == 0 && cable.right.link.connections.count == 0)
    }

    @Test("one side listens on a number once; who stops listening keeps his connections")
    func listening() throws {
        let cable = Cable(line())
        let (id, peer) = try cable.open(3)
        #expect(throws: ChannelError.busy(.number(3))) {
            try cable.right.link.listen(on: .number(3), at: cable.now)
        }
        cable.right.link.stopListening(on: .number(3), at: cable.now)
        let second = try cable.left.link.connect(to: .number(3), waiting: false, at: cable.now)
        cable.left.write([1, 2], on: id, at: cable.now)
        cable.run { !cable.left.refusals.isEmpty && cable.right.received[peer] == [1, 2] }
        #expect(cable.left.refusals == [second: .noListener])
        #expect(cable.right.received[peer] == [1, 2])
    }

    @Test("MUX-29: early data, 1024 bytes of it, is there with the acceptance and not before")
    func earlyData() throws {
        let cable = Cable(line())
        cable.connect()
        cable.right.accepts = false
        try cable.right.link.listen(on: .number(3), at: cable.now)
        let id = try cable.left.link.connect(to: .number(3), waiting: false, at: cable.now)
        cable.left.write(pattern(5000), on: id, at: cable.now)
        cable.run(milliseconds: 1000)
        let peer = try #require(cable.right.incoming.first)
        #expect(cable.right.received.isEmpty)
        #expect(cable.left.link.statistics.payloadBytesOut == 1024)
        cable.right.link.accept(peer, at: cable.now)
        cable.settle()
        expectSame(cable.right.received[peer], Array(pattern(5000).prefix(1024)))
        cable.run { cable.right.received[peer]?.count == 5000 }
        expectSame(cable.right.received[peer], pattern(5000))
    }

    @Test("MUX-34: a reset drops what is under way and tells why", arguments: [true, false])
    func reset(byOpener: Bool) throws {
        let cable = Cable(line())
        let (id, peer) = try cable.open(3)
        cable.left.write(pattern(50_000), on: id, at: cable.now)
        cable.right.write(pattern(50_000), on: peer, at: cable.now)
        cable.run(milliseconds: 300)
        if byOpener {
            cable.left.link.reset(id, .administrator, at: cable.now)
        } else {
            cable.right.link.reset(peer, .administrator, at: cable.now)
        }
        cable.run(milliseconds: 400)
        #expect(cable.left.resets == (byOpener ? [:] : [id: .administrator]))
        #expect(cable.right.resets == (byOpener ? [peer: .administrator] : [:]))
        #expect(cable.left.link.connections.count == 0 && cable.right.link.connections.count == 0)
    }

    @Test("MUX-34: both reset at once", arguments: [0, 1, 3, 8])
    func bothReset(milliseconds: Int) throws {
        let cable = Cable(line())
        let (id, peer) = try cable.open(3)
        cable.left.link.reset(id, .clientDied, at: cable.now)
        cable.run(milliseconds: Double(milliseconds))
        cable.right.link.reset(peer, .clientDied, at: cable.now)
        cable.run(milliseconds: 300)
        #expect(cable.left.link.connections.count == 0 && cable.right.link.connections.count == 0)
    }

    @Test("a connection given up before its OPEN went out leaves nothing")
    func givenUp() throws {
        let cable = Cable(line(), opens: false)
        let id = try cable.left.link.connect(to: .number(3), waiting: true, at: cable.now)
        cable.left.link.reset(id, .clientDied, at: cable.now)
        #expect(cable.left.link.connections.count == 0)
        cable.left.link.lineOpened(at: cable.now)
        cable.right.link.lineOpened(at: cable.now)
        cable.run(milliseconds: 300)
        #expect(cable.right.link.connections.count == 0)
    }

    @Test("the number of connections has a limit on both sides, with its own words")
    func limit() throws {
        let cable = Cable(
            line(),
            configure: { if $0.identity == "right" { $0.connectionsMax = 4 } }
        )
        cable.connect()
        try cable.right.link.listen(on: .number(3), at: cable.now)
        for _ in 0..<6 {
            _ = try cable.left.link.connect(to: .number(3), waiting: false, at: cable.now)
        }
        cable.run { cable.left.opened.count == 4 && cable.left.refusals.count == 2 }
        #expect(Array(cable.left.refusals.values) == [.tooManyConnections, .tooManyConnections])
        #expect(throws: ChannelError.tooManyConnections(limit: 4)) {
            _ = try cable.right.link.connect(to: .number(3), waiting: false, at: cable.now)
        }
    }

    @Test("MUX-35: an id is not given out again while the other side may still speak of it")
    func release() throws {
        let cable = Cable(line(2e-4), seed: 11)
        try cable.right.link.listen(on: .number(3), at: cable.now)
        for round in 0..<60 {
            let id = try cable.left.link.connect(to: .number(3), waiting: false, at: cable.now)
            let bytes = pattern(50 + round * 13, seed: UInt64(round))
            cable.left.write(bytes, on: id, thenFinish: true, at: cable.now)
            cable.run { cable.right.incoming.count == round + 1 }
            let peer = try #require(cable.right.incoming.last)
            if round % 3 == 0 {
                cable.right.link.reset(peer, .clientDied, at: cable.now)
            } else {
                cable.right.write(bytes.reversed(), on: peer, thenFinish: true, at: cable.now)
                cable.run { cable.left.closed.contains(id) }
                expectSame(cable.right.received[peer], bytes)
                expectSame(cable.left.received[id], bytes.reversed())
            }
        }
        cable.run(milliseconds: 2000)
        #expect(cable.left.link.connections.count == 0 && cable.right.link.connections.count == 0)
        #expect(cable.left.link.statistics.protocolErrors == 0)
        #expect(cable.right.link.statistics.protocolErrors == 0)
    }
}
