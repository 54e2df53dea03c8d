internal import BrokerProtocol
internal import ChannelMux
internal import WireCore

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
    private var breaks = ConnectionBreaks()

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
    func attach(_ socket: LocalSocket, takesBreaks: Bool) {
        self.socket = socket
        hasHadSocket = true
        for place in breaks.attach(takesBreaks: takesBreaks) {
            owner.send(.breakReceived(token, place))
        }
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
        repeat {
            while let milliseconds = breaks.takeDue() {
                broker.sendBreak(milliseconds: milliseconds, on: self)
            }
            let part = unsent.prefix(breaks.bytesUntilNext)
            let taken = part.isEmpty ? 0 : broker.send(part, on: self)
            unsent = unsent.dropFirst(taken)
            breaks.sent(taken)
            guard taken == part.count else { return }
        } while !unsent.isEmpty || breaks.isDue
        unsent = []
        if localHasFinished {
            tellFinish()
        } else {
            socket?.readMore()
        }
    }

    /// Takes a BREAK; false when its place is none.
    func sendBreak(_ place: LineBreak) -> Bool {
        guard !localHasFinished, breaks.append(place) else { return false }
        sendOn()
        return true
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
    func receivedBreak(milliseconds: Int, at now: MonotonicInstant) {
        guard let place = breaks.received(milliseconds: milliseconds, at: now) else { return }
        owner.send(.breakReceived(token, place))
    }

    func received(_ bytes: [UInt8]) {
        breaks.received(bytes.count)
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
