import ArgumentParser
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
