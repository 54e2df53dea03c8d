import Foundation
import Testing

/// Two ends of a serial line on one machine.
struct SerialLine {
    enum Kind: String, CaseIterable, CustomTestStringConvertible {
        /// socat's pty pair: no baud rate.
        case socat
        /// Our simulated cable, at 921600 baud where no other rate is asked for, so that tests are quick.
        case cable

        var testDescription: String { rawValue }
    }

    let lab: String
    let desk: String
    let baudRate: Int
    /// The program that is the line; stopped, it is a line on which nothing moves.
    let program: RunningProgram

    /// Lays a line whose ends are symlinks in the lab's folder.
    ///
    /// - Parameter name: tells this line's symlinks from another one's.
    init(
        _ kind: Kind,
        in lab: Lab,
        name: String = "",
        baudRate: Int = 921_600,
        faults: [String] = []
    ) throws {
        self.lab = "\(lab.folder)/\(name)lab"
        desk = "\(lab.folder)/\(name)desk"
        self.baudRate = baudRate
        switch kind {
        case .socat:
            program = try lab.startOther(
                "/usr/bin/socat",
                ["-d", "-d", "pty,raw,echo=0,link=\(self.lab)", "pty,raw,echo=0,link=\(desk)"]
            )
            try program.wait(for: "starting data transfer loop", in: \.errors)
        case .cable:
            program = try lab.start(
                "dbgcom",
                ["cable", "--baud", "\(baudRate)", "--link-a", self.lab, "--link-b", desk] + faults
            )
            try program.wait(for: "\n")
        }
    }

    /// The connection string of a channel, from the lab machine's end.
    func labChannel(_ channel: Int) -> String {
        "com:port=\(lab),baud=\(baudRate),channel=\(channel)"
    }

    /// The connection string of a channel, from the engineer's end.
    func deskChannel(_ channel: Int) -> String {
        "com:port=\(desk),baud=\(baudRate),channel=\(channel)"
    }

    /// What gdb is told.
    func gdbTarget(_ channel: Int) -> String {
        let bridge = Lab.program("dbgbridge")
        return "target extended-remote | \(bridge) -c \(deskChannel(channel)) -s stdio"
    }
}

extension Lab {
    /// Starts a process server and waits until it listens.
    func startServer(_ transport: String) throws -> RunningProgram {
        let server = try start("dbgsrv", ["-v", "-t", transport])
        try server.wait(for: "listening on", in: \.errors)
        return server
    }

    /// Starts a process server on a free TCP port.
    func startTCPServer() throws -> (server: RunningProgram, port: Int) {
        let server = try startServer("tcp:port=0")
        let text = server.errors
        let match = try #require(text.firstMatch(of: /tcp:Port=(\d+)/), "\(text)")
        return (server, try #require(Int(match.output.1)))
    }
}
