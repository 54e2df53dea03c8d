import Foundation
import Glibc
import LinuxSystem
import Testing

/// What clients that mean no good cost a server, and everybody else: nothing that lasts.
@Suite("Hostile clients")
struct HostileClientTests {
    /// What the kernel says of a process.
    private struct Footprint: CustomStringConvertible {
        var descriptors: Int
        var residentKilobytes: Int
        var children: Int

        init(_ process: Int32) throws {
            let list = fileText("/proc/\(process)/task/\(process)/children") ?? ""
            let processes = list.split(separator: " ").compactMap { Int32($0) }
            // One may wait for the next client, on a line of its own.
            let ready = processes.count(where: standsBy)
            children = processes.count - ready
            descriptors = folderEntries("/proc/\(process)/fd").count - ready
            let status = try #require(fileText("/proc/\(process)/status"))
            let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS") })
            residentKilobytes = try #require(Int(line.filter(\.isNumber)))
        }

        var description: String {
            "\(descriptors) descriptors, \(residentKilobytes) kB, \(children) processes"
        }
    }

    /// Fails unless the server comes back to what it was.
    private func expectAsBefore(_ server: RunningProgram, _ before: Footprint) throws {
        let deadline = Date(timeIntervalSinceNow: 60)
        var now = try Footprint(server.processID)
        while now.descriptors > before.descriptors || now.children > before.children,
            Date() < deadline
        {
            var nothing: [PollRequest] = []
            try pollDescriptors(&nothing, timeoutMilliseconds: 50)
            now = try Footprint(server.processID)
        }
        #expect(now.descriptors <= before.descriptors, "\(before) → \(now)")
        #expect(now.children <= before.children, "\(before) → \(now)")
        #expect(now.residentKilobytes < before.residentKilobytes + 4096, "\(before) → \(now)")
    }

    private func start(
        _ lab: Lab,
        _ access: String,
        _ options: [String] = []
    ) throws -> (RunningProgram, Int) {
        let server = try lab.start("dbgsrv", ["-t", "tcp:port=0\(access)"] + options)
        let text = try server.wait(for: "listening on tcp:Port=", in: \.errors)
        let match = try #require(text.firstMatch(of: /Port=(\d+)/))
        return (server, try #require(Int(match.output.1)))
    }

    /// A debugger in mid-session, which the test then leaves alone.
    private func bystander(
        _ lab: Lab,
        _ port: Int,
        _ debuggee: Debuggee
    ) throws -> RunningProgram {
        let cdb = try lab.start(
            "cdb",
            [
                "-premote", "tcp:server=::1,port=\(port),password=abc", "-p",
                "\(debuggee.processID)",
            ]
        )
        try cdb.wait(for: "> ")
        return cdb
    }

    private func expectUndisturbed(_ cdb: RunningProgram, _ debuggee: Debuggee) throws {
        cdb.type("bp worker!store\ng\nr\nqd\n")
        let status = try cdb.waitForExit()
        #expect(status == 0, "\(cdb.errors)")
        #expect(cdb.output.contains("Breakpoint 0 hit"), "\(cdb.output)")
        try debuggee.expectRunsFree()
    }

    @Test("10 000 connections in a row, none of which says a word, leave nothing behind")
    func manyInARow() throws {
        let lab = try Lab()
        let debuggee = try Debuggee(in: lab)
        let (server, port) = try start(lab, ",password=abc")
        let cdb = try bystander(lab, port, debuggee)
        let before = try Footprint(server.processID)
        let address = try #require(
            try SocketAddress.resolve(host: "127.0.0.1", port: port, onlyIPv6: false).first
        )
        for _ in 0..<100 {
            let burst = try (0..<99).map { _ in try address.connect(timeoutMilliseconds: 60_000) }
            withExtendedLifetime(burst) {}
            // Who goes without a word is let go; by then those before have been accepted, so that the queue never overflows.
            let last = try RawClient(port: port)
            last.sayNoMore()
            _ = try last.everything()
        }
        try expectAsBefore(server, before)
        try expectUndisturbed(cdb, debuggee)
        #expect(server.isRunning)
    }

    @Test("SES-16, SES-17: many at once that say nothing are held to their number, and told why")
    func manyAtOnce() throws {
        let lab = try Lab()
        let debuggee = try Debuggee(in: lab)
        let (server, port) = try start(lab, ",password=abc", ["--handshake-seconds", "3600"])
        let cdb = try bystander(lab, port, debuggee)
        let before = try Footprint(server.processID)
        var silent = try (0..<300).map { _ in try RawClient(port: port) }
        let told = try #require(silent.last).heard("#")
        #expect(told.hasPrefix("DBGSRV 1 error too many connections"), "\(told)")
        #expect(told.contains("\n+$E.too many connections"), "\(told)")
        let during = try Footprint(server.processID)
        #expect(during.children <= before.children + 24, "\(during)")
        // Those of another machine find their place meanwhile.
        let other = try lab.run(
            "cdb",
            [
                "-premote", "tcp:server=::1,port=\(port),password=abc", "-p",
                "\(try Debuggee(in: lab, named: "second").processID)", "-c", "r;qd",
            ]
        )
        #expect(other.output.contains("rip="), "\(other)")
        silent.removeAll()
        try expectAsBefore(server, before)
        try expectUndisturbed(cdb, debuggee)
    }

    @Test("a greeting that comes byte by byte, and slower than allowed, ends in time")
    func slowLoris() throws {
        let lab = try Lab()
        let (server, port) = try start(lab, ",password=abc", ["--handshake-seconds", "1"])
        let before = try Footprint(server.processID)
        let started = Date()
        let slow = try (0..<10).map { _ in try RawClient(port: port) }
        var letters = Array("DBGSRV 1 smart-client slow").makeIterator()
        while Date().timeIntervalSince(started) < 1.5 {
            if let letter = letters.next() { for client in slow { client.say(String(letter)) } }
            var nothing: [PollRequest] = []
            try pollDescriptors(&nothing, timeoutMilliseconds: 60)
        }
        for client in slow {
            #expect(try client.everything().contains("did not finish its greeting in time"))
        }
        try expectAsBefore(server, before)
    }

    @Test("garbage, cut and endless handshakes are refused one by one; the server does not notice")
    func garbage() throws {
        let lab = try Lab()
        let debuggee = try Debuggee(in: lab)
        let (server, port) = try start(lab, ",password=abc")
        let cdb = try bystander(lab, port, debuggee)
        let before = try Footprint(server.processID)
        let greeting = "DBGSRV 1 smart-client x/1"
        let sayings = [
            "", "D", "DBGSRV", "DBGSRV \n", "DBGSRV 2 smart-client x/1\n", "\(greeting) scram=\n",
            "\(greeting) scram=n,,n=,r=\n", "\(greeting) scram=n,,n=a,r=b\n",
            "\(greeting) scram=p=tls-exporter,,n=a,r=b\n", "\(greeting)\nDBGSRV 1 scram\n",
            "\(greeting)\nDBGSRV 1 scram n,,n=a,r=b\nDBGSRV 1 scram c=biws,r=b,p=AAAA\n",
            "\(greeting)\n$?#3f", "\(greeting) scram=n,,n=a,r=b\n+$qSupported#37",
            "+$qSupported:\(String(repeating: "x", count: 100_000))#00", "\u{0}\u{0}\u{0}\u{0}",
            String(repeating: "D", count: 100_000), String(repeating: "\n", count: 5000),
            "GET / HTTP/1.1\r\nHost: lab\r\n\r\n",
        ]
        for saying in sayings {
            let client = try RawClient(port: port)
            client.say(saying)
            UnixSocket.finishWriting(client.socket)
            let answer = try client.everything()
            #expect(!answer.contains(" ok dbgsrv"), "'\(saying.prefix(60))': \(answer)")
        }
        var bytes = SystemRandomNumberGenerator()
        for _ in 0..<100 {
            let client = try RawClient(port: port)
            let head = Bool.random(using: &bytes) ? Array("DBGSRV 1 ".utf8) : []
            client.say(
                bytes: head + (0..<300).map { _ in UInt8.random(in: 0...255, using: &bytes) }
            )
            UnixSocket.finishWriting(client.socket)
            #expect(!(try client.everything()).contains(" ok dbgsrv"))
        }
        try expectAsBefore(server, before)
        try expectUndisturbed(cdb, debuggee)
    }

    @Test(
        "SES-15, SES-18: wrong passwords at speed: most never reach a check, and others get in at once"
    )
    func guesses() throws {
        let lab = try Lab()
        let debuggee = try Debuggee(in: lab)
        let (server, port) = try start(lab, ",password=abc")
        let cdb = try bystander(lab, port, debuggee)
        let before = try Footprint(server.processID)
        var checked = 0
        var held = 0
        let started = Date()
        for _ in 0..<400 {
            let client = try RawClient(port: port)
            client.say("DBGSRV 1 smart-client x/1 scram=n,,n=a,r=abc\n")
            let challenge = try client.heard("\n")
            guard let nonce = challenge.firstMatch(of: /scram r=([^,]+),/)?.output.1 else {
                #expect(challenge.contains("too many wrong passwords"), "\(challenge)")
                held += 1
                continue
            }
            let proof = String(repeating: "A", count: 43) + "="
            client.say("DBGSRV 1 scram c=biws,r=\(nonce),p=\(proof)\n")
            #expect(try client.everything().contains("wrong password"))
            checked += 1
        }
        let seconds = Date().timeIntervalSince(started)
        // Two are free; then 1, 2, 4 … seconds lie between them.
        #expect(Double(checked) <= 4 + log2(seconds + 2), "\(checked) in \(seconds) s")
        #expect(held + checked == 400)
        try expectAsBefore(server, before)
        try expectUndisturbed(cdb, debuggee)
    }

    private static let stages = [
        "", "DBGSRV 1 smart", "DBGSRV 1 smart-client x/1\n",
        "DBGSRV 1 smart-client x/1 scram=n,,n=a,r=abc\n", "+$qSupp",
    ]

    @Test("a client killed at any point of the handshake leaves no process")
    func clientKilled() throws {
        let lab = try Lab()
        let (server, port) = try start(lab, ",password=abc")
        let before = try Footprint(server.processID)
        for words in Self.stages {
            let script =
                "exec 3<>/dev/tcp/127.0.0.1/\(port); printf %s \"$1\" >&3; echo said; read"
            let client = try lab.startOther("/bin/bash", ["-c", script, "bash", words])
            try client.wait(for: "said")
            client.signal(SIGKILL)
            _ = try client.waitForExit()
        }
        try expectAsBefore(server, before)
    }

    @Test(
        "a server killed at any point of a handshake takes its sessions along, and clients hear the end"
    )
    func serverKilled() throws {
        let lab = try Lab()
        let (server, port) = try start(lab, ",password=abc")
        let clients = try Self.stages.map { words in
            let client = try RawClient(port: port)
            client.say(words)
            return client
        }
        // The third and fourth stage have answers: then the others' processes have started too.
        for client in clients[2...3] { _ = try client.heard("\n") }
        let list = try #require(
            fileText("/proc/\(server.processID)/task/\(server.processID)/children")
        )
        let sessions = list.split(separator: " ").compactMap { Int32($0) }
        #expect(!sessions.isEmpty)
        server.signal(SIGKILL)
        for client in clients { _ = try client.everything() }
        let deadline = Date(timeIntervalSinceNow: 60)
        while sessions.contains(where: processIsAlive), Date() < deadline {}
        #expect(!sessions.contains(where: processIsAlive))
    }

    @Test("--max-sessions and --max-sessions-per-client hold, and say so to the one too many")
    func sessionLimits() throws {
        let lab = try Lab()
        let (_, port) = try start(
            lab,
            "",
            ["--max-sessions", "3", "--max-sessions-per-client", "2"]
        )
        func greeted(_ host: String) throws -> (RawClient, String) {
            let client = try RawClient(port: port, host: host)
            client.say("DBGSRV 1 smart-client x/1\n")
            return (client, try client.heard("\n"))
        }
        let kept = try (0..<2).map { _ in try greeted("127.0.0.1") }
        #expect(kept.allSatisfy { $0.1.hasPrefix("DBGSRV 1 ok") })
        let third = try greeted("127.0.0.1")
        #expect(third.1.contains("127.0.0.1 has 2 sessions already"), "\(third.1)")
        let other = try greeted("::1")
        #expect(other.1.hasPrefix("DBGSRV 1 ok"), "\(other.1)")
        let last = try greeted("::1")
        #expect(last.1.contains("3 sessions run already"), "\(last.1)")
        let gdb = try lab.gdb(["target extended-remote [::1]:\(port)"])
        #expect(gdb.contains("3 sessions run already"), "\(gdb)")
        withExtendedLifetime((kept, other)) {}
        for (option, value) in [("--max-sessions", "0"), ("--handshake-seconds", "x")] {
            let wrong = try lab.run("dbgsrv", ["-t", "tcp:port=0", option, value])
            #expect(wrong.status == 1 && wrong.errors.contains(option), "\(wrong)")
        }
    }
}
