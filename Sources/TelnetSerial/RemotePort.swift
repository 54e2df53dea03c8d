/// The client's side of RFC 2217: a serial port on another machine, over one TCP connection.
///
/// A pure machine: bytes of the connection go in, the line's bytes and what is to be sent come out.
///
///     client                                   server
///       WILL COM-PORT, WILL/DO BINARY, … ──►
///                                        ◄── DO COM-PORT, WILL/DO BINARY
///       SET-BAUDRATE, SET-DATASIZE, … ────►
///                                        ◄── what was set, each
///       ═════════════ the line's bytes, IAC doubled ═════════════
///
/// The specification leaves open when a server may answer: settings are asked for at once when it agrees to the
/// option, and the port is ready when each of them has been answered; purging is asked for and not waited for,
/// because some servers never answer it. Only what arrives after that belongs to us.
public struct RemotePort: Sendable {
    /// What a call brought about.
    public enum Event: Sendable, Equatable {
        /// The settings are made; this is the rate that the far port runs at.
        case ready(baudRate: Int)
        /// The port cannot be used; nothing else comes after it.
        case failed(RemotePortFailure)
        /// Bytes of the line.
        case received([UInt8])
        /// The far end can take bytes again, or takes none for now.
        case held(Bool)
    }

    /// The codes of RFC 2217; a server's are 100 higher.
    private enum Code {
        static let signature: UInt8 = 0
        static let baudRate: UInt8 = 1
        static let dataSize: UInt8 = 2
        static let parity: UInt8 = 3
        static let stopSize: UInt8 = 4
        static let control: UInt8 = 5
        static let lineState: UInt8 = 6
        static let modemState: UInt8 = 7
        static let suspend: UInt8 = 8
        static let resume: UInt8 = 9
        static let lineStateMask: UInt8 = 10
        static let modemStateMask: UInt8 = 11
        static let purge: UInt8 = 12
        static let answers: UInt8 = 100
    }

    /// Values of SET-CONTROL.
    private enum Control {
        static let flow: ClosedRange<UInt8> = 1...3
        static let dtrOn: UInt8 = 8
        static let dtrOff: UInt8 = 9
        static let rtsOn: UInt8 = 11
        static let rtsOff: UInt8 = 12
    }

    /// Overrun, parity and framing errors and BREAK: bits 1–4.
    private static let lineErrors: UInt8 = 0x1E
    private static let purgeBoth: UInt8 = 3
    /// How far, in percent, the far port's rate may be from the one asked for.
    static let toleratedPercent = 2

    private enum State: Equatable {
        case negotiating
        case setting(unanswered: Set<UInt8>)
        case ready
        case failed
    }

    private let settings: RemoteLineSettings
    private var state = State.negotiating
    private var parser = TelnetParser()
    private var toSend: [UInt8] = []
    private var ours: Set<UInt8> = []
    private var theirs: Set<UInt8> = []
    private var grantedBaudRate: Int
    /// What came before the port was ready: a server that refuses says why in words.
    public private(set) var greeting: [UInt8] = []
    static let greetingMax = 128
    /// What the far port has told of its line.
    public private(set) var figures = RemoteLineFigures()

    /// Begins to negotiate.
    public init(_ settings: RemoteLineSettings) {
        self.settings = settings
        grantedBaudRate = settings.baudRate
        for option in Telnet.Option.allCases {
            toSend += Telnet.encode(.will, option.rawValue)
            ours.insert(option.rawValue)
            guard option != .comPort else { continue }
            toSend += Telnet.encode(.perform, option.rawValue)
            theirs.insert(option.rawValue)
        }
    }

    /// What is to be sent to the far end, once.
    public mutating func takeOutput() -> [UInt8] {
        defer { toSend = [] }
        return toSend
    }

    /// The line's bytes as they go over the connection.
    public func encode(_ bytes: [UInt8]) -> [UInt8] {
        Telnet.escaped(bytes)
    }

    /// Takes bytes of the connection.
    public mutating func receive(_ bytes: [UInt8]) -> [Event] {
        var events: [Event] = []
        for element in parser.parse(bytes) {
            guard state != .failed else { break }
            switch element {
            case .data(let bytes) where state == .ready: events.append(.received(bytes))
            case .data(let bytes): greeting += bytes.prefix(Self.greetingMax - greeting.count)
            case .option(let verb, let option): events += answer(verb, option)
            case .parameters(Telnet.Option.comPort.rawValue, let parameters):
                events += answer(parameters)
            case .parameters: break
            }
        }
        return events
    }

    private mutating func fail(_ failure: RemotePortFailure) -> [Event] {
        state = .failed
        return [.failed(failure)]
    }
}

/// Options.
extension RemotePort {
    /// Each change of an option's state is answered once, as RFC 854 asks for, so that two ends cannot agree for ever.
    private mutating func answer(_ verb: Telnet.Verb, _ option: UInt8) -> [Event] {
        let known = Telnet.Option(rawValue: option)
        switch verb {
        case .perform where known == nil:
            toSend += Telnet.encode(.wont, option)
        case .perform:
            if ours.insert(option).inserted { toSend += Telnet.encode(.will, option) }
            if known == .comPort, state == .negotiating { askForSettings() }
        case .will where known == nil || known == .comPort:
            toSend += Telnet.encode(.dont, option)
        case .will:
            if theirs.insert(option).inserted { toSend += Telnet.encode(.perform, option) }
        case .dont, .wont:
            return refused(verb, known)
        }
        return []
    }

    private mutating func refused(_ verb: Telnet.Verb, _ option: Telnet.Option?) -> [Event] {
        guard let option else { return [] }
        if verb == .dont { ours.remove(option.rawValue) } else { theirs.remove(option.rawValue) }
        switch (option, verb) {
        case (.comPort, .dont): return fail(.noComPortControl)
        case (.binary, _): return fail(.notTransparent)
        case (.comPort, _), (.suppressGoAhead, _): return []
        }
    }
}

/// Settings.
extension RemotePort {
    private mutating func askForSettings() {
        let rate = UInt32(clamping: settings.baudRate)
        let rateBytes = (0..<4).map { UInt8(truncatingIfNeeded: rate >> (24 - 8 * $0)) }
        ask(Code.baudRate, rateBytes)
        ask(Code.dataSize, [UInt8(clamping: settings.dataBits)])
        ask(Code.parity, [settings.parity.rawValue])
        ask(Code.stopSize, [UInt8(clamping: settings.stopBits)])
        ask(Code.control, [settings.flowControl.rawValue])
        if let dtr = settings.dtr { ask(Code.control, [dtr ? Control.dtrOn : Control.dtrOff]) }
        if let rts = settings.rts { ask(Code.control, [rts ? Control.rtsOn : Control.rtsOff]) }
        ask(Code.lineStateMask, [Self.lineErrors])
        ask(Code.modemStateMask, [UInt8.max])
        ask(Code.purge, [Self.purgeBoth])
        state = .setting(unanswered: [
            Code.baudRate, Code.dataSize, Code.parity, Code.stopSize, Code.control,
        ])
    }

    private mutating func ask(_ code: UInt8, _ value: [UInt8]) {
        toSend += Telnet.encode(option: Telnet.Option.comPort.rawValue, parameters: [code] + value)
    }

    /// A message about the port: an answer to a setting, or news of the line.
    private mutating func answer(_ parameters: [UInt8]) -> [Event] {
        guard let code = parameters.first, code >= Code.answers || code == Code.signature else {
            return []
        }
        let value = parameters.dropFirst()
        switch code {
        case Code.signature:
            // Asked for our name.
            if value.isEmpty { ask(Code.signature, Array("dbgsrv".utf8)) }
        case Code.answers + Code.lineState: noteLineState(value.first ?? 0)
        case Code.answers + Code.modemState: figures.modemLines = value.first
        case Code.answers + Code.suspend: return [.held(true)]
        case Code.answers + Code.resume: return [.held(false)]
        default: return settingAnswered(code - Code.answers, Array(value))
        }
        return []
    }

    private mutating func noteLineState(_ bits: UInt8) {
        if bits & 0x02 != 0 { figures.overruns &+= 1 }
        if bits & 0x04 != 0 { figures.parityErrors &+= 1 }
        if bits & 0x08 != 0 { figures.frameErrors &+= 1 }
        if bits & 0x10 != 0 { figures.breaks &+= 1 }
    }

    private mutating func settingAnswered(_ code: UInt8, _ value: [UInt8]) -> [Event] {
        guard case .setting(var unanswered) = state, unanswered.contains(code) else { return [] }
        // The control code carries several settings; only what was set of the flow control is looked at.
        if code == Code.control, let first = value.first, !Control.flow.contains(first) {
            return []
        }
        if let failure = complaint(code, value) { return fail(failure) }
        unanswered.remove(code)
        state = unanswered.isEmpty ? .ready : .setting(unanswered: unanswered)
        return unanswered.isEmpty ? [.ready(baudRate: grantedBaudRate)] : []
    }

    private mutating func complaint(_ code: UInt8, _ value: [UInt8]) -> RemotePortFailure? {
        let number = value.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        switch code {
        case Code.baudRate:
            grantedBaudRate = number
            let difference = abs(number - settings.baudRate)
            guard difference * 100 > settings.baudRate * Self.toleratedPercent else { return nil }
            return notGranted("baud rate", settings.baudRate, number)
        case Code.dataSize where number != settings.dataBits:
            return notGranted("data bits", settings.dataBits, number)
        case Code.parity where number != Int(settings.parity.rawValue):
            let granted = UInt8(exactly: number).flatMap(RemoteLineSettings.Parity.init(rawValue:))
            return .notGranted(
                setting: "parity",
                asked: "\(settings.parity)",
                granted: granted.map { "\($0)" } ?? "number \(number)"
            )
        case Code.stopSize where number != settings.stopBits:
            return notGranted("stop bits", settings.stopBits, number)
        case Code.control where number != Int(settings.flowControl.rawValue):
            let granted = UInt8(exactly: number)
                .flatMap(RemoteLineSettings.FlowControl.init(rawValue:))
            return .notGranted(
                setting: "flow control",
                asked: "\(settings.flowControl)",
                granted: granted.map { "\($0)" } ?? "number \(number)"
            )
        default: return nil
        }
    }

    private func notGranted(_ setting: String, _ asked: Int, _ granted: Int) -> RemotePortFailure {
        .notGranted(setting: setting, asked: String(asked), granted: String(granted))
    }
}
