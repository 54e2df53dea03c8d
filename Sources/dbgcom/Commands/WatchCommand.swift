import ArgumentParser
import LinuxSystem
import PortDirectory

/// `dbgcom watch`.
struct WatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Show the serial ports that come and go, as they do, until Ctrl-C.",
        discussion: """
            First come the ports that are there, with "=", then "+" for each that comes and "-" for each that goes.

              dbgcom watch
              dbgcom watch --json
            """
    )

    @Flag(help: "Print JSON: an object with \"event\" (there, added, removed), one line each.")
    var json = false

    /// How often to look besides: where udevd does not run nobody tells, and where it does, it tells before its
    /// other rules, which make links, are through.
    private static let lookMilliseconds = 500
    private static let mark = [
        "there": "=", "added": "+", "removed": "-",
    ]

    func run() throws {
        let signals = try TerminationSignals()
        let monitor = PortMonitor()
        var known = try ports()
        known.forEach { show("there", $0) }
        Output.note("dbgcom: watching; Ctrl-C ends")
        while true {
            var requests = [
                PollRequest(signals.descriptor), PollRequest(monitor?.descriptor ?? -1),
            ]
            try pollDescriptors(&requests, timeoutMilliseconds: Self.lookMilliseconds)
            if requests[0].isReadable { return }
            if requests[1].isReadable { _ = monitor?.changes() }
            let now = try ports()
            known.filter { !now.contains($0) }.forEach { show("removed", $0) }
            now.filter { !known.contains($0) }.forEach { show("added", $0) }
            known = now
        }
    }

    private func ports() throws -> [ListedPort] {
        try PortDirectory().entries.filter(\.isPresent).map(ListedPort.init)
    }

    private func show(_ event: String, _ port: ListedPort) {
        if json {
            let members = port.json(withUsers: false).dropFirst()
            Output.line("{\"event\": \"\(event)\", \(members)")
        } else {
            let cells = port.cells.filter { $0 != "-" }
            Output.line("\(Self.mark[event] ?? "") \(cells.joined(separator: "  "))")
        }
    }
}
