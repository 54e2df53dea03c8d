import Foundation
import Glibc
import Testing

@Suite("A debugging server: several people in one session")
struct DebuggingServerTests {
    @Test("who joins sees what was, and who joined; everybody sees commands and their output")
    func join() throws {
        let shared = try SharedLab()
        #expect(shared.server.output.contains("Server started.  Client can connect with any"))
        #expect(shared.server.output.contains("\n0: cdb -remote tcp:Port="))
        let one = try shared.join()
        #expect(one.output.contains("CommandLine: \(shared.debuggee)"), "history")
        let two = try shared.join()
        for each in [shared.server, one, two] {
            try each.wait("both connect lines") {
                $0.output.matches(
                    of:
                        /\n\S+\\\w+ \(tcp \S+:\d+\) connected at \w{3} \w{3} [ \d]\d [\d:]{8} \d{4}/
                ).count == 2
            }
        }
        two.forgetOutput()
        shared.server.forgetOutput()
        let own = try one.type("r rip", until: "0:000> ")
        #expect(own.hasPrefix("rip="), "\(own)")
        for each in [two, shared.server] {
            try each.wait(for: "\nrip=")
            #expect(
                each.output.contains(/\[\S+\\\w+ \(tcp \S+\)\] 0:000> r rip\nrip=/),
                "\(each.output)"
            )
        }
        // As documented: nobody gets a prompt for somebody else's command.
        #expect(!two.output.hasSuffix("0:000> "))
        one.forgetOutput()
        try shared.type(".echo from the console", until: "from the console\n0:000> ")
        try one.wait(for: "0:000> .echo from the console\nfrom the console\n")
        #expect(!one.output.contains("["), "the server's own commands have no identity")
    }

    @Test("any client breaks in; comments stay at home; Ctrl+B leaves; q does nothing, qq ends all")
    func runAndLeave() throws {
        let shared = try SharedLab()
        let one = try shared.join()
        let two = try shared.join()
        try one.type("bp worker!store", until: "0:000> ")
        try one.type("g", until: "Breakpoint 0 hit")
        try two.type("bc *", until: "> ")
        two.forgetOutput()
        one.type("g\n")
        try two.wait(for: "> g\n")
        try shared.server.wait(for: "> g\n")
        two.signal(SIGINT)
        try two.wait(for: "Break instruction exception")
        try one.wait(for: "Break instruction exception")
        two.forgetOutput()
        try one.type("* a remark", until: "> ")
        try one.type("* a remark\n.echo chat", until: "chat")
        try two.wait(for: "chat\n")
        #expect(!two.output.contains("remark"), "\(two.output)")
        let refused = try one.type("q", until: "qq ends the session for everybody\n")
        #expect(!refused.contains("quit:"))
        try one.type("qd", until: "qd is for the server's own console")
        one.type("\u{02}\n")
        #expect(try one.waitForExit() == 0)
        two.type("qq\n")
        #expect(try two.waitForExit() == 0)
        #expect(two.output.contains("the session has ended"), "\(two.output)")
        #expect(try shared.server.waitForExit() == 0)
    }

    @Test("a client of a running target is told so, and its commands run when it stops")
    func busy() throws {
        let shared = try SharedLab()
        let one = try shared.join()
        one.type("g\n")
        let two = try shared.lab.start(
            "cdb",
            ["-remote", "tcp:server=localhost,port=\(try shared.port())"]
        )
        try two.wait(for: "*BUSY* the target runs; Ctrl+C breaks in\n")
        #expect(!two.output.contains("0:000> \n"))
        two.type(".echo waited\n")
        try two.wait(for: "carried out when it stops")
        let three = try shared.lab.start(
            "cdb",
            ["-remote", "tcp:server=localhost,port=\(try shared.port())", "-bonc"]
        )
        try three.wait(for: "Break instruction exception")
        try two.wait(for: "waited\n")
        try one.wait(for: "waited\n")
    }

    @Test("servers are started at any time, listed, and ended; their clients stay")
    func commands() throws {
        let shared = try SharedLab("npipe:pipe=rabbit-%d,password=secret1")
        let server = shared.server
        let pipe = "rabbit-\(server.processID)"
        #expect(server.output.contains("0: cdb -remote npipe:Pipe=\(pipe),Server="))
        #expect(server.output.contains(",Password=*\n"))
        try shared.type(".server tcp:port=0", until: "0:000> ")
        #expect(server.output.contains("1: cdb -remote tcp:Port="))
        #expect(server.output.contains("0: cdb -remote npipe:"), "all are listed again")
        try shared.type(".servers", until: "0:000> ")
        #expect(server.output.contains("0 - Debugger Server - npipe:Pipe=\(pipe),Password=*\n"))
        #expect(server.output.contains(/1 - Debugger Server - tcp:Port=\d+\n/))
        try shared.type(".server tcp:port=1:", until: "0:000> ")
        #expect(server.output.contains("port must be"))
        let client = try shared.join(
            through: "npipe:server=localhost,pipe=\(pipe),password=secret1"
        )
        try client.type(".clients", until: "0:000> ")
        #expect(client.output.contains(/1: \S+\\\w+ \(npipe \S+ \(pid \d+\)\), last active \w/))
        try shared.type(".endsrv 0", until: "0:000> ")
        #expect(server.output.contains("Server told to exit."))
        try shared.type(".servers", until: "0:000> ")
        #expect(server.output.contains("0 - <Disabled>\n1 - Debugger Server"))
        try shared.type(".endsrv 0", until: "there is no server 0")
        let late = try shared.lab.run(
            "cdb",
            ["-remote", "npipe:server=localhost,pipe=\(pipe),password=secret1"]
        )
        #expect(late.status == 2, "\(late)")
        try client.type(".echo still here", until: "still here\n0:000> ")
    }

    @Test("a program of this machine is shared without a process server")
    func local() throws {
        let lab = try Lab()
        let worker = try lab.compile("Demo/worker.c", as: "worker")
        let server = try lab.start("cdb", ["-server", "npipe:pipe=rabbit", worker, "1"])
        try server.wait(for: "0:000> ")
        let client = try lab.start("cdb", ["-remote", "npipe:server=localhost,pipe=rabbit"])
        try client.wait(for: " connected at ")
        try client.type("bp worker!store;g;k", until: "worker!measure")
        client.type("qq\n")
        #expect(try client.waitForExit() == 0)
        #expect(try server.waitForExit() == 0)
    }

    @Test("-noio: no console, only clients and -c")
    func noConsole() throws {
        let shared = try SharedLab(
            "npipe:pipe=rabbit",
            options: ["-noio", "-c", "bp worker!store;g"]
        )
        try waitForSocket("\(shared.lab.folder)/run/pipes/rabbit")
        let client = try shared.lab.start("cdb", ["-remote", "npipe:server=localhost,pipe=rabbit"])
        try client.wait(for: "Breakpoint 0 hit")
        shared.server.type("qq\n")
        try client.type("k", until: "worker!store")
        client.type("qq\n")
        #expect(try shared.server.waitForExit() == 0)
        #expect(shared.server.output.isEmpty && shared.server.errors.isEmpty)
    }
}
