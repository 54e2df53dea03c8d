import Glibc
import Testing

@Suite("A shared session whose own console stands still")
struct StoppedConsoleTests {
    /// The debugger at a terminal, sharing its session on a TCP port.
    private func console(_ lab: Lab) throws -> (screen: Screen, transport: String) {
        let port = try freePort()
        let screen = try Screen(
            "/usr/bin/env",
            [
                "HOME=\(lab.folder)", "DBGSRV_RUNTIME_DIR=\(lab.folder)/run", "TERM=xterm",
                Lab.program("cdb"), "-server", "tcp:port=\(port)", "/usr/bin/sleep", "1000",
            ]
        )
        try screen.wait(for: "0:000> ")
        return (screen, "tcp:server=localhost,port=\(port)")
    }

    private func join(_ lab: Lab, _ transport: String) throws -> RunningProgram {
        let client = try lab.start("cdb", ["-remote", transport])
        try client.wait("its first prompt") {
            $0.output.contains(" connected at ") && $0.output.hasSuffix("> ")
        }
        return client
    }

    @Test("Ctrl+S at the prompt holds up nobody, and Ctrl+Q shows what came meanwhile")
    func atThePrompt() throws {
        let lab = try Lab()
        let (screen, transport) = try console(lab)
        let client = try join(lab, transport)
        try screen.wait(for: " connected at ")
        screen.type("\u{13}")
        client.type(".echo while stopped\n")
        try client.wait(for: "while stopped\n0:000> ")
        // More than a terminal's own buffer takes.
        for round in 1...3 {
            client.type(
                ".for (r $t0=0; @$t0<0n4000; r $t0=@$t0+1) { .printf \"line of a long listing\\n\" }\n"
            )
            client.type(".echo done \(round)\n")
            try client.wait(for: "done \(round)\n0:000> ")
        }
        #expect(!screen.text.contains("while stopped"))
        screen.type("\u{11}")
        try screen.wait(for: "] 0:000> .echo while stopped\r\nwhile stopped\r\n")
        try screen.wait(for: " bytes of output were not shown here]")
        try screen.wait(for: "0:000> ", behind: " bytes of output were not shown here]")
        screen.type(".echo awake\r")
        try screen.wait(for: "\r\nawake\r\n")
        try client.wait(for: "\nawake\n")
        screen.type("q\r")
        #expect(screen.waitForExit() == 0)
    }
}
