import Glibc
import LinuxSystem
import Testing

@Suite("Ends and bad days of dbgsrv and dbgbridge")
struct ServerEndTests {
    private func startBridge(in lab: Lab, to port: Int) throws -> (RunningProgram, port: Int) {
        let bridge = try lab.start(
            "dbgbridge",
            ["-c", "tcp:server=127.0.0.1,port=\(port)", "-s", "tcp:port=0"]
        )
        let text = try bridge.wait(for: "\n", in: \.errors)
        let match = try #require(text.firstMatch(of: /tcp:Port=(\d+)/), "\(text)")
        return (bridge, try #require(Int(match.output.1)))
    }

    /// How many descriptors the program may have; the hard limit stays.
    private func limitDescriptors(of program: RunningProgram, to count: UInt) throws {
        let arguments = ["--pid", "\(program.processID)", "--nofile=\(count):"]
        let result = try ProgramTests.run("/usr/bin/prlimit", arguments)
        try #require(result.status == 0, "\(result.errors)")
    }

    @Test("SIGTERM ends the session of a client that has not said a word, and none is killed")
    func silentClient() throws {
        let lab = try Lab()
        let (server, port) = try lab.startTCPServer()
        let client = try connectToLoopback(port)
        try server.wait(for: "waiting for the client's first bytes", in: \.errors)
        server.signal(SIGTERM)
        #expect(try server.waitForExit() == 0)
        #expect(server.errors.contains("session ended"), "\(server.errors)")
        #expect(!server.errors.contains("is killed"), "\(server.errors)")
        withExtendedLifetime(client) {}
    }

    @Test("a bridge that cannot take a connection says so once, tries again and serves it")
    func failedAccept() throws {
        let lab = try Lab()
        let (_, port) = try lab.startTCPServer()
        let (bridge, bridgePort) = try startBridge(in: lab, to: port)
        try limitDescriptors(of: bridge, to: 3)
        let client = try connectToLoopback(bridgePort)
        try bridge.wait(for: "tcp port \(bridgePort)", in: \.errors)
        try limitDescriptors(of: bridge, to: 1024)
        _ = try client.write(Array("$!#21".utf8)[...])
        var requests = [PollRequest(client.number)]
        let answered = try pollDescriptors(&requests, timeoutMilliseconds: 60_000)
        #expect(answered, "\(bridge.errors)")
        #expect(try client.read(maximum: 1) == Array("+".utf8))
        #expect(bridge.isRunning)
    }

    @Test("SIGTERM ends a bridge in order, between clients and while it relays")
    func endedBridge() throws {
        let lab = try Lab()
        let (server, port) = try lab.startTCPServer()
        let (idle, _) = try startBridge(in: lab, to: port)
        idle.signal(SIGTERM)
        #expect(try idle.waitForExit() == 0)
        let (busy, busyPort) = try startBridge(in: lab, to: port)
        let client = try connectToLoopback(busyPort)
        try server.wait(for: "connected, session process", in: \.errors)
        busy.signal(SIGTERM)
        #expect(try busy.waitForExit() == 0)
        try server.wait(for: "session ended", in: \.errors)
        withExtendedLifetime(client) {}
    }
}
