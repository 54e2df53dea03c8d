import Foundation
import Glibc
import Testing

@Suite("Debugging clients come, go, fall behind and come back")
struct SharedOrderTests {
    @Test("-clines says how much earlier text a client gets")
    func history() throws {
        let shared = try SharedLab()
        let none = try shared.join(["-clines", "0"])
        #expect(!none.output.contains("CommandLine:"), "\(none.output)")
        for number in 1...5 { try shared.type(".echo line \(number)", until: "\n0:000> ") }
        let some = try shared.join(["-clines", "4"])
        #expect(some.output.contains("line 5\n") && !some.output.contains("line 2\n"))
    }

    @Test("a script is carried out to its end; .remote_exit has last commands; .noshell is obeyed")
    func smallCommands() throws {
        let shared = try SharedLab(options: ["-noshell"])
        let transport = "tcp:server=localhost,port=\(try shared.port())"
        let script = try shared.lab.start("cdb", ["-remote", transport, "-c", ".echo first"])
        script.type((1...100).map { ".echo number \($0)\n" }.joined())
        script.closeInput()
        #expect(try script.waitForExit() == 0)
        let numbers = script.output.matches(of: /\n(?:0:000> )*number (\d+)/)
        #expect(script.output.contains("first\n"))
        #expect(numbers.compactMap { Int($0.output.1) } == Array(1...100), "\(script.output)")
        let client = try shared.join()
        client.type(".remote_exit .echo goodbye\n")
        #expect(try client.waitForExit() == 0)
        try shared.server.wait(for: "] 0:000> .echo goodbye\ngoodbye\n")
        try shared.type(".noshell", until: "Shell commands disabled")
        try shared.type(".remote_exit", until: "is for debugging clients")
    }

    @Test("at a terminal the line being typed is drawn again below what comes; Tab asks the server")
    func terminal() throws {
        let shared = try SharedLab()
        let port = try shared.port()
        let screen = try Screen(
            "/usr/bin/env",
            [
                "HOME=\(shared.lab.folder)", "XDG_CACHE_HOME=\(shared.lab.folder)/cache",
                "TERM=xterm", Lab.program("cdb"), "-remote", "tcp:server=localhost,port=\(port)",
            ]
        )
        try screen.wait(for: " connected at ")
        try screen.wait(for: "0:000> ")
        screen.type(".echo half")
        try screen.wait(for: ".echo half")
        try shared.type(".echo meanwhile", until: "meanwhile\n0:000> ")
        try screen.wait(for: "meanwhile\r\n")
        try screen.wait(for: ".echo half", behind: "meanwhile\r\n")
        screen.type(" a line\r")
        try screen.wait(for: "half a line\r\n", behind: " a line\r\n")
        try shared.server.wait(for: "] 0:000> .echo half a line\nhalf a line\n")
        screen.type("bp worker!meas\t")
        // libedit draws what Tab adds, behind what stands there.
        try screen.wait(for: "ure ", behind: "bp worker!meas")
        screen.type("\r")
        try shared.server.wait(for: "bp worker!measure")
        screen.type("g\r")
        try screen.wait(for: "Breakpoint 0 hit")
        screen.type("bc *\rg\r")
        try screen.wait(for: "*BUSY* ")
        screen.type("\u{03}")
        try screen.wait(for: "Break instruction exception", behind: "*BUSY* ")
        screen.type("\u{02}\r")
        #expect(screen.waitForExit() == 0)
    }

    @Test("two clients that type at once: every command is carried out once, in one order for all")
    func typingAtOnce() throws {
        let shared = try SharedLab()
        let one = try shared.join()
        let two = try shared.join()
        let watcher = try shared.join()
        let count = 25
        for number in 1...count {
            one.type(".echo one-\(number)-said\n")
            two.type(".echo two-\(number)-said\n")
        }
        let everybody = [shared.server, one, two, watcher]
        for each in everybody {
            for name in ["one", "two"] { try each.wait(for: "\n\(name)-\(count)-said") }
            try each.wait("all of it") { said($0).count == 2 * count }
        }
        let order = said(shared.server)
        #expect(Set(order).count == 2 * count)
        for each in everybody { #expect(said(each) == order) }
        for name in ["one", "two"] {
            let own = order.filter { $0.hasPrefix(name) }
            #expect(own == (1...count).map { "\(name)-\($0)-said" }, "its own order is kept")
        }
    }

    /// What `.echo` has written, not what was typed.
    private func said(_ program: RunningProgram) -> [String] {
        program.output.split(separator: "\n").compactMap { line in
            line.firstMatch(of: /^(?:0:000> )*((?:one|two)-\d+-said)$/).map { String($0.output.1) }
        }
    }

    @Test("a client that stops reading holds up nobody, and is told what it missed")
    func stuckClient() throws {
        let shared = try SharedLab()
        let stuck = try shared.join()
        let reader = try shared.join()
        stuck.signal(SIGSTOP)
        let long = String(repeating: "0123456789", count: 3_000)
        for number in 1...400 {
            shared.server.type(".echo \(number) \(long)\n")
            // Each has to be read: whoever writes into a full pipe waits.
            for each in [shared.server, reader] {
                try each.wait(for: "\(number) 0123")
                #expect(!each.output.contains("were not kept"))
                each.forgetOutput()
            }
        }
        stuck.signal(SIGCONT)
        try stuck.wait(for: "bytes of output were not kept for this client")
        try stuck.wait(for: "\n400 0123")
        try stuck.type(".echo back", until: "back\n")
    }

    @Test("a client whose connection breaks comes back and sees what it missed")
    func reconnect() throws {
        let shared = try SharedLab()
        let arguments = [
            "-c", "tcp:server=localhost,port=\(try shared.port())", "-s", "npipe:pipe=way",
        ]
        let bridge = try shared.lab.start("dbgbridge", arguments)
        try bridge.wait(for: "listening on", in: \.errors)
        let client = try shared.join(through: "npipe:server=localhost,pipe=way")
        bridge.signal(SIGKILL)
        _ = try bridge.waitForExit()
        try client.wait(for: "trying again")
        try shared.type(".echo while you were away", until: "away\n0:000> ")
        let other = try shared.lab.start("dbgbridge", arguments)
        try other.wait(for: "listening on", in: \.errors)
        try client.wait(for: "connected again; this is what came meanwhile:\n")
        try client.wait(for: "\nwhile you were away\n")
        let count = client.output.matches(of: /CommandLine:/).count
        #expect(count == 1, "the history is not repeated")
        try client.type("r rip", until: "rip=")
    }

    @Test("who is killed is missed by nobody: a client, the hub, the debugger")
    func killed() throws {
        let shared = try SharedLab()
        let doomed = try shared.join()
        let client = try shared.join()
        doomed.signal(SIGKILL)
        _ = try doomed.waitForExit()
        try client.type("r rip", until: "rip=")
        // The hub: the debugger debugs on, and can be shared anew.
        kill(try shared.hub(), SIGKILL)
        try shared.server.wait(for: "The debugging server has ended by itself")
        client.signal(SIGINT)
        #expect(try client.waitForExit() == 2)
        try shared.type("r rip", until: "rip=")
        try shared.type(".server tcp:port=0", until: "0:000> ")
        let last = try shared.join()
        #expect(last.output.contains("CommandLine:"), "what was said before is kept")
        shared.server.signal(SIGKILL)
        #expect(try last.waitForExit() == 0)
        #expect(last.output.contains("the session has ended: the debugger has ended"))
    }
}
