import LinuxSystem
import Transports

/// A local end that waits for its channel; the relay begins when the far end has answered.
final class WaitingForChannel: LoopMember {
    private let connecting: ComConnecting
    private let waitMilliseconds: Int
    private let onStream: (ComChannelStream) -> Void
    private let onFailure: (CommandFailure) -> Void
    let deadline: UInt64?
    private(set) var isFinished = false

    /// - Parameter wait: seconds to wait; nil is for ever.
    init(
        _ port: ComPortClient,
        channel: Int,
        wait: Double?,
        onStream: @escaping (ComChannelStream) -> Void,
        onFailure: @escaping (CommandFailure) -> Void
    ) throws {
        connecting = try port.startConnecting(channel: channel)
        waitMilliseconds = Int((wait ?? 0) * 1000)
        deadline = wait.map { monotonicNanoseconds() + UInt64($0 * 1e9) }
        self.onStream = onStream
        self.onFailure = onFailure
    }

    var requests: [PollRequest] { [PollRequest(connecting.descriptor)] }

    func step(_ answers: ArraySlice<PollRequest>) {
        do {
            if let stream = try connecting.take(timeoutMilliseconds: 0) {
                isFinished = true
                onStream(stream)
            } else if let deadline, monotonicNanoseconds() >= deadline {
                throw connecting.noAnswer(after: waitMilliseconds)
            }
        } catch {
            isFinished = true
            onFailure(CommandFailure("\(error)"))
        }
    }
}

/// Takes connections to a channel; outlives the port's broker.
final class ChannelAcceptor: LoopMember {
    private let listener: ComChannelListener
    private let onStream: (ComChannelStream) -> Void
    /// Whether another connection would be taken now.
    private let hasRoom: () -> Bool
    private var lastTrouble: String?
    private(set) var deadline: UInt64?
    private(set) var isFinished = false

    init(
        _ listener: ComChannelListener,
        hasRoom: @escaping () -> Bool,
        onStream: @escaping (ComChannelStream) -> Void
    ) {
        self.listener = listener
        self.hasRoom = hasRoom
        self.onStream = onStream
    }

    var requests: [PollRequest] { [PollRequest(hasRoom() ? listener.descriptor : -1)] }

    func step(_ answers: ArraySlice<PollRequest>) {
        guard hasRoom() else { return }
        if let deadline, monotonicNanoseconds() < deadline { return }
        deadline = nil
        do {
            if listener.descriptor < 0 { try listener.renew() }
            while hasRoom(), let stream = try listener.accept() { onStream(stream) }
            lastTrouble = nil
        } catch {
            if lastTrouble != error.description { Output.note("dbgcom: \(error.description)") }
            lastTrouble = error.description
            deadline = monotonicNanoseconds() + RelayLoop.retryNanoseconds
        }
    }

    func stop() { isFinished = true }
}

/// Takes connections to a socket.
final class PlaceAcceptor: LoopMember {
    private let listener: PlaceListener
    private let hasRoom: () -> Bool
    private let onSocket: (OwnedDescriptor) -> Void
    private var lastTrouble: String?
    private(set) var deadline: UInt64?
    let isFinished = false

    init(
        _ listener: PlaceListener,
        hasRoom: @escaping () -> Bool,
        onSocket: @escaping (OwnedDescriptor) -> Void
    ) {
        self.listener = listener
        self.hasRoom = hasRoom
        self.onSocket = onSocket
    }

    var requests: [PollRequest] {
        [PollRequest(hasRoom() && deadline == nil ? listener.socket.number : -1)]
    }

    /// A connection that cannot be taken stays in the queue; it is tried again after a while.
    func step(_ answers: ArraySlice<PollRequest>) {
        if let deadline, monotonicNanoseconds() < deadline { return }
        guard answers.first?.isReadable == true || deadline != nil else { return }
        deadline = nil
        do {
            while hasRoom(), let socket = try listener.accept() { onSocket(socket) }
            lastTrouble = nil
        } catch {
            if lastTrouble != "\(error)" { Output.note("dbgcom: \(listener.name): \(error)") }
            lastTrouble = "\(error)"
            deadline = monotonicNanoseconds() + RelayLoop.retryNanoseconds
        }
    }
}

/// A channel's connection that waits for the socket it is to be joined with.
final class WaitingForPlace: LoopMember {
    private let connector: PlaceConnector
    private let stream: ComChannelStream
    private let onSocket: (ComChannelStream, OwnedDescriptor) -> Void
    private(set) var isFinished = false
    private var hasBegun = false

    init(
        _ connector: PlaceConnector,
        _ stream: ComChannelStream,
        onSocket: @escaping (ComChannelStream, OwnedDescriptor) -> Void
    ) {
        self.connector = connector
        self.stream = stream
        self.onSocket = onSocket
    }

    var isReady: Bool { !hasBegun }

    var requests: [PollRequest] {
        [PollRequest(connector.descriptor, read: false, write: true)]
    }

    func step(_ answers: ArraySlice<PollRequest>) {
        hasBegun = true
        do {
            let isReady = answers.first?.isWritable ?? false
            guard let socket = try connector.take(isReady: isReady) else { return }
            isFinished = true
            onSocket(stream, socket)
        } catch {
            isFinished = true
            stream.close()
            Output.note("dbgcom: \(error)")
        }
    }
}
