public import ArgumentParser
public import SerialPort
import Transports

/// How a line is set.
struct LineOptions: ParsableArguments {
    @Option(help: "Bits per second; the same at both ends.")
    var baud = 115_200

    @Option(help: "Parity: none, even or odd.")
    var parity = SerialConfiguration.Parity.none

    @Option(name: .customLong("stop-bits"), help: "Stop bits: 1 or 2.")
    var stopBits = 1

    @Option(help: "Flow control: none, rts-cts or xon-xoff.")
    var flow = SerialConfiguration.FlowControl.none

    @Option(help: "The modem line DTR: on, off or leave.")
    var dtr = SerialConfiguration.ModemLine.leave

    @Option(help: "The modem line RTS: on, off or leave.")
    var rts = SerialConfiguration.ModemLine.leave

    static func check(baudRate: Int) throws {
        let rates = SerialConfiguration.baudRates
        guard rates ~= baudRate else {
            let range = "\(rates.lowerBound)–\(rates.upperBound)"
            throw ValidationError("baud=\(baudRate): baud must be \(range).")
        }
    }

    func validate() throws {
        try Self.check(baudRate: baud)
        guard 1...2 ~= stopBits else {
            throw ValidationError("stop-bits=\(stopBits): there are 1 or 2 stop bits.")
        }
    }

    /// The line for who opens the port.
    var configuration: SerialConfiguration {
        SerialConfiguration(
            baudRate: baud,
            parity: parity,
            stopBits: stopBits,
            flowControl: flow,
            dtr: dtr,
            rts: rts
        )
    }

    /// The same for who asks its broker.
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

extension SerialConfiguration.Parity: ExpressibleByArgument {}
extension SerialConfiguration.FlowControl: ExpressibleByArgument {}
extension SerialConfiguration.ModemLine: ExpressibleByArgument {}
