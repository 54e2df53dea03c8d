import LineSimulator
import Testing
import WireCore

@testable import ChannelMux
@testable import LinkTrials

@Suite("BREAK and modem lines of a connection")
struct MarkTests {
    /// What the right end hears on the connection, bytes of one stretch together.
    private func words(_ cable: Cable, _ peer: ConnectionID) -> [String] {
        var words: [String] = []
        var isText = false
        for event in cable.right.events {
            switch event {
            case .received(peer, let bytes):
                let text = String(decoding: bytes, as: UTF8.self)
                if isText { words[words.count - 1] += text } else { words.append(text) }
                isText = true
                continue
            case .breakReceived(peer, let milliseconds): words.append("break \(milliseconds)")
            case .modemLines(peer, let lines): words.append("lines \(lines.rawValue)")
            case .peerFinished(peer): words.append("end")
            default: continue
            }
            isText = false
        }
        return words
    }

    @Test(
        "MUX-47: they arrive where they were sent among the bytes, whatever is lost",
        arguments: [0, 1e-3, 4e-3]
    )
    func places(bitErrorRate: Double) throws {
        let cable = Cable(LineConditions(baudRate: 115_200))
        let (id, peer) = try cable.open(1)
        cable.toRight.conditions.bitErrorRate = bitErrorRate
        var expected: [String] = []
        for number in 0..<30 {
            let text = String(repeating: "\(number),", count: 40)
            cable.left.write(Array(text.utf8), on: id, at: cable.now)
            let isTaken = try cable.left.link.sendBreak(
                milliseconds: number,
                on: id,
                at: cable.now
            )
            #expect(isTaken)
            expected += [text, "break \(number)"]
            if number % 7 == 0 {
                _ = try cable.left.link.sendModemLines([.dtr, .carrier], on: id, at: cable.now)
                expected.append("lines 33")
            }
        }
        cable.left.link.finishWriting(id, at: cable.now)
        cable.run(milliseconds: 20_000) { cable.right.finished == [peer] }
        #expect(words(cable, peer) == expected + ["end"])
    }

    @Test("MUX-47: a BREAK on an idle connection goes at once, and is not the end of anything")
    func idle() throws {
        let cable = Cable(LineConditions(baudRate: 115_200))
        let (id, peer) = try cable.open(1)
        cable.run(milliseconds: 300)
        _ = try cable.left.link.sendBreak(milliseconds: 250, on: id, at: cable.now)
        cable.run(milliseconds: 5)
        #expect(words(cable, peer) == ["break 250"])
        cable.left.write(Array("h".utf8), on: id, thenFinish: true, at: cable.now)
        cable.run(milliseconds: 50)
        #expect(words(cable, peer) == ["break 250", "h", "end"])
    }

    @Test("MUX-47: no more than 64 wait for the bytes before them; after the end there are none")
    func limits() throws {
        let cable = Cable(
            LineConditions(baudRate: 115_200),
            configure: { $0.receiveWindowBytes = 1024 }
        )
        let (id, _) = try cable.open(1)
        cable.right.consumes = false
        cable.left.write(pattern(3000), on: id, at: cable.now)
        for _ in 0..<64 {
            let isTaken = try cable.left.link.sendBreak(milliseconds: 1, on: id, at: cable.now)
            #expect(isTaken)
        }
        #expect(try !cable.left.link.sendBreak(milliseconds: 1, on: id, at: cable.now))
        cable.left.link.finishWriting(id, at: cable.now)
        #expect(throws: ChannelError.notOpen) {
            _ = try cable.left.link.sendBreak(milliseconds: 1, on: id, at: cable.now)
        }
    }

    @Test("MUX-47: nothing is sent to a peer that knows nothing of it")
    func unknownThere() throws {
        let now = MonotonicInstant(nanoseconds: 1_000_000_000)
        var link = MuxLink(Cable.configuration(115_200, epoch: 5, identity: "left"), at: now)
        link.lineOpened(at: now)
        let sent = link.nextTransmit(at: now)
        let wire = try #require(sent)
        let heard = try #require(
            Cobs.decode(wire.dropFirst().dropLast()).flatMap { Hello(body: $0) }
        )
        var hello = Hello(epoch: 6, nonce: 7, identity: "plain")
        hello.peerEpoch = heard.epoch
        hello.echo = heard.nonce
        hello.isUp = true
        link.receive(hello.wire[...], at: now)
        let id = try link.connect(to: .number(1), waiting: false, at: now)
        let later = now.advanced(byNanoseconds: 100_000_000)
        while link.nextTransmit(at: later) != nil {}
        let check = FrameCheck(sender: 6, receiver: 5)
        var writer = ByteWriter()
        Chunk.accept(wireID: 0, limit: 1000).write(to: &writer)
        let body = Frame.bundle(SequenceHead(sequence: 0), chunks: writer.bytes[...]).body
        link.receive(check.wire(body, leadingZero: true)[...], at: later)
        #expect(link.isUp && link.connections[0].phase == .open)
        #expect(try !link.sendBreak(milliseconds: 1, on: id, at: later))
    }
}
