import Glibc
import Testing

struct RepeaterTests {
    private func bridge(_ lab: Lab, _ arguments: [String]) throws -> RunningProgram {
        let bridge = try lab.start("dbgbridge", arguments)
        try bridge.wait(for: "listening on", in: \.errors)
        return bridge
    }

    /// A small session of a smart client through a transport.
    private func debug(
        _ lab: Lab,
        through transport: String
    ) throws -> (status: Int32, output: String, errors: String) {
        try lab.run("cdb", ["-premote", transport, "-c", "r rip;q", "/usr/bin/sleep", "100"])
    }

    @Test(
        "a repeater ends when all connections are gone, one with -p does not, and who only looks ends none"
    )
    func ends() throws {
        let lab = try Lab()
        lab.variables["DBGSRV_BRIDGE_LINGER_MILLISECONDS"] = "300"
        let (_, target) = try lab.startTCPServer()
        let server = ["-c", "tcp:server=127.0.0.1,port=\(target)"]
        let lasting = try bridge(lab, ["-p"] + server + ["-s", "npipe:pipe=lasting"])
        let port = try freePort()
        let passing = try bridge(lab, server + ["-s", "tcp:port=\(port)"])
        // Looks whether the port is open, and goes.
        _ = try connectToLoopback(port)
        for _ in 1...2 {
            let through = try debug(lab, through: "npipe:server=localhost,pipe=lasting")
            #expect(through.status == 0 && through.output.contains("rip="), "\(through)")
        }
        let through = try debug(lab, through: "tcp:server=127.0.0.1,port=\(port)")
        #expect(through.status == 0 && through.output.contains("rip="), "\(through)")
        #expect(try passing.waitForExit() == 0)
        #expect(passing.errors.contains("all connections are gone: ended (with -p it goes on)"))
        #expect(lasting.isRunning, "\(lasting.errors)")
    }

    @Test("a repeater may be started before its server")
    func beforeItsServer() throws {
        let lab = try Lab()
        lab.variables["DBGSRV_BRIDGE_LINGER_MILLISECONDS"] = "300"
        let server = "npipe:server=localhost,pipe=late"
        let early = try bridge(lab, ["-c", server, "-s", "npipe:pipe=way"])
        let alone = try debug(lab, through: "npipe:server=localhost,pipe=way")
        #expect(alone.status == 2, "\(alone)")
        _ = try lab.startServer("npipe:pipe=late")
        let through = try debug(lab, through: "npipe:server=localhost,pipe=way")
        #expect(through.status == 0 && through.output.contains("rip="), "\(through)")
        #expect(try early.waitForExit() == 0)
    }

    @Test("a repeater joins two cables of different baud rates")
    func differentRates() throws {
        let lab = try Lab()
        let quick = try SerialLine(.cable, in: lab, name: "quick")
        let slow = try SerialLine(.cable, in: lab, name: "slow", baudRate: 57_600)
        _ = try lab.startServer(quick.labChannel(3))
        _ = try bridge(lab, ["-p", "-c", quick.deskChannel(3), "-s", slow.labChannel(9)])
        let through = try debug(lab, through: slow.deskChannel(9))
        #expect(through.status == 0 && through.output.contains("rip="), "\(through)")
    }
}
