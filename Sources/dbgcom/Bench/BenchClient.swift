import LinuxSystem
import SerialPort
import Transports

/// The measurements of `dbgcom bench`, one after the other.
final class BenchClient {
    private let loop: RelayLoop
    private let port: ComPortClient
    private let line: LineOptions
    private let channel: Int
    private let seconds: Double
    var showsProgress = false

    /// A figure: what it is, for people and for programs, and its value with a unit.
    private struct Figure {
        var words: String
        var key: String
        var value: Double
        var unit: String
        var places = 1
    }

    private var figures: [Figure] = []

    /// How long the far end may take to answer at first, and pings of an idle line altogether, in seconds.
    private static let waitSeconds = 30.0
    private static let idlePings = 200

    init(
        _ loop: RelayLoop,
        _ port: ComPortClient,
        line: LineOptions,
        channel: Int,
        seconds: Double
    ) {
        (self.loop, self.port, self.line) = (loop, port, line)
        (self.channel, self.seconds) = (channel, seconds)
    }

    private var lineBytesPerSecond: Double {
        Double(line.baud) / Double(line.configuration.bitsPerCharacter)
    }
    private var bulkBytes: Int { max(64, Int(lineBytesPerSecond * seconds)) }

    func measure(channels: Int?) throws {
        try measureIdle()
        try measureOut()
        try measureIn()
        try measureBusy()
        if let channels { try measureFairness(channels) }
    }

    private func connect(_ channel: Int) throws -> ComChannelStream {
        try port.connect(channel: channel, waitMilliseconds: Int(Self.waitSeconds * 1000))
    }

    private func run(_ words: String, _ members: [any LoopMember]) throws {
        if showsProgress { Output.note("\(words) …") }
        members.forEach(loop.add)
        if try loop.run() { throw CommandFailure("A signal ended the measurement.") }
    }

    private func measureIdle() throws {
        let end = monotonicNanoseconds() + UInt64((Self.waitSeconds + seconds) * 1e9)
        let stream = try connect(channel)
        let limit = monotonicNanoseconds() + UInt64(seconds * 1e9)
        let pinger = Pinger(stream) { pinger in
            pinger.times.count >= Self.idlePings || monotonicNanoseconds() >= min(limit, end)
        }
        try run("round trip, idle", [pinger])
        addRoundTrip("idle", pinger)
    }

    private func addRoundTrip(_ state: String, _ pinger: Pinger) {
        let words = "round trip of 8 bytes, \(state)"
        let key = "round-trip-\(state.split(separator: " ").first ?? "")"
        figures += [
            Figure(
                words: words + ", median",
                key: key + "-median-ms",
                value: pinger.percentile(50),
                unit: "ms",
                places: 2
            ),
            Figure(
                words: words + ", 99 %",
                key: key + "-p99-ms",
                value: pinger.percentile(99),
                unit: "ms",
                places: 2
            ),
        ]
    }

    private func addGoodput(_ words: String, _ key: String, _ rate: Double) {
        figures += [
            Figure(
                words: words,
                key: key + "-bytes-per-second",
                value: rate,
                unit: "B/s",
                places: 0
            ),
            Figure(
                words: words + ", of the line",
                key: key + "-percent",
                value: rate / lineBytesPerSecond * 100,
                unit: "%"
            ),
        ]
    }

    /// Lets the line forget that short messages were on it: only then do a lone transfer's frames grow.
    private func settle() throws {
        let end = monotonicNanoseconds() + Self.settleNanoseconds
        loop.add(Pause(until: end) {})
        if try loop.run() { throw CommandFailure("A signal ended the measurement.") }
    }

    private static let settleNanoseconds: UInt64 = 3_200_000_000

    private func measureOut() throws {
        try settle()
        let out = BulkOut(try connect(channel), bytes: bulkBytes)
        try run("goodput out", [out])
        addGoodput("goodput out", "out", out.rate ?? 0)
    }

    private func measureIn() throws {
        try settle()
        let incoming = BulkIn(try connect(channel), bytes: bulkBytes)
        try run("goodput in", [incoming])
        addGoodput("goodput in", "in", incoming.rate)
    }

    private func measureBusy() throws {
        let out = BulkOut(try connect(channel), bytes: bulkBytes)
        let incoming = BulkIn(try connect(channel), bytes: bulkBytes)
        let pinger = Pinger(try connect(channel)) { _ in out.isFinished || incoming.isFinished }
        try run("both ways, with round trips", [out, incoming, pinger])
        addGoodput("both ways, out", "both-out", out.rate ?? 0)
        addGoodput("both ways, in", "both-in", incoming.rate)
        addRoundTrip("busy both ways", pinger)
    }

    /// Jain's index: 1 when all got the same, 1/n when one got everything.
    private func measureFairness(_ channels: Int) throws {
        let streams = try (0..<channels).map { try connect($0) }
        let end = monotonicNanoseconds() + UInt64(seconds * 1e9)
        let members = streams.map { BulkIn($0, bytes: 1 << 40, endsAt: end) }
        try run("\(channels) channels", members)
        let counts = members.map { Double($0.count) }
        let sum = counts.reduce(0, +)
        let squares = counts.reduce(0) { $0 + $1 * $1 }
        figures.append(
            Figure(
                words: "fairness over \(channels) channels (1 is best)",
                key: "fairness",
                value: squares > 0 ? sum * sum / (Double(channels) * squares) : 0,
                unit: "",
                places: 4
            )
        )
        addGoodput("\(channels) channels together", "shared", sum / seconds)
    }

    /// Lines for people.
    var lines: [String] {
        [
            "\(port.portName) at \(line.baud) baud, \(Int(lineBytesPerSecond)) bytes a second on the line"
        ]
            + Output.aligned(
                figures.map {
                    [$0.words, "\(Output.decimal($0.value, places: $0.places)) \($0.unit)"]
                }
            )
    }

    /// One object.
    var json: String {
        let members = figures.map {
            "\"\($0.key)\": \(Output.decimal($0.value, places: max($0.places, 2)))"
        }
        return "{\"baud\": \(line.baud), \(members.joined(separator: ", "))}"
    }
}
