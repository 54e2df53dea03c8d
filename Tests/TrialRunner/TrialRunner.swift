import Foundation

/// Trials of the link that are no tests: `soak SECONDS [SEED]`, `speed`.
@main
struct TrialRunner {
    static func main() async {
        let words = CommandLine.arguments.dropFirst()
        let numbers = words.dropFirst().compactMap { UInt64($0) }
        switch words.first {
        case "soak":
            let seed = numbers.dropFirst().first ?? UInt64.random(in: 1_000_000...UInt64.max / 8)
            let seconds = Int(numbers.first ?? 60)
            exit(await Soak.run(seconds: seconds, firstSeed: seed) == 0 ? 0 : 1)
        case "speed": Speed.run()
        default:
            print("usage: trialrunner soak SECONDS [SEED] | speed")
            exit(2)
        }
    }
}
