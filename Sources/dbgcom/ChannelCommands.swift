import ArgumentParser
import LinuxSystem
import Transports

/// Which channel of which port, and how its line is set.
struct ChannelOptions: ParsableArguments {
    @Argument(help: "The port: com2, 2, a device path or a symlink.")
    var port: String

    @Argument(help: "The channel, 0–254.")
    var channel: Int

    @Option(help: "Bits per second; the same at both ends.")
    var baud = 115_200

    @Option(help: "Parity: none, even or odd.")
    var parity = LineParity.none

    @Option(name: .customLong("stop-bits"), help: "Stop bits: 1 or 2.")
    var stopBits = 1

    @Option(help: "Flow control: none or rts-cts.")
    var flow = LineFlow.none

    func validate() throws {
        guard 0...254 ~= channel else {
            throw ValidationError("channel=\(channel): channel must be 0–254.")
        }
        guard 50...20_000_000 ~= baud else {
            throw ValidationError("baud=\(baud): baud must be 50–20000000.")
        }
        guard 1...2 ~= stopBits else {
            throw ValidationError("stop-bits=\(stopBits): there are 1 or 2 stop bits.")
        }
    }

    func open(program: String) throws -> ComPortClient {
        var settings = ComPortClient.Settings(baudRate: baud)
        settings.parity = parity.rawValue
        settings.stopBits = stopBits
        settings.flowControl = flow.rawValue
        return try ComPortClient.open(port: port, settings: settings, program: program)
    }
}

/// The parity bit of a line.
enum LineParity: String, ExpressibleByArgument, CaseIterable {
    case none, even, odd
}

/// The flow control of a line.
enum LineFlow: String, ExpressibleByArgument, CaseIterable {
    case none
    case rtsCts = "rts-cts"
}

/// `dbgcom connect`.
struct ConnectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "connect",
        abstract: "Connect standard input and output to a channel.",
        discussion: """
            Waits until a program on the far end of the cable listens on the channel. The end of standard input \
            is passed on; the command ends when both directions have ended.
            """
    )

    @OptionGroup var options: ChannelOptions

    @Option(help: "Seconds to wait for the far end.")
    var wait = 30.0

    func validate() throws {
        guard wait > 0, wait <= 1_000_000 else {
            throw ValidationError("wait=\(wait): the wait must be more than 0 seconds.")
        }
    }

    func run() throws {
        let signals = try TerminationSignals()
        let port = try options.open(program: "dbgcom connect")
        let stream = try port.connect(
            channel: options.channel,
            waitMilliseconds: Int(wait * 1000)
        )
        try StreamRelay(stream, signals).run()
    }
}

/// `dbgcom serve`.
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Take one connection to a channel and connect it to standard input and output."
    )

    @OptionGroup var options: ChannelOptions

    func run() throws {
        let signals = try TerminationSignals()
        let port = try options.open(program: "dbgcom serve")
        let listener = try port.listen(channel: options.channel)
        while true {
            if let stream = try listener.accept() {
                try StreamRelay(stream, signals).run()
                return
            }
            var requests = [
                PollRequest(listener.descriptor), PollRequest(signals.descriptor),
            ]
            try pollDescriptors(&requests)
            if requests[1].isReadable { return }
        }
    }
}
