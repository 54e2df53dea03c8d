import ArgumentParser
import LinuxSystem
import PortDirectory

/// `dbgcom port-link`: what the rules in `udev/` import.
struct PortLinkCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "port-link",
        abstract: "Print a device's COM name as a property for udev.",
        shouldDisplay: false
    )

    @Argument(help: "The device node.")
    var device: String

    func run() throws {
        let directory = try PortDirectory(handling: device, ruled: environmentValue("DBGSRV_COM"))
        guard let name = directory.linkName(ofDevice: device) else {
            throw CommandFailure("\(device) has no COM name.")
        }
        Output.line("DBGSRV_LINK=\(name)")
    }
}
