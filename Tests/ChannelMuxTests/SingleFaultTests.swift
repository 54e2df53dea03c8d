import ChannelMux
import LineSimulator
import Testing
import WireCore

@testable import LinkTrials

/// Every fault that one byte of a line can suffer.
private let faults: [PlannedFault.Kind] =
    (0..<8).map { .flip(bit: $0) } + [
        .drop, .duplicate, .insert(0), .insert(0x11), .insert(0x41), .insert(0x7E), .insert(0xFF),
    ]

/// Which way the faults go, and what the ends have agreed on.
private struct Setting: CustomTestStringConvertible {
    var toRight: Bool
    /// Text that compression makes shorter, not noise.
    var isText = false
    var avoidsFlowControlBytes = false

    var testDescription: String {
        let words = isText ? "coded chunks" : "plain chunks"
        let line = avoidsFlowControlBytes ? ", XON and XOFF avoided" : ""
        return "\(toRight ? "there" : "back"), \(words)\(line)"
    }

    static let all = [true, false].flatMap {
        [
            Setting(toRight: $0), Setting(toRight: $0, isText: true),
            Setting(toRight: $0, avoidsFlowControlBytes: true),
        ]
    }

    func bytes(_ count: Int, seed: UInt64) -> [UInt8] {
        isText ? pattern(count, seed: seed).map { 0x30 | $0 & 3 } : pattern(count, seed: seed)
    }

    /// A cable with this fault in the way.
    func plan(_ fault: PlannedFault, on cable: Cable) {
        if toRight {
            cable.toRight.plannedFaults = [fault]
        } else {
            cable.toLeft.plannedFaults = [fault]
        }
    }
}

private func line(deliveryMicroseconds: UInt64 = 500) -> LineConditions {
    var conditions = LineConditions(baudRate: 115_200)
    conditions.latencyNanoseconds = 500_000
    conditions.deliveryIntervalNanoseconds = deliveryMicroseconds * 1000
    return conditions
}

@Suite("One fault, at every byte of an exchange")
struct SingleFaultTests {
    /// A question and its answer, and both finish.
    private struct Exchange {
        var milliseconds = 0.0
        var isIntact = false
        var bytesRight = 0
        var bytesLeft = 0
    }

    private func exchange(_ cable: Cable, _ setting: Setting) throws -> Exchange {
        let question = setting.bytes(60, seed: 7)
        let answer = setting.bytes(40, seed: 5)
        cable.right.onEvent = { end, event, now in
            guard case .peerFinished(let id) = event else { return }
            end.write(answer, on: id, thenFinish: true, at: now)
        }
        let start = cable.now
        let id = try cable.left.link.connect(to: .number(1), waiting: false, at: cable.now)
        cable.left.write(Array(question.prefix(40)), on: id, at: cable.now)
        cable.run(milliseconds: 7)
        cable.left.write(Array(question.dropFirst(40)), on: id, thenFinish: true, at: cable.now)
        cable.run(milliseconds: 3000) { !cable.left.finished.isEmpty }
        var result = Exchange()
        result.milliseconds = Double(cable.now.nanoseconds(since: start)) / 1e6
        cable.run(milliseconds: 3000) { !cable.left.closed.isEmpty && !cable.right.closed.isEmpty }
        let peer = try #require(cable.right.incoming.first)
        result.isIntact =
            cable.right.received == [peer: question] && cable.left.received == [id: answer]
            && cable.left.closed == [id] && cable.right.closed == [peer]
            && cable.left.resets.isEmpty && cable.right.resets.isEmpty
        result.bytesRight = cable.toRight.statistics.bytesOut
        result.bytesLeft = cable.toLeft.statistics.bytesOut
        return result
    }

    private func connected(avoidsFlowControlBytes: Bool = false) throws -> Cable {
        let cable = Cable(
            line(),
            configure: { $0.avoidsFlowControlBytes = avoidsFlowControlBytes }
        )
        try cable.right.link.listen(on: .number(1), at: cable.now)
        cable.connect()
        cable.run(milliseconds: 50)
        return cable
    }

    @Test(
        "MUX-20, MUX-21, MUX-22, MUX-23: the streams are intact, and the delay is a few round trips",
        arguments: Setting.all
    )
    private func everyFault(setting: Setting) throws {
        let template = try connected(avoidsFlowControlBytes: setting.avoidsFlowControlBytes)
        let clean = try exchange(Cable(copyOf: template), setting)
        #expect(clean.isIntact)
        let first = (setting.toRight ? template.toRight : template.toLeft).statistics.bytesOut
        let last = setting.toRight ? clean.bytesRight : clean.bytesLeft
        #expect(last - first > 40)
        // A frame of the exchange takes 5 ms, and the round trip 2 ms and an acknowledgement.
        let bound = 2 * (3 + 5.5)
        for position in first..<last {
            for kind in faults {
                let cable = Cable(copyOf: template)
                setting.plan(PlannedFault(at: position, kind), on: cable)
                let result = try exchange(cable, setting)
                #expect(result.isIntact, "\(kind) at byte \(position - first)")
                let delay = result.milliseconds - clean.milliseconds
                #expect(delay < bound, "\(kind) at byte \(position - first)")
            }
        }
    }

    @Test("MUX-12: the handshake comes through every fault", arguments: [true, false])
    func handshake(toRight: Bool) throws {
        let setting = Setting(toRight: toRight)
        let clean = Cable(line(deliveryMicroseconds: 2000))
        clean.connect()
        let count = (toRight ? clean.toRight : clean.toLeft).statistics.bytesOut
        for position in 0..<count {
            for kind in faults {
                let cable = Cable(line(deliveryMicroseconds: 2000))
                setting.plan(PlannedFault(at: position, kind), on: cable)
                cable.run(milliseconds: 400) { cable.left.link.isUp && cable.right.link.isUp }
                let isUp = cable.left.link.isUp && cable.right.link.isUp
                #expect(isUp, "\(kind) at byte \(position)")
            }
        }
    }

    @Test("a damaged frame in a transfer costs less than two round trips and two frames")
    func costInTransfer() throws {
        let template = try connected()
        let bytes = pattern(12_000)
        func duration(_ cable: Cable) throws -> Double {
            let id = try cable.left.link.connect(to: .number(1), waiting: false, at: cable.now)
            let start = cable.now
            cable.left.write(bytes, on: id, thenFinish: true, at: cable.now)
            cable.run(milliseconds: 5000) { !cable.right.finished.isEmpty }
            let peer = try #require(cable.right.incoming.first)
            expectSame(cable.right.received[peer], bytes)
            return Double(cable.now.nanoseconds(since: start)) / 1e6
        }
        let clean = try duration(Cable(copyOf: template))
        let first = template.toRight.statistics.bytesOut
        // One frame of 656 bytes takes 58 ms; the round trip is 2 ms and an acknowledgement.
        let bound = 2 * (3 + 58.0)
        for position in stride(from: first + 30, to: first + 12_000, by: 331) {
            let cable = Cable(copyOf: template)
            cable.toRight.plannedFaults = [PlannedFault(at: position, .flip(bit: position & 7))]
            #expect(try duration(cable) - clean < bound)
        }
    }
}
