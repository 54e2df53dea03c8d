import ArgumentParser
import Glibc
import LinuxSystem
import Transports

/// `dbgcom stats`.
struct StatsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats",
        abstract: "Show what the link on a port is doing: goodput, errors, round trip, channels.",
        discussion: """
            On a terminal the figures are shown anew every second until Ctrl-C, rates as of the last second; else \
            once, rates since the broker's start. A broker runs as long as programs use channels of the port. Without \
            one there is nothing to show, and the exit status is 1.

              dbgcom stats com2
              dbgcom stats com2 --json | jq '."retransmitted-frames"'
              dbgcom stats com2 --json --interval 10 >> link.log
            """,
        aliases: ["status"]
    )

    @Argument(help: "The port: com2, 2, a device path or a symlink.")
    var port: String

    @Flag(help: "Print JSON: an object with all figures, one line each time.")
    var json = false

    @Option(help: "Seconds from one time to the next.")
    var interval: Double?

    @Flag(help: "Print once, on a terminal too.")
    var once = false

    func validate() throws {
        guard 0.1...86_400 ~= interval ?? 1 else {
            throw ValidationError("interval=\(interval ?? 0): seconds must be 0.1–86400.")
        }
    }

    func run() throws {
        let signals = try TerminationSignals()
        let isTerminal = isatty(STDOUT_FILENO) == 1
        var before = try read()
        show(before, since: nil, clearing: false)
        guard !once, interval != nil || (isTerminal && !json) else { return }
        while try !pause(interval ?? 1, signals) {
            let now = try read()
            show(now, since: before, clearing: isTerminal && !json)
            before = now
        }
    }

    private func read() throws -> PortStatistics {
        guard let status = try ComPortStatus.read(port: port, program: "dbgcom stats") else {
            throw CommandFailure("No program uses channels of \(port) now.")
        }
        return PortStatistics(status)
    }

    /// The screen is written over from the top, so that it does not flicker.
    private func show(
        _ statistics: PortStatistics,
        since before: PortStatistics?,
        clearing: Bool
    ) {
        guard !json else { return Output.line(statistics.json(since: before)) }
        let lines = statistics.lines(since: before)
        guard clearing else { return lines.forEach(Output.line) }
        let eraseLine = "\u{1B}[K"
        Output.line(
            "\u{1B}[H" + lines.map { $0 + eraseLine }.joined(separator: "\n") + "\u{1B}[J"
        )
    }

    /// Waits; true when a signal came.
    private func pause(_ seconds: Double, _ signals: TerminationSignals) throws -> Bool {
        let end = monotonicNanoseconds() + UInt64(seconds * 1e9)
        var requests = [PollRequest(signals.descriptor)]
        repeat {
            try pollDescriptors(&requests, untilMonotonicNanoseconds: end)
            if requests[0].isReadable { return true }
        } while monotonicNanoseconds() < end
        return false
    }
}
