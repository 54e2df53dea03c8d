import ArgumentParser
import LinuxSystem
import PortDirectory

/// `dbgcom list`.
struct ListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the serial ports with their COM names and who uses them."
    )

    func run() throws {
        let entries = try PortDirectory().entries
        guard !entries.isEmpty else {
            Output.line("This machine has no serial port.")
            return
        }
        let rows = entries.map { entry in
            [
                entry.name ?? "-", entry.device.path,
                entry.device.driver.isEmpty ? "-" : entry.device.driver,
                entry.isPresent ? holders(entry.device.path) : "(not plugged in)",
            ]
        }
        Output.table([["NAME", "DEVICE", "DRIVER", "USED BY"]] + rows)
    }

    private func holders(_ path: String) -> String {
        guard let status = try? FileAttributes(path: path) else { return "-" }
        let opened = DescriptorHolder.ofDevice(
            major: status.deviceMajor,
            minor: status.deviceMinor
        )
        let all = opened.isEmpty ? [DescriptorHolder.ofLock(on: status)].compactMap(\.self) : opened
        return all.isEmpty ? "-" : all.map(\.description).joined(separator: ", ")
    }
}
