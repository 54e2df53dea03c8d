import Foundation
import LinuxSystem
import Testing

extension HardwareTests.SoftwareTests {
    @Suite("Two machines and a null-modem cable")
    struct TwoGuestTests {
        @Test("the second machine's debuggers debug a program of the first, between two UARTs")
        func debug() throws {
            guard let rig = SoftwareRig.use(), let images = GuestImages.current else { return }
            let desk = try Guest("desk", images, uarts: [.socket("cable")])
            defer { desk.stop() }
            note("the second guest took \(desk.startMilliseconds) ms to start")
            let cable = try Wire(
                lab: rig.openLine,
                desk: desk.accept("cable"),
                baudRate: 115_200
            )
            defer { cable.stop() }
            let line = DebuggingLine(
                lab: rig.lab,
                labPort: "com5",
                desk: desk,
                deskPort: "com2",
                worker: ("/payload/bin/worker", "/payload/bin/worker")
            )
            for channel in [1, 2] { try line.startServer(channel: channel, at: 115_200) }
            defer { line.stopServers(1, 2) }
            let list = try desk.output("cdb -QR com:port=com2,baud=115200 2>&1")
            #expect(list.contains("Channel=1 ") && list.contains("Channel=2 "), "\(list)")
            let doctor = try desk.output("dbgcom doctor com2")
            #expect(doctor.contains("The far end answers"), "\(doctor)")

            let process = try line.startWorker()
            defer { rig.lab.stop("worker") }
            let begin = monotonicNanoseconds()
            DebuggingLine.expectCdbSession(try line.cdb(process, channel: 1, at: 115_200))
            let middle = monotonicNanoseconds()
            DebuggingLine.expectGdbSession(try line.gdb(process, channel: 2, at: 115_200))
            let end = monotonicNanoseconds()
            note(
                "cdb in the second guest: \((middle - begin) / 1_000_000) ms, gdb: \((end - middle) / 1_000_000) ms"
            )
            try rig.expectRunsFree(process)
        }
    }
}
