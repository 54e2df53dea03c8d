import Transports
import WireCore

/// What a broker says of its port at one moment, with names instead of texts.
struct PortStatistics {
    /// One connection.
    struct Connection {
        var channel: Int
        var sent: Int
        var received: Int
        var queued: Int
        var credit: Int
        var stalledMilliseconds: Int
        var program: String

        /// Reads `7 sent=1 received=2 queued=3 credit=4 stalled-ms=5 cdb (pid 812)`; nil when it is none.
        init?(_ text: String) {
            let words = text.split(separator: " ", maxSplits: 6).map(String.init)
            guard words.count == 7, let channel = Int(words[0]) else { return nil }
            let names = ["sent", "received", "queued", "credit", "stalled-ms"]
            var numbers: [Int] = []
            for (word, name) in zip(words[1...5], names) {
                guard word.hasPrefix(name + "="), let number = Int(word.dropFirst(name.count + 1))
                else { return nil }
                numbers.append(number)
            }
            self.channel = channel
            (sent, received, queued) = (numbers[0], numbers[1], numbers[2])
            (credit, stalledMilliseconds) = (numbers[3], numbers[4])
            program = words[6]
        }
    }

    /// The figures that come once, in the broker's order.
    let figures: [ComPortStatus.Figure]
    /// The programs that use the port.
    let clients: [String]
    let connections: [Connection]

    init(_ status: ComPortStatus) {
        figures = status.figures.filter { $0.key != "client" && $0.key != "channel" }
        // A program has a control connection for each of its channels.
        clients = status.figures.filter { $0.key == "client" }.map(\.value)
            .reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
        connections = status.figures.filter { $0.key == "channel" }.compactMap {
            Connection($0.value)
        }
    }

    /// A figure's text; empty when the broker has none of that name.
    func text(_ key: String) -> String {
        figures.first { $0.key == key }?.value ?? ""
    }

    /// A figure's number; nil when the broker has none of that name.
    func number(_ key: String) -> Int? { Int(text(key)) }

    /// Payload bytes per second in a direction since an earlier moment, else since the broker's start.
    func payloadRate(_ direction: String, since earlier: PortStatistics?) -> Double {
        let key = "payload-bytes-\(direction)"
        let begin = earlier.map { ($0.number("uptime-ms") ?? 0, $0.number(key) ?? 0) } ?? (0, 0)
        let milliseconds = (number("uptime-ms") ?? 0) - begin.0
        guard milliseconds > 0 else { return 0 }
        // A broker that was started anew counts from zero.
        return Double(max(0, (number(key) ?? 0) - begin.1)) * 1000 / Double(milliseconds)
    }
}

extension PortStatistics {
    /// One JSON object.
    func json(since earlier: PortStatistics?) -> String {
        var members = figures.map { figure in
            let value = Int(figure.value).map(String.init) ?? jsonQuoted(figure.value)
            return "\(jsonQuoted(figure.key)): \(value)"
        }
        for direction in ["out", "in"] {
            let rate = Int(payloadRate(direction, since: earlier).rounded())
            members.append("\"payload-bytes-per-second-\(direction)\": \(rate)")
        }
        members.append("\"clients\": [\(clients.map(jsonQuoted).joined(separator: ", "))]")
        members.append("\"channels\": [\(connections.map(\.json).joined(separator: ", "))]")
        return "{\(members.joined(separator: ", "))}"
    }

    /// Lines for people.
    func lines(since earlier: PortStatistics?) -> [String] {
        head + rateLines(since: earlier) + linkLines + uartLines + connectionLines
    }

    private var head: [String] {
        let isOpen = text("line") == "open"
        let settings = "\(text("port"))  \(text("device"))  \(text("settings"))"
        let state =
            text("link") == "up"
            ? "up: \(text("peer"))"
            : isOpen ? "down: \(orElse("verdict", "the far end does not answer"))" : text("line")
        return [settings, "link        \(state)"]
            + (clients.isEmpty ? [] : ["used by     \(clients.joined(separator: ", "))"])
    }

    private func orElse(_ key: String, _ other: String) -> String {
        text(key).isEmpty ? other : text(key)
    }

    private func rateLines(since earlier: PortStatistics?) -> [String] {
        let capacity = Double(number("line-bytes-per-second") ?? 0)
        let rates = ["out", "in"].map { direction in
            let rate = payloadRate(direction, since: earlier)
            let share = capacity > 0 ? " (\(Int((rate / capacity * 100).rounded())) %)" : ""
            return "\(Int(rate.rounded())) B/s \(direction)\(share)"
        }
        return ["goodput     \(rates.joined(separator: ", "))"]
    }

    private var linkLines: [String] {
        func count(_ key: String) -> String { text(key).isEmpty ? "0" : text(key) }
        func milliseconds(_ key: String) -> String {
            Output.decimal(Double(number(key) ?? 0) / 1000, places: 1)
        }
        return [
            "payload     \(count("payload-bytes-out")) B out, \(count("payload-bytes-in")) B in; "
                + "\(count("saved-bytes-out")) B saved by compression",
            "on the line \(count("bytes-out")) B out, \(count("bytes-in")) B in",
            "frames      \(count("frames-out")) out (\(count("retransmitted-frames")) of them again), "
                + "\(count("frames-in")) in (\(count("duplicate-frames")) of them twice), "
                + "\(count("damaged-frames")) damaged",
            "round trip  \(milliseconds("round-trip-us")) ms, shortest "
                + "\(milliseconds("shortest-round-trip-us")) ms; \(count("probe-timeouts")) timeouts, "
                + "\(count("resumes")) resumes",
            "next frame  up to \(count("frame-payload-max")) B; \(count("frames-in-flight")) under way",
        ]
    }

    private var uartLines: [String] {
        let names = [
            ("uart-frame-errors", "framing errors"), ("uart-overruns", "overruns"),
            ("uart-parity-errors", "parity errors"), ("uart-breaks", "breaks"),
            ("uart-buffer-overruns", "buffer overruns"),
        ]
        guard number("uart-overruns") != nil else { return ["UART        keeps no counters"] }
        return [
            "UART        " + names.map { "\(text($0.0)) \($0.1)" }.joined(separator: ", ")
        ]
    }

    private var connectionLines: [String] {
        guard !connections.isEmpty else { return [] }
        let head = ["CHANNEL", "SENT", "RECEIVED", "QUEUED", "CREDIT", "STALLED", "PROGRAM"]
        let rows = connections.map { connection in
            [
                "\(connection.channel)", "\(connection.sent)", "\(connection.received)",
                "\(connection.queued)", "\(connection.credit)",
                "\(connection.stalledMilliseconds) ms", connection.program,
            ]
        }
        return [""] + Output.aligned([head] + rows)
    }
}

extension PortStatistics.Connection {
    fileprivate var json: String {
        """
        {"channel": \(channel), "sent": \(sent), "received": \(received), "queued": \(queued), \
        "credit": \(credit), "stalled-ms": \(stalledMilliseconds), "program": \(jsonQuoted(program))}
        """
    }
}
