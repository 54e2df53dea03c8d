import Foundation
import Glibc
import Testing

@Suite("Reverse connections (clicon)")
struct ReverseConnectionTests {
    /// A port that nobody listens on.
    private func freePort(_ lab: Lab) throws -> Int {
        let (server, port) = try lab.startTCPServer()
        server.signal(SIGTERM)
        _ = try server.waitForExit()
        return port
    }

    private func cdb(
        _ lab: Lab,
        _ transport: String,
        _ debuggee: Debuggee,
        _ commands: String = "r;qd"
    ) throws -> RunningProgram {
        try lab.start(
            "cdb",
            ["-premote", transport, "-p", "\(debuggee.processID)", "-c", commands]
        )
    }

    @Test(
        "client first, with a range: it says its port; the server connects, serves one client and ends"
    )
    func clientFirst() throws {
        let lab = try Lab()
        let debuggee = try Debuggee(in: lab)
        let taken = try lab.startTCPServer()
        let last = min(taken.port + 30, 65_535)
        let client = try cdb(lab, "tcp:clicon=localhost,port=\(taken.port):\(last)", debuggee)
        let text = try client.wait(for: "for the server on localhost", in: \.errors)
        let port = try #require(text.firstMatch(of: /listening on tcp port (\d+)/)).output.1
        #expect(Int(port) != taken.port)
        let server = try lab.start("dbgsrv", ["-t", "tcp:port=\(port),clicon=\\\\localhost"])
        #expect(try client.waitForExit() == 0, "\(client.errors)")
        #expect(client.output.contains("rip="), "\(client.output)")
        #expect(try server.waitForExit() == 2)
        #expect(server.errors.contains("serves one client, start it again"), "\(server.errors)")
        try debuggee.expectRunsFree()
    }

    @Test("server first: it tries until the client listens; with a password too")
    func serverFirst() throws {
        let lab = try Lab()
        let debuggee = try Debuggee(in: lab)
        let port = try freePort(lab)
        let server = try lab.start(
            "dbgsrv",
            ["-v", "-t", "tcp:port=\(port),clicon=127.0.0.1,password=abc"]
        )
        let client = try cdb(lab, "tcp:clicon=127.0.0.1,port=\(port),password=abc", debuggee)
        #expect(try client.waitForExit() == 0, "\(client.errors)")
        #expect(client.output.contains("rip="), "\(client.output)")
        #expect(try server.waitForExit() == 2)
    }

    @Test("inside TLS the server that connects is still the one that shows its certificate")
    func secure() throws {
        let secure = try SecureLab()
        let lab = secure.lab
        let debuggee = try Debuggee(in: lab)
        let port = try freePort(lab)
        let names = "ssl:proto=tls1,certuser=lab,port=\(port),clicon=localhost,password=abc"
        let client = try cdb(lab, names, debuggee)
        try client.wait(for: "for the server on localhost", in: \.errors)
        let server = try lab.start("dbgsrv", ["-t", names])
        #expect(try client.waitForExit() == 0, "\(client.errors)")
        #expect(client.output.contains("rip="), "\(client.output)")
        #expect(try server.waitForExit() == 2)
    }

    @Test(
        "nobody listens: the server says what it tried and ends; so does a client whom nobody calls"
    )
    func nobody() throws {
        let lab = try Lab()
        let port = try freePort(lab)
        let environment = lab.environment.merging(["DBGSRV_CLICON_SECONDS": "1"]) { $1 }
        let server = try ProgramTests.run(
            Lab.program("dbgsrv"),
            ["-t", "tcp:port=\(port),clicon=localhost"],
            environment: environment
        )
        #expect(server.status == 2, "\(server)")
        #expect(server.errors.contains("Connection refused"), "\(server)")
        #expect(server.errors.contains("start the client first"), "\(server)")
        let client = try ProgramTests.run(
            Lab.program("cdb"),
            ["-premote", "tcp:port=\(port),clicon=localhost", "-p", "1"],
            environment: environment
        )
        #expect(client.status == 2, "\(client)")
        #expect(client.errors.contains("no server connected from localhost"), "\(client)")
        let nowhere = try lab.run(
            "cdb",
            ["-premote", "tcp:port=\(port),clicon=no.such.host.invalid"]
        )
        #expect(nowhere.errors.contains("there is no machine"), "\(nowhere)")
    }

    @Test("only the named machine may connect")
    func stranger() throws {
        let lab = try Lab()
        let debuggee = try Debuggee(in: lab)
        let port = try freePort(lab)
        let client = try cdb(lab, "tcp:clicon=127.0.0.2,port=\(port)", debuggee)
        try client.wait(for: "for the server on 127.0.0.2", in: \.errors)
        let stranger = try RawClient(port: port)
        #expect(try stranger.everything().isEmpty)
        try client.wait(for: "only 127.0.0.2 may connect", in: \.errors)
        client.signal(SIGTERM)
        _ = try client.waitForExit()
    }

    @Test("a client that is killed ends the server, and what it debugged runs on")
    func broken() throws {
        let lab = try Lab()
        let debuggee = try Debuggee(in: lab)
        let code = try debuggee.code()
        let port = try freePort(lab)
        let server = try lab.start("dbgsrv", ["-t", "tcp:port=\(port),clicon=localhost"])
        let client = try lab.start(
            "cdb",
            [
                "-premote", "tcp:clicon=localhost,port=\(port)", "-p", "\(debuggee.processID)",
                "-c",
                "bp worker!store;g",
            ]
        )
        try client.wait(for: "hit")
        client.signal(SIGKILL)
        #expect(try server.waitForExit() == 2)
        #expect(server.errors.contains("the connection is over"), "\(server.errors)")
        #expect(try debuggee.code() == code)
        try debuggee.expectRunsFree()
    }

    @Test("dbgbridge waits for a server with clicon, and connects to a client with clicon")
    func bridges() throws {
        let lab = try Lab()
        let debuggee = try Debuggee(in: lab)
        let port = try freePort(lab)
        let server = try lab.start("dbgsrv", ["-t", "tcp:port=\(port),clicon=localhost"])
        let output = try lab.gdb(
            [
                "set sysroot /",
                "target extended-remote | \(Lab.program("dbgbridge"))"
                    + " -c tcp:clicon=localhost,port=\(port) -s stdio",
                "attach \(debuggee.processID)", "bt", "detach",
            ],
            program: debuggee.path
        )
        #expect(output.contains("main (argc="), "\(output)")
        #expect(try server.waitForExit() == 2)
        let (_, plain) = try lab.startTCPServer()
        let client = try cdb(lab, "tcp:clicon=localhost,port=\(port)", debuggee)
        try client.wait(for: "for the server on", in: \.errors)
        let bridge = try lab.run(
            "dbgbridge",
            ["-c", "tcp:server=localhost,port=\(plain)", "-s", "tcp:port=\(port),clicon=localhost"]
        )
        #expect(try client.waitForExit() == 0, "\(client.errors)")
        #expect(client.output.contains("rip="), "\(client.output)")
        #expect(bridge.status == 2 && bridge.errors.contains("serves one client"), "\(bridge)")
    }
}
