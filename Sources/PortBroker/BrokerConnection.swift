internal import BrokerProtocol
internal import ChannelMux

/// One connection of the link and the local socket that carries its bytes.
///
/// Back-pressure, outwards: bytes are read from the socket only when the link has taken all that was read
/// before. Inwards: the link is told `consumed` only when the socket has taken the bytes, so a program that
/// stops reading closes its own window and nobody else's.
final class BrokerConnection {
    /// How far it has come.
    enum Phase {
        /// Asked for by us, not answered yet.
        case connecting
        /// Asked for by the far end, not claimed yet.
        case offered
        /// Both ends have it.
        case open
    }

    let id: ConnectionID
    let channel: ChannelNumber
    let token: BrokerToken
    var phase: Phase
    /// Who is told about it.
    var owner: BrokerClient

    private let broker: Broker
    private var socket: LocalSocket?
    private var hasHadSocket = false
    private var early: [UInt8] = []
    private var unsent: ArraySlice<UInt8> = []
    private var localHasFinished = false
    private var hasToldFinish = false
    private var peerHasFinished = false

    init(
        _ id: ConnectionID,
        _ channel: ChannelNumber,
        _ token: BrokerToken,
        _ phase: Phase,
        owner: BrokerClient,
        broker: Broker
    ) {
        self.id = id
        self.channel = channel
        self.token = token
        self.phase = phase
        self.owner = owner
        self.broker = broker
    }

    /// Whether a data socket may still come.
    var awaitsSocket: Bool { !hasHadSocket && phase != .connecting }
}

/// What the local socket says.
extension BrokerConnection {
    func attach(_ socket: LocalSocket) {
        self.socket = socket
        hasHadSocket = true
        if phase == .offered {
            phase = .open
            broker.accept(self)
        }
        let waiting = early
        early = []
        if !waiting.isEmpty { deliver(waiting) }
        if peerHasFinished { socket.finishOutput() }
    }

    func localBytes(_ bytes: [UInt8]) {
        unsent += bytes
        sendOn()
    }

    /// Gives the link what was read, and reads more once it has taken all of it.
    func sendOn() {
        if !unsent.isEmpty { unsent = unsent.dropFirst(broker.send(unsent, on: self)) }
        guard unsent.isEmpty else { return }
        unsent = []
        if localHasFinished {
            tellFinish()
        } else {
            socket?.readMore()
        }
    }

    func localFinished() {
        localHasFinished = true
        sendOn()
    }

    /// The socket is gone in both directions: closed on purpose, or its program died.
    func localGone() {
        socket = nil
        if localHasFinished && peerHasFinished { return }
        localHasFinished = true
        broker.judge(self)
    }

    private func tellFinish() {
        guard !hasToldFinish else { return }
        hasToldFinish = true
        broker.finishWriting(self)
    }
}

/// What the link says.
extension BrokerConnection {
    func received(_ bytes: [UInt8]) {
        if socket != nil {
            deliver(bytes)
        } else if hasHadSocket {
            // Nobody is left to read it.
            broker.consumed(bytes.count, on: self)
        } else {
            early += bytes
        }
    }

    func peerFinished() {
        peerHasFinished = true
        socket?.finishOutput()
    }

    /// The connection is over; the program is told first, then sees the end of its stream.
    func ended(_ how: ConnectionEnd, _ words: String) {
        owner.send(.closed(token, how, words))
        socket?.closeAfterWrites()
        socket = nil
    }

    private func deliver(_ bytes: [UInt8]) {
        socket?.write(bytes) { [weak self] in
            guard let self else { return }
            broker.consumed(bytes.count, on: self)
        }
    }
}
