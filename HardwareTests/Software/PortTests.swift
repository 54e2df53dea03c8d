import Foundation
import LinuxSystem
import Testing

extension HardwareTests.SoftwareTests {
    @Suite("Ports of the kernel's own drivers")
    struct PortTests {
        @Test("are listed with their drivers, and names without a UART are left out")
        func list() throws {
            guard let rig = SoftwareRig.use() else { return }
            _ = try rig.makeAdapter("usb0", serialNumber: "RIG0")
            let device = try rig.plug("usb0")
            defer { try? rig.lab.unplug("usb0") }
            let list = try rig.lab.require("dbgcom list")
            note("dbgcom list: " + list.split(separator: "\n").dropFirst().joined(separator: " | "))
            let rows = list.split(separator: "\n").dropFirst().map {
                $0.split(separator: " ", omittingEmptySubsequences: true).map(String.init)
            }
            #expect(
                rows.map { $0[1] } == [
                    "/dev/ttyS0", "/dev/ttyS1", device, "/dev/ttyS4", "/dev/ttyS5",
                ]
            )
            #expect(rows.map { $0[0] } == ["COM1", "COM2", "COM3", "COM5", "COM6"])
            #expect(rows.map { $0[2] } == ["serial", "serial", "ftdi_sio", "serial", "serial"])
            #expect(list.contains("QEMU QEMU USB SERIAL RIG0"))
            #expect(rows.first?.contains { $0.hasSuffix("getty") } == true)

            let refusal = try rig.lab.output("dbgcom doctor /dev/ttyS2")
            #expect(
                refusal.contains("The port /dev/ttyS2 has no hardware behind it."),
                "\(refusal)"
            )
        }

        @Test("a login prompt on a port is named, with how to stop it")
        func loginPrompt() throws {
            guard let rig = SoftwareRig.use() else { return }
            try rig.lab.wait(for: "ps -t ttyS0 -o comm= | grep getty")
            let refusal = try rig.lab.output("dbgsrv -t com:port=com1,baud=115200,channel=1")
            #expect(refusal.contains("login prompt, agetty"), "\(refusal)")
            #expect(refusal.contains("systemctl stop serial-getty@ttyS0"), "\(refusal)")
            let doctor = try rig.lab.output("dbgcom doctor com1")
            #expect(doctor.contains("systemctl mask --now serial-getty@ttyS0"), "\(doctor)")

            try rig.lab.require("systemctl stop serial-getty@ttyS0")
            defer { _ = try? rig.lab.run("systemctl start serial-getty@ttyS0", seconds: 30) }
            let console = try rig.lab.output("dbgcom doctor com1 --wait 0")
            #expect(console.contains("kernel's console is on /dev/ttyS0"), "\(console)")
        }

        @Test("another program's use of a port is named")
        func held() throws {
            guard let rig = SoftwareRig.use() else { return }
            try rig.lab.start("holder", "/payload/bin/portprobe hold /dev/ttyS1")
            defer { rig.lab.stop("holder") }
            try rig.lab.wait(for: "ls -l /proc/[0-9]*/fd | grep -q /dev/ttyS1")
            let refusal = try rig.lab.output("dbgcom doctor com2")
            #expect(refusal.contains("in use by portprobe"), "\(refusal)")
        }

        @Test(
            "a 16550 gets every rate that it has, and one that it has not is refused with both rates"
        )
        func rates() throws {
            guard let rig = SoftwareRig.use() else { return }
            for rate in [50, 300, 9600, 10_400, 12_345, 31_250, 38_400, 57_600, 74_880, 115_200] {
                let doctor = try rig.lab.output("dbgcom doctor com6 --baud \(rate) --wait 0")
                #expect(doctor.contains("at \(rate) baud."), "\(doctor)")
            }
            let refusal = try rig.lab.output("dbgcom doctor com6 --baud 230400 --wait 0")
            #expect(
                refusal.contains("Asked /dev/ttyS5 for 230400 baud, the driver granted "),
                "\(refusal)"
            )
        }

        @Test("the settings reach the chip: divisor and stop bits are seen at the other end")
        func divisor() throws {
            guard let rig = SoftwareRig.use() else { return }
            for (rate, stopBits) in [(9600, 1), (57_600, 2), (115_200, 1)] {
                try rig.lab.start(
                    "server",
                    "dbgsrv -v -t com:port=com6,baud=\(rate),stop=\(stopBits),channel=1"
                )
                defer {
                    rig.lab.stop("server")
                    try? rig.lab.wait(for: "! ls /run/dbgsrv/*.sock")
                }
                try rig.lab.wait(for: "grep -q 'listening on' /tmp/rig-server.log")
                let seen = try rig.visibleSettings
                #expect(seen.outputSpeed == UInt32(rate))
                let look = try rig.look(at: "/dev/ttyS5")
                #expect(look["speed"] == "\(rate)" && look["stop-bits"] == "\(stopBits)", "\(look)")
                #expect(look["low-latency"] == "1" && look["hang-up"] == "0", "\(look)")
            }
            let after = try rig.look(at: "/dev/ttyS5")
            #expect(after["low-latency"] == "0", "\(after)")
        }

        @Test("a USB adapter gets any rate up to 3 Mbit/s, exactly")
        func adapterRates() throws {
            guard let rig = SoftwareRig.use() else { return }
            _ = try rig.makeAdapter("usb0", serialNumber: "RIG0")
            let device = try rig.plug("usb0")
            defer { try? rig.lab.unplug("usb0") }
            for rate in [300, 10_400, 74_880, 115_200, 250_000, 921_600, 3_000_000] {
                let doctor = try rig.lab.output("dbgcom doctor \(device) --baud \(rate) --wait 0")
                #expect(doctor.contains("at \(rate) baud."), "\(doctor)")
            }
        }

        @Test("modem lines are set as asked, and those of the other side are shown")
        func modemLines() throws {
            guard let rig = SoftwareRig.use() else { return }
            for (port, device, inputs) in [
                ("com2", "/dev/ttyS1", "on"), ("com6", "/dev/ttyS5", "off"),
            ] {
                try rig.lab.start(
                    "server",
                    "dbgsrv -v "
                        + "-t com:port=\(port),baud=115200,channel=1,dtr=off,rts=on"
                )
                defer {
                    rig.lab.stop("server")
                    try? rig.lab.wait(for: "! ls /run/dbgsrv/*.sock")
                }
                try rig.lab.wait(for: "grep -q 'listening on' /tmp/rig-server.log")
                // Not portprobe, whose opening raises both.
                let number = device.filter(\.isNumber)
                let lines = try rig.lab.require("grep '^\(number):' /proc/tty/driver/serial")
                #expect(!lines.contains("DTR") && lines.contains("RTS"), "\(lines)")
                let status = try rig.lab.require("dbgcom stats \(port) --json")
                for line in ["cts", "dsr", "dcd"] {
                    #expect(status.contains("\"\(line)\": \"\(inputs)\""), "\(status)")
                }
            }
            // Nobody holds the other end's RTS up there.
            let doctor = try rig.lab.output("dbgcom doctor com6 --flow rts-cts --wait 1")
            #expect(doctor.contains("holds CTS off"), "\(doctor)")
        }
    }
}
