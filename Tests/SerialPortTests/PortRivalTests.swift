import Foundation
import LinuxSystem
import Testing

@testable import SerialPort

@Suite("Who else is on a port")
struct PortRivalTests {
    @Test("is named with what to do: a login prompt, though it has locked nothing")
    func loginPrompt() throws {
        let line = try Line()
        let prompt = line.folder.path + "/agetty"
        try FileManager.default.copyItem(atPath: "/bin/cat", toPath: prompt)
        // A session of its own, so that the port becomes its terminal as it opens it, as init does.
        let helper = try Helper("setsid", ["sh", "-c", "exec 3<>\(line.path); exec \(prompt)"])
        let status = try FileAttributes(path: line.path)
        var found: DescriptorHolder?
        while found?.program != "agetty" {
            found =
                DescriptorHolder.onTerminal(major: status.deviceMajor, minor: status.deviceMinor)
                .first
        }
        let error = PortRivals.error(
            path: "/dev/ttyS1",
            major: status.deviceMajor,
            minor: status.deviceMinor
        )
        #expect(
            error?.description
                == "A login prompt, agetty (pid \(found?.processID ?? 0)), runs on /dev/ttyS1; "
                + "stop it with systemctl stop serial-getty@ttyS1."
        )
        withExtendedLifetime(helper) {}
    }

    @Test("is named with what to do: ModemManager and brltty")
    func thieves() {
        var holder = DescriptorHolder(processID: 1)
        holder.program = "ModemManager"
        let busy = SerialPortError.busy(path: "/dev/ttyUSB0", holder: holder).description
        #expect(busy.contains("in use by ModemManager (pid 1); it tries every new port"))
        #expect(busy.contains("systemctl stop ModemManager"))
        holder.program = "brltty"
        #expect(
            SerialPortError.busy(path: "/dev/ttyUSB0", holder: holder).description
                .contains("systemctl stop brltty")
        )
    }

    @Test("may be the kernel, whose console is a warning")
    func console() {
        let consoles = "tty0                 -WU (EC p  )    4:7\nttyS1  -W- (E  p a)    4:65\n"
        let warnings = PortRivals.consoleWarnings("/dev/ttyS1", active: "tty0", consoles: consoles)
        #expect(warnings.first?.contains("remove console=ttyS1") == true)
        #expect(
            PortRivals.consoleWarnings("/dev/ttyS0", active: "tty0 ttyS0\n", consoles: "") != []
        )
        #expect(PortRivals.consoleWarnings("/dev/ttyS2", active: "ttyS0", consoles: consoles) == [])
        #expect(PortRivals.consoleWarnings("/dev/pts/1", active: "1", consoles: "") == [])
    }
}
