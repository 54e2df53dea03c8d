internal import BrokerProtocol
internal import ChannelMux
internal import LinuxSystem
internal import NIOCore
internal import NIOPosix
internal import SerialPort
internal import TelnetSerial
internal import WireCore

/// One port, the link on it, and the local programs that share it.
///
/// Everything here happens on one event loop. The link is a pure state machine: each call to it is followed
/// by `pump`, which writes the frames it wants to send, passes its events on and asks when to come back.
final class Broker {
    let configuration: BrokerConfiguration
    let eventLoop: any EventLoop
    let line: SerialLine
    let name: BrokerName
    /// What everybody on the port has agreed to.
    var settings: SerialConfiguration
    var link: MuxLink
    var clients: [BrokerClient] = []
    var connections: [ConnectionID: BrokerConnection] = [:]
    var tokens: [BrokerToken: BrokerConnection] = [:]
    var lastVerdict: LineVerdict?
    var lineTrouble: String?
    let startedAt: MonotonicInstant

    private var sockets: [ObjectIdentifier: LocalSocket] = [:]
    private var isPumping = false
    private var wakeUp: (at: MonotonicInstant, task: NIOCore.Scheduled<Void>)?
    private var idleTask: NIOCore.Scheduled<Void>?
    private var reopenDelay = BrokerLimits.reopenMilliseconds.lowerBound
    private var lineIsOpen = false
    private var reopenTask: NIOCore.Scheduled<Void>?
    /// Tells of ports that come, while ours is gone.
    private var watch: (any Sendable)?
    private(set) var isEnding = false
    /// Runs once, when the broker has ended.
    private let onEnd: () -> Void

    init(
        _ configuration: BrokerConfiguration,
        port: any LinePort,
        name: BrokerName,
        eventLoop: any EventLoop,
        onEnd: @escaping () -> Void
    ) throws(SystemError) {
        self.configuration = configuration
        self.eventLoop = eventLoop
        self.onEnd = onEnd
        settings = configuration.settings
        line = SerialLine(eventLoop: eventLoop)
        self.name = name
        startedAt = Self.now
        link = Self.newLink(configuration, settings)
        line.onBytes = { [unowned self] bytes in
            use { link, now in link.receive(bytes[...], at: now) }
        }
        line.onReady = { [unowned self] in lineReady() }
        line.onLost = { [unowned self] in lineLost() }
        try line.attach(port)
        updateIdle()
    }

    static var now: MonotonicInstant { MonotonicInstant(nanoseconds: monotonicNanoseconds()) }

    static func newLink(
        _ configuration: BrokerConfiguration,
        _ settings: SerialConfiguration
    ) -> MuxLink {
        var random = SystemRandomNumberGenerator()
        var mux = MuxConfiguration(
            baudRate: settings.baudRate,
            bitsPerCharacter: settings.bitsPerCharacter,
            epoch: UInt32.random(in: 1...UInt32.max, using: &random),
            seed: random.next(),
            identity: configuration.identity,
            graceMilliseconds: configuration.graceMilliseconds
        )
        mux.avoidsFlowControlBytes = settings.flowControl == .xonXoff
        var link = MuxLink(mux, at: now)
        // A new link has no listeners.
        try? link.listen(on: .directory, at: now)
        return link
    }

    func log(_ words: String) { configuration.log(words) }
}

/// A port on its way from the thread that opened it to the event loop.
// SAFETY: the thread lets go of it as it hands it over.
private struct OpenedPort: @unchecked Sendable {
    let port: NetworkPort

    init(_ port: NetworkPort) { self.port = port }
}

/// The link and its time.
extension Broker {
    /// Calls the link and then does what it wants done.
    @discardableResult
    func use<Answer, Failure: Error>(
        _ body: (inout MuxLink, MonotonicInstant) throws(Failure) -> Answer
    ) throws(Failure) -> Answer {
        defer { pump() }
        return try body(&link, Self.now)
    }

    /// Writes, passes events on, and sets the clock, until the link is content.
    ///
    /// Events call back into the link; the outermost call does the work for all of them.
    func pump() {
        guard !isPumping else { return }
        isPumping = true
        defer { isPumping = false }
        repeat { transmit() } while passEvent()
        schedule()
    }

    private func transmit() {
        while line.isWritable, let frame = link.nextTransmit(at: Self.now) { line.write(frame) }
    }

    private func passEvent() -> Bool {
        guard let event = link.nextEvent() else { return false }
        handle(event)
        return true
    }

    private func schedule() {
        guard !isEnding, var deadline = link.nextDeadline else { return }
        if line.openPort != nil && !line.isWritable {
            let pause = UInt64(BrokerLimits.blockedLineMilliseconds) * 1_000_000
            deadline = max(deadline, Self.now.advanced(byNanoseconds: pause))
        }
        if let wakeUp {
            if wakeUp.at <= deadline { return }
            wakeUp.task.cancel()
        }
        let delay = Int64(clamping: deadline.nanoseconds(since: Self.now))
        let task = eventLoop.assumeIsolated().scheduleTask(in: .nanoseconds(delay)) {
            [weak self] in
            guard let self else { return }
            wakeUp = nil
            use { link, now in link.expireTimers(at: now) }
        }
        wakeUp = (deadline, task)
    }
}

/// The line.
extension Broker {
    /// The line was opened, or has room again.
    private func lineReady() {
        if let port = line.openPort, !lineIsOpen {
            lineIsOpen = true
            lineTrouble = nil
            watch = nil
            reopenDelay = BrokerLimits.reopenMilliseconds.lowerBound
            log("line open: \(port.path) at \(port.grantedBaudRate) baud")
            (port.warnings + port.notes).forEach(log)
            use { link, now in link.lineOpened(at: now) }
        } else {
            pump()
        }
    }

    private func lineLost() {
        let words = "\(configuration.portName) hung up or was unplugged"
        log(words)
        lineTrouble = words
        lineIsOpen = false
        use { link, now in link.lineClosed(at: now) }
        if configuration.devicePath.hasPrefix(Self.pseudoTerminals) {
            // What comes under this path again is somebody else's.
            end("a pseudo-terminal does not come back")
            return
        }
        // Whatever is behind an address, its name leads to no other port meanwhile.
        if networkAddress == nil { name.withdraw() }
        watchForPort()
        scheduleReopen()
    }

    private var networkAddress: NetworkPortAddress? {
        NetworkPortAddress(configuration.devicePath)
    }

    /// Has udev say when ports come, so that ours need not wait for the next look.
    private func watchForPort() {
        let broker = NIOLoopBound(self, eventLoop: eventLoop)
        watch = configuration.search?.watch { [eventLoop] in
            eventLoop.execute { broker.value.portsHaveChanged() }
        }
    }

    private func portsHaveChanged() {
        guard watch != nil, !isEnding, line.openPort == nil else { return }
        log("udev tells of a port: looking for \(configuration.portName)")
        reopenTask?.cancel()
        reopenDelay = BrokerLimits.reopenMilliseconds.lowerBound
        reopen()
    }

    private static let pseudoTerminals = "/dev/pts/"

    private func scheduleReopen() {
        guard !isEnding else { return }
        reopenTask = eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(reopenDelay)) {
            [weak self] in
            self?.reopen()
        }
        reopenDelay = min(reopenDelay * 2, BrokerLimits.reopenMilliseconds.upperBound)
    }

    private func reopen() {
        guard !isEnding, line.openPort == nil else { return }
        if let networkAddress { return reconnect(networkAddress) }
        do {
            let port = try SerialPort(path: try devicePath(), configuration: settings)
            try takeName(of: port)
            try line.attach(port)
        } catch {
            notReopened(error)
        }
    }

    /// Another machine may take seconds to answer, and the programs that use the port wait for the event loop.
    private func reconnect(_ address: NetworkPortAddress) {
        let settings = settings
        NIOThreadPool.singleton.runIfActive(eventLoop: eventLoop) {
            OpenedPort(try NetworkPort(address, settings))
        }.assumeIsolated().whenComplete { [weak self] result in
            guard let self, !isEnding, line.openPort == nil, settings == self.settings else {
                return
            }
            do {
                try line.attach(result.get().port)
            } catch {
                notReopened(error)
            }
        }
    }

    private func notReopened(_ error: any Error) {
        let words = "\(error)"
        if words != lineTrouble { log(words) }
        lineTrouble = words
        scheduleReopen()
    }

    /// Where the port is now.
    private func devicePath() throws(SerialPortError) -> String {
        guard let search = configuration.search else { return configuration.devicePath }
        guard let path = search.find() else { throw .absent(path: configuration.portName) }
        return path
    }

    /// Makes the broker known under the device that the port is now.
    private func takeName(of port: SerialPort) throws {
        guard let key = configuration.keyOfDevice(port.path) else {
            throw SerialPortError.absent(path: port.path)
        }
        let files = BrokerFiles(folder: configuration.files.folder, key: key)
        guard try name.take(files) else {
            throw SerialPortError.busy(path: port.path, holder: nil)
        }
    }

    /// Starts over with other settings; only while nobody uses the port.
    func change(to wanted: SerialConfiguration) throws {
        use { link, now in link.leave(at: now) }
        line.close()
        let before = settings
        settings = wanted
        lineIsOpen = false
        link = Self.newLink(configuration, settings)
        lastVerdict = nil
        do {
            try line.attach(
                openLinePort(try devicePath(), wanted)
            )
        } catch {
            settings = before
            link = Self.newLink(configuration, before)
            if networkAddress == nil { name.withdraw() }
            watchForPort()
            lineTrouble = "\(error)"
            scheduleReopen()
            throw error
        }
    }
}

/// Sockets, and the end.
extension Broker {
    /// Counts a new socket.
    func admit(_ socket: LocalSocket) -> Bool {
        guard !isEnding else {
            // The program will find nobody here and start a new broker.
            socket.close()
            return false
        }
        guard sockets.count < BrokerLimits.socketsMax else {
            socket.send(
                .error(.tooMany, "The broker of \(configuration.portName) has too many clients")
            )
            socket.close()
            return false
        }
        sockets[ObjectIdentifier(socket)] = socket
        updateIdle()
        return true
    }

    /// Forgets a socket.
    func dismiss(_ socket: LocalSocket) {
        sockets[ObjectIdentifier(socket)] = nil
        updateIdle()
    }

    /// The socket's file is readable for its owner only; this is the second lock on the same door.
    func mayUse(_ peer: PeerCredentials) -> Bool {
        peer.userID == 0 || peer.userID == effectiveUserID
    }

    /// Starts counting down when nobody is left.
    func updateIdle() {
        let isIdle = sockets.isEmpty && connections.isEmpty
        if !isIdle {
            idleTask?.cancel()
            idleTask = nil
        } else if idleTask == nil, !isEnding {
            idleTask = eventLoop.assumeIsolated().scheduleTask(
                in: .milliseconds(Int64(configuration.idleMilliseconds))
            ) { [weak self] in
                self?.end("nobody uses the port any more")
            }
        }
    }

    /// Ends in order: the far end is told, the port gets its settings back.
    func end(_ reason: String) {
        guard !isEnding else { return }
        log("ending: \(reason)")
        // The name goes first, so that nobody finds a broker that is about to go.
        name.remove()
        use { link, now in link.leave(at: now) }
        isEnding = true
        wakeUp?.task.cancel()
        watch = nil
        line.close()
        sockets.values.forEach { $0.close() }
        onEnd()
    }
}
