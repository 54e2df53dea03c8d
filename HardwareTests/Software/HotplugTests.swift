import Foundation
import LinuxSystem
import Testing

extension HardwareTests.SoftwareTests {
    @Suite("USB adapters that come and go")
    struct HotplugTests {
        @Test("a debugging session goes on when its adapter is back under another name")
        func renumbered() throws {
            guard let rig = SoftwareRig.use() else { return }
            let adapter = try rig.makeAdapter("usb0", serialNumber: "RIG0")
            _ = try rig.makeAdapter("usb1", serialNumber: "RIG1")
            let first = try rig.plug("usb0")
            defer { ["usb0", "usb1"].forEach { try? rig.lab.unplug($0) } }
            let name = try rig.comName(of: first)
            let line = DebuggingLine(
                lab: rig.lab,
                labPort: name,
                desk: rig.desk,
                deskPort: adapter.deskPort,
                worker: ("/payload/bin/worker", rig.worker)
            )
            try line.startServer(channel: 6, at: 115_200)
            defer { line.stopServers(6) }
            let process = try line.startWorker()
            defer { rig.lab.stop("worker") }
            let cdb = try rig.desk.converse(
                "cdb -premote \(line.deskChannel(6, at: 115_200)) -lines -p \(process)"
            )
            try cdb.wait(for: "> ")

            try rig.lab.unplug("usb0")
            // Typed while there is no adapter.
            try cdb.type("bp worker!store")
            try cdb.type("g")
            #expect(try rig.plug("usb1") == first, "the other adapter takes the name")
            let second = try rig.plug("usb0")
            #expect(second != first)
            let begin = monotonicNanoseconds()
            try cdb.wait(for: "Breakpoint 0 hit")
            note(
                "\(first) is back as \(second); \((monotonicNanoseconds() - begin) / 1_000_000) ms later the session went on"
            )
            #expect(try rig.comName(of: second) == name)
            let status = try rig.lab.require("dbgcom stats \(name) --json")
            #expect(status.contains("\"device\": \"\(second)\""), "\(status)")
            try cdb.type("k")
            try cdb.wait(for: "worker!measure+")
            try cdb.type("bc *")
            try cdb.type("qd")
            #expect(try cdb.waitForEnd().status == 0)
            try rig.expectRunsFree(process)
        }

        @Test(
            "the adapter's arrival starts the server that a rule asks for, which outlives a replug"
        )
        func startedByArrival() throws {
            guard let rig = SoftwareRig.use() else { return }
            let adapter = try rig.makeAdapter("usb2", serialNumber: "RIG2", baudRate: 230_400)
            let rule =
                "SUBSYSTEM==\"tty\", ENV{ID_SERIAL_SHORT}==\"RIG2\", "
                + "ENV{DBGSRV_COM}=\"9\", ENV{DBGSRV_SERVE}=\"1\""
            try rig.lab.require(
                """
                echo '\(rule)' >/etc/udev/rules.d/61-local.rules
                printf 'BAUD=230400\\nCHANNEL=2\\nDBGSRV_OPTIONS=\\n' >/etc/dbgsrv/com.d/com9.conf
                udevadm control --reload
                """
            )
            let device = try rig.plug("usb2")
            defer { try? rig.lab.unplug("usb2") }
            #expect(try rig.comName(of: device) == "com9")
            try rig.lab.wait(for: "systemctl is-active dbgsrv@com9.service")
            defer { _ = try? rig.lab.run("systemctl stop dbgsrv@com9.service", seconds: 30) }
            let line = DebuggingLine(
                lab: rig.lab,
                labPort: "com9",
                desk: rig.desk,
                deskPort: adapter.deskPort,
                worker: ("/payload/bin/worker", rig.worker)
            )
            let process = try line.startWorker()
            defer { rig.lab.stop("worker") }
            DebuggingLine.expectCdbSession(try line.cdb(process, channel: 2, at: 230_400))

            let server = try rig.lab.output("systemctl show -p MainPID dbgsrv@com9.service")
            try rig.lab.unplug("usb2")
            _ = try rig.plug("usb2")
            DebuggingLine.expectCdbSession(try line.cdb(process, channel: 2, at: 230_400))
            #expect(try rig.lab.output("systemctl show -p MainPID dbgsrv@com9.service") == server)
        }

        @Test("dbgcom watch shows them come and go")
        func watch() throws {
            guard let rig = SoftwareRig.use() else { return }
            _ = try rig.makeAdapter("usb0", serialNumber: "RIG0")
            try rig.lab.start("watch", "dbgcom watch")
            defer { rig.lab.stop("watch") }
            try rig.lab.wait(for: "grep -q '= COM2' /tmp/rig-watch.log")
            let device = try rig.plug("usb0")
            try rig.lab.wait(for: "grep -q '^+ .*\(device).*RIG0' /tmp/rig-watch.log")
            try rig.lab.unplug("usb0")
            try rig.lab.wait(for: "grep -q '^- .*\(device)' /tmp/rig-watch.log")
        }

        @Test(
            "two ports back to back: the gadget driver's and cdc_acm's, with BREAKs and modem lines"
        )
        func gadget() throws {
            guard let rig = SoftwareRig.use() else { return }
            try rig.lab.require("modprobe dummy_hcd && modprobe cdc_acm && modprobe g_serial")
            defer { _ = try? rig.lab.run("rmmod g_serial dummy_hcd", seconds: 30) }
            try rig.lab.wait(for: "test -c /dev/ttyACM0 && test -c /dev/ttyGS0")
            try rig.lab.require("udevadm settle")
            let bench = try rig.lab.output("dbgcom bench /dev/ttyACM0 /dev/ttyGS0 --seconds 1 2>&1")
            #expect(bench.contains("round trip") || bench.contains("Round trip"), "\(bench)")

            let before = try rig.look(at: "/dev/ttyACM0")
            try rig.lab.start("holder", "/payload/bin/portprobe hold /dev/ttyACM0")
            defer { rig.lab.stop("holder") }
            try rig.lab.require("/payload/bin/portprobe break /dev/ttyGS0")
            try rig.lab.wait(
                for:
                    "/payload/bin/portprobe show /dev/ttyACM0 | grep -q breaks=\((Int(before["breaks"] ?? "") ?? 0) + 1)"
            )
        }
    }
}

extension SoftwareRig {
    /// The COM name that the lab machine has for a device.
    func comName(of device: String) throws -> String {
        let list = try lab.require("dbgcom list")
        let row = list.split(separator: "\n").first { $0.contains("\(device) ") }
        return row?.split(separator: " ").first.map { $0.lowercased() } ?? ""
    }
}
