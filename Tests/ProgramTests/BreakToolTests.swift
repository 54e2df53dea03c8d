import Foundation
import LinuxSystem
import Testing

@Suite("dbgcom connect and serve: BREAK")
struct BreakToolTests {
    private func client(_ lab: Lab, _ line: SerialLine, _ channel: Int, _ option: String) throws
        -> RunningProgram
    {
        // script(1) gives connect a terminal, as a person has one.
        try lab.startOther(
            "/usr/bin/script",
            ["-qec", "exec \(lab.connect(line, channel)) \(option)", "/dev/null"]
        )
    }

    @Test("Ctrl-] b interrupts what runs on the far terminal, Ctrl-] q leaves (PROG-11)")
    func interrupts() throws {
        let lab = try Lab()
        let line = try SerialLine(.cable, in: lab)
        try lab.serve(line, 24, ["--session", "--exec-pty", "--exec", "sh", "-i"])
        let client = try client(lab, line, 24, "--session")
        client.type("PS1=rea''dy; trap 'echo inter''rupted' INT; echo st''arted; while :; do sleep 0.05; done\r")
        try client.wait(for: "started")
        client.type("\u{1D}b")
        try client.wait(for: "interrupted")
        client.type("\u{1D}?")
        try client.wait(for: "Ctrl-] b sends a BREAK")
        client.type("\u{1D}q")
        #expect(try client.waitForExit() == 1, "\(client.output)")
    }

    @Test("a program that wants no interrupt reads a zero byte between the bytes")
    func zeroByte() throws {
        let lab = try Lab()
        let line = try SerialLine(.socat, in: lab)
        let program = "stty raw -echo -brkint; echo re''ady; head -c 3 | od -An -tx1"
        try lab.serve(line, 24, ["--session", "--exec-pty", "--exec", "sh", "-c", program])
        let client = try client(lab, line, 24, "--session")
        try client.wait(for: "ready")
        client.type("a\u{1D}bb")
        try client.wait(for: "61 00 62")
        #expect(try client.waitForExit() == 0, "\(client.output)")
    }

    @Test("a program without a terminal is interrupted")
    func withoutTerminal() throws {
        let lab = try Lab()
        let line = try SerialLine(.socat, in: lab)
        let program =
            "trap 'echo inter''rupted; exit' INT; echo st''arted; while :; do sleep 0.05; done"
        try lab.serve(line, 24, ["--exec", "sh", "-c", program])
        let client = try client(lab, line, 24, "--console")
        try client.wait(for: "started")
        client.type("\u{1D}b")
        try client.wait(for: "interrupted")
        #expect(try client.waitForExit() == 0, "\(client.output)")
    }

    @Test(
        "a board's console on another port: every byte both ways, and the port is free afterwards"
    )
    func device() throws {
        let lab = try Lab()
        let line = try SerialLine(.cable, in: lab)
        let board = try PseudoTerminal()
        let kept = try board.openSlave()
        let before = try TerminalSettings(of: kept)
        try lab.serve(line, 25, ["--device", board.path])
        let every = "\(lab.folder)/every"
        try Data((0...255).map { UInt8($0) }).write(to: URL(fileURLWithPath: every))
        let reader = try lab.startOther(
            "/bin/sh",
            [
                "-c",
                "(cat \(every); cat) | \(lab.connect(line, 25)) | head -c 32 | od -An -v -tu1",
            ]
        )
        var arrived: [UInt8] = []
        while arrived.count < 256 {
            var requests = [PollRequest(board.master.number)]
            try #require(try pollDescriptors(&requests, timeoutMilliseconds: 30_000))
            arrived += try board.master.read(maximum: 256) ?? []
        }
        #expect(arrived == (0...255).map { UInt8($0) })
        // 255 is what marks begin with.
        _ = try board.master.write((0..<32).map { $0 < 16 ? 255 : UInt8($0) }[...])
        try reader.wait(for: String(repeating: " 255", count: 16))
        try reader.wait(for: "  16  17  18  19")
        reader.closeInput()
        #expect(try reader.waitForExit() == 0, "\(reader.errors)")
        let deadline = Date(timeIntervalSinceNow: RunningProgram.patienceSeconds)
        while try TerminalSettings(of: kept) != before {
            try #require(Date() < deadline, "the port keeps our settings")
        }
    }

    @Test("a console needs a terminal, and a port that is not there is named")
    func mistakes() throws {
        let lab = try Lab()
        let line = try SerialLine(.socat, in: lab)
        let result = try lab.shell("\(lab.connect(line, 25)) --console </dev/null 2>&1")
        #expect(result.status == 64 && result.output.contains("terminal"), "\(result)")
        let server = try lab.serve(line, 25, ["--device", "/dev/ttyUSB250"])
        _ = try lab.shell("\(lab.connect(line, 25)) </dev/null 2>&1")
        try server.wait(for: "/dev/ttyUSB250", in: \.errors)
    }
}
