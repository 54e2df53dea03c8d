import ArgumentParser
import Transports
import WireCore

/// `dbgcom doctor`.
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Find out why a port does not work, and say what mends it.",
        discussion: """
            Looks at the port's name, the device, who else has it, permissions, the driver, and what is on the far \
            end of the cable: another dbgsrv or dbgcom, a console, gdbserver, a loopback plug, noise, nothing. It \
            speaks to the far end as every program does that uses a channel of the port.

              dbgcom doctor com2
              dbgcom doctor /dev/ttyUSB0 --baud 921600 --flow rts-cts

            Exit status: 0 when all is well, 1 when something is not.
            """
    )

    @Argument(help: "The port: com2, 2, a device path or a symlink.")
    var port: String

    @OptionGroup var line: LineOptions

    @Option(help: "Seconds to wait for the far end.")
    var wait = 6.0

    @Flag(help: "Print JSON: an array of findings.")
    var json = false

    func validate() throws {
        guard 0...3600 ~= wait else {
            throw ValidationError("wait=\(wait): seconds must be 0–3600.")
        }
    }

    func run() throws {
        var doctor = PortDoctor(port: port, line: line, wait: wait)
        try doctor.examine()
        json ? printJSON(doctor.findings) : doctor.findings.forEach(printText)
        if doctor.findings.contains(where: \.isProblem) { throw ExitCode.failure }
    }

    private func printText(_ finding: Finding) {
        Output.line("\(finding.isProblem ? "✗" : "✓") \(finding.words)")
        finding.remedies.forEach { Output.line("    → \($0)") }
    }

    private func printJSON(_ findings: [Finding]) {
        let objects = findings.map { finding in
            let remedies = finding.remedies.map(jsonQuoted).joined(separator: ", ")
            return "{\"well\": \(!finding.isProblem), \"words\": \(jsonQuoted(finding.words)), "
                + "\"remedies\": [\(remedies)]}"
        }
        Output.line("[\(objects.joined(separator: ", "))]")
    }
}
