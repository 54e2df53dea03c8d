import Foundation
import LinuxSystem
import Testing

@Suite("One script, the same answers from every backend")
struct ScenarioTests {
    /// Who does the work behind cdb.
    enum Backend: String, CaseIterable {
        /// cdb's own server on this machine.
        case local
        /// A process server.
        case dbgsrv
        /// GNU gdbserver that was started with the program.
        case gdbserver
        /// LLVM's lldb-server that was started with the program.
        case lldbServer = "lldb-server"
        /// A core file.
        case core
    }

    /// What can be asked of a process that has crashed, living or dead.
    private static let questions = [
        "kn", "dv", "dv /t", "dd counter L1", "da poi(greeting)", ".frame 3", "dv good", ".frame 0",
        "r rax, rip", "u crasher!descend L4", "ln @rip", "x crasher!*descend*", "dt record",
        "? poi(greeting) - greeting", ".exr -1", "lm m crasher", "lm m libc_so", "~1s",
        "k", ".frame 3", "dv", "~0s", ".formats counter",
    ]

    @Test(
        "a crash looks the same live, over every stub, and in the core file",
        arguments: Backend.allCases
    )
    func crash(_ backend: Backend) throws {
        let lab = try Lab()
        _ = try lab.compile("Demo/crasher.c", as: "crasher")
        let expected = try answers(lab, try lab.backend(.local))
        #expect(expected.contains("crasher!descend+"), "\(expected)")
        #expect(expected.contains("crasher!main+"), "\(expected)")
        #expect(expected.contains("nothing is mapped there"), "\(expected)")
        #expect(expected.contains("crasher!worker+"), "\(expected)")
        guard backend != .local else { return }
        let given = try answers(lab, try lab.backend(backend))
        let pairs = zip(expected.split(separator: "\n"), given.split(separator: "\n"))
        for (wanted, got) in pairs { #expect(wanted == got, "\(backend)") }
        #expect(expected == given, "\(backend)")
    }

    @Test(
        "breakpoints, steps and watchpoints stop at the same places over every stub",
        arguments: [Backend.local, .dbgsrv, .gdbserver, .lldbServer]
    )
    func stepping(_ backend: Backend) throws {
        let lab = try Lab()
        _ = try lab.compile("Demo/crasher.c", as: "crasher")
        let commands = [
            "bp descend", "g", "dv depth", "p", "p", "gu", "bc *", "ba w4 counter", "g", "bc *",
            "t",
            "r rip", "bp main", "bl",
        ]
        func run(_ backend: Backend) throws -> String {
            try conversation(lab, try lab.backend(backend), commands)
        }
        let expected = try run(.local)
        #expect(expected.contains("Breakpoint 0 hit"), "\(expected)")
        guard backend != .local else { return }
        let given = try run(backend)
        let pairs = zip(expected.split(separator: "\n"), given.split(separator: "\n"))
        for (wanted, got) in pairs { #expect(wanted == got, "\(backend)") }
        #expect(given == expected, "\(backend)")
    }

    private func answers(_ lab: Lab, _ arguments: [String]) throws -> String {
        let isCore = arguments.first == "-z"
        let text = try conversation(lab, arguments, (isCore ? [] : ["g"]) + Self.questions)
        // How it came to its end differs.
        return String(text[(text.firstRange(of: ">>> kn")?.lowerBound ?? text.startIndex)...])
    }

    /// What is said from the first question on, without what differs from run to run.
    private func conversation(
        _ lab: Lab,
        _ arguments: [String],
        _ commands: [String]
    ) throws -> String {
        let cdb = try lab.start("cdb", arguments)
        try cdb.wait(for: "0:000> ")
        var text = ""
        for command in commands {
            cdb.forgetOutput()
            cdb.type("\(command)\n.echo --done\n")
            try cdb.wait(for: "--done\n")
            text += ">>> \(command)\n\(cdb.output)"
        }
        cdb.type("q\n")
        _ = try cdb.waitForExit()
        return text.replacing(#/\d:\d\d\d> /#, with: "").replacing("--done\n", with: "")
            .replacing(/0{0,8}`?00007ff[ef][`]?[0-9a-f]{8}/, with: "STACK")
            .replacing(/00007fff`f[0-9a-f]{7}/, with: "LIBRARY")
            .replacing(/ModLoad: .*\n/, with: "")
    }
}

extension Lab {
    /// What cdb is to be given for a backend with the crashing program.
    fileprivate func backend(_ backend: ScenarioTests.Backend) throws -> [String] {
        switch backend {
        case .local: return [crasher]
        case .dbgsrv:
            let name = "scenario\(Int.random(in: 0..<1_000_000))"
            _ = try startServer("npipe:pipe=\(name)")
            return ["-premote", "npipe:server=localhost,pipe=\(name)", crasher]
        case .gdbserver:
            let server = try startOther("/usr/bin/gdbserver", ["--once", "127.0.0.1:0", crasher])
            try server.wait(for: "Listening on port ", in: \.errors)
            try server.wait("the port") { $0.errors.contains(/port \d+\n/) }
            let port = server.errors.firstMatch(of: /port (\d+)\n/)?.output.1 ?? ""
            return ["-premote", "tcp:server=127.0.0.1,port=\(port)"]
        case .lldbServer:
            let port = try freePort()
            _ = try startOther(
                "/usr/bin/lldb-server",
                ["gdbserver", "127.0.0.1:\(port)", "--", crasher]
            )
            try waitForListener(port)
            return ["-premote", "tcp:server=127.0.0.1,port=\(port)"]
        case .core:
            let path = "\(folder)/scenario.core"
            let made = try run("cdb", ["-g", "-c", ".dump /o /ma \(path);q", crasher])
            try #require(made.output.contains("successfully"), "\(made)")
            return ["-z", path]
        }
    }

    /// Waits until somebody listens at a port, without connecting: lldb-server takes one connection.
    fileprivate func waitForListener(_ port: Int) throws {
        let number = String(port, radix: 16, uppercase: true)
        let entry = ":" + String(repeating: "0", count: 4 - number.count) + number
        let deadline = Date(timeIntervalSinceNow: RunningProgram.patienceSeconds)
        while true {
            let table = try String(contentsOfFile: "/proc/net/tcp", encoding: .utf8)
            let isThere = table.split(separator: "\n").contains { line in
                let fields = line.split(separator: " ")
                return fields.count > 3 && fields[1].hasSuffix(entry) && fields[3] == "0A"
            }
            if isThere { return }
            try #require(Date() < deadline, "nobody listens on port \(port)")
            var nothing: [PollRequest] = []
            try pollDescriptors(&nothing, timeoutMilliseconds: 20)
        }
    }
}
