public import ByteTransport
internal import SessionProtocol

/// A client's stream with the greeting of `SessionProtocol` in front.
///
/// The greeting leaves with the first bytes written and the answer is taken off the first bytes read, so
/// it costs no round trip. A plain stub at the far end, which answers no greeting, is talked to as it is.
public final class GreetingTransport: ByteTransport {
    private let inner: any ByteTransport
    private var pendingGreeting: [UInt8]
    private var handshake: ClientHandshake? = ClientHandshake()
    private var early: [UInt8] = []
    private var refusal: String?
    /// What the server said of itself, once it has; nil for a plain stub.
    public private(set) var serverName: String?

    /// Puts a greeting in front of a stream.
    ///
    /// - Parameters:
    ///   - inner: a fresh connection.
    ///   - program: the name and version of this program, "cdb/0.1".
    public init(_ inner: any ByteTransport, program: String) {
        self.inner = inner
        pendingGreeting = Greeting.client(role: .smartClient, program: program)
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
        case .refused(let words):
            refusal = words
            return .ended(.failed(words))
        }
        return early.isEmpty ? .wouldBlock : takeEarly(maximum)
    }

    /// Gives bytes to the stream, the greeting first.
    public func write(_ bytes: ArraySlice<UInt8>) -> Int? {
        while !pendingGreeting.isEmpty {
            guard let taken = inner.write(pendingGreeting[...]) else { return nil }
            if taken == 0 { return 0 }
            pendingGreeting.removeFirst(taken)
        }
        return inner.write(bytes)
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
