internal import BrokerProtocol
internal import LinuxSystem

/// A control connection to a broker: one request at a time, events kept until somebody asks.
final class ComControl {
    static let answerMillisecondsMax = 10_000
    /// The files of the broker it is connected to.
    let files: BrokerFiles
    private let socket: OwnedDescriptor
    private let reader: ComLineReader
    private var events: [BrokerMessage] = []
    private var leftInOrder = false

    /// Events that are kept; a broker that sends more before anybody asks is not ours.
    private static let eventsMax = 4096

    private init(_ socket: OwnedDescriptor, _ files: BrokerFiles) {
        self.socket = socket
        self.files = files
        reader = ComLineReader(socket)
    }

    deinit { leave() }

    /// Connects and introduces itself; the broker is started when there is none.
    ///
    /// A broker that is about to end takes the connection and drops it; then the next attempt starts a new one.
    static func open(
        _ place: ComPortPlace,
        _ settings: LineSettings,
        program: String
    ) throws(ComError) -> (control: ComControl, answer: [BrokerLine.Field]) {
        for _ in 0..<ComBrokerLauncher.attemptsMax {
            let control = ComControl(
                try ComBrokerLauncher.connect(place, settings),
                place.files
            )
            guard try control.introduce(program) != nil else { continue }
            if let answer = try control.request(.open(settings)) { return (control, answer) }
        }
        throw ComError(.broker, "The broker of \(place.name) keeps going away.")
    }

    /// Connects to a broker that runs, without using the port; nil when none does.
    static func visit(_ files: BrokerFiles, program: String) throws(ComError) -> ComControl? {
        guard let socket = try ComBrokerLauncher.connectRunning(files) else { return nil }
        let control = ComControl(socket, files)
        return try control.introduce(program) == nil ? nil : control
    }

    /// The descriptor to poll for events.
    var descriptor: Int32 { socket.number }

    /// Leaves every message but the one asked for in the descriptor, so that poll(2) tells of it.
    func leaveRestToPoll() { reader.leavesRest = true }

    /// Whether the broker is gone.
    var hasEnded: Bool { reader.hasEnded }

    private func introduce(_ program: String) throws(ComError) -> [BrokerLine.Field]? {
        try request(
            .hello(version: BrokerRequest.version, program: String(program.prefix(64)))
        )
    }

    /// Sends a request and waits for its answer.
    ///
    /// - Returns: the answer's fields; nil when the broker is gone.
    func request(_ request: BrokerRequest) throws(ComError) -> [BrokerLine.Field]? {
        guard (try? UnixSocket.send(request.line.encoded[...], on: socket)) != nil else {
            return nil
        }
        while let message = try next(timeoutMilliseconds: Self.answerMillisecondsMax) {
            switch message {
            case .ok(let fields): return fields
            case .error(let code, let words): throw ComError(Self.kind(code), words)
            default: try keep(message)
            }
        }
        if reader.hasEnded { return nil }
        throw ComError(.timeout, "The broker did not answer within 10 seconds.")
    }

    /// The next event that `wanted` picks.
    ///
    /// - Parameter timeoutMilliseconds: 0 takes only what has come, nil waits for ever.
    /// - Returns: nil when none came in time or the broker is gone.
    func event<Answer>(
        timeoutMilliseconds: Int?,
        _ wanted: (BrokerMessage) -> Answer?
    ) throws(ComError) -> Answer? {
        for index in events.indices {
            if let answer = wanted(events[index]) {
                events.remove(at: index)
                return answer
            }
        }
        let start = monotonicNanoseconds()
        while true {
            let left = timeoutMilliseconds.map { limit in
                max(0, limit - Int((monotonicNanoseconds() - start) / 1_000_000))
            }
            guard let message = try next(timeoutMilliseconds: left) else { return nil }
            if let answer = wanted(message) { return answer }
            try keep(message)
        }
    }

    /// The events that `wanted` picks among those that have come, in order.
    func events<Answer>(
        _ wanted: (BrokerMessage) -> Answer?
    ) throws(ComError) -> [Answer] {
        var answers: [Answer] = []
        while let answer = try event(timeoutMilliseconds: 0, wanted) {
            answers.append(answer)
        }
        return answers
    }

    /// Says that what is closed from now on is closed on purpose.
    func leave() {
        guard !leftInOrder else { return }
        leftInOrder = true
        _ = try? UnixSocket.send(BrokerRequest.bye.line.encoded[...], on: socket)
    }

    private func next(timeoutMilliseconds: Int?) throws(ComError) -> BrokerMessage? {
        guard let line = try reader.nextLine(timeoutMilliseconds: timeoutMilliseconds) else {
            return nil
        }
        do {
            return try BrokerMessage(line)
        } catch {
            throw ComError(.broker, "The broker does not keep to its protocol: \(error)")
        }
    }

    private func keep(_ message: BrokerMessage) throws(ComError) {
        switch message {
        case .link, .verdict:
            // Only the last word counts.
            events.removeAll { $0.isLinkState }
        default: break
        }
        guard events.count < Self.eventsMax else {
            throw ComError(.broker, "The broker sends more than can be kept.")
        }
        events.append(message)
    }

    private static func kind(_ code: BrokerErrorCode) -> ComError.Kind {
        switch code {
        case .port, .settingsInUse: .portUnavailable
        case .channelBusy: .channelBusy
        case .badRequest, .version, .notOpen, .unknownToken, .unsupported, .tooMany, .ending,
            .permission:
            .broker
        }
    }
}

extension BrokerMessage {
    fileprivate var isLinkState: Bool {
        switch self {
        case .link, .verdict: true
        default: false
        }
    }
}
