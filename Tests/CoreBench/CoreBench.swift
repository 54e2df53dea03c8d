internal import Foundation
internal import LinuxSystem

/// What every measurement works on.
struct Bench {
    static let largeFileBytes = 16 << 20
    var debuggee = ""
    var largeFile = ""
    var symbols: [String: UInt64] = [:]

    var memory: UInt64 { symbols["memory"] ?? 0 }
    var counter: UInt64 { symbols["counter"] ?? 0 }
    var hit: UInt64 { symbols["hit"] ?? 0 }
    var main: UInt64 { symbols["main"] ?? 0 }
    var range: UInt64 { symbols["range_begin"] ?? 0 }
    var rangeEnd: UInt64 { symbols["range_end"] ?? 0 }

    /// Compiles the debuggee in a folder.
    init(in folder: String, source: String) throws {
        debuggee = folder + "/debuggee"
        largeFile = folder + "/large"
        let line = "gcc -O1 -g -no-pie -pthread '\(source)' -o debuggee && nm debuggee"
        let run = try ProgramOutput.runShell(line, in: folder, milliseconds: 60_000)
        guard run.isSuccess else { throw BenchFailure("gcc: \(run.text)") }
        for entry in run.text.split(separator: "\n") {
            let words = entry.split(separator: " ")
            if words.count == 3 { symbols[String(words[2])] = UInt64(words[0], radix: 16) }
        }
        let bytes = (0..<Self.largeFileBytes).map {
            UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 9)
        }
        try Data(bytes).write(to: URL(fileURLWithPath: largeFile))
    }
}

/// The core's speed beside gdbserver's and lldb-server's: `corebench DBGSRV DEBUGGEE.c [ROUNDS] [ROW…]`.
@main
struct CoreBench {
    static func main() throws {
        signal(SIGPIPE, SIG_IGN)
        let words = CommandLine.arguments.dropFirst()
        guard words.count >= 2 else {
            print("usage: corebench DBGSRV DEBUGGEE.c [ROUNDS] [WORDS OF A ROW'S TITLE]")
            exit(2)
        }
        let rounds = words.dropFirst(2).first.flatMap { Int($0) } ?? 5
        let wanted = words.dropFirst(3).joined(separator: " ")
        let folder = NSTemporaryDirectory() + "dbgsrv-bench-\(getpid())"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let bench = try Bench(in: folder, source: path(words.dropFirst().first))
        let peers = try Peer.all(dbgsrv: path(words.first))
        print(
            "| \(rounds) rounds, medians | " + peers.map(\.name).joined(separator: " | ")
                + " | the better peer ÷ dbgsrv |"
        )
        print("|---|" + String(repeating: "---:|", count: peers.count + 1))
        for row in Row.all where wanted.isEmpty || row.title.contains(wanted) {
            print(line(row, peers, bench, rounds))
            fflush(nil)
        }
    }

    private static func path(_ word: String?) -> String {
        URL(fileURLWithPath: word ?? "").path
    }

    /// The servers take turns within a row.
    private static func line(_ row: Row, _ peers: [Peer], _ bench: Bench, _ rounds: Int) -> String {
        var samples = [[Double]](repeating: [], count: peers.count)
        for _ in 0..<rounds {
            for (index, peer) in peers.enumerated() {
                do {
                    let stage = try Stage(peer, bench)
                    defer { stage.end() }
                    if let sample = try row.measure(stage) { samples[index].append(sample) }
                } catch {
                    FileHandle.standardError.write(
                        Data("\(row.title), \(peer.name): \(error)\n".utf8)
                    )
                }
            }
        }
        let medians = samples.map { $0.isEmpty ? nil : $0.sorted()[$0.count / 2] }
        let cells = medians.map { median in
            median.map { String(format: $0 < 10 ? "%.2f" : "%.1f", $0) + " " + row.unit.rawValue }
                ?? "–"
        }
        return "| \(row.title) | " + cells.joined(separator: " | ") + " | \(ratio(row, medians)) |"
    }

    private static func ratio(_ row: Row, _ medians: [Double?]) -> String {
        let others = medians.dropLast().compactMap(\.self)
        guard let ours = medians.last ?? nil, !others.isEmpty else { return "–" }
        let more = row.unit.isBetterWhenMore
        let best = (more ? others.max() : others.min()) ?? 0
        return String(format: "%.2f", more ? ours / best : best / ours)
    }
}
