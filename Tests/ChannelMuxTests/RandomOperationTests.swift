import Foundation
import LineSimulator
import Testing
import WireCore

@testable import ChannelMux

/// Seeds that have found something once.
private let pinnedSeeds: [UInt64] = [1001, 1052, 1432, 1460, 1478, 1479, 1566]

/// `MUX_SEED=n` runs that one, `MUX_SEEDS=n` so many.
private var seeds: [UInt64] {
    let environment = ProcessInfo.processInfo.environment
    if let seed = environment["MUX_SEED"].flatMap(UInt64.init) { return [seed] }
    let count = environment["MUX_SEEDS"].flatMap(UInt64.init) ?? 24
    return pinnedSeeds + (0..<count).map { 1000 + $0 }
}

/// Two crowds on a line that goes through everything.
private final class Storm {
    let cable: Cable
    let ledger = Ledger()
    private let crowds: [Crowd]
    private var generator: SeededGenerator
    private var nextEpoch: UInt32 = 1000
    private let baudRate: Int
    private static let window = 3000

    init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
        baudRate = [38_400, 115_200, 921_600].randomElement(using: &generator) ?? 115_200
        var conditions = LineConditions(baudRate: baudRate)
        conditions.latencyNanoseconds = UInt64.random(in: 0...3_000_000, using: &generator)
        conditions.deliveryIntervalNanoseconds = 1_000_000
        cable = Cable(conditions, seed: seed, configure: Self.configure)
        crowds = [
            Crowd(cable.left, name: "left", ledger: ledger, window: Self.window, seed: seed &* 3),
            Crowd(cable.right, name: "right", ledger: ledger, window: Self.window, seed: seed &* 5),
        ]
    }

    private static func configure(_ configuration: inout MuxConfiguration) {
        configuration.receiveWindowBytes = window
        configuration.sendQueueBytesMax = 6000
        configuration.connectionsMax = 40
    }

    private func chance(_ perMille: Int) -> Bool {
        Int.random(in: 0..<1000, using: &generator) < perMille
    }

    func rage(milliseconds: Int) {
        for _ in 0..<(milliseconds / 5) {
            for crowd in crowds { crowd.act(at: cable.now) }
            if chance(30) { changeWeather() }
            if chance(2) { replace() }
            if chance(4) { unplug() }
            cable.run(milliseconds: 5)
            checkMemory()
        }
    }

    private func changeWeather() {
        let rates = [0, 0, 1e-5, 1e-4, 1e-3, 5e-3]
        for isRight in [true, false] {
            let bits = rates.randomElement(using: &generator) ?? 0
            let drops = chance(300) ? 1e-3 : 0
            let inserts = chance(200) ? 1e-3 : 0
            let isCut = chance(100)
            if isRight {
                cable.toRight.conditions.bitErrorRate = bits
                cable.toRight.conditions.dropRate = drops
                cable.toRight.conditions.insertRate = inserts
                cable.toRight.isCut = isCut
            } else {
                cable.toLeft.conditions.bitErrorRate = bits
                cable.toLeft.conditions.dropRate = drops
                cable.toLeft.conditions.duplicateRate = inserts
                cable.toLeft.isCut = isCut
            }
        }
    }

    private func calm() {
        cable.cut(false)
        cable.toRight.conditions = clear(cable.toRight.conditions)
        cable.toLeft.conditions = clear(cable.toLeft.conditions)
        for end in [cable.left, cable.right] where !end.link.isLineOpen {
            end.link.lineOpened(at: cable.now)
        }
    }

    private func clear(_ conditions: LineConditions) -> LineConditions {
        var clear = LineConditions(baudRate: conditions.baudRate)
        clear.latencyNanoseconds = conditions.latencyNanoseconds
        clear.deliveryIntervalNanoseconds = conditions.deliveryIntervalNanoseconds
        return clear
    }

    /// One process is killed and another one takes its place.
    private func replace() {
        let isLeft = chance(500)
        let end = isLeft ? cable.left : cable.right
        nextEpoch &+= UInt32.random(in: 1...5_000_000, using: &generator)
        var configuration = Cable.configuration(baudRate, epoch: nextEpoch, identity: "new")
        Self.configure(&configuration)
        crowds[isLeft ? 0 : 1].forget()
        end.replace(by: MuxLink(configuration, at: cable.now))
        end.link.lineOpened(at: cable.now)
    }

    private func unplug() {
        let end = chance(500) ? cable.left : cable.right
        if end.link.isLineOpen {
            end.link.lineClosed(at: cable.now)
        } else {
            end.link.lineOpened(at: cable.now)
        }
    }

    private func checkMemory() {
        for end in [cable.left, cable.right] {
            let frames = end.link.session?.sender.framesInFlight ?? 0
            ledger.check(frames <= Wire.windowFramesMax, "\(frames) frames in flight")
            ledger.check(end.link.connections.count <= 40, "too many connections")
        }
        ledger.check(cable.refusedBytes == 0, "the line was overfilled")
    }

    /// The faults stop: everything has to come to its end.
    func end() {
        calm()
        let isUp = cable.run(milliseconds: 1300) { cable.left.link.isUp && cable.right.link.isUp }
        ledger.check(isUp, "the link does not come up again")
        for number in 0...ChannelNumber.maximum {
            for end in [cable.left, cable.right] {
                try? end.link.listen(on: .number(number), at: cable.now)
            }
        }
        for _ in 0..<1200 where crowds.contains(where: { $0.openCount > 0 }) {
            for crowd in crowds { crowd.comeToAnEnd(at: cable.now) }
            cable.run(milliseconds: 100)
        }
        for crowd in crowds { ledger.check(crowd.openCount == 0, "\(crowd.openCount) never end") }
        cable.run(milliseconds: 2000)
        for end in [cable.left, cable.right] {
            let count = end.link.connections.count
            ledger.check(count == 0, "\(count) connections are left over")
            let errors = end.link.statistics.protocolErrors
            ledger.check(errors == 0, "\(errors) protocol errors")
        }
    }
}

@Suite("Random operations under random faults")
struct RandomOperationTests {
    @Test(
        "MUX-30, MUX-31, MUX-35: in order, once, within the window, and alive afterwards",
        arguments: seeds
    )
    func storm(seed: UInt64) {
        let storm = Storm(seed: seed)
        storm.rage(milliseconds: 3000)
        storm.end()
        #expect(storm.ledger.problems.isEmpty, "seed \(seed): \(storm.ledger.problems)")
    }

    @Test("any bytes at any time: no trap, no growth, and nothing is delivered", arguments: 1...8)
    func noise(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let cable = Cable(LineConditions(baudRate: 115_200))
        if seed % 2 == 0 { cable.connect() }
        var now = cable.now
        for _ in 0..<2000 {
            let count = Int.random(in: 1...60, using: &generator)
            let bytes = (0..<count).map { _ in
                let isZero = Int.random(in: 0..<10, using: &generator) == 0
                return isZero ? 0 : UInt8.random(in: 0...255, using: &generator)
            }
            cable.left.link.receive(bytes[...], at: now)
            now = now.advanced(byNanoseconds: 5_000_000)
            cable.left.link.expireTimers(at: now)
            while cable.left.link.nextTransmit(at: now) != nil {}
            cable.left.takeEvents(at: now)
            #expect(cable.left.link.assembler.pendingCount <= 4200)
        }
        #expect(cable.left.received.isEmpty && cable.left.incoming.isEmpty)
    }
}
