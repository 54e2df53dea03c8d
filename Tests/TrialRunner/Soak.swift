import Dispatch
import Foundation
import LinkTrials

/// Storms, one seed after the other on every processor, for as long as told.
enum Soak {
    private actor Account {
        private var nextSeed: UInt64
        private(set) var count = 0
        private(set) var failures = 0

        init(firstSeed: UInt64) { nextSeed = firstSeed }

        func takeSeed() -> UInt64 {
            defer { nextSeed &+= 1 }
            return nextSeed
        }

        func note(_ seed: UInt64, _ problems: [String]) {
            count += 1
            guard !problems.isEmpty else { return }
            failures += 1
            print("MUX_SEED=\(seed): \(problems)")
        }
    }

    /// - Returns: how many seeds found something.
    static func run(seconds: Int, firstSeed: UInt64) async -> Int {
        let account = Account(firstSeed: firstSeed)
        let end = DispatchTime.now() + .seconds(seconds)
        print("storms from seed \(firstSeed) on, for \(seconds) s")
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<ProcessInfo.processInfo.activeProcessorCount {
                group.addTask {
                    while DispatchTime.now() < end {
                        let seed = await account.takeSeed()
                        await account.note(seed, Storm.problems(seed: seed))
                    }
                }
            }
        }
        print("\(await account.count) storms, \(await account.failures) found something")
        return await account.failures
    }
}
