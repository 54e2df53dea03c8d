import Foundation
import LinuxSystem
import Testing

extension HardwareTests.SoftwareTests {
    @Suite("Bytes that a UART loses")
    struct OverrunTests {
        private func flood(_ line: OwnedDescriptor, seconds: UInt64) throws {
            try line.setNonBlocking()
            let bytes = [UInt8](repeating: 0x55, count: 256)
            let end = monotonicNanoseconds() + seconds * 1_000_000_000
            while monotonicNanoseconds() < end {
                var requests = [PollRequest(line.number, read: true, write: true)]
                try pollDescriptors(&requests, untilMonotonicNanoseconds: end)
                if requests[0].isReadable { _ = try line.read(maximum: 65_536) }
                if requests[0].isWritable { _ = try line.write(bytes[...]) }
            }
        }

        @Test("are counted, shown by stats and explained by the doctor")
        func counted() throws {
            guard let rig = SoftwareRig.use() else { return }
            try rig.lab.start("server", "dbgsrv -v -t com:port=com5,baud=115200,channel=1")
            defer {
                rig.lab.stop("server")
                try? rig.lab.wait(for: "! ls /run/dbgsrv/*.sock")
            }
            try rig.lab.wait(for: "grep -q 'listening on' /tmp/rig-server.log")
            // In loopback the chip takes its own bytes into a FIFO that fills from the line too.
            try rig.lab.start("overrun", "/payload/bin/portprobe overrun /dev/ttyS4 4")
            try rig.lab.wait(for: "ls -l /proc/$(cat /tmp/rig-overrun.pid)/fd | grep -q ttyS4")
            try flood(rig.openLine, seconds: 4)
            try rig.lab.wait(for: "! kill -0 $(cat /tmp/rig-overrun.pid)")
            let look = try rig.look(at: "/dev/ttyS4")
            let overruns = look["overruns"].flatMap { Int($0) } ?? 0
            note("overruns counted by the driver: \(overruns)")
            #expect(overruns > 0)
            let status = try rig.lab.require("dbgcom stats com5 --json")
            let shown = status.firstMatch(of: /"uart-overruns": (\d+)/).flatMap { Int($0.output.1) }
            #expect((shown ?? 0) >= overruns, "\(status)")
            let doctor = try rig.lab.output("dbgcom doctor com5 --wait 1")
            #expect(
                doctor.contains("were lost because the UART was not emptied in time"),
                "\(doctor)"
            )
        }
    }
}
