import Foundation
import Glibc
import LinuxSystem
import Testing

@Suite("Pipes of another machine, through ssh")
struct RemotePipeTests {
    private func attach(
        _ lab: Lab,
        _ ssh: LoopbackSSH,
        _ transport: String,
        _ process: Int32 = 1
    ) throws -> (status: Int32, output: String, errors: String) {
        try ProgramTests.run(
            Lab.program("cdb"),
            ["-premote", transport, "-p", "\(process)", "-c", "r;qd"],
            environment: client(lab, ssh)
        )
    }

    /// The desk has a runtime folder of its own, so that no pipe is found without ssh.
    private func client(_ lab: Lab, _ ssh: LoopbackSSH) -> [String: String] {
        lab.environment.merging([
            "DBGSRV_RUNTIME_DIR": "\(lab.folder)/desk", "DBGSRV_SSH_CONFIG": ssh.configuration,
        ]) { $1 }
    }

    @Test("server=OTHERHOST: cdb and gdb debug; a password and TLS of the server work through it")
    func sessions() throws {
        let lab = try Lab()
        let ssh = try LoopbackSSH(in: lab)
        let debuggee = try Debuggee(in: lab)
        _ = try lab.startServer("npipe:pipe=rabbit")
        _ = try lab.startServer("npipe:pipe=closed,password=abc")
        for pipe in ["rabbit", "closed,password=abc"] {
            let result = try attach(
                lab,
                ssh,
                "npipe:server=\\\\labbox,pipe=\(pipe)",
                debuggee.processID
            )
            #expect(result.status == 0 && result.output.contains("rip="), "\(result)")
        }
        let wrong = try attach(lab, ssh, "npipe:server=labbox,pipe=closed,password=x")
        #expect(wrong.errors.contains("Error 0x80004005"), "\(wrong)")
        let bridge = "\(Lab.program("dbgbridge")) -c npipe:server=labbox,pipe=rabbit -s stdio"
        let gdb = try ProgramTests.run(
            "/usr/bin/gdb",
            lab.gdbArguments(
                [
                    "set sysroot /", "target extended-remote | \(bridge)",
                    "attach \(debuggee.processID)", "bt", "detach",
                ],
                program: debuggee.path
            ),
            environment: client(lab, ssh)
        )
        #expect(gdb.output.contains("main (argc="), "\(gdb)")
        #expect(folderEntries("\(lab.folder)/desk/ssh").isEmpty)
        try debuggee.expectRunsFree()
    }

    @Test("what goes wrong is said in ssh's own words")
    func mistakes() throws {
        let lab = try Lab()
        let ssh = try LoopbackSSH(in: lab)
        let cases = [
            ("npipe:server=labbox,pipe=hare", "has a pipe of that name"),
            ("npipe:server=stranger,pipe=hare", "Permission denied"),
            ("npipe:server=elsewhere.invalid,pipe=hare", "Could not resolve hostname"),
            ("npipe:server=-oProxyCommand=x,pipe=hare", "ssh cannot be told of such names"),
        ]
        for (transport, words) in cases {
            let result = try attach(lab, ssh, transport)
            #expect(result.status == 2, "\(result)")
            #expect(result.errors.contains(words), "\(result)")
        }
        let without = try ProgramTests.run(
            Lab.program("cdb"),
            ["-premote", "npipe:server=labbox,pipe=hare", "-p", "1"],
            environment: client(lab, ssh).merging(["PATH": "\(lab.folder)/empty"]) { $1 }
        )
        #expect(without.errors.contains("openssh-client"), "\(without)")
    }

    @Test("when ssh goes, the session ends with a sentence; when cdb goes, ssh does")
    func ends() throws {
        let lab = try Lab()
        let ssh = try LoopbackSSH(in: lab)
        let debuggee = try Debuggee(in: lab)
        let server = try lab.startServer("npipe:pipe=rabbit")
        let arguments = [
            "-premote", "npipe:server=labbox,pipe=rabbit", "-p", "\(debuggee.processID)",
        ]
        func startClient() throws -> (RunningProgram, ssh: Int32) {
            let cdb = try RunningProgram(
                Lab.program("cdb"),
                arguments,
                environment: client(lab, ssh)
            )
            try cdb.wait(for: "> ")
            let path = "/proc/\(cdb.processID)/task/\(cdb.processID)/children"
            let children = try #require(fileText(path)).split(separator: " ")
            try #require(children.count == 1)
            return (cdb, try #require(Int32(children[0])))
        }
        let (first, itsTunnel) = try startClient()
        first.signal(SIGKILL)
        try server.wait(for: "session ended", in: \.errors)
        let deadline = Date(timeIntervalSinceNow: 60)
        while processIsAlive(itsTunnel), Date() < deadline {}
        #expect(!processIsAlive(itsTunnel))
        let (second, tunnel) = try startClient()
        kill(tunnel, SIGKILL)
        second.type("r\n")
        second.closeInput()
        #expect(try second.waitForExit() != 0)
        #expect(second.output.contains("lost"), "\(second.output) \(second.errors)")
        try debuggee.expectRunsFree()
    }
}
