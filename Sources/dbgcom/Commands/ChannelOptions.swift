import ArgumentParser
import Transports

/// How a line is set.
struct LineOptions: ParsableArguments {
    @Option(help: "Bits per second; the same at both ends.")
    var baud = 115_200

    @Option(help: "Parity: none, even or odd.")
    var parity = LineParity.none

    @Option(name: .customLong("stop-bits"), help: "Stop bits: 1 or 2.")
    var stopBits = 1

    @Option(help: "Flow control: none, rts-cts or xon-xoff.")
    var flow = LineFlow.none

    @Option(help: "The modem line DTR: on, off or leave.")
    var dtr = LineLevel.leave

    @Option(help: "The modem line RTS: on, off or leave.")
    var rts = LineLevel.leave

    func validate() throws {
        guard 50...20_000_000 ~= baud else {
            throw ValidationError("baud=\(baud): baud must be 50–20000000.")
        }
        guard 1...2 ~= stopBits else {
            throw ValidationError("stop-bits=\(stopBits): there are 1 or 2 stop bits.")
        }
    }

    /// Start, data, parity and stop bits of a byte.
    var bitsPerCharacter: Double { Double(9 + (parity == .none ? 0 : 1) + stopBits) }

    var settings: ComPortClient.Settings {
        var settings = ComPortClient.Settings(baudRate: baud)
        settings.parity = parity.rawValue
        settings.stopBits = stopBits
        settings.flowControl = flow.rawValue
        settings.dtr = dtr.rawValue
        settings.rts = rts.rawValue
        return settings
    }
}

/// Which channel of which port, and how its line is set.
struct ChannelOptions: ParsableArguments {
    @Argument(help: "The port: com2, 2, a device path or a symlink.")
    var port: String

    @Argument(help: "The channel, 0–254.")
    var channel: Int

    @OptionGroup var line: LineOptions

    func validate() throws {
        guard 0...254 ~= channel else {
            throw ValidationError("channel=\(channel): channel must be 0–254.")
        }
    }

    func open(program: String) throws -> ComPortClient {
        try ComPortClient.open(port: port, settings: line.settings, program: program)
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
    case xonXoff = "xon-xoff"
}
