import Foundation
import Glibc
import Testing

@Suite("--read-only and --policy, with real clients and a real process")
struct PolicySessionTests {
    private static let client = "npipe:server=localhost,pipe=box"

    private func serve(_ lab: Lab, _ options: [String]) throws -> RunningProgram {
        let server = try lab.start("dbgsrv", ["-v", "-t", "npipe:pipe=box"] + options)
        try server.wait(for: "listening on", in: \.errors)
        return server
    }

    private func policy(_ lab: Lab, _ text: String) throws -> [String] {
        let path = "\(lab.folder)/policy"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return ["--policy", path]
    }

    @Test("a client that sends everything under --read-only changes no process and no file")
    func everything() throws {
        let lab = try Lab()
        let debuggee = try Debuggee(in: lab)
        let file = "\(lab.folder)/file"
        try "untouched".write(toFile: file, atomically: true, encoding: .utf8)
        let fifo = "\(lab.folder)/fifo"
        #expect(mkfifo(fifo, 0o600) == 0)
        let code = try debuggee.code()
        let server = try serve(lab, ["--read-only"])
        let client = try PacketClient(lab, "box")
        let hex = { (text: String) in text.utf8.map { String($0, radix: 16) }.joined() }
        let process = String(debuggee.processID, radix: 16)
        _ = try client.ask("qSupported:multiprocess+;swbreak+;vContSupported+")
        #expect(try client.ask("vAttach;\(process)").hasPrefix("T"))
        let registers = try client.ask("g")
        let counter = try #require(try pc(client))
        for packet in [
            "M\(counter),1:cc", "X\(counter),1:A", "P0=0000000000000000", "G00", "Z0,\(counter),1",
            "Z1,\(counter),1", "Z2,\(counter),4", "vKill;\(process)", "vRun;\(hex("/bin/true"))",
            "vRunImplicit", "vFile:open:\(hex(file)),601,1b6", "vFile:open:\(hex(file)),400,0",
            "vFile:open:\(hex(file)),2,0", "vFile:unlink:\(hex(file))",
            "vFile:open:\(hex(fifo)),0,0",
            "vFile:open:\(hex(file + "2")),a01,1b6", "qXfer:siginfo:write::0:aaaa", "vCont;C09",
            "vCont;C0f:p\(process).\(process)", "c1000", "C09", "S09", "QAllow:WriteMem:1",
        ] {
            let reply = try client.ask(packet)
            #expect(reply.hasPrefix("E") || reply.hasPrefix("F-1"), "\(packet): \(reply)")
        }
        // These are not answered, or only set things up.
        for packet in ["k", "R00"] { try client.send(packet) }
        for packet in ["QProgramSignals:", "QSetDetachOnError:0", "QPassSignals:f"] {
            #expect(try client.ask(packet) == "OK", "\(packet)")
        }
        // `monitor exit`
        #expect(try client.ask("qRcmd,65786974") == "OK")
        #expect(try client.ask("g") == registers)
        #expect(try client.ask("D;\(process)") == "OK")
        try debuggee.expectRunsFree()
        #expect(try debuggee.code() == code)
        #expect(try String(contentsOfFile: file, encoding: .utf8) == "untouched")
        #expect(!FileManager.default.fileExists(atPath: file + "2"))
        #expect(server.isRunning)
        try server.wait(for: "audit: refused M: refused by --read-only", in: \.errors)
    }

    private func pc(_ client: PacketClient) throws -> String? {
        let reply = try client.ask("p10")
        let bytes = stride(from: 0, to: reply.count - 1, by: 2).map { index in
            String(reply.dropFirst(index).prefix(2))
        }
        return bytes.isEmpty ? nil : bytes.reversed().joined()
    }

    @Test(
        "a signal that comes while an observer watches reaches the program, and is not kept from it"
    )
    func signal() throws {
        let lab = try Lab()
        _ = try serve(lab, ["--read-only"])
        let script = "trap 'echo got it' USR1; echo ready; while :; do sleep 0.1; done"
        let program = try lab.startOther("/bin/sh", ["-c", script])
        try program.wait(for: "ready")
        let client = try PacketClient(lab, "box")
        _ = try client.ask("qSupported:multiprocess+")
        let process = String(program.processID, radix: 16)
        #expect(try client.ask("vAttach;\(process)").hasPrefix("T"))
        // The shell's children end all the time; those signals need no stop.
        #expect(try client.ask("QPassSignals:14") == "OK")
        try client.send("vCont;c")
        program.signal(SIGUSR1)
        while try !client.reply().hasPrefix("T1e") { try client.send("vCont;c") }
        // The client lets it go on without the signal.
        try client.send("vCont;c")
        try program.wait(for: "got it")
    }

    @Test("cdb looks, goes on and leaves under --read-only; gdb is warned at the start")
    func observers() throws {
        let lab = try Lab()
        let debuggee = try Debuggee(in: lab)
        _ = try serve(lab, ["--read-only"])
        let cdb = try lab.start("cdb", ["-premote", Self.client, "-p", "\(debuggee.processID)"])
        try cdb.wait(for: "> ")
        cdb.type("k\nr rax=0\neb @rip cc\nbp worker!store\ng\n")
        try cdb.wait(for: "Unable to insert breakpoint 0")
        #expect(cdb.output.contains("refused by --read-only: writing memory"), "\(cdb.output)")
        #expect(cdb.output.contains("refused by --read-only: setting breakpoints"), "\(cdb.output)")
        cdb.type("bc *\ng\n")
        try debuggee.program.wait(for: "\n")
        debuggee.program.forgetOutput()
        try debuggee.program.wait(for: "\n")
        cdb.signal(SIGINT)
        try cdb.wait(for: "Break instruction")
        cdb.type("qd\n")
        #expect(try cdb.waitForExit() == 0, "\(cdb.output)")
        let gdb = try lab.gdb(
            [
                "target extended-remote \(lab.folder)/run/pipes/box",
                "attach \(debuggee.processID)", "bt", "set var $rax=0", "detach",
            ],
            program: debuggee.path
        )
        #expect(
            gdb.contains("Remote refused setting permissions with: E.refused by --read-only"),
            "\(gdb)"
        )
        #expect(gdb.contains("main (argc="), "\(gdb)")
        try debuggee.expectRunsFree()
    }

    @Test("a policy file: users, programs and operations")
    func file() throws {
        let lab = try Lab()
        let worker = try Debuggee(in: lab)
        let other = try Debuggee(in: lab, named: "other")
        let server = try serve(
            lab,
            try policy(
                lab,
                """
                allow=attach,list user=\(geteuid()) program=*/worker
                allow=create program=/usr/bin/sleep,/bin/sleep
                allow=kill user=nobody
                """
            )
        )
        func cdb(_ arguments: [String]) throws -> (status: Int32, output: String, errors: String) {
            try lab.run("cdb", ["-premote", Self.client] + arguments)
        }
        let good = try cdb(["-p", "\(worker.processID)", "-c", "r rip;eb @rip 90;qd"])
        #expect(good.status == 0 && good.output.contains("rip="), "\(good)")
        #expect(good.output.contains("no rule allows writing memory or registers in"), "\(good)")
        let bad = try cdb(["-p", "\(other.processID)"])
        #expect(
            bad.status == 3 && bad.errors.contains("no rule allows attaching in \(other.path)"),
            "\(bad)"
        )
        let killed = try cdb(["-p", "\(worker.processID)", "-c", ".kill;qd"])
        #expect(killed.output.contains("no rule allows ending or signalling"), "\(killed)")
        let started = try cdb(["/usr/bin/sleep", "300", "-c", "q"])
        #expect(started.output.contains("CommandLine: /usr/bin/sleep"), "\(started)")
        let refused = try cdb(["/bin/ls"])
        #expect(
            refused.status == 3 && refused.errors.contains("no rule allows starting programs in"),
            "\(refused)"
        )
        try worker.expectRunsFree()
        try other.expectRunsFree()
        try server.wait(
            for: "audit: attach process \(other.processID) \(other.path): refused by",
            in: \.errors
        )
    }

    @Test("a policy file with a mistake ends the server before it serves")
    func mistakes() throws {
        let lab = try Lab()
        let wrong = try policy(lab, "allow=attach\nallow=everything\n")
        let result = try lab.run("dbgsrv", ["-t", "npipe:pipe=box"] + wrong)
        #expect(result.status == 1)
        #expect(
            result.errors.contains(
                "\(lab.folder)/policy line 2: there is no permission 'everything'"
            )
        )
        let none = try lab.run("dbgsrv", ["-t", "npipe:pipe=box", "--policy", "/no/file"])
        #expect(
            none.status == 1 && none.errors.contains("--policy /no/file: No such file"),
            "\(none)"
        )
        try Data([0xff, 0]).write(to: URL(fileURLWithPath: "\(lab.folder)/policy"))
        let binary = try lab.run(
            "dbgsrv",
            ["-t", "npipe:pipe=box", "--policy", "\(lab.folder)/policy"]
        )
        #expect(binary.errors.contains("it is no UTF-8 text"), "\(binary)")
    }
}
