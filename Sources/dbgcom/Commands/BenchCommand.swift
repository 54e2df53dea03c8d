import ArgumentParser
import Glibc
import LinuxSystem
import SerialPort
import Transports

/// `dbgcom bench`.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure throughput and round trip of a cable, through the multiplexer.",
        discussion: """
            The other end is `dbgcom bench PORT --serve` on the other machine, or, with two ports of one machine \
            and a null-modem cable between them, this command itself. Other channels may be in use meanwhile; they \
            share the line with the measurement.

              dbgcom bench com1 --serve        on the one machine, and on the other
              dbgcom bench com2
              dbgcom bench /dev/ttyUSB0 /dev/ttyUSB1 --baud 921600
            """
    )

    @Argument(help: "The port, or two ports that a cable joins.")
    var ports: [String]

    @Flag(help: "Be the other end, until SIGTERM.")
    var serve = false

    @OptionGroup var line: LineOptions

    @Option(help: "The channel, 0–254.")
    var channel = 254

    @Option(help: "Seconds of line time for each measurement.")
    var seconds = 3.0

    @Option(help: "Share the line among so many channels, from 0, and show how fairly.")
    var channels: Int?

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        guard 1...2 ~= ports.count, !(serve && ports.count == 2) else {
            throw ValidationError(
                serve ? "--serve takes one port." : "bench takes one port or two."
            )
        }
        guard 0...254 ~= channel, 1...254 ~= channels ?? 1 else {
            throw ValidationError("channels are 0–254, and bench itself needs one of them.")
        }
        guard 0.1...3600 ~= seconds else {
            throw ValidationError("seconds=\(seconds): seconds must be 0.1–3600.")
        }
    }

    func run() throws {
        if serve { return try runServer() }
        let loop = try RelayLoop()
        var server: Int32?
        if ports.count == 2 { server = try startServer() }
        defer {
            if let server {
                ProgramLauncher.signalGroup(server, SIGTERM)
                ProgramLauncher.waitForEnd(of: server)
            }
        }
        let port = try open(ports[0])
        let client = BenchClient(loop, port, line: line, channel: channel, seconds: seconds)
        client.showsProgress = isatty(STDERR_FILENO) == 1
        try client.measure(channels: channels)
        if json {
            Output.line(client.json)
        } else {
            client.lines.forEach(Output.line)
        }
    }

    private func open(_ port: String) throws -> ComPortClient {
        try ComPortClient.open(port: port, settings: line.settings, program: "dbgcom bench")
    }

    private func runServer() throws {
        let loop = try RelayLoop()
        let port = try open(ports[0])
        // What nobody else serves here; the measurement's own channel must be free.
        for number in [channel] + (0..<(channels ?? 0)).filter({ $0 != channel }) {
            let acceptor = ChannelAcceptor(
                try port.listen(channel: number),
                hasRoom: { true },
                onStream: { loop.add(BenchResponder($0)) }
            )
            loop.add(acceptor)
        }
        Output.note("dbgcom: the other end of a measurement on \(port.portName)")
        try loop.run()
    }

    private func startServer() throws -> Int32 {
        guard let own = ProgramLauncher.ownPath else {
            throw CommandFailure("The path of this program cannot be found in /proc.")
        }
        var arguments = [
            "bench", ports[1], "--serve", "--channel", "\(channel)", "--baud", "\(line.baud)",
            "--parity", line.parity.rawValue, "--stop-bits", "\(line.stopBits)",
            "--flow", line.flow.rawValue,
        ]
        if let channels { arguments += ["--channels", "\(channels)"] }
        let null = try openFile("/dev/null", flags: O_RDWR)
        return try ProgramLauncher.start(
            own,
            arguments: arguments,
            descriptors: [null, null, OwnedDescriptor(duplicating: STDERR_FILENO)],
            newSession: true
        )
    }
}
