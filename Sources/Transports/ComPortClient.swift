internal import BrokerProtocol
public import DiscoveryProtocol
internal import LinuxSystem

/// A serial port whose channels this program uses, through the broker that owns the port.
///
/// Every call blocks, and objects are used by one thread at a time; different streams and listeners have
/// nothing in common and may live in different threads.
public final class ComPortClient {
    /// How the port's line is set; everybody on the port has to ask for the same.
    public struct Settings: Sendable, Hashable {
        /// Bits per second.
        public var baudRate: Int
        /// `none`, `even` or `odd`.
        public var parity = "none"
        /// 1 or 2.
        public var stopBits = 1
        /// `none`, `rts-cts` or `xon-xoff`.
        public var flowControl = "none"
        /// `on`, `off` or `leave`.
        public var dtr = "leave"
        /// `on`, `off` or `leave`.
        public var rts = "leave"

        /// 8N1 at a rate.
        public init(baudRate: Int) {
            self.baudRate = baudRate
        }

        var line: LineSettings {
            LineSettings(
                baudRate: baudRate,
                parity: parity,
                stopBits: stopBits,
                flowControl: flowControl,
                dtr: dtr,
                rts: rts
            )
        }
    }

    /// The name of the port for people, `COM2` or its path.
    public let portName: String
    /// The device that is served, `/dev/ttyS1`.
    public let devicePath: String
    /// What was asked for.
    public let settings: Settings
    /// Whether streams made from now on tell of the far end's BREAKs; they are to be read by
    /// `ComChannelStream.read` then.
    public var takesBreaks = false

    private let place: ComPortPlace
    private let requested: (port: String, folder: String?)
    /// What the port is recognised by when the name that was asked for leads nowhere any more.
    private let identity: String?
    private let program: String
    private let control: ComControl

    /// Uses a port: starts its broker when there is none, and has the settings agreed.
    ///
    /// - Parameters:
    ///   - port: `com2`, `2`, a device path or a symlink.
    ///   - settings: the line's settings.
    ///   - program: the name of this program for status lists.
    ///   - runtimeFolder: where brokers are met; nil is the usual place.
    public static func open(
        port: String,
        settings: Settings,
        program: String,
        runtimeFolder: String? = nil
    ) throws(ComError) -> ComPortClient {
        let place = try ComPortPlace(named: port, folder: runtimeFolder)
        let opened = try ComControl.open(place, settings.line, program: program)
        return ComPortClient(
            place,
            (port, runtimeFolder),
            settings,
            program,
            opened.control,
            opened.answer
        )
    }

    private init(
        _ place: ComPortPlace,
        _ requested: (port: String, folder: String?),
        _ settings: Settings,
        _ program: String,
        _ control: ComControl,
        _ answer: [BrokerLine.Field]
    ) {
        self.place = place
        self.requested = requested
        self.settings = settings
        self.program = program
        self.control = control
        portName = place.name
        identity = answer.first { $0.key == "identity" }?.value
        devicePath = answer.first { $0.key == "device" }?.value ?? place.path
    }

    /// Connects to a channel.
    ///
    /// - Parameters:
    ///   - channel: 0–254.
    ///   - waitMilliseconds: how long to wait for the far end to be there and to listen; nil is for ever.
    public func connect(
        channel: Int,
        waitMilliseconds: Int?
    ) throws(ComError) -> ComChannelStream {
        let connecting = try startConnecting(channel: channel)
        if let stream = try connecting.take(timeoutMilliseconds: waitMilliseconds) { return stream }
        throw connecting.noAnswer(after: waitMilliseconds ?? 0)
    }

    /// Asks for a connection to a channel without waiting for the far end.
    public func startConnecting(channel: Int) throws(ComError) -> ComConnecting {
        let control = try newControl()
        guard
            let answer = try control.request(.connect(channel: channel, waits: true)),
            let token = answer.first(where: { $0.key == "token" }).flatMap({ BrokerToken($0.value) }
            )
        else { throw brokerGone() }
        return ComConnecting(self, control, token, channel)
    }

    /// Asks for a connection on which the other end says what it offers.
    func startAsking() throws(ComError) -> ComConnecting {
        let control = try newControl()
        guard
            let answer = try control.request(.directory),
            let token = answer.first(where: { $0.key == "token" }).flatMap({ BrokerToken($0.value) }
            )
        else { throw brokerGone() }
        return ComConnecting(self, control, token, nil)
    }

    /// Takes connections to a channel.
    ///
    /// - Parameter offering: what the other end of the cable may list; nil to be hidden.
    public func listen(
        channel: Int,
        offering: ServerEntry? = nil
    ) throws(ComError) -> ComChannelListener {
        let listener = ComChannelListener(port: self, channel: channel, offering: offering)
        try listener.renew()
        return listener
    }

    /// A control connection of its own for a stream or a listener.
    ///
    /// The port is looked up anew: since the last time it may have been unplugged and be another device now.
    func newControl() throws(ComError) -> ComControl {
        try ComControl.open(try currentPlace(), settings.line, program: program).control
    }

    /// The port by the name that was asked for, else by its identity: `/dev/ttyUSB0` may be `/dev/ttyUSB1` now.
    private func currentPlace() throws(ComError) -> ComPortPlace {
        do {
            return try ComPortPlace(named: requested.port, folder: requested.folder)
        } catch {
            guard let identity,
                let place = try? ComPortPlace(named: identity, folder: requested.folder)
            else { throw error }
            return place
        }
    }

    /// Takes over a connection that came in on a listener's control connection.
    func adopt(_ token: BrokerToken, channel: Int) throws(ComError) -> ComChannelStream? {
        let control = try newControl()
        do {
            guard try control.request(.adopt(token)) != nil else { return nil }
            return try makeStream(control, token, channel)
        } catch {
            // The far end has changed its mind meanwhile, or the broker is gone: the listener will notice.
            if error.kind == .broker { return nil }
            throw error
        }
    }

    func brokerGone() -> ComError {
        ComError(.broker, "The broker of \(portName) has ended; its log is \(place.files.log).")
    }

    func makeStream(
        _ control: ComControl,
        _ token: BrokerToken,
        _ channel: Int?
    ) throws(ComError) -> ComChannelStream {
        guard let socket = try ComBrokerLauncher.connectRunning(control.files),
            (try? UnixSocket.send(
                BrokerRequest.data(token, takesBreaks: takesBreaks).line.encoded[...],
                on: socket
            )) != nil
        else { throw brokerGone() }
        let reader = ComLineReader(socket, leavingRest: true)
        guard
            let line = try reader.nextLine(timeoutMilliseconds: ComControl.answerMillisecondsMax),
            let message = try? BrokerMessage(line)
        else { throw brokerGone() }
        if case .error(_, let words) = message { throw ComError(.broker, words) }
        do {
            try socket.setNonBlocking()
        } catch {
            throw ComError(.broker, error.description)
        }
        return ComChannelStream(
            socket,
            control,
            token,
            peerName: "com \(devicePath)" + (channel.map { " channel \($0)" } ?? ""),
            baudRate: settings.baudRate,
            channel: channel ?? 0
        )
    }
}
