internal import ByteTransport
internal import ConnectionStrings
internal import DiscoveryProtocol
internal import LinuxSystem

/// How long a client waits for a server on its channel, in milliseconds.
let comConnectTimeoutMilliseconds = 10_000

extension ComPortClient.Settings {
    /// What a connection string asks for.
    init(_ serial: ConnectionString.SerialChannel) {
        self.init(baudRate: serial.baudRate)
        parity = serial.line.parity.rawValue
        stopBits = serial.line.stopBits
        flowControl =
            switch serial.line.flowControl {
            case .none: "none"
            case .rtscts: "rts-cts"
            case .xonxoff: "xon-xoff"
            }
        dtr = serial.line.dtr.rawValue
        rts = serial.line.rts.rawValue
    }
}

/// Connects to a channel of a serial port.
func openComStream(
    _ serial: ConnectionString.SerialChannel,
    program: String
) throws(TransportError) -> any ByteTransport {
    let stream: ComChannelStream
    do {
        let port = try ComPortClient.open(
            port: serial.port,
            settings: ComPortClient.Settings(serial),
            program: program
        )
        stream = try port.connect(
            channel: serial.channel,
            waitMilliseconds: comConnectTimeoutMilliseconds
        )
    } catch {
        throw TransportError(error.description)
    }
    do {
        return try DescriptorTransport(
            stream.descriptor,
            peerName: stream.peerName,
            link: .serial(baudRate: stream.baudRate),
            reasonForEnd: { stream.lastReason },
            trouble: { stream.lineTrouble }
        )
    } catch {
        throw TransportError(stream.peerName, error)
    }
}

/// Listens on a channel of a serial port.
func openComListener(
    _ connection: ConnectionString,
    _ serial: ConnectionString.SerialChannel,
    program: String,
    offering: String?
) throws(TransportError) -> any StreamListener {
    try ActivatedSocket.refuse("com, whose port the broker opens")
    do {
        let port = try ComPortClient.open(
            port: serial.port,
            settings: ComPortClient.Settings(serial),
            program: program
        )
        return ComStreamListener(
            try port.listen(
                channel: serial.channel,
                offering: serial.access.isHidden
                    ? nil
                    : offering.map { type in
                        ServerEntry(type: type, transport: connection.displayed(), program: program)
                    }
            ),
            displayedName: connection.displayed()
        )
    } catch {
        throw TransportError(error.description)
    }
}

/// A channel of a serial port as a listener of a process server.
///
/// It outlives the port's broker: when that ends, another is started, and until one can be the listener is
/// merely deaf.
private final class ComStreamListener: StreamListener {
    private let listener: ComChannelListener
    let displayedName: String

    init(_ listener: ComChannelListener, displayedName: String) {
        self.listener = listener
        self.displayedName = displayedName
    }

    var descriptor: Int32 { listener.descriptor }

    func accept() throws(TransportError) -> AcceptedConnection? {
        do {
            if listener.descriptor < 0 { try listener.renew() }
            guard let stream = try listener.accept() else { return nil }
            return AcceptedConnection(
                descriptor: stream.descriptor,
                peerName: stream.peerName,
                link: .serial(baudRate: stream.baudRate),
                origin: listener.name,
                keeper: stream
            )
        } catch {
            throw TransportError(error.description)
        }
    }
}
