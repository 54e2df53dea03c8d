import ArgumentParser
import Transports

/// `dbgcom status`.
struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show what the broker of a port is doing.",
        discussion: """
            A broker runs as long as programs use channels of the port. Without one there is nothing to show, \
            and the exit code is 1.
            """
    )

    @Argument(help: "The port: com2, 2, a device path or a symlink.")
    var port: String

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        guard let status = try ComPortStatus.read(port: port, program: "dbgcom status") else {
            throw CommandFailure("No program uses channels of \(port) now.")
        }
        if json { printJSON(status) } else { printText(status) }
    }

    private func printText(_ status: ComPortStatus) {
        Output.table(status.figures.map { [$0.key, $0.value.isEmpty ? "-" : $0.value] })
    }

    /// One object; keys that come several times are arrays, in any case `client` and `channel`.
    private func printJSON(_ status: ComPortStatus) {
        var members: [String] = []
        for figure in status.figures where !Self.repeated.contains(figure.key) {
            let value = Int(figure.value).map(String.init) ?? Output.json(figure.value)
            members.append("\(Output.json(figure.key)): \(value)")
        }
        for key in Self.repeated {
            let values = status.figures.filter { $0.key == key }.map { Output.json($0.value) }
            members.append("\(Output.json(key)): [\(values.joined(separator: ", "))]")
        }
        Output.line("{\(members.joined(separator: ", "))}")
    }

    private static let repeated = ["client", "channel"]
}
