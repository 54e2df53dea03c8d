import Foundation
import Glibc
import LinuxSystem
import Testing

@Suite("Debugging servers over every transport")
struct SharedTransportTests {
    /// A pair of TCP ports that nobody listens on.
    @Test("five clients on five transports take part in one session at once")
    func everyTransport() throws {
        let secure = try SecureLab()
        let line = try SerialLine(.cable, in: secure.lab)
        let shared = try SharedLab(lab: secure.lab)
        let server = shared.server
        let tcp = try shared.port()
        for transport in [
            "npipe:pipe=rabbit", line.labChannel(3), "ssl:proto=tls1,certuser=lab,port=0",
            "spipe:proto=tls1,certuser=lab,pipe=hare",
        ] {
            try shared.type(".server \(transport)", until: "0:000> ")
        }
        let thumbprint = try #require(
            server.output.firstMatch(of: /4: cdb -remote spipe:Proto=tls1,CertUser=([0-9a-f]{64}),/)
        ).output.1
        let ssl = try shared.port()
        let clients = try [
            "tcp:server=localhost,port=\(tcp)", "npipe:server=localhost,pipe=rabbit",
            line.deskChannel(3),
            "ssl:proto=tls1,certuser=\(thumbprint),server=localhost,port=\(ssl)",
            "spipe:proto=tls1,certuser=lab,server=localhost,pipe=hare",
        ].map { try shared.join(through: $0) }
        for (number, client) in clients.enumerated() {
            let others = clients.indices.filter { $0 != number }.map { clients[$0] }
            for each in others { each.forgetOutput() }
            try client.type(".echo from \(number)", until: "from \(number)\n0:000> ")
            for each in others {
                try each.wait(for: "0:000> .echo from \(number)\nfrom \(number)\n")
            }
        }
        try shared.type(".clients", until: "0:000> ")
        for name in ["tcp ", "npipe rabbit", "com ", "ssl ", "spipe hare"] {
            #expect(server.output.contains("(\(name)"), "\(name): \(server.output)")
        }
        try clients[2].type("bp worker!store;g;k", until: "worker!measure")
        for each in clients { try each.wait(for: "worker!measure") }
        clients[3].type("qq\n")
        for each in clients + [server] { #expect(try each.waitForExit() == 0) }
    }

    @Test("a reverse connection: the server connects to the client", arguments: ["tcp", "ssl"])
    func reverse(protocol name: String) throws {
        let secure = try SecureLab()
        let port = try freePort()
        let security = name == "ssl" ? "proto=tls1,certuser=lab," : ""
        let client = try secure.lab.start(
            "cdb",
            ["-remote", "\(name):\(security)clicon=localhost,port=\(port)"]
        )
        try client.wait(for: "listening on tcp port", in: \.errors)
        let shared = try SharedLab(
            "\(name):\(security)port=\(port),clicon=localhost",
            lab: secure.lab
        )
        try client.wait(for: "connected at")
        try client.type("r rip", until: "rip=")
        try shared.server.wait(for: "r rip\nrip=")
        client.type("\u{02}\n")
        #expect(try client.waitForExit() == 0)
    }

    @Test("two servers on two channels of one cable, and the target behind a third one")
    func oneCable() throws {
        let lab = try Lab()
        let line = try SerialLine(.cable, in: lab)
        let shared = try SharedLab(
            line.labChannel(10),
            lab: lab,
            processServer: (line.deskChannel(12), line.labChannel(12))
        )
        try shared.type(".server \(line.labChannel(11))", until: "0:000> ")
        let one = try shared.join(through: line.deskChannel(10))
        let two = try shared.join(through: line.deskChannel(11))
        two.forgetOutput()
        try one.type("bp worker!store;g", until: "Breakpoint 0 hit")
        try two.wait(for: "Breakpoint 0 hit")
        try two.type("k", until: "worker!measure")
        try one.wait(for: "worker!measure")
    }

    @Test("three machines: a client over TLS, the debugger, and its target over a cable")
    func chain() throws {
        let secure = try SecureLab()
        let line = try SerialLine(.cable, in: secure.lab)
        let shared = try SharedLab(
            "ssl:proto=tls1,certuser=lab,port=0,password=secret1",
            lab: secure.lab,
            processServer: (line.labChannel(7), line.deskChannel(7))
        )
        let port = try shared.port()
        let client = try shared.join(
            through: "ssl:proto=tls1,certuser=lab,server=localhost,port=\(port),password=secret1"
        )
        try client.type("bp worker!store;g;k", until: "worker!measure")
        client.type("qq\n")
        #expect(try client.waitForExit() == 0)
        #expect(try shared.server.waitForExit() == 0)
    }

    @Test("dbgbridge repeats debugging servers, and a chain of two; the password passes through")
    func repeaters() throws {
        let shared = try SharedLab("tcp:port=0,password=secret1")
        let first = try shared.lab.start(
            "dbgbridge",
            ["-c", "tcp:server=localhost,port=\(try shared.port())", "-s", "npipe:pipe=one"]
        )
        try first.wait(for: "listening on", in: \.errors)
        let second = try shared.lab.start(
            "dbgbridge",
            ["-c", "npipe:server=localhost,pipe=one", "-s", "tcp:port=0"]
        )
        try second.wait(for: "listening on", in: \.errors)
        let match = try #require(second.errors.firstMatch(of: /Port=(\d+)/))
        let client = try shared.join(
            through: "tcp:server=localhost,port=\(match.output.1),password=secret1"
        )
        try client.type("r rip", until: "rip=")
        let wrong = try shared.lab.run(
            "cdb",
            ["-remote", "tcp:server=localhost,port=\(match.output.1),password=secret2"]
        )
        #expect(wrong.status == 2 && wrong.errors.contains("Error 0x80004005"), "\(wrong)")
        client.type("qq\n")
        #expect(try client.waitForExit() == 0)
        #expect(client.output.contains("the session has ended"))
    }

    @Test("dbgbridge -p connects to its client again")
    func persistentRepeater() throws {
        let lab = try Lab()
        lab.variables["DBGSRV_CLICON_SECONDS"] = "20"
        _ = try lab.startServer("npipe:pipe=target")
        let port = try freePort()
        let bridge = try lab.start(
            "dbgbridge",
            [
                "-p", "-c", "npipe:server=localhost,pipe=target", "-s",
                "tcp:port=\(port),clicon=localhost",
            ]
        )
        for _ in 1...2 {
            let cdb = try lab.run(
                "cdb",
                [
                    "-premote", "tcp:clicon=localhost,port=\(port)", "-c", "q",
                    "/usr/bin/sleep", "100",
                ]
            )
            #expect(cdb.status == 0, "\(cdb)")
        }
        #expect(bridge.isRunning)
        bridge.signal(SIGKILL)
    }

    @Test("-QR lists debugging servers as the original does, but not hidden ones")
    func discovery() throws {
        let shared = try SharedLab("npipe:pipe=rabbit,password=secret1")
        try shared.type(".server npipe:pipe=hare,hidden", until: "0:000> ")
        try shared.type(".server tcp:port=0", until: "0:000> ")
        let list = try shared.lab.run("cdb", ["-QR", "\\\\localhost"])
        #expect(
            list.output.contains("\nDebugger Server - npipe:Pipe=rabbit,Password=*\n"),
            "\(list)"
        )
        #expect(list.output.contains("\nDebugger Server - tcp:Port="), "\(list)")
        #expect(!list.output.contains("hare"), "\(list)")
        #expect(list.output.contains("\nRemote Process Server - npipe:Pipe=target\n"), "\(list)")
    }

    @Test("who takes the wrong way in is told the right one")
    func wrongRole() throws {
        let shared = try SharedLab("tcp:port=0")
        let port = try shared.port()
        let transport = "tcp:server=localhost,port=\(port)"
        let smart = try shared.lab.run("cdb", ["-premote", transport, "/usr/bin/true"])
        #expect(smart.status == 2 && smart.errors.contains("join its session with cdb -remote"))
        let gdb = try shared.lab.gdb(["target extended-remote localhost:\(port)"])
        #expect(gdb.contains("join its session with cdb -remote"), "\(gdb)")
        let remote = try shared.lab.run(
            "cdb",
            ["-remote", "npipe:server=localhost,pipe=target"]
        )
        #expect(remote.status == 2 && remote.errors.contains("connect with cdb -premote"))
        let late = try shared.lab.run("cdb", ["-premote", transport, "-server", "tcp:port=0"])
        #expect(late.status == 1 && late.errors.contains("must be the first option"))
        let both = try shared.lab.run("cdb", ["-remote", transport, "-p", "1"])
        #expect(both.status == 1 && both.errors.contains("its server's to say"), "\(both)")
    }

    @Test("two servers cannot have one pipe or one port; a range takes the first free port")
    func places() throws {
        let port = try freePort()
        let shared = try SharedLab("tcp:port=\(port)")
        try shared.type(".server tcp:port=\(port)", until: "0:000> ")
        #expect(shared.server.output.contains("tcp port \(port) is in use"))
        try shared.type(".server tcp:port=\(port):\(port + 20)", until: "0:000> ")
        let chosen = try #require(
            shared.server.output.firstMatch(of: /1: cdb -remote tcp:Port=(\d+),/)
        )
        let second = try #require(Int(chosen.output.1))
        #expect(second > port)
        try shared.type(".servers", until: "0:000> ")
        #expect(shared.server.output.contains("tcp:Port=\(second):\(port + 20)"))
        try shared.type(".server npipe:pipe=target", until: "npipe target is in use")
        try shared.type(".server tcp:port=0,IcfEnable", until: "IcfEnable: ")
        _ = try shared.join(through: "tcp:server=localhost,port=\(second)")
    }
}
