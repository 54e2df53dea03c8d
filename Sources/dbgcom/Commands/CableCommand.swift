import ArgumentParser
import Glibc
import LineSimulator
import LinuxSystem
import WireCore

/// `dbgcom cable`.
struct CableCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cable",
        abstract: "Simulate two serial ports joined by a null-modem cable.",
        discussion: """
            Makes two pseudo-terminals and carries bytes between them no faster than the baud rate allows, in \
            both directions at once, with faults if wanted. Runs until SIGINT or SIGTERM, then removes its \
            links. When both ends are there it prints one line that begins with "ready". SIGUSR1 cuts the line, \
            SIGUSR2 joins it again.

              dbgcom cable --link-a ~/com1 --link-b ~/com2 --baud 115200 --latency-ms 2
              dbgcom cable --link-a a --link-b b --bit-error-rate 1e-5 --drop-rate 1e-6 --seed 7
              dbgcom cable --link-a a --link-b b --burst-every 20000 --burst-length 200
              dbgcom cable --link-a a --link-b b --cut-after 5 --cut-for 2 --cut-every 10
            """
    )

    @Option(help: "A symlink to make for the one end.")
    var linkA: String?

    @Option(help: "A symlink to make for the other end.")
    var linkB: String?

    @Option(help: "Bits per second of the line.")
    var baud = 115_200

    @Option(help: "Milliseconds from a byte's last bit to its arrival.")
    var latencyMs = 0.0

    @Option(help: "Bytes arrive in batches, so many milliseconds apart, as from a USB adapter.")
    var batchMs = 0.0

    @OptionGroup(title: "Faults")
    var faults: CableFaults

    @Flag(help: "Print the bytes carried each way as JSON at the end.")
    var statistics = false

    @Option(help: "Write the bytes carried each way as JSON to a file at the end.")
    var report: String?

    func validate() throws {
        try LineOptions.check(baudRate: baud)
        guard 0...60_000 ~= latencyMs else {
            throw ValidationError("latency-ms=\(latencyMs): the latency must be 0–60000.")
        }
        guard 0...1000 ~= batchMs else {
            throw ValidationError("batch-ms=\(batchMs): batches must be 0–1000 ms apart.")
        }
        if let linkA, linkA == linkB {
            throw ValidationError("link-a and link-b are both \(linkA).")
        }
    }

    func run() throws {
        let signals = try TerminationSignals()
        var conditions = LineConditions(baudRate: baud)
        conditions.latencyNanoseconds = UInt64(latencyMs * 1_000_000)
        conditions.deliveryIntervalNanoseconds = UInt64(batchMs * 1_000_000)
        faults.apply(to: &conditions)
        let seed = faults.seed ?? UInt64.random(in: 0...UInt64(UInt32.max))
        let cable = try Cable(
            conditions,
            seed: seed,
            planned: faults.planned,
            cuts: faults.cuts
        )
        let links = try [(linkA, cable.pathA), (linkB, cable.pathB)].compactMap { name, target in
            try name.map { try CableLink($0, to: target) }
        }
        defer { links.forEach { $0.remove() } }
        Output.line(
            "ready: \(linkA ?? cable.pathA) and \(linkB ?? cable.pathB) at \(baud) baud"
                + (faults.isAny ? ", seed \(seed)" : "")
        )
        try cable.run(until: signals)
        let summary = cable.summary
        if statistics { Output.line(summary) }
        if let report { try write(summary, to: report) }
    }

    private func write(_ text: String, to path: String) throws {
        let file = try openFile(path, flags: O_WRONLY | O_CREAT | O_TRUNC, permissions: 0o644)
        _ = try file.write(Array((text + "\n").utf8)[...])
    }
}

/// What is wrong with the cable.
struct CableFaults: ParsableArguments {
    @Option(help: "The chance that a bit is turned over, such as 1e-5.")
    var bitErrorRate = 0.0

    @Option(help: "The chance that a byte is lost.")
    var dropRate = 0.0

    @Option(help: "The chance that a random byte comes in before a byte.")
    var insertRate = 0.0

    @Option(help: "The chance that a byte comes twice.")
    var duplicateRate = 0.0

    @Option(help: "Bursts of noise: the mean number of bytes between them.")
    var burstEvery: Double?

    @Option(help: "Bursts of noise: their mean length in bytes.")
    var burstLength = 20.0

    @Option(help: "Bursts of noise: the chance that a bit is turned over in them.")
    var burstErrorRate = 0.2

    @Option(help: "Turn over a bit of this byte from A to B, counted from 0; may be repeated.")
    var flipAt: [Int] = []

    @Option(help: "Lose this byte from A to B; may be repeated.")
    var dropAt: [Int] = []

    @Option(help: "Cut the line after so many seconds.")
    var cutAfter: Double?

    @Option(help: "Seconds for which the line stays cut.")
    var cutFor = 1.0

    @Option(help: "Seconds from the beginning of one cut to that of the next.")
    var cutEvery: Double?

    @Option(help: "Where the faults' randomness starts; the same seed gives the same faults.")
    var seed: UInt64?

    func validate() throws {
        let chances = [
            ("bit-error-rate", bitErrorRate), ("drop-rate", dropRate), ("insert-rate", insertRate),
            ("duplicate-rate", duplicateRate), ("burst-error-rate", burstErrorRate),
        ]
        for (name, chance) in chances where !(0...1 ~= chance) {
            throw ValidationError("\(name)=\(chance): a chance is 0–1.")
        }
        for (name, bytes) in [("burst-every", burstEvery ?? 1), ("burst-length", burstLength)]
        where !(bytes >= 1 && bytes <= 1e12) {
            throw ValidationError("\(name)=\(bytes): a number of bytes is at least 1.")
        }
        for (name, position) in flipAt.map({ ("flip-at", $0) }) + dropAt.map({ ("drop-at", $0) })
        where position < 0 {
            throw ValidationError("\(name)=\(position): bytes are counted from 0.")
        }
        if let cutEvery, !(cutFor < cutEvery) {
            throw ValidationError(
                "cut-every=\(cutEvery): the line must be whole for a while: more than \(cutFor) s."
            )
        }
        if cutEvery != nil && cutAfter == nil {
            throw ValidationError("cut-every goes with cut-after.")
        }
        for (name, seconds) in [("cut-after", cutAfter ?? 0), ("cut-for", cutFor)]
        where !(0...1_000_000 ~= seconds) {
            throw ValidationError("\(name)=\(seconds): seconds must be 0–1000000.")
        }
    }

    var isAny: Bool {
        bitErrorRate + dropRate + insertRate + duplicateRate > 0 || burstEvery != nil
    }

    var cuts: CutSchedule { CutSchedule(after: cutAfter, length: cutFor, every: cutEvery) }

    var planned: [PlannedFault] {
        flipAt.map { PlannedFault(at: $0, .flip(bit: 0)) }
            + dropAt.map { PlannedFault(at: $0, .drop) }
    }

    func apply(to conditions: inout LineConditions) {
        conditions.bitErrorRate = bitErrorRate
        conditions.dropRate = dropRate
        conditions.insertRate = insertRate
        conditions.duplicateRate = duplicateRate
        conditions.bursts = burstEvery.map {
            BurstConditions(
                meanGoodBytes: $0,
                meanBadBytes: burstLength,
                badBitErrorRate: burstErrorRate
            )
        }
    }
}

/// A symlink that stands for one end of the cable as long as that is there.
struct CableLink {
    private let path: String
    private let target: String

    /// Makes the link; one that an earlier cable left is replaced, anything else is not touched.
    init(_ path: String, to target: String) throws {
        self.path = path
        self.target = target
        if symbolicLinkTarget(path)?.hasPrefix("/dev/pts/") == true { removeFile(path) }
        guard symlink(target, path) == 0 else {
            throw CommandFailure(
                "The link \(path) cannot be made: \(SystemError("symlink").reason)."
            )
        }
    }

    func remove() {
        if symbolicLinkTarget(path) == target { removeFile(path) }
    }
}
