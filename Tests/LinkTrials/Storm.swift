import ChannelMux
import LineSimulator
import WireCore

/// Two crowds on a line that goes through everything.
package final class Storm {
    let cable: Cable
    let ledger = Ledger()
    private let crowds: [Crowd]
    private var generator: SeededGenerator
    private var nextEpoch: UInt32 = 1000
    private let baudRate: Int
    private let connectionsMax: Int
    private static let window = 3000
    private static let framesMax = 127

    init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
        baudRate = [38_400, 115_200, 921_600].randomElement(using: &generator) ?? 115_200
        var conditions = LineConditions(baudRate: baudRate)
        conditions.latencyNanoseconds = UInt64.random(in: 0...3_000_000, using: &generator)
        conditions.deliveryIntervalNanoseconds = 1_000_000
        // One storm of four has all channels in use.
        let isWide = Int.random(in: 0..<4, using: &generator) == 0
        connectionsMax = isWide ? 300 : 40
        let numbers = isWide ? Array(0...ChannelNumber.maximum) : (0...5).map { $0 * 50 }
        let (left, right) = (Self.features(&generator), Self.features(&generator))
        let connectionsMax = connectionsMax
        cable = Cable(conditions, seed: seed) { configuration in
            Self.configure(&configuration, connectionsMax)
            (configuration.identity == "left" ? left : right)(&configuration)
        }
        crowds = [(cable.left, "left", 3), (cable.right, "right", 5)].map { [ledger] in
            Crowd(
                $0.0,
                name: $0.1,
                ledger: ledger,
                window: Self.window,
                channels: numbers.map { .number($0) },
                seed: seed &* $0.2
            )
        }
        if isWide { for crowd in crowds { crowd.listenEverywhere(at: cable.now) } }
    }

    private static func configure(_ configuration: inout MuxConfiguration, _ connectionsMax: Int) {
        configuration.receiveWindowBytes = window
        configuration.sendQueueBytesMax = 6000
        configuration.connectionsMax = connectionsMax
    }

    /// What an end can and wants to do.
    private static func features(
        _ generator: inout SeededGenerator
    ) -> (inout MuxConfiguration) -> Void {
        let compresses = Int.random(in: 0..<10, using: &generator) < 8
        let avoids = Int.random(in: 0..<10, using: &generator) < 2
        return {
            $0.compresses = compresses
            $0.avoidsFlowControlBytes = avoids
        }
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
        for end in [cable.left, cable.right] where !end.isPlugged { end.plug(at: cable.now) }
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
        Self.configure(&configuration, connectionsMax)
        Self.features(&generator)(&configuration)
        crowds[isLeft ? 0 : 1].forget()
        end.replace(by: MuxLink(configuration, at: cable.now))
        end.plug(at: cable.now)
    }

    private func unplug() {
        let end = chance(500) ? cable.left : cable.right
        if end.isPlugged { end.unplug(at: cable.now) } else { end.plug(at: cable.now) }
    }

    private func checkMemory() {
        for end in [cable.left, cable.right] {
            let memory = end.link.memory
            let frames = memory.framesInFlight
            ledger.check(frames <= Self.framesMax, "\(frames) frames in flight")
            ledger.check(memory.connections <= connectionsMax, "too many connections")
            ledger.check(memory.isWithinLimits(window: Self.window), "too much memory: \(memory)")
        }
        ledger.check(cable.longestSpin < 100, "the link asks to be called again and again")
        ledger.check(cable.refusedBytes == 0, "the line was overfilled")
    }

    /// The faults stop: everything has to come to its end.
    func end() {
        calm()
        // A HELLO comes every 1.2 s at least; then there are up to three, of up to 130 bytes, and whatever is
        // being sent just now.
        let limit = 1220 + 4 * 130 * 10_000 / Double(baudRate)
        let isUp = cable.run(milliseconds: limit) { cable.left.link.isUp && cable.right.link.isUp }
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
            let count = end.link.memory.connections
            ledger.check(count == 0, "\(count) connections are left over")
            let errors = end.link.statistics.protocolErrors
            ledger.check(errors == 0, "\(errors) protocol errors")
        }
    }
}

extension Storm {
    /// A storm of three seconds and the calm after it.
    ///
    /// - Returns: what was wrong, in words.
    package static func problems(seed: UInt64) -> [String] {
        let storm = Storm(seed: seed)
        storm.rage(milliseconds: 3000)
        storm.end()
        return storm.ledger.problems
    }
}
