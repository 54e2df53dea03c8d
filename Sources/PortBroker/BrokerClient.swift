internal import BrokerProtocol
internal import ChannelMux
internal import LinuxSystem

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

    init(_ socket: LocalSocket) {
        self.socket = socket
    }

    /// `cdb (pid 812)`.
    var description: String { "\(program) (pid \(socket.peer.processID))" }

    func send(_ message: BrokerMessage) {
        socket.send(message)
    }
}
