import Testing

extension HardwareTests {
    @Suite("Two machines and a cable")
    struct TwoMachineTests {
        @Test("cdb and gdb debug a program of the other machine at every rate of the rig")
        func sessions() throws {
            if Rig.lacks("cable to another machine", { !$0.cables.isEmpty }) { return }
            let rig = try #require(Rig.current)
            for cable in rig.cables {
                let line = DebuggingLine(
                    lab: RemoteMachine(name: cable.host, destination: cable.host),
                    labPort: cable.far,
                    desk: LocalMachine(),
                    deskPort: cable.near,
                    worker: (cable.worker, cable.worker)
                )
                for rate in rig.rates {
                    try line.startServer(channel: 7, at: rate)
                    defer { line.stopServers(7) }
                    let process = try line.startWorker()
                    defer { line.lab.stop("worker") }
                    DebuggingLine.expectCdbSession(try line.cdb(process, channel: 7, at: rate))
                    DebuggingLine.expectGdbSession(try line.gdb(process, channel: 7, at: rate))
                    note("\(cable.host) \(cable.far) - \(cable.near) at \(rate)")
                }
            }
        }
    }
}
