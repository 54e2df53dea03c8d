import Foundation
import LinuxSystem
import Testing

extension HardwareTests.SoftwareTests {
    @Suite("The Debian package on a machine with systemd and udev")
    struct PackageTests {
        @Test("is installed by dpkg with its own dependencies, and known to systemd and udev")
        func installed() throws {
            guard let rig = SoftwareRig.use() else { return }
            note("dpkg -i took \(Int(rig.installSeconds)) s in the guest")
            let state = try rig.lab.output(
                "dpkg-query -W -f '${db:Status-Status}' dbgsrv; dpkg --audit"
            )
            #expect(state == "installed")
            for program in ["dbgsrv -?", "cdb -version", "dbgbridge -?", "dbgcom --version"] {
                try rig.lab.require("\(program) >/dev/null")
            }
            let units = try rig.lab.output("systemctl list-unit-files 'dbgsrv*' --no-legend")
            for unit in ["dbgsrv@.service", "dbgsrv-tcp.socket", "dbgsrv-pipe.socket"] {
                #expect(units.contains(unit))
            }
            #expect(try rig.lab.output("systemctl list-units 'dbgsrv*' --no-legend").isEmpty)
        }

        @Test("has udev open ports to dialout, link their COM names and keep ModemManager off them")
        func rules() throws {
            guard let rig = SoftwareRig.use() else { return }
            #expect(
                try rig.lab.output("stat -c '%G %a' /dev/ttyS1; readlink -f /dev/dbgsrv/com2")
                    == "dialout 660\n/dev/ttyS1\n"
            )
            let properties = try rig.lab.output("udevadm info --query=property /dev/ttyS1")
            #expect(properties.contains("ID_MM_DEVICE_IGNORE=1"))
            // A name without a UART is no port.
            let phantom = try rig.lab.output("udevadm info --query=property /dev/ttyS2")
            #expect(phantom.contains("DEVNAME=/dev/ttyS2") && !phantom.contains("DBGSRV_LINK"))
            #expect(try rig.lab.output("ls /dev/dbgsrv") == "com1\ncom2\ncom5\ncom6\n")
        }

        @Test("serves a socket that systemd opens, and its program leaves when the unit stops")
        func socket() throws {
            guard let rig = SoftwareRig.use() else { return }
            try rig.lab.require("systemctl start dbgsrv-tcp.socket")
            let session = try rig.lab.output(
                "cdb -premote tcp:server=127.0.0.1,port=5005 -c 'k;q' /payload/bin/worker 2>&1"
            )
            #expect(session.contains("worker!") || session.contains("ld_"), "\(session)")
            try rig.lab.require("systemctl is-active dbgsrv-tcp.service")
            try rig.lab.require("systemctl stop dbgsrv-tcp.socket dbgsrv-tcp.service")
            #expect(try rig.lab.output("systemctl is-failed dbgsrv-tcp.service") == "inactive\n")
        }
    }
}
