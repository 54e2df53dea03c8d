import ArgumentParser
import LinuxSystem
import PortDirectory
import Transports
import WireCore

/// `dbgcom list`.
struct ListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the serial ports with their COM names, adapters and users.",
        discussion: """
            Users are the programs that have channels of a port, or whatever else has it open; of other users' \
            programs root alone sees all.

              dbgcom list
              dbgcom list --json | jq -r '.[] | select(.present) | .device'
            """
    )

    @Flag(help: "Print JSON: an array of objects.")
    var json = false

    func run() throws {
        let directory = try PortDirectory()
        directory.warnings.forEach { Output.note("dbgcom: \($0)") }
        let ports = directory.entries.map(ListedPort.init)
        if json {
            Output.line("[\(ports.map { $0.json(withUsers: true) }.joined(separator: ", "))]")
        } else if ports.isEmpty {
            Output.line("This machine has no serial port.")
        } else {
            Output.table(
                [["NAME", "DEVICE", "DRIVER", "ADAPTER", "USED BY"]]
                    + ports.map { $0.cells + [$0.usersForPeople] }
            )
        }
    }
}

/// A port as lists show it.
struct ListedPort: Equatable {
    let entry: PortEntry

    init(_ entry: PortEntry) {
        self.entry = entry
    }

    /// Name, device, driver and adapter.
    var cells: [String] {
        [entry.name, entry.device.path, entry.device.driver, adapter].map { cell in
            guard let cell, !cell.isEmpty else { return "-" }
            return cell
        }
    }

    private var adapter: String {
        guard let adapter = entry.device.adapter else { return "" }
        return [adapter.vendor, adapter.model, adapter.serialNumber]
            .filter { !$0.isEmpty }.joined(separator: " ")
    }

    var usersForPeople: String {
        guard entry.isPresent else { return "(not plugged in)" }
        let all = users
        return all.isEmpty ? "-" : all.joined(separator: ", ")
    }

    /// The programs with channels of the port; without a broker, whoever has it open or locked.
    private var users: [String] {
        let path = entry.device.path
        if let status = try? ComPortStatus.read(port: path, program: "dbgcom list") {
            let clients = PortStatistics(status).clients
            return clients.isEmpty ? ["dbgcom broker"] : clients
        }
        guard let status = try? FileAttributes(path: path) else { return [] }
        let opened = DescriptorHolder.ofDevice(
            major: status.deviceMajor,
            minor: status.deviceMinor
        )
        let all = opened.isEmpty ? [DescriptorHolder.ofLock(on: status)].compactMap(\.self) : opened
        return all.map(\.description)
    }

    func json(withUsers: Bool) -> String {
        let device = entry.device
        var members = [
            "\"name\": \(entry.name.map(jsonQuoted) ?? "null")",
            "\"device\": \(jsonQuoted(device.path))",
            "\"driver\": \(jsonQuoted(device.driver))",
            "\"present\": \(entry.isPresent)",
            "\"links\": [\(device.links.map(jsonQuoted).joined(separator: ", "))]",
        ]
        if let adapter = device.adapter {
            members.append(
                "\"adapter\": {\"vendor\": \(jsonQuoted(adapter.vendor)), "
                    + "\"model\": \(jsonQuoted(adapter.model)), "
                    + "\"serial\": \(jsonQuoted(adapter.serialNumber))}"
            )
        }
        if withUsers {
            let all = entry.isPresent ? users : []
            members.append("\"users\": [\(all.map(jsonQuoted).joined(separator: ", "))]")
        }
        return "{\(members.joined(separator: ", "))}"
    }
}
