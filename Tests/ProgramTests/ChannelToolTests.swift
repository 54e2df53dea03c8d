import Foundation
import Glibc
import LinuxSystem
import Testing

@Suite("dbgcom connect and serve: a channel for everything else")
struct ChannelToolTests {
    @Test(
        "a tar pipe carries a folder through the cable byte for byte",
        arguments: SerialLine.Kind.allCases
    )
    func tarPipe(kind: SerialLine.Kind) throws {
        let lab = try Lab()
        let line = try SerialLine(kind, in: lab)
        let (from, to) = ("\(lab.folder)/from", "\(lab.folder)/to")
        try FileManager.default.createDirectory(
            atPath: "\(from)/deep",
            withIntermediateDirectories: true
        )
        try FileManager.default.createDirectory(
            atPath: to,
            withIntermediateDirectories: true
        )
        var random = SystemRandomNumberGenerator()
        let bytes = Data((0..<60_000).map { _ in UInt8.random(in: 0...255, using: &random) })
        try bytes.write(to: URL(fileURLWithPath: "\(from)/deep/noise"))
        try Data("text\n".utf8).write(to: URL(fileURLWithPath: "\(from)/text"))

        try lab.serve(line, 20, ["--session", "--exec", "tar", "x", "-C", to])
        let command = "tar c -C \(from) . | \(lab.connect(line, 20)) --session"
        let result = try lab.shell(command)

        #expect(result.status == 0, "\(result)")
        let arrived = try Data(contentsOf: URL(fileURLWithPath: "\(to)/deep/noise"))
        #expect(arrived == bytes)
        #expect(FileManager.default.contents(atPath: "\(to)/text") == Data("text\n".utf8))
    }

    @Test("the end of the input reaches the program, and its answer comes back (PROG-5)")
    func halfClose() throws {
        let lab = try Lab()
        let line = try SerialLine(.cable, in: lab)
        try lab.serve(line, 21, ["--exec", "wc", "-c"])
        let result = try lab.shell("head -c 70000 /dev/zero | \(lab.connect(line, 21))")
        #expect(result.status == 0, "\(result)")
        #expect(result.output == "70000\n")
    }

    @Test(
        "the far program's status is connect's own (PROG-6, PROG-7)",
        arguments: [("exit 7", 7), ("exit 0", 0), ("kill -9 $$", 137)]
    )
    func status(command: String, status: Int32) throws {
        let lab = try Lab()
        let line = try SerialLine(.socat, in: lab)
        try lab.serve(line, 22, ["--session", "--exec", "sh", "-c", "cat; \(command)"])
        let result = try lab.shell("echo through | \(lab.connect(line, 22)) --session")
        #expect(result.status == status, "\(result)")
        #expect(result.output == "through\n")
    }

    @Test("a program that closes its output early, or leaves children behind, ends when it ends")
    func earlyEnd() throws {
        let lab = try Lab()
        let line = try SerialLine(.socat, in: lab)
        let program = "sleep 30 2>&- & exec 1>&-; cat >/dev/null; exit 3"
        try lab.serve(line, 23, ["--session", "--exec", "sh", "-c", program])
        let result = try lab.shell("head -c 3000 /dev/zero | \(lab.connect(line, 23)) --session")
        #expect(result.status == 3, "\(result)")
    }

    @Test("a shell on a terminal: prompt, terminal, window, interrupt, status (PROG-4, PROG-8)")
    func shellOnTerminal() throws {
        let lab = try Lab()
        let line = try SerialLine(.cable, in: lab)
        try lab.serve(line, 24, ["--session", "--exec-pty", "--exec", "sh", "-i"])
        // script(1) gives connect a terminal, as a person has one.
        let client = try lab.startOther(
            "/usr/bin/script",
            ["-qec", "stty rows 33 cols 77; exec \(lab.connect(line, 24)) --session", "/dev/null"]
        )
        client.type("PS1=rea''dy; tty; stty size; echo $TERM\r")
        try client.wait(for: "/dev/pts/")
        try client.wait(for: "33 77")
        // The prompt, so that it does not come between the echo and cat's answer.
        try client.wait(for: "ready")
        client.type("cat\r")
        client.type("echoed twice\r")
        try client.wait(for: "echoed twice\r\nechoed twice")
        client.forgetOutput()
        client.type("\u{3}")
        try client.wait(for: "ready")
        client.type("exit 9\r")
        #expect(try client.waitForExit() == 9, "\(client.output)")
    }

    @Test("a connection that dies hangs the program up")
    func clientKilled() throws {
        let lab = try Lab()
        let line = try SerialLine(.cable, in: lab)
        let mark = "\(lab.folder)/hung-up"
        let program = "trap 'echo yes > \(mark); exit' HUP; echo up; while :; do sleep 0.05; done"
        let server = try lab.serve(line, 25, ["--exec", "sh", "-c", program])
        let client = try lab.start(
            "dbgcom",
            ["connect", line.desk, "25", "--baud", "\(line.baudRate)"]
        )
        try client.wait(for: "up")
        client.signal(SIGKILL)
        try server.wait(for: "went away", in: \.errors)
        try lab.waitForFile(mark)
    }

    @Test("a server that dies ends its clients with a reason (PROG-9)")
    func serverKilled() throws {
        let lab = try Lab()
        let line = try SerialLine(.cable, in: lab)
        let server = try lab.serve(line, 26, ["--session", "--exec", "cat"])
        let client = try lab.start(
            "dbgcom",
            ["connect", line.desk, "26", "--baud", "\(line.baudRate)", "--session"]
        )
        client.type("hello\n")
        try client.wait(for: "hello")
        server.signal(SIGKILL)
        #expect(try client.waitForExit() == 1)
        #expect(client.errors.contains("broke"), "\(client.errors)")
    }

    @Test("programs that outlive their connections leave no zombies behind")
    func noZombies() throws {
        let lab = try Lab()
        let line = try SerialLine(.socat, in: lab)
        let server = try lab.serve(
            line,
            30,
            ["--exec", "sh", "-c", "trap '' HUP; exec 0<&- 1>&-; sleep 0.3; echo over >&2"]
        )
        let client = try lab.shell("\(lab.connect(line, 30)) </dev/null")
        #expect(client.status == 0, "\(client)")
        try server.wait(for: "over", in: \.errors)
        let deadline = Date(timeIntervalSinceNow: RunningProgram.patienceSeconds)
        while try lab.shell("ps -o stat= --ppid \(server.processID)").output.contains("Z") {
            try #require(Date() < deadline, "a zombie stays")
        }
    }

    @Test("a client that says no hello does not stop others (PROG-10)")
    func silentClient() throws {
        let lab = try Lab()
        let line = try SerialLine(.socat, in: lab)
        try lab.serve(line, 34, ["--session", "--exec", "echo", "served"])
        let silent = try lab.start(
            "dbgcom",
            ["connect", line.desk, "34", "--baud", "\(line.baudRate)"]
        )
        try silent.wait(for: "dbgcom-program")
        let result = try lab.shell("\(lab.connect(line, 34)) --session </dev/null")
        #expect(result.status == 0 && result.output == "served\n", "\(result)")
    }

    @Test("one side without --session is told so (PROG-2)")
    func sessionOnOneSide() throws {
        let lab = try Lab()
        let line = try SerialLine(.socat, in: lab)
        try lab.serve(line, 27, ["--exec", "echo", "plain"])
        let result = try lab.shell("\(lab.connect(line, 27)) --session </dev/null")
        #expect(result.status == 1, "\(result)")
        #expect(result.errors.contains("without --session"), "\(result.errors)")
    }

    @Test("a TCP service is reached through the cable, by several clients at once")
    func tcpThroughTheCable() throws {
        let lab = try Lab()
        let line = try SerialLine(.cable, in: lab)
        let service = "\(lab.folder)/service"
        let echo = try lab.startOther(
            "/usr/bin/socat",
            ["-d", "-d", "UNIX-LISTEN:\(service),fork", "EXEC:rev"]
        )
        try echo.wait(for: "listening on", in: \.errors)
        try lab.serve(line, 28, ["--connect", "unix:\(service)"])
        let front = try lab.start(
            "dbgcom",
            ["connect", line.desk, "28", "--baud", "\(line.baudRate)", "--listen", "tcp:0"]
        )
        let ready = try front.wait(for: "leads to")
        let match = try #require(ready.firstMatch(of: /tcp:127\.0\.0\.1:(\d+)/), "\(ready)")
        let clients = try ["abc", "xyz", "123"].map { word in
            let client = try lab.startOther("/usr/bin/socat", ["-", "TCP:127.0.0.1:\(match.1)"])
            client.type("\(word)\n")
            return client
        }
        for client in clients { client.closeInput() }
        for (client, word) in zip(clients, ["cba", "zyx", "321"]) {
            #expect(try client.waitForExit() == 0)
            #expect(client.output == "\(word)\n")
        }
    }

    @Test("rsync synchronises a folder both ways through the cable, over a damaged line")
    func rsync() throws {
        let lab = try Lab()
        let line = try SerialLine(.cable, in: lab, faults: ["--bit-error-rate", "1e-5"])
        let (module, local, back) = (
            "\(lab.folder)/module", "\(lab.folder)/local", "\(lab.folder)/back"
        )
        for folder in [module, local, back] {
            try FileManager.default.createDirectory(
                atPath: folder,
                withIntermediateDirectories: true
            )
        }
        for number in 0..<20 {
            try Data("file \(number)\n".utf8).write(
                to: URL(fileURLWithPath: "\(local)/\(number)")
            )
        }
        let configuration = "\(lab.folder)/rsyncd.conf"
        try
            "uid = \(getuid())\ngid = \(getgid())\nuse chroot = no\n[data]\npath = \(module)\nread only = no\n"
            .write(toFile: configuration, atomically: true, encoding: .utf8)
        let daemon = ["rsync", "--server", "--daemon", "--config=\(configuration)", "."]
        try lab.serve(line, 35, ["--exec"] + daemon)
        let front = try lab.start(
            "dbgcom",
            ["connect", line.desk, "35", "--baud", "\(line.baudRate)", "--listen", "tcp:0"]
        )
        let ready = try front.wait(for: "leads to")
        let match = try #require(ready.firstMatch(of: /tcp:127\.0\.0\.1:(\d+)/), "\(ready)")
        let place = "rsync://127.0.0.1:\(match.1)/data/"
        for (from, to) in [("\(local)/", place), (place, "\(back)/")] {
            let result = try ProgramTests.run("/usr/bin/rsync", ["-rc", from, to])
            #expect(result.status == 0, "\(result)")
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: back)
        #expect(names.count == 20)
        for name in names {
            let same = FileManager.default.contentsEqual(
                atPath: "\(back)/\(name)",
                andPath: "\(local)/\(name)"
            )
            #expect(same, "\(name)")
        }
    }

    @Test("a pseudo-terminal with a stable name stays while programs and the far end come and go")
    func stableTerminal() throws {
        let lab = try Lab()
        let line = try SerialLine(.cable, in: lab)
        let console = "\(lab.folder)/console"
        let front = try lab.start(
            "dbgcom",
            ["connect", line.desk, "29", "--baud", "\(line.baudRate)", "--pty", console]
        )
        try front.wait(for: "leads to")
        for round in 1...2 {
            let server = try lab.serve(line, 29, ["--exec", "sed", "-u", "s/^/\(round) /"])
            try front.wait(for: "connected to channel", in: \.errors)
            for word in ["one", "two"] {
                // Each of them opens and closes the port.
                let client = try lab.startOther(
                    "/usr/bin/socat",
                    ["-t", "60", "-", "OPEN:\(console),raw,echo=0"]
                )
                client.type("\(word)\n")
                try client.wait(for: "\(round) \(word)")
                client.signal(SIGTERM)
                _ = try client.waitForExit()
            }
            front.forgetErrors()
            server.signal(SIGTERM)
            #expect(try server.waitForExit() == 0)
        }
    }
}

extension Lab {
    /// `dbgcom connect` for a shell's command line.
    func connect(_ line: SerialLine, _ channel: Int) -> String {
        "\(Lab.program("dbgcom")) connect \(line.desk) \(channel) --baud \(line.baudRate)"
    }

    /// Starts `dbgcom serve` on a channel and waits until it listens.
    @discardableResult
    func serve(_ line: SerialLine, _ channel: Int, _ options: [String]) throws -> RunningProgram {
        let arguments = ["serve", line.lab, "\(channel)", "--baud", "\(line.baudRate)"]
        let server = try start("dbgcom", arguments + options)
        try server.wait(for: "listening on channel", in: \.errors)
        return server
    }

    /// Runs a command line of sh(1) to its end.
    func shell(_ command: String) throws -> (status: Int32, output: String, errors: String) {
        try ProgramTests.run("/bin/sh", ["-c", command], environment: environment)
    }

    /// Waits until a file is there.
    func waitForFile(_ path: String) throws {
        let deadline = Date(timeIntervalSinceNow: RunningProgram.patienceSeconds)
        while !FileManager.default.fileExists(atPath: path) {
            try #require(Date() < deadline, "\(path) did not come")
            usleep(10_000)
        }
    }
}
