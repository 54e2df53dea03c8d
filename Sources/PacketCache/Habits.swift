internal import GDBRemoteProtocol

/// What a debugger asks for at stops: what it asked for at the last two, it will ask for at the next.
struct Habits: Sendable {
    /// The most lines that are kept track of in a stop.
    private static let linesMax = 64
    /// The most requests that are kept track of in a stop.
    private static let requestsMax = 64
    /// How many threads' registers are fetched ahead of the one that is asked for.
    private static let threadsAheadMax = 4

    private struct Stop {
        var requests: [[UInt8]] = []
        var process = ""
        var lines: [UInt64] = []
        /// The thread whose registers were asked for last.
        var thread: ThreadReference?
    }

    private var now = Stop()
    private var before = Stop()
    private var lastMissEnd: UInt64?
    /// The process, the requests and the lines to be asked for behind the next resume.
    private(set) var usual: [[UInt8]] = []
    private var usualLines: [UInt64] = []

    private static let worthwhile = ["qXfer:threads:read:", "jThreadsInfo"]

    mutating func note(_ request: [UInt8]) {
        guard Self.worthwhile.contains(where: { request.starts(with: $0.utf8) }),
            now.requests.count < Self.requestsMax, !now.requests.contains(request)
        else { return }
        now.requests.append(request)
    }

    mutating func note(_ lines: [UInt64], of process: String) {
        if process != now.process { now.lines = [] }
        now.process = process
        for line in lines where now.lines.count < Self.linesMax && !now.lines.contains(line) {
            now.lines.append(line)
        }
    }

    /// The target is set going.
    mutating func rest() {
        usual = now.requests + before.requests.filter { !now.requests.contains($0) }
        let isSame = now.process == before.process
        usualLines =
            now.lines + (isSame ? before.lines.filter { !now.lines.contains($0) } : [])
        // A stop at which nothing was looked at says nothing of the next one.
        if !now.lines.isEmpty || !now.requests.isEmpty { before = now }
        now = Stop()
        lastMissEnd = nil
    }

    /// The usual lines, those that follow each other as one range.
    func ranges(linesMax: Int, _ lineBytes: Int) -> [MemoryRange] {
        usualLines.prefix(linesMax).sorted().reduce(into: []) { ranges, line in
            if let last = ranges.last, last.address &+ UInt64(last.count) == line {
                ranges[ranges.count - 1].count += lineBytes
            } else {
                ranges.append(MemoryRange(address: line, count: lineBytes))
            }
        }
    }

    /// Whether a miss goes on where the last one ended.
    mutating func isOnward(_ start: UInt64, end: UInt64) -> Bool {
        defer { lastMissEnd = end }
        return lastMissEnd.map { $0 <= start && start - $0 < 1024 } ?? false
    }

    /// The threads that will be asked for next, when one after the other is.
    mutating func next(
        after thread: ThreadReference,
        in list: [ThreadReference]
    ) -> [ThreadReference] {
        defer { now.thread = thread }
        guard let last = now.thread, let from = list.firstIndex(of: last),
            let here = list.firstIndex(of: thread), from != here
        else { return [] }
        let rest = here > from ? Array(list[(here + 1)...]) : list[..<here].reversed()
        return Array(rest.prefix(Self.threadsAheadMax))
    }
}
