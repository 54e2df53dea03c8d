internal import ByteTransport
public import ConnectionStrings
public import LinuxSystem
internal import SessionProtocol
public import SharedSession
public import Transports

/// A debugging client's end of a session: it joins, comes again after a loss, and reads on where it was.
public final class JoinedSession {
    /// How many bytes of commands may wait for the connection.
    public static let outputBytesMax = 1 << 18
    /// How much is read at a time, in bytes.
    static let readBytesMax = 65_536

    /// What the session tells its participant.
    public enum Event: Sendable, Equatable {
        /// It takes part; whether this is the session that it was in before.
        case welcome(SharedFrame.Welcome, isSame: Bool)
        /// Text.
        case text(String, SharedFrame.OutputPiece.Style)
        /// So many bytes were not kept for it.
        case missed(UInt64)
        /// The session waits for a command.
        case prompt(String)
        /// It does not.
        case busy(targetRuns: Bool)
        /// The answer to `complete`.
        case completions(number: UInt16, [String])
        /// The session is over, in words.
        case ended(String)
        /// The connection is gone, in words.
        case lost(String)
    }

    private let connection: ConnectionString
    private let program: String
    private let join: SharedFrame.Join
    private var password: [UInt8]?
    private var transport: (any ByteTransport)?
    private var decoder = SharedFrameDecoder()
    private var text = ScreenText()
    private var output: [UInt8] = []
    private var position: SharedFrame.Position?
    /// How many commands this connection has carried, and how many the server has settled.
    private var sent: UInt32 = 0
    private var answered: UInt32 = 0

    /// Prepares to join.
    ///
    /// - Parameters:
    ///   - program: name and version of this program.
    ///   - historyLines: how many lines of earlier text are wanted.
    public init(_ connection: ConnectionString, program: String, historyLines: Int) throws {
        self.connection = connection
        self.program = program
        password = try connection.access.password.map { named in
            try PasswordSource.password(named, of: connection.transportName)
        }
        join = SharedFrame.Join(
            user: ownUserName,
            host: hostName(),
            historyLines: UInt32(clamping: historyLines)
        )
    }

    /// Connects, and says where it was when it was there before.
    ///
    /// Where the server wants a password and there is somebody to ask, they are asked.
    public func connect() throws(TransportError) {
        do {
            try open()
        } catch {
            guard password == nil, isPasswordAsked, let given = try askForPassword() else {
                throw error
            }
            password = given
            try open()
        }
    }

    private var isPasswordAsked = false

    private func askForPassword() throws(TransportError) -> [UInt8]? {
        guard PasswordSource.canAsk else { return nil }
        return try PasswordSource.ask("\(connection.displayed()) password: ")
    }

    private func open() throws(TransportError) {
        close()
        let stream = try openClientStream(
            connection,
            program: program,
            password: password,
            role: .debuggingClient
        )
        do {
            try stream.expectServer(
                timeoutMilliseconds: StreamListenerLimits.greetingMilliseconds
            )
        } catch {
            isPasswordAsked = stream.isPasswordAsked
            stream.close()
            throw error
        }
        var hello = join
        hello.resumes = position
        output = SharedFrame.join(hello).encoded
        decoder = SharedFrameDecoder()
        sent = 0
        answered = 0
        transport = stream
        flush()
    }

    /// Whether there is a connection.
    public var isConnected: Bool { transport != nil }

    /// Whether commands of ours are still to be carried out.
    public var awaitsAnswer: Bool { sent != answered }

    /// How many of them.
    public var awaitedCount: Int { Int(sent &- answered) }

    /// The server as its users know it.
    public var peerName: String { transport?.peerName ?? connection.displayed() }

    /// What to poll for.
    public var request: PollRequest {
        let wantsWrite = !output.isEmpty || (transport?.hasBufferedOutput ?? false)
        return PollRequest(transport?.descriptor ?? -1, write: wantsWrite)
    }

    /// Whether `next` has something although poll(2) need not show it.
    public var hasInput: Bool { transport?.hasBufferedInput ?? false }

    // MARK: - To the server

    /// Types a command.
    public func type(_ command: String) {
        guard transport != nil, output.count < Self.outputBytesMax else { return }
        sent &+= 1
        output += SharedFrame.command(command).encoded
        flush()
    }

    /// Presses Ctrl+C.
    public func interrupt() {
        output += SharedFrame.interrupt.encoded
        flush()
    }

    /// Asks how a line may go on.
    public func complete(_ line: String, number: UInt16) {
        guard output.count < Self.outputBytesMax else { return }
        output += SharedFrame.complete(number: number, line).encoded
        flush()
    }

    private func flush() {
        guard let transport else { return }
        transport.flush()
        while !output.isEmpty, let taken = transport.write(output[...]), taken > 0 {
            output.removeFirst(taken)
        }
        transport.flush()
    }

    // MARK: - From the server

    /// Everything that has come.
    public func take() -> [Event] {
        guard let transport else { return [] }
        flush()
        switch transport.read(maximum: Self.readBytesMax) {
        case .wouldBlock:
            return []
        case .ended(let reason):
            close()
            return [.lost(reason.words)]
        case .bytes(let bytes):
            decoder.append(bytes)
        }
        var events: [Event] = []
        do {
            while let frame = try decoder.next() {
                events += meaning(of: frame)
                if case .ended = events.last {
                    close()
                    return events
                }
            }
        } catch {
            close()
            events.append(.ended("the server does not keep to the protocol: \(error)"))
        }
        return events
    }

    private func meaning(of frame: SharedFrame) -> [Event] {
        switch frame {
        case .welcome(let welcome):
            let isSame = position?.session == welcome.position.session
            position = welcome.position
            return [.welcome(welcome, isSame: isSame)]
        case .output(let piece):
            position?.offset = piece.nextOffset
            return [.text(text.take(piece.bytes), piece.style)]
        case .missed(let count):
            return [.missed(count)]
        case .prompt(let answered, let prompt):
            self.answered = answered
            return [.prompt(ScreenText.line(prompt))]
        case .busy(let targetRuns):
            return [.busy(targetRuns: targetRuns)]
        case .completions(let number, let texts):
            return [.completions(number: number, texts.map(ScreenText.line))]
        case .ended(let words):
            return [.ended(ScreenText.line(words))]
        case .join, .command, .interrupt, .complete:
            return [.ended("the server does not keep to the protocol")]
        }
    }

    /// Leaves.
    public func close() {
        transport?.close()
        transport = nil
    }
}

extension EndReason {
    fileprivate var words: String {
        switch self {
        case .closed: "the server closed the connection"
        case .failed(let words): words
        }
    }
}
