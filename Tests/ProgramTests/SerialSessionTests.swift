import Foundation
import Glibc
import Testing

@Suite("The main job: debugging through channels of a serial port")
struct SerialSessionTests {
    @Test(
        "gdb attaches through a channel, stops at a breakpoint and shows source",
        arguments: SerialLine.Kind.allCases
    )
    func gdbThroughAChannel(kind: SerialLine.Kind) throws {
        let lab = try Lab()
        let line = try SerialLine(kind, in: lab)
        let debuggee = try Debuggee(in: lab)
        _ = try lab.startServer(line.labChannel(3))

        let output = try lab.gdb(
            [
                "set sysroot /", line.gdbTarget(3), "attach \(debuggee.processID)",
                "break store", "continue", "bt", "print *sample", "info threads", "next", "detach",
            ],
            program: debuggee.path
        )

        #expect(output.contains("hit Breakpoint 1, store (sample="), "\(output)")
        #expect(output.contains("in measure (sensor="), "\(output)")
        #expect(output.contains("unit = \"degC"), "\(output)")
        #expect(output.contains("sensor-3"), "\(output)")
        #expect(output.contains("detached"), "\(output)")
        try debuggee.expectRunsFree()
    }

    @Test(
        "cdb attaches through a channel, stops at a breakpoint and shows source",
        arguments: SerialLine.Kind.allCases
    )
    func cdbThroughAChannel(kind: SerialLine.Kind) throws {
        let lab = try Lab()
        let line = try SerialLine(kind, in: lab)
        let debuggee = try Debuggee(in: lab)
        _ = try lab.startServer(line.labChannel(254))

        let commands = "bp worker!store;g;k;dv;~;p;r rip;bl;bc *;qd"
        let result = try lab.run(
            "cdb",
            [
                "-premote", line.deskChannel(254), "-lines", "-p", "\(debuggee.processID)", "-c",
                commands,
            ]
        )

        #expect(result.status == 0, "\(result)")
        #expect(result.output.contains("Breakpoint 0 hit"), "\(result.output)")
        #expect(result.output.contains("worker!store"), "\(result.output)")
        #expect(result.output.contains("worker!measure+"), "\(result.output)")
        #expect(result.output.contains("worker.c @ "), "\(result.output)")
        try debuggee.expectRunsFree()
    }

    @Test(
        "cdb and gdb debug two programs at once on two channels of one port",
        arguments: SerialLine.Kind.allCases
    )
    func twoClientsAtOnce(kind: SerialLine.Kind) throws {
        let lab = try Lab()
        let line = try SerialLine(kind, in: lab)
        let first = try Debuggee(in: lab, named: "first")
        let second = try Debuggee(in: lab, named: "second")
        _ = try lab.startServer(line.labChannel(1))
        _ = try lab.startServer(line.labChannel(2))

        let cdb = try lab.start(
            "cdb",
            ["-premote", line.deskChannel(1), "-p", "\(first.processID)"]
        )
        try cdb.wait(for: "> ")
        cdb.type("bp first!store\ng\n")
        try cdb.wait(for: "Breakpoint 0 hit")

        // cdb's session stands at its breakpoint all the while.
        let output = try lab.gdb(
            [
                "set sysroot /", line.gdbTarget(2), "attach \(second.processID)",
                "break measure", "continue", "bt", "detach",
            ],
            program: second.path
        )
        #expect(output.contains("hit Breakpoint 1, measure"), "\(output)")
        try second.expectRunsFree()

        #expect(try first.status("TracerPid") != "0")
        cdb.type("k\nbc *\nqd\n")
        try cdb.wait(for: "first!measure")
        #expect(try cdb.waitForExit() == 0)
        try first.expectRunsFree()
    }

    @Test("one server on one channel serves two clients, each a session of its own")
    func twoClientsOnOneChannel() throws {
        let lab = try Lab()
        let line = try SerialLine(.socat, in: lab)
        let first = try Debuggee(in: lab, named: "first")
        let second = try Debuggee(in: lab, named: "second")
        _ = try lab.startServer(line.labChannel(9))

        let cdbs = try [first, second].map { debuggee in
            let arguments = ["-premote", line.deskChannel(9), "-p", "\(debuggee.processID)"]
            return try lab.start("cdb", arguments)
        }
        for cdb in cdbs { try cdb.wait(for: "> ") }
        for (cdb, name) in zip(cdbs, ["first", "second"]) {
            cdb.type("bp \(name)!store\ng\n")
            try cdb.wait(for: "\(name)!store")
            cdb.type("qd\n")
            #expect(try cdb.waitForExit() == 0)
        }
        try first.expectRunsFree()
        try second.expectRunsFree()
    }

    @Test(
        "a client killed in mid-session leaves nothing stopped and no breakpoint in memory",
        arguments: SerialLine.Kind.allCases
    )
    func clientKilled(kind: SerialLine.Kind) throws {
        let lab = try Lab()
        let line = try SerialLine(kind, in: lab)
        let debuggee = try Debuggee(in: lab)
        let code = try debuggee.code()
        let server = try lab.startServer(line.labChannel(5))

        let cdb = try lab.start(
            "cdb",
            ["-premote", line.deskChannel(5), "-p", "\(debuggee.processID)"]
        )
        try cdb.wait(for: "> ")
        cdb.type("bp worker!store\nbp worker!measure\ng\n")
        try cdb.wait(for: "hit")
        cdb.signal(SIGKILL)
        try server.wait(for: "session ended", in: \.errors)

        #expect(try debuggee.code() == code)
        try debuggee.expectRunsFree()
    }

    @Test(
        "a server that is killed and started again serves the same channel",
        arguments: SerialLine.Kind.allCases
    )
    func serverRestarted(kind: SerialLine.Kind) throws {
        let lab = try Lab()
        let line = try SerialLine(kind, in: lab)
        let debuggee = try Debuggee(in: lab)
        let code = try debuggee.code()
        let server = try lab.startServer(line.labChannel(6))

        let cdb = try lab.start(
            "cdb",
            ["-premote", line.deskChannel(6), "-p", "\(debuggee.processID)"]
        )
        try cdb.wait(for: "> ")
        cdb.type("bp worker!store\ng\n")
        try cdb.wait(for: "hit")
        server.signal(SIGKILL)
        _ = try server.waitForExit()
        cdb.type("g\ng\ng\n")
        cdb.closeInput()
        #expect(try cdb.waitForExit() != 0)
        try debuggee.expectRunsFree()
        #expect(try debuggee.code() == code)

        _ = try lab.startServer(line.labChannel(6))
        let again = try lab.run(
            "cdb",
            ["-premote", line.deskChannel(6), "-p", "\(debuggee.processID)", "-c", "k;qd"]
        )
        #expect(again.status == 0, "\(again)")
        try debuggee.expectRunsFree()
    }

    @Test("two debuggers that ask for different baud rates: the second is told the one in use")
    func baudConflict() throws {
        let lab = try Lab()
        let line = try SerialLine(.socat, in: lab)
        _ = try lab.startServer(line.labChannel(1))
        let result = try lab.run("dbgsrv", ["-t", "com:port=\(line.lab),baud=9600,channel=2"])
        #expect(result.status == 2)
        #expect(result.errors.contains("921600"), "\(result.errors)")
    }
}
