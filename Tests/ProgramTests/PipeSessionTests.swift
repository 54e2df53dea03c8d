import Foundation
import Glibc
import Testing

@Suite("Sessions over named pipes")
struct PipeSessionTests {
    /// The name that a server printed.
    private func chosenName(_ server: RunningProgram) throws -> String {
        let match = try #require(
            server.errors.firstMatch(of: /npipe:Pipe=(\S+)/),
            "\(server.errors)"
        )
        return String(match.output.1)
    }

    @Test("cdb, gdb by the socket's path, and gdb through dbgbridge debug through one pipe")
    func everyClient() throws {
        let lab = try Lab()
        let debuggee = try Debuggee(in: lab)
        _ = try lab.startServer("npipe:pipe=rabbit")
        let transport = "npipe:server=localhost,pipe=rabbit"
        let cdb = try lab.run(
            "cdb",
            ["-premote", transport, "-p", "\(debuggee.processID)", "-c", "bp worker!store;g;k;qd"]
        )
        #expect(cdb.status == 0 && cdb.output.contains("Breakpoint 0 hit"), "\(cdb)")
        for target in [
            "\(lab.folder)/run/pipes/rabbit",
            "| \(Lab.program("dbgbridge")) -c \(transport) -s stdio",
        ] {
            let output = try lab.gdb(
                [
                    "set sysroot /", "target extended-remote \(target)",
                    "attach \(debuggee.processID)", "bt", "detach",
                ],
                program: debuggee.path
            )
            #expect(output.contains("main (argc="), "\(output)")
        }
        try debuggee.expectRunsFree()
    }

    @Test("the process id takes the place of %x and %d; the name goes with its server")
    func formatCodes() throws {
        let lab = try Lab()
        let server = try lab.startServer("npipe:pipe=lab-%x-%d")
        let process = server.processID
        let name = "lab-\(String(process, radix: 16))-\(process)"
        #expect(try chosenName(server) == name)
        let path = "\(lab.folder)/run/pipes/\(name)"
        #expect(FileManager.default.fileExists(atPath: path))
        server.signal(SIGTERM)
        #expect(try server.waitForExit() == 0)
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test("a name in use is an error; one that a killed server left is taken over")
    func nameInUse() throws {
        let lab = try Lab()
        let server = try lab.startServer("npipe:pipe=rabbit")
        let second = try lab.run("dbgsrv", ["-t", "npipe:pipe=rabbit"])
        #expect(second.status == 2, "\(second)")
        #expect(second.errors.contains("npipe rabbit is in use"), "\(second)")
        server.signal(SIGKILL)
        _ = try server.waitForExit()
        _ = try lab.startServer("npipe:pipe=rabbit")
    }

    @Test(
        "a client is told what is wrong",
        arguments: [
            ("npipe:server=localhost,pipe=hare", "no server of user"),
            ("npipe:server=elsewhere.invalid,pipe=hare", "server was 'elsewhere.invalid'"),
            (
                "npipe:server=localhost,pipe=\(String(repeating: "h", count: 200))",
                "its name may have"
            ),
        ]
    )
    func mistakes(transport: String, words: String) throws {
        let lab = try Lab()
        let result = try lab.run("cdb", ["-premote", transport, "-p", "1"])
        #expect(result.status == 2, "\(result)")
        #expect(result.errors.contains(words), "\(result)")
    }
}
