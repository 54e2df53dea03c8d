public import ByteTransport
internal import LinuxSystem
public import SessionProtocol

/// A client's stream with the greeting of `SessionProtocol` in front.
///
/// The greeting leaves with the first bytes written and the answer is taken off the first bytes read, so
/// it costs no round trip. A plain stub at the far end, which answers no greeting, is talked to as it is.
/// Only where a password is to be proved does nothing else leave before that is done: `settle`.
public final class GreetingTransport: ByteTransport {
    private let inner: any ByteTransport
    private let program: String
    private let role: Greeting.Role
    private var pendingLine: [UInt8]
    private var handshake: ClientHandshake? = ClientHandshake()
    private var early: [UInt8] = []
    private var refusal: String?
    /// What the server said of itself, once it has; nil for a plain stub.
    public private(set) var serverName: String?
    /// How long a server that might be a plain stub may take to answer a greeting, in milliseconds.
    static let questionMilliseconds = 5_000
    /// What the user is told then, when nobody can be asked for it.
    public static let passwordAskedWords =
        "the server wants a password: add password=… to the connection string (the password itself,"
        + " @file:PATH, @env:NAME or @ask)"
    /// Whether the server ended the greeting because it wants a password.
    public private(set) var isPasswordAsked = false

    /// Puts a greeting in front of a stream.
    ///
    /// - Parameters:
    ///   - inner: a fresh connection.
    ///   - program: the name and version of this program, "cdb/0.1".
    ///   - role: what we want to be.
    public init(
        _ inner: any ByteTransport,
        program: String,
        role: Greeting.Role = .smartClient
    ) {
        self.inner = inner
        self.program = program
        self.role = role
        pendingLine = Greeting.client(role: role, program: program)
    }

    /// The inner stream's descriptor.
    public var descriptor: Int32 { inner.descriptor }
    /// The inner stream's far end.
    public var peerName: String { inner.peerName }
    /// The inner stream's line.
    public var link: LinkKind { inner.link }
    /// The inner stream's trouble.
    public var trouble: String? { inner.trouble }
    /// Whether bytes wait here or in the inner stream.
    public var hasBufferedInput: Bool { !early.isEmpty || refusal != nil || inner.hasBufferedInput }
    /// Whether bytes wait in the inner stream.
    public var hasBufferedOutput: Bool { inner.hasBufferedOutput }
    /// The inner stream's.
    public var channelBinding: [UInt8]? { inner.channelBinding }

    /// Takes what has arrived behind the server's greeting.
    public func read(maximum: Int) -> ReadResult {
        if let refusal { return .ended(.failed(refusal)) }
        if !early.isEmpty { return takeEarly(maximum) }
        let result = inner.read(maximum: maximum)
        guard handshake != nil, case .bytes(let bytes) = result else { return result }
        return examine(bytes, maximum)
    }

    private func takeEarly(_ maximum: Int) -> ReadResult {
        let bytes = Array(early.prefix(maximum))
        early.removeFirst(bytes.count)
        return .bytes(bytes)
    }

    private func examine(_ bytes: [UInt8], _ maximum: Int) -> ReadResult {
        guard let outcome = handshake?.receive(bytes) else { return .bytes(bytes) }
        switch outcome {
        case .undecided:
            return .wouldBlock
        case .plainStub(let rest):
            handshake = nil
            early = rest
        case .accepted(let server, let rest):
            handshake = nil
            serverName = server
            early = rest
        case .reply(let line):
            pendingLine += line
            _ = writePendingLine()
        case .passwordAsked:
            isPasswordAsked = true
            return end(Self.passwordAskedWords)
        case .refused(let words):
            return end(words)
        }
        return early.isEmpty ? .wouldBlock : takeEarly(maximum)
    }

    private func end(_ words: String) -> ReadResult {
        refusal = words
        return .ended(.failed(words))
    }

    /// Gives bytes to the stream, the greeting first.
    public func write(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard let isFree = writePendingLine() else { return takenByRefusal(bytes) }
        guard isFree else { return 0 }
        return inner.write(bytes) ?? takenByRefusal(bytes)
    }

    /// A server that refused us before we had said anything may be gone already; its words are still to be read.
    ///
    /// - Returns: the bytes as taken when it said why, so that the next read tells; nil when it did not.
    private func takenByRefusal(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard handshake != nil else { return nil }
        _ = read(maximum: 4096)
        return refusal == nil ? nil : bytes.count
    }

    /// - Returns: whether nothing waits any more; nil when the stream is broken.
    private func writePendingLine() -> Bool? {
        while !pendingLine.isEmpty {
            guard let taken = inner.write(pendingLine[...]) else { return nil }
            if taken == 0 { return false }
            pendingLine.removeFirst(taken)
        }
        inner.flush()
        return true
    }

    /// Passes on what waits in the inner stream.
    public func flush() {
        inner.flush()
    }

    /// Says that no more bytes will come from this end.
    public func finishWriting() {
        inner.finishWriting()
    }

    /// Closes both directions.
    public func close() {
        inner.close()
    }
}

/// Greeting with a password, before anything else is said.
extension GreetingTransport {
    /// Greets, proves that the user knows the password, and has the server prove the same.
    ///
    /// - Parameter timeoutMilliseconds: how long the whole may take.
    /// - Throws: the server's refusal, or that it does not answer, in words.
    public func settle(
        password: [UInt8],
        timeoutMilliseconds: Int
    ) throws(TransportError) {
        let proof = PasswordProof.client(password, channelBinding: inner.channelBinding)
        handshake = ClientHandshake(proof: proof)
        pendingLine = Greeting.client(role: role, program: program, proof: proof)
        try settle(timeoutMilliseconds)
    }

    /// Greets, unless that is done, and waits until the server has answered.
    ///
    /// - Throws: also when the far end is no server of ours.
    public func expectServer(timeoutMilliseconds: Int) throws(TransportError) {
        try settle(timeoutMilliseconds)
        if isPasswordAsked { throw TransportError("\(peerName): \(Self.passwordAskedWords)") }
        guard serverName != nil else {
            throw TransportError(
                "\(peerName): the far end is no debugging server (it speaks another protocol)"
            )
        }
    }

    /// Greets and waits for the answer.
    ///
    /// Where the server wants a password, the user is asked for it; when there
    /// is none, the server's wish is the error.
    ///
    /// A server that keeps silent is a plain stub and is talked to as it is.
    func settle(
        asking ask: PasswordPrompt,
        timeoutMilliseconds: Int
    ) throws(TransportError) {
        guard try isSettled(within: Self.questionMilliseconds), isPasswordAsked else { return }
        guard let password = try ask(peerName) else {
            throw TransportError("\(peerName): \(Self.passwordAskedWords)")
        }
        let proof = PasswordProof.client(password, channelBinding: inner.channelBinding)
        refusal = nil
        isPasswordAsked = false
        pendingLine = handshake?.answer(with: proof) ?? []
        try settle(timeoutMilliseconds)
    }

    private func settle(_ timeoutMilliseconds: Int) throws(TransportError) {
        guard try isSettled(within: timeoutMilliseconds) else {
            throw TransportError(
                "\(peerName): no answer to the greeting within \(timeoutMilliseconds / 1000) s; a"
                    + " server that is no dbgsrv gives none and cannot check a password"
            )
        }
    }

    /// Waits until the handshake is over, or the server wants a password.
    private func isSettled(within timeoutMilliseconds: Int) throws(TransportError) -> Bool {
        let deadline = monotonicNanoseconds() + UInt64(timeoutMilliseconds) * 1_000_000
        while handshake != nil {
            let canWrite = writePendingLine()
            // A server that refuses may have closed before our line was out: its words come first.
            switch read(maximum: 4096) {
            case .bytes(let bytes):
                early = bytes + early
            case .ended where isPasswordAsked:
                return true
            case .ended(let reason):
                throw TransportError("\(peerName): \(reason.words)")
            case .wouldBlock where handshake != nil:
                guard let canWrite else {
                    throw TransportError("\(peerName): the connection broke")
                }
                guard monotonicNanoseconds() < deadline else { return false }
                try wait(until: deadline, forWriting: !canWrite)
            case .wouldBlock:
                break
            }
        }
        return true
    }

    private func wait(until deadline: UInt64, forWriting: Bool) throws(TransportError) {
        if inner.hasBufferedInput { return }
        var requests = [PollRequest(inner.descriptor, write: forWriting || hasBufferedOutput)]
        do {
            try pollDescriptors(&requests, untilMonotonicNanoseconds: deadline)
        } catch {
            throw TransportError(peerName, error)
        }
        if hasBufferedOutput { inner.flush() }
    }
}

extension EndReason {
    /// For people.
    var words: String {
        switch self {
        case .closed: "the server closed the connection"
        case .failed(let words): words
        }
    }
}
