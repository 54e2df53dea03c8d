import Foundation
import Glibc
import LinuxSystem
import Testing

@Suite("cdb -QR: who serves on this machine")
struct LocalDiscoveryTests {
    private func query(_ lab: Lab, _ place: String = "\\\\localhost") throws -> String {
        let result = try lab.run("cdb", ["-QR", place])
        #expect(result.status == 0 && result.errors.isEmpty, "\(result)")
        return result.output
    }

    @Test("the list has the original's look, and its first line the machine as it was typed")
    func look() throws {
        let lab = try Lab()
        _ = try lab.startServer("npipe:pipe=AnotherPipe")
        let (_, port) = try lab.startTCPServer()
        for name in [
            "\\\\localhost", "//localhost", "\\localhost", "localhost", ".", "127.0.0.1", "::1",
        ] {
            let expected = """
                Servers on \(name):
                Remote Process Server - npipe:Pipe=AnotherPipe
                Remote Process Server - tcp:Port=\(port)

                """
            #expect(try query(lab, name) == expected)
        }
    }

    @Test("a range is shown by the port that was chosen and its end")
    func range() throws {
        let lab = try Lab()
        let taken = try SocketAddress.any(port: 0, isIPv6: true).listen(onlyIPv6: false, backlog: 1)
        let last = min(taken.1 + 20, 65_535)
        let server = try lab.startServer("tcp:port=\(taken.1):\(last)")
        let match = try #require(server.errors.firstMatch(of: /tcp:Port=(\d+):(\d+)/))
        #expect(match.output.1 != "\(taken.1)")
        #expect(match.output.2 == "\(last)")
        #expect(try query(lab).contains(" - tcp:Port=\(match.output.1):\(last)\n"))
        withExtendedLifetime(taken.0) {}
    }

    @Test("hidden servers, and machines without servers, are not in it")
    func hidden() throws {
        let lab = try Lab()
        #expect(try query(lab) == "No servers on \\\\localhost\n")
        _ = try lab.startServer("npipe:pipe=secret,hidden")
        _ = try lab.startServer("tcp:port=0,hidden")
        #expect(try query(lab) == "No servers on \\\\localhost\n")
    }

    @Test("a server with clicon is never in it, and a password is shown as a star")
    func reverseAndPasswords() throws {
        let lab = try Lab()
        let client = try SocketAddress.any(port: 0, isIPv6: true).listen(
            onlyIPv6: false,
            backlog: 1
        )
        let reverse = try lab.start(
            "dbgsrv",
            ["-v", "-t", "tcp:port=\(client.1),clicon=127.0.0.1"]
        )
        try reverse.wait(for: "session process", in: \.errors)
        #expect(try query(lab) == "No servers on \\\\localhost\n")
        _ = try lab.startServer("npipe:pipe=rabbit,password=Secret7")
        #expect(try query(lab).hasSuffix(" - npipe:Pipe=rabbit,Password=*\n"))
        let files = folderEntries("\(lab.folder)/run/servers.d")
        #expect(files.count == 1)
        for file in files {
            let text = try String(
                contentsOfFile: "\(lab.folder)/run/servers.d/\(file)",
                encoding: .utf8
            )
            #expect(!text.contains("Secret7"))
        }
    }

    @Test(
        "a server that ends in order is gone from it; one that was killed is marked until the next one starts"
    )
    func ends() throws {
        let lab = try Lab()
        let first = try lab.startServer("npipe:pipe=first")
        let second = try lab.startServer("npipe:pipe=second")
        first.signal(SIGTERM)
        #expect(try first.waitForExit() == 0)
        #expect(try query(lab).contains("first") == false)
        second.signal(SIGKILL)
        _ = try second.waitForExit()
        let words = "Pipe=second (stale: its process \(second.processID) has ended)\n"
        #expect(try query(lab).contains(words))
        _ = try lab.startServer("npipe:pipe=third")
        #expect(try query(lab).hasSuffix(":\nRemote Process Server - npipe:Pipe=third\n"))
    }

    @Test(
        "it goes with no other option and needs a machine",
        arguments: [
            ["-QR"], ["-QR", "localhost", "-v"],
            ["-premote", "tcp:server=a,port=1", "-QR", "localhost"],
            ["-QR", "\\\\"], ["-QR", "com:port=com2"],
            ["-QR", "com:port=com2,baud=9600,channel=3"],
        ]
    )
    func usage(arguments: [String]) throws {
        let lab = try Lab()
        let result = try lab.run("cdb", arguments)
        #expect(result.status != 0)
        #expect(result.output.isEmpty)
        #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
    }

    @Test("root's servers are listed for everybody, another user's for that user only")
    func users() throws {
        guard geteuid() == 0 else {
            print("not shown, since only root can be two users")
            return
        }
        let lab = try Lab()
        chmod(lab.folder, 0o755)
        let own = "\(lab.folder)/nobody"
        mkdir(own, 0o700)
        chown(own, 65_534, 65_534)
        // What the lab sets for root must not reach the other user, but for the place of root's list.
        let asNobody = [
            "--reuid=65534", "--regid=65534", "--clear-groups", "env", "-u", "DBGSRV_RUNTIME_DIR",
            "DBGSRV_SERVERS_DIR=\(lab.folder)/run/servers.d", "XDG_RUNTIME_DIR=\(own)",
        ]
        // The programs may lie where nobody but root gets.
        for name in ["cdb", "dbgsrv"] {
            try FileManager.default.copyItem(
                atPath: Lab.program(name),
                toPath: "\(lab.folder)/\(name)"
            )
        }
        _ = try lab.startServer("npipe:pipe=roots")
        chmod("\(lab.folder)/run", 0o755)
        let setpriv = "/usr/bin/setpriv"
        let server = try lab.startOther(
            setpriv,
            asNobody + ["\(lab.folder)/dbgsrv", "-v", "-t", "npipe:pipe=nobodys"]
        )
        try server.wait(for: "listening on", in: \.errors)
        let query = asNobody + ["\(lab.folder)/cdb", "-QR", "localhost"]
        let seen = try run(setpriv, query, environment: lab.environment)
        #expect(
            seen.output == """
                Servers on localhost:
                Remote Process Server - npipe:Pipe=roots
                Remote Process Server - npipe:Pipe=nobodys

                """,
            "\(seen)"
        )
        let ours = try lab.run("cdb", ["-QR", "localhost"])
        #expect(ours.output.contains("roots") && !ours.output.contains("nobodys"), "\(ours)")
    }
}

@Suite("cdb -QR: who serves on another machine", .serialized)
struct NetworkDiscoveryTests {
    /// An address of this machine that is not taken for this machine.
    private let machine = "127.0.0.2"

    private func start(
        _ lab: Lab,
        _ port: Int,
        _ arguments: [String]
    ) throws -> RunningProgram {
        let server = try lab.startOther(
            "/usr/bin/env",
            ["DBGSRV_DISCOVERY_PORT=\(port)", Lab.program("dbgsrv"), "-v", "-t"] + arguments
        )
        try server.wait(for: "listening on", in: \.errors)
        return server
    }

    private func query(
        _ lab: Lab,
        _ port: Int
    ) throws -> (status: Int32, output: String, errors: String) {
        try run(
            "/usr/bin/env",
            ["DBGSRV_DISCOVERY_PORT=\(port)", Lab.program("cdb"), "-QR", "\\\\\(machine)"],
            environment: lab.environment
        )
    }

    private var isRoot: Bool {
        if geteuid() != 0 { print("not shown: only root's servers answer other machines") }
        return geteuid() == 0
    }

    @Test(
        "DIS-9, DIS-10: every server of a machine answers for all, and the others go on when one ends or is killed"
    )
    func answers() throws {
        guard isRoot else { return }
        let lab = try Lab()
        let port = try freePort()
        let first = try start(lab, port, ["npipe:pipe=first"])
        let second = try start(lab, port, ["npipe:pipe=second"])
        _ = try start(lab, port, ["npipe:pipe=third"])
        let all = try query(lab, port)
        #expect(
            all.output == """
                Servers on \\\\\(machine):
                Remote Process Server - npipe:Pipe=first
                Remote Process Server - npipe:Pipe=second
                Remote Process Server - npipe:Pipe=third

                """,
            "\(all)"
        )
        first.signal(SIGTERM)
        _ = try first.waitForExit()
        second.signal(SIGKILL)
        _ = try second.waitForExit()
        for _ in 0..<5 {
            let rest = try query(lab, port)
            #expect(
                rest.output == """
                    Servers on \\\\\(machine):
                    Remote Process Server - npipe:Pipe=second (stale: its process \(second.processID) has ended)
                    Remote Process Server - npipe:Pipe=third

                    """,
                "\(rest)"
            )
        }
    }

    @Test(
        "DIS-10: hidden servers and those with --no-discovery do not answer, and cdb says what that means",
        arguments: [
            ["npipe:pipe=a,hidden"], ["npipe:pipe=a", "--no-discovery"],
        ]
    )
    func silent(arguments: [String]) throws {
        let lab = try Lab()
        let port = try freePort()
        _ = try start(lab, port, arguments)
        let result = try query(lab, port)
        #expect(result.status == 2)
        #expect(result.output.isEmpty)
        #expect(result.errors.hasPrefix("Unable to query servers on \\\\\(machine): "), "\(result)")
        #expect(result.errors.contains("Connection refused; no server that runs as root"))
    }

    @Test(
        "DIS-5, DIS-12: a machine that is not there, that answers something else, or that breaks off"
    )
    func strangers() throws {
        let lab = try Lab()
        let unknown = try lab.run("cdb", ["-QR", "\\\\no-such-machine.invalid"])
        #expect(unknown.status == 2 && unknown.errors.contains("there is no machine"), "\(unknown)")
        for (answer, words) in [
            ("SSH-2.0-OpenSSH_9.2\r\n", "what answers there is no dbgsrv"),
            ("dbgsrv-servers version=9\n", "the list is of version 9"),
            ("dbgsrv-servers version=1\nserver type=x program=y\n", "the list broke off"),
            ("", "the list broke off"),
        ] {
            let (listener, port) = try SocketAddress.any(port: 0, isIPv6: true).listen(
                onlyIPv6: false,
                backlog: 4
            )
            let cdb = try lab.startOther(
                "/usr/bin/env",
                ["DBGSRV_DISCOVERY_PORT=\(port)", Lab.program("cdb"), "-QR", machine]
            )
            // A list that breaks off is asked for once more.
            for _ in 0..<(words == "the list broke off" ? 2 : 1) {
                var requests = [PollRequest(listener.number)]
                try pollDescriptors(&requests, timeoutMilliseconds: 30_000)
                let (connection, _) = try #require(try SocketAddress.accept(from: listener))
                _ = try connection.write(Array(answer.utf8)[...])
            }
            #expect(try cdb.waitForExit() == 2)
            #expect(cdb.errors.contains(words), "\(cdb.errors)")
        }
    }

    @Test("DIS-11: whoever asks without end, or talks, or never reads, keeps nobody from anything")
    func floods() throws {
        guard isRoot else { return }
        let lab = try Lab()
        let port = try freePort()
        let server = try start(lab, port, ["npipe:pipe=rabbit"])
        let address = try #require(
            try SocketAddress.resolve(host: "127.0.0.1", port: port, onlyIPv6: false).first
        )
        let begin = Date()
        var askers: [OwnedDescriptor] = []
        for _ in 0..<14 {
            let asker = try address.connect(timeoutMilliseconds: 10_000)
            _ = try? asker.write([UInt8](repeating: 0x41, count: 65_536)[...])
            askers.append(asker)
        }
        let debuggee = try Debuggee(in: lab)
        let cdb = try lab.run(
            "cdb",
            [
                "-premote", "npipe:server=localhost,pipe=rabbit", "-p", "\(debuggee.processID)",
                "-c",
                "k;qd",
            ]
        )
        #expect(cdb.status == 0, "\(cdb)")
        askers = []
        #expect(try query(lab, port).status == 0)
        // Fifteen answers: ten at once, and five a second.
        #expect(Date().timeIntervalSince(begin) > 0.8)
        #expect(server.isRunning)
    }
}

@Suite("cdb -QR com: what the other end of a cable offers")
struct CableDiscoveryTests {
    @Test(
        "DIS-13, DIS-14: servers by channel, with the string that reaches them; hidden ones are not in it"
    )
    func offers() throws {
        let lab = try Lab()
        let line = try SerialLine(.cable, in: lab)
        let seven = try lab.startServer(line.labChannel(7))
        let three = try lab.startServer(line.labChannel(3))
        _ = try lab.startServer(line.labChannel(200) + ",password=Secret7")
        _ = try lab.startServer(line.labChannel(9) + ",hidden")
        let query = ["-QR", "com:port=\(line.desk),baud=\(line.baudRate)"]
        let result = try lab.run("cdb", query)
        #expect(result.status == 0, "\(result)")
        let lines = result.output.split(separator: "\n").map(String.init)
        #expect(lines.count == 4, "\(result.output)")
        // What a client has to bring is said, and no more of it.
        #expect(lines.last?.contains(",Channel=200,Password=* (") == true, "\(result.output)")
        #expect(!result.output.contains("Secret7"))
        #expect(lines.first == "Servers on \(query[1]):")
        for (text, server) in zip(lines.dropFirst(), [(3, three), (7, seven)]) {
            let string = "com:Port=\(line.desk),Baud=\(line.baudRate),Channel=\(server.0)"
            #expect(text.hasPrefix("Remote Process Server - \(string) (dbgsrv/"), "\(text)")
            #expect(text.contains(", pid \(server.1.processID), for "), "\(text)")
            #expect(text.hasSuffix(")"), "\(text)")
        }
        // What is shown can be pasted.
        let debuggee = try Debuggee(in: lab)
        let shown = try #require(lines[1].split(separator: " ").first { $0.hasPrefix("com:") })
        let cdb = try lab.run(
            "cdb",
            ["-premote", String(shown), "-p", "\(debuggee.processID)", "-c", "k;qd"]
        )
        #expect(cdb.status == 0, "\(cdb)")
        three.signal(SIGTERM)
        _ = try three.waitForExit()
        let later = try lab.run("cdb", query)
        #expect(!later.output.contains("Channel=3 ") && later.output.contains("Channel=7 "))
    }

    @Test("DIS-13: other programs' channels are listed for what they are, and an idle end says so")
    func services() throws {
        let lab = try Lab()
        let line = try SerialLine(.cable, in: lab)
        let query = ["-QR", "com:port=\(line.desk),baud=\(line.baudRate)"]
        let client = try lab.start(
            "dbgcom",
            ["connect", line.lab, "77", "--baud", "\(line.baudRate)"]
        )
        let idle = try lab.run("cdb", query)
        #expect(idle.output == "No servers on \(query[1])\n", "\(idle)")
        let serve = try lab.start(
            "dbgcom",
            ["serve", line.lab, "20", "--baud", "\(line.baudRate)", "--exec", "cat"]
        )
        let deadline = Date(timeIntervalSinceNow: 60)
        var output = ""
        while !output.contains("Channel=20 "), Date() < deadline {
            output = try lab.run("cdb", query).output
        }
        #expect(output.contains("Channel Service - com:Port=\(line.desk)"), "\(output)")
        #expect(output.contains("dbgcom serve"), "\(output)")
        withExtendedLifetime((client, serve)) {}
    }

    @Test("DIS-14: when nobody is at the other end, the sentence says so")
    func nobody() throws {
        let lab = try Lab()
        let line = try SerialLine(.socat, in: lab)
        let result = try lab.run("cdb", ["-QR", "com:port=\(line.desk),baud=9600"])
        #expect(result.status == 2)
        #expect(result.errors.contains("Nobody answered on "), "\(result.errors)")
        #expect(result.errors.contains("at 9600 baud within 10.0 s"), "\(result.errors)")
    }
}
