internal import Glibc
public import LinuxSystem
public import SharedSession

/// A debugger's line to its hub.
public final class HubConnection {
    /// How long the hub may take to take text or to answer, in milliseconds; it never waits for anybody itself,
    /// but for a serial port's broker and a resolver.
    static let patienceMilliseconds = 30_000
    /// The descriptor at which a hub finds its debugger.
    public static let hubDescriptor: Int32 = 3
    /// The one argument of a program that is to be a hub.
    public static let hubArgument = "--hub"

    private let line: OwnedDescriptor
    private let process: Int32
    private var decoder = DebuggerMessageDecoder()
    private var waiting: [DebuggerMessage] = []
    private var nextQuestion: UInt32 = 1
    /// Whether the hub is still there.
    public private(set) var isConnected = true

    /// Starts a hub: this program once more.
    public init() throws(SystemError) {
        let (ours, theirs) = try UnixSocket.makePair()
        try ours.setNonBlocking()
        let nowhere = try openFile("/dev/null", flags: O_RDWR)
        process = try ProgramLauncher.start(
            ProgramLauncher.ownProgram,
            arguments: [Self.hubArgument],
            descriptors: [nowhere, nowhere, try OwnedDescriptor(duplicating: 2), theirs],
            newSession: true
        )
        line = ours
    }

    deinit {
        // It has been told, or finds our end of the line closed; it takes the farewell's time at the most.
        shutDownWriting(line)
        ProgramLauncher.waitForEnd(of: process)
    }

    /// Shows readable in poll(2) when `next` may have something; -1 once the hub is gone.
    public var descriptor: Int32 { isConnected ? line.number : -1 }

    /// Whether `next` has something although poll(2) need not show it.
    public var hasInput: Bool { !waiting.isEmpty || decoder.hasMessage }

    /// Sends a message; without effect when the hub is gone.
    public func send(_ message: DebuggerMessage) {
        guard isConnected else { return }
        var rest = message.encoded[...]
        while !rest.isEmpty {
            guard let taken = try? line.write(rest) else { return lose() }
            rest = rest.dropFirst(taken)
            guard taken == 0 else { continue }
            var requests = [PollRequest(line.number, read: false, write: true)]
            let isReady = try? pollDescriptors(
                &requests,
                timeoutMilliseconds: Self.patienceMilliseconds
            )
            if isReady != true { return lose() }
        }
    }

    private func lose() {
        isConnected = false
    }

    /// The next message; nil when there is none now.
    public func next() -> DebuggerMessage? {
        if !waiting.isEmpty { return waiting.removeFirst() }
        if let message = decoder.next() { return message }
        guard isConnected else { return nil }
        do {
            guard let bytes = try line.read(maximum: 65_536) else { return nil }
            if bytes.isEmpty { lose() }
            decoder.append(bytes)
        } catch {
            lose()
        }
        let message = decoder.next()
        if decoder.isBroken { lose() }
        return message
    }

    /// Asks the hub for something and waits for the answer.
    ///
    /// - Returns: the answer's lines; nil when the hub is gone.
    public func ask(_ words: [String]) -> (isDone: Bool, lines: [String])? {
        let number = nextQuestion
        nextQuestion &+= 1
        send(.ask(number: number, words))
        let deadline = monotonicNanoseconds() + UInt64(Self.patienceMilliseconds) * 1_000_000
        var others: [DebuggerMessage] = []
        defer { waiting = others + waiting }
        while isConnected, monotonicNanoseconds() < deadline {
            while let message = next() {
                if case .answer(number, let isDone, let lines) = message { return (isDone, lines) }
                others.append(message)
            }
            var requests = [PollRequest(line.number)]
            _ = try? pollDescriptors(&requests, untilMonotonicNanoseconds: deadline)
        }
        return nil
    }
}
