import Foundation
import LineSimulator
import Testing
import WireCore

@testable import ChannelMux
@testable import LinkTrials

/// Seeds that have found something once.
private let pinnedSeeds: [UInt64] = [
    1001, 1052, 1432, 1460, 1478, 1479, 1566, 5291, 11_051, 37_848_563_551_320,
]

/// `MUX_SEED=n` runs that one, `MUX_SEEDS=n` so many of the usual ones. `MUX_COMMIT`, a commit's hash, adds
/// some that nobody has seen before; `make test` sets it.
private let seeds: [UInt64] = {
    let environment = ProcessInfo.processInfo.environment
    if let seed = environment["MUX_SEED"].flatMap(UInt64.init) { return [seed] }
    let count = environment["MUX_SEEDS"].flatMap(UInt64.init) ?? 1800
    let usual = pinnedSeeds + (0..<count).map { 1000 + $0 }
    let digits = environment["MUX_COMMIT"].map { $0.prefix(12) } ?? ""
    guard let first = UInt64(digits, radix: 16) else {
        print("storms: \(usual.count) usual seeds; none of a commit, as MUX_COMMIT is not set")
        return usual
    }
    print("storms: \(usual.count) usual seeds and 200 from \(first) on, of commit \(digits)")
    return usual + (0..<200).map { first &+ $0 }
}()

private let batchCount = 40

@Suite("Random operations under random faults")
struct RandomOperationTests {
    @Test(
        "MUX-30, MUX-31, MUX-35: in order, once, within the window, and alive afterwards",
        arguments: 0..<batchCount
    )
    func storm(batch: Int) {
        for index in stride(from: batch, to: seeds.count, by: batchCount) {
            let problems = Storm.problems(seed: seeds[index])
            #expect(problems.isEmpty, "MUX_SEED=\(seeds[index]): \(problems)")
        }
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
