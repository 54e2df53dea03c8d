import Foundation
import Glibc
import TestPrograms
import Testing

@Suite("Sessions inside TLS")
struct SecureSessionTests {
    @Test("a new user has TLS working with the lines that --new-certificate prints (TLS-9)")
    func twoCommands() throws {
        let lab = try Lab()
        let debuggee = try Debuggee(in: lab)
        let made = try lab.run("dbgsrv", ["--new-certificate", "bench"])
        #expect(made.status == 0 && made.errors.isEmpty, "\(made)")
        let serverLine = try #require(made.output.firstMatch(of: /dbgsrv -t (\S+)/)).output.1
        let server = try lab.startServer(
            String(serverLine).replacing("port=5005", with: "port=0")
        )
        let port = String(try #require(server.errors.firstMatch(of: /Port=(\d+)/)).output.1)
        let clientLine = try #require(made.output.firstMatch(of: /cdb -premote (\S+) -p PID/))
        let client = String(clientLine.output.1).replacing(/server=[^,]+/, with: "server=localhost")
            .replacing("port=5005", with: "port=\(port)")
        // Nothing of the certificate is on the client's machine.
        lab.variables = ["DBGSRV_CERTIFICATES": "\(lab.folder)/nothing"]
        let result = try lab.run(
            "cdb",
            ["-premote", client, "-p", "\(debuggee.processID)", "-c", "bp worker!store;g;k;qd"]
        )
        #expect(result.status == 0 && result.output.contains("Breakpoint 0 hit"), "\(result)")
        try debuggee.expectRunsFree()
        let again = try lab.run("dbgsrv", ["--new-certificate", "bench", "--machine"])
        #expect(again.status == 0 && again.output.contains("machuser=bench"), "\(again)")
        #expect(
            try lab.run("dbgsrv", ["--new-certificate"]).errors.contains("takes the certificate")
        )
        lab.variables = [:]
        let third = try lab.run("dbgsrv", ["--new-certificate", "bench"])
        #expect(third.status == 2 && third.errors.contains("is not overwritten"), "\(third)")
    }

    @Test("cdb, and gdb through dbgbridge, debug over ssl and over spipe (TLS-13, TLS-14)")
    func everyClient() throws {
        let secure = try SecureLab()
        let lab = secure.lab
        let debuggee = try Debuggee(in: lab)
        let (_, port) = try secure.startServer()
        let pipe = try lab.startServer("spipe:proto=tls1,certuser=lab,pipe=rabbit")
        #expect(pipe.errors.contains("spipe:Proto=tls1,CertUser=lab,Pipe=rabbit"))
        for transport in [
            secure.client(port), "spipe:proto=tls1,certuser=lab,server=localhost,pipe=rabbit",
        ] {
            let cdb = try lab.run(
                "cdb",
                [
                    "-premote", transport, "-p", "\(debuggee.processID)", "-c",
                    "bp worker!store;g;k;qd",
                ]
            )
            #expect(cdb.status == 0 && cdb.output.contains("Breakpoint 0 hit"), "\(cdb)")
            let gdb = try lab.gdb(
                [
                    "set sysroot target:",
                    "target extended-remote | \(Lab.program("dbgbridge")) -c \(transport) -s stdio",
                    "attach \(debuggee.processID)", "break store", "continue", "bt", "detach",
                ],
                program: debuggee.path
            )
            #expect(
                gdb.contains("hit Breakpoint 1, store") && gdb.contains("in measure"),
                "\(gdb)"
            )
        }
        try debuggee.expectRunsFree()
    }

    @Test("dbgbridge is the TLS end for a server that has none, and the plain end for gdb (TLS-13)")
    func bridges() throws {
        let secure = try SecureLab()
        let lab = secure.lab
        let (_, port) = try lab.startTCPServer()
        let bridge = try lab.start(
            "dbgbridge",
            [
                "-c", "tcp:server=localhost,port=\(port)", "-s",
                "ssl:proto=tls13,certuser=lab,port=0",
            ]
        )
        try bridge.wait(for: "listening on", in: \.errors)
        let bridged = try #require(
            bridge.errors.firstMatch(of: /Port=(\d+)/).flatMap { Int($0.output.1) }
        )
        let result = try secure.cdb(secure.client(bridged))
        #expect(result.status == 0 && result.output.contains("quit:"), "\(result)")

        let plain = try lab.start(
            "dbgbridge",
            ["-c", secure.client(bridged), "-s", "tcp:port=0"]
        )
        try plain.wait(for: "listening on", in: \.errors)
        let plainPort = try #require(plain.errors.firstMatch(of: /Port=(\d+)/)).output.1
        let gdb = try lab.gdb([
            "target extended-remote localhost:\(plainPort)", "info os processes",
        ])
        #expect(gdb.contains("dbgsrv"), "\(gdb)")
        // Who says nothing of TLS is refused and the next one is served.
        #expect(String(decoding: try plainText(bridged), as: UTF8.self).contains("speaks TLS only"))
        #expect(try secure.cdb(secure.client(bridged)).status == 0)
    }

    private func plainText(_ port: Int) throws -> [UInt8] {
        let connection = try RawConnection(port: port)
        connection.send(Array("+$qSupported#37".utf8))
        return connection.readToEnd()
    }

    @Test("TLS on a channel of a cable, for cdb and for gdb (TLS-16)")
    func serial() throws {
        let secure = try SecureLab()
        let lab = secure.lab
        let line = try SerialLine(.cable, in: lab)
        let debuggee = try Debuggee(in: lab)
        let server = try lab.startServer(line.labChannel(3) + ",proto=tls1,certuser=lab")
        #expect(server.errors.contains("Channel=3,Proto=tls1,CertUser=lab"), "\(server.errors)")
        let thumbprint = try secure.bench.thumbprint("lab", "sha1")
        let transport = line.deskChannel(3) + ",proto=tls13,certuser=\(thumbprint)"
        let cdb = try lab.run(
            "cdb",
            ["-premote", transport, "-p", "\(debuggee.processID)", "-c", "bp worker!store;g;k;qd"]
        )
        #expect(cdb.status == 0 && cdb.output.contains("Breakpoint 0 hit"), "\(cdb)")
        let gdb = try lab.gdb(
            [
                "set sysroot /",
                "target extended-remote | \(Lab.program("dbgbridge")) -c \(transport) -s stdio",
                "attach \(debuggee.processID)", "bt", "detach",
            ],
            program: debuggee.path
        )
        #expect(gdb.contains("main (argc="), "\(gdb)")
        try server.wait(for: "TLSv1.3", in: \.errors)
        try debuggee.expectRunsFree()

        // Who does not speak TLS on that channel gets in no more than on a socket.
        let plain = try secure.cdb(line.deskChannel(3))
        #expect(plain.status == 2 && plain.errors.contains("speaks TLS only"), "\(plain)")
        let missing = try secure.cdb(line.deskChannel(3) + ",proto=tls1,ca=lab")
        #expect(missing.status == 1 && missing.errors.contains("host= is missing"), "\(missing)")
    }

    @Test("a client that is killed is cut off, not closed, and nothing is left behind (TLS-15)")
    func clientKilled() throws {
        let secure = try SecureLab()
        let debuggee = try Debuggee(in: secure.lab)
        let code = try debuggee.code()
        let (server, port) = try secure.startServer()
        let cdb = try secure.lab.start(
            "cdb",
            ["-premote", secure.client(port), "-p", "\(debuggee.processID)"]
        )
        try cdb.wait(for: "> ")
        cdb.type("bp worker!store\ng\n")
        try cdb.wait(for: "hit")
        cdb.signal(SIGKILL)
        try server.wait(for: "session ended", in: \.errors)
        // The kernel closes its socket, or resets it when something was unread; it does not end TLS.
        let end = try #require(server.errors.firstMatch(of: /the client left \((.*)\)/)).output.1
        #expect(end.contains("cut off") || end.contains("reset"), "\(end)")
        #expect(try debuggee.code() == code)
        try debuggee.expectRunsFree()
    }

    @Test("large transfers both ways: memory and files come as over tcp (TLS-14)")
    func bulk() throws {
        let secure = try SecureLab()
        let lab = secure.lab
        let debuggee = try Debuggee(in: lab)
        let (_, port) = try secure.startServer()
        let bridge = "| \(Lab.program("dbgbridge")) -c \(secure.client(port)) -s stdio"
        let copy = "\(lab.folder)/copy"
        let back = "\(lab.folder)/back"
        let gdb = try lab.gdb([
            "target extended-remote \(bridge)", "remote get \(debuggee.path) \(copy)",
            "remote put \(copy) \(back)",
        ])
        let original = try Data(contentsOf: URL(fileURLWithPath: debuggee.path))
        #expect(try Data(contentsOf: URL(fileURLWithPath: copy)) == original, "\(gdb)")
        #expect(try Data(contentsOf: URL(fileURLWithPath: back)) == original, "\(gdb)")
    }

    @Test("a server that connects to its client is TLS's server all the same (TLS-13)")
    func reverse() throws {
        let secure = try SecureLab()
        let lab = secure.lab
        let debuggee = try Debuggee(in: lab)
        for parameters in ["certuser=lab", "ca=lab"] {
            let cdb = try lab.start(
                "cdb",
                [
                    "-premote", "ssl:proto=tls1,\(parameters),clicon=localhost,port=41200:41900",
                    "-p", "\(debuggee.processID)", "-c", "bp worker!store;g;k;qd",
                ]
            )
            try cdb.wait(for: "for the server", in: \.errors)
            let port = try #require(cdb.errors.firstMatch(of: /port (\d+)/)).output.1
            let server = try lab.start(
                "dbgsrv",
                ["-v", "-t", "ssl:proto=tls1,certuser=lab,port=\(port),clicon=localhost"]
            )
            #expect(try cdb.waitForExit() == 0, "\(cdb.errors)")
            #expect(cdb.output.contains("Breakpoint 0 hit"), "\(cdb.output)")
            _ = try server.waitForExit()
            #expect(server.errors.contains("TLSv1.3"), "\(server.errors)")
        }
        try debuggee.expectRunsFree()
    }

    @Test("a password inside TLS is bound to the connection, and wrong ones get nowhere (TLS-17)")
    func password() throws {
        let secure = try SecureLab()
        for version in ["tls12", "tls13"] {
            let parameters = "proto=\(version),certuser=lab"
            let (_, port) = try secure.startServer(parameters + ",password=rabbit7")
            let right = try secure.cdb(secure.client(port, parameters) + ",password=rabbit7")
            #expect(right.status == 0, "\(right)")
            let wrong = try secure.cdb(secure.client(port, parameters) + ",password=rabbit8")
            #expect(wrong.status == 2 && wrong.errors.contains("0x80004005"), "\(wrong)")
        }
    }
}
