internal import BrokerProtocol
internal import ChannelMux
internal import DiscoveryProtocol
internal import LinuxSystem
internal import WireCore

/// A local program's control connection.
final class BrokerClient {
    private let socket: LocalSocket
    /// The program's own name for itself.
    var program = "a program"
    /// Whether `hello` was said.
    var hasIntroduced = false
    /// Whether the port's settings are agreed with it.
    var usesPort = false
    /// Whether it has said that it goes.
    var leftInOrder = false
    /// Whether the socket is gone.
    var isGone = false
    /// The channels it takes connections on.
    var channels: [ChannelNumber] = []
    /// What the other end of the cable may know of them: the server, and since when.
    var offers: [ChannelNumber: (server: ServerEntry, since: MonotonicInstant)] = [:]

    init(_ socket: LocalSocket) {
        self.socket = socket
    }

    /// `cdb (pid 812)`.
    var description: String { "\(program) (pid \(processID))" }
    /// The program's process.
    var processID: Int32 { socket.peer.processID }

    func send(_ message: BrokerMessage) {
        socket.send(message)
    }
}
