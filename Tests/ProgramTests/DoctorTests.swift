import Foundation
import Glibc
import Testing

@Suite("dbgcom doctor, loopback, bench, list and watch")
struct DoctorTests {
    @Test("a healthy port with a peer: everything is well, and the status is 0")
    func healthy() throws {
        let lab = try Lab()
        let line = try SerialLine(.cable, in: lab)
        try lab.serve(line, 40, ["--exec", "cat"])
        let result = try lab.run("dbgcom", ["doctor", line.desk, "--baud", "\(line.baudRate)"])
        #expect(result.status == 0, "\(result)")
        #expect(result.output.contains("The far end answers: "), "\(result.output)")
        #expect(!result.output.contains("✗"), "\(result.output)")
    }

    @Test("a port that is not there, and a name that is none")
    func absent() throws {
        let lab = try Lab()
        for (port, words) in [("/dev/no-such-port", "no port"), ("comx", "is not a port")] {
            let result = try lab.run("dbgcom", ["doctor", port])
            #expect(result.status == 1, "\(result)")
            #expect(result.output.contains(words), "\(result.output)")
            #expect(result.output.contains("→ dbgcom list"), "\(result.output)")
        }
    }

    @Test("nobody at the far end: says so, and what to start there")
    func silent() throws {
        let lab = try Lab()
        let line = try SerialLine(.cable, in: lab)
        let result = try lab.run("dbgcom", ["doctor", line.desk, "--baud", "\(line.baudRate)"])
        #expect(result.status == 1, "\(result)")
        #expect(result.output.contains("Nothing has arrived on the line"), "\(result.output)")
        #expect(result.output.contains("→ dbgsrv -t com:"), "\(result.output)")
    }

    @Test(
        "who is at the far end instead",
        arguments: [
            (["SYSTEM:echo; while printf 'lab7 login: '; do sleep 0.1; done"], "A console"),
            (["EXEC:cat"], "Our own frames come back"),
            (["SYSTEM:while head -c 50 /dev/urandom; do sleep 0.05; done"], "noise"),
        ]
    )
    func strangers(address: [String], words: String) throws {
        let lab = try Lab()
        let port = "\(lab.folder)/port"
        let far = try lab.startOther(
            "/usr/bin/socat",
            ["-d", "-d", "pty,raw,echo=0,link=\(port)"] + address
        )
        try far.wait(for: "starting data transfer loop", in: \.errors)
        let result = try lab.run("dbgcom", ["doctor", port, "--json"])
        #expect(result.status == 1, "\(result)")
        let findings = try #require(
            try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [[String: Any]]
        )
        let problem = try #require(findings.last)
        #expect(problem["well"] as? Bool == false)
        #expect((problem["words"] as? String)?.contains(words) == true, "\(result.output)")
        #expect((problem["remedies"] as? [String])?.isEmpty == false)
    }

    @Test("a port that another program has: names it and how to end it")
    func busy() throws {
        let lab = try Lab()
        let line = try SerialLine(.socat, in: lab)
        let holder = try lab.startOther("/usr/bin/flock", [line.desk, "cat"])
        try holder.waitForLock(on: line.desk)
        let result = try lab.run("dbgcom", ["doctor", line.desk])
        #expect(result.status == 1, "\(result)")
        #expect(result.output.contains("is in use by"), "\(result.output)")
        #expect(result.output.contains("→ kill "), "\(result.output)")
    }

    @Test("a damaged line: how many frames, and what to try")
    func damaged() throws {
        let lab = try Lab()
        let line = try SerialLine(.cable, in: lab, faults: ["--bit-error-rate", "1e-3"])
        try lab.serve(line, 41, ["--session", "--exec", "cat"])
        let copy = try lab.shell("head -c 20000 /dev/urandom | \(lab.connect(line, 41)) --session")
        #expect(copy.status == 0)
        let result = try lab.run("dbgcom", ["doctor", line.desk, "--baud", "\(line.baudRate)"])
        #expect(result.status == 1, "\(result)")
        #expect(result.output.contains("frames arrive damaged"), "\(result.output)")
    }

    @Test("a loopback plug is found, missed and found faulty")
    func loopback() throws {
        let lab = try Lab()
        let plugs = [
            ("EXEC:cat", 0, "all 1024 bytes came back"),
            ("SYSTEM:cat >/dev/null", 1, "no loopback plug"),
            ("EXEC:stdbuf -o0 tr A B", 1, "of them wrong"),
        ]
        for (plug, status, words) in plugs {
            let port = "\(lab.folder)/port"
            let echo = try lab.startOther(
                "/usr/bin/socat",
                ["-d", "-d", "pty,raw,echo=0,link=\(port)", plug]
            )
            try echo.wait(for: "starting data transfer loop", in: \.errors)
            let result = try lab.run("dbgcom", ["loopback", port])
            #expect(result.status == status, "\(plug): \(result)")
            #expect(result.output.contains(words), "\(plug): \(result.output)")
            echo.signal(SIGTERM)
            _ = try echo.waitForExit()
        }
    }

    @Test("bench measures a cable between two ports of one machine")
    func bench() throws {
        let lab = try Lab()
        let line = try SerialLine(.cable, in: lab)
        let result = try lab.run(
            "dbgcom",
            [
                "bench", line.lab, line.desk, "--baud", "\(line.baudRate)", "--seconds", "0.3",
                "--channels", "8", "--json",
            ]
        )
        #expect(result.status == 0, "\(result)")
        let object = try JSONSerialization.jsonObject(with: Data(result.output.utf8))
        let figures = try #require(object as? [String: Double])
        #expect(try #require(figures["round-trip-idle-median-ms"]) > 0.4)
        for key in ["out-percent", "in-percent", "both-out-percent", "both-in-percent"] {
            #expect(try #require(figures[key]) > 0, "\(key): \(figures)")
        }
        #expect(0...1.0001 ~= (try #require(figures["fairness"])))
    }

    @Test("list shows names, users and absent ports; watch shows them come and go")
    func listAndWatch() throws {
        let lab = try Lab()
        let map = "\(lab.folder)/ports"
        try "COM9 \(lab.folder)/lab\n".write(toFile: map, atomically: true, encoding: .utf8)
        func dbgcom(_ arguments: String...) throws -> RunningProgram {
            try lab.startOther(
                "/usr/bin/env",
                ["DBGSRV_PORTS=\(map)", Lab.program("dbgcom")] + arguments
            )
        }
        let watch = try dbgcom("watch")
        try watch.wait(for: "watching", in: \.errors)
        let absent = try dbgcom("list")
        #expect(try absent.waitForExit() == 0)
        #expect(absent.output.contains("COM9"), "\(absent.output)")
        #expect(absent.output.contains("(not plugged in)"), "\(absent.output)")

        let line = try SerialLine(.socat, in: lab)
        try watch.wait(for: "+ COM9")
        try lab.serve(line, 42, ["--exec", "cat"])
        let present = try dbgcom("list", "--json")
        #expect(try present.waitForExit() == 0)
        let ports = try #require(
            try JSONSerialization.jsonObject(with: Data(present.output.utf8)) as? [[String: Any]]
        )
        let port = try #require(ports.first { $0["name"] as? String == "COM9" })
        #expect(port["present"] as? Bool == true)
        let users = try #require(port["users"] as? [String])
        #expect(users.contains { $0.hasPrefix("dbgcom serve (pid") }, "\(users)")

        try FileManager.default.removeItem(atPath: "\(lab.folder)/lab")
        try watch.wait(for: "- COM9")
        watch.signal(SIGINT)
        #expect(try watch.waitForExit() == 0)
    }
}

extension RunningProgram {
    /// Waits until somebody has the lock on a file.
    fileprivate func waitForLock(on path: String) throws {
        let deadline = Date(timeIntervalSinceNow: Self.patienceSeconds)
        while true {
            let descriptor = open(path, O_RDWR | O_NOCTTY)
            defer { close(descriptor) }
            if flock(descriptor, LOCK_EX | LOCK_NB) != 0 { return }
            flock(descriptor, LOCK_UN)
            try #require(Date() < deadline, "nobody took the lock of \(path)")
        }
    }
}
