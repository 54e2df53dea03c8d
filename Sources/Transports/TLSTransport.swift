public import ByteTransport
internal import LinuxSystem
internal import SessionProtocol
internal import TLSEngine

/// A stream inside TLS over another stream.
///
/// Use it after `handshake`: from then on no write waits for the peer's bytes, so poll(2) for what the inner
/// stream shows, together with `hasBufferedInput` and `hasBufferedOutput`, is all there is to wait for.
public final class TLSTransport: ByteTransport {
    /// How many bytes of the inner stream are taken at once.
    static let readBytesMax = 32_768
    /// How many portions of bytes that carry nothing are taken in one `read`.
    static let readsMax = 16
    /// How much may wait for a peer that makes this end answer and takes nothing, in bytes.
    static let outputBytesMax = 4 * TLSConnection.outputBytesMax

    private let inner: any ByteTransport
    private let connection: TLSConnection
    /// Deciphered bytes, those from `plainStart` on not yet read.
    private var plain: [UInt8] = []
    private var plainStart = 0
    /// Enciphered bytes that the inner stream has not taken.
    private var pending: ArraySlice<UInt8> = []
    private var end: EndReason?
    private var isBroken = false
    private var isFinishing = false
    private var hasFinished = false

    /// The far end for people.
    public let peerName: String

    init(_ inner: any ByteTransport, _ connection: TLSConnection, peerName: String) {
        self.inner = inner
        self.connection = connection
        self.peerName = peerName
    }

    /// The inner stream's descriptor.
    public var descriptor: Int32 { inner.descriptor }
    /// The inner stream's line.
    public var link: LinkKind { inner.link }
    /// The inner stream's trouble.
    public var trouble: String? { inner.trouble }
    /// Whether deciphered bytes, or the stream's end, wait to be read.
    public var hasBufferedInput: Bool {
        plainStart < plain.count || end != nil || inner.hasBufferedInput
    }
    /// Whether enciphered bytes wait for the inner stream.
    public var hasBufferedOutput: Bool {
        !isBroken && (waitingCount > 0 || inner.hasBufferedOutput)
    }
    /// What names this connection at both ends.
    public var channelBinding: [UInt8]? { connection.channelBinding }
    /// Version and cipher, `TLSv1.3, TLS_AES_256_GCM_SHA384`.
    public var agreement: String { connection.agreement }
    /// The peer's certificate for people, `lab (SHA-256 12ab…)`; nil when it showed none.
    public var peerCertificate: String? {
        connection.peerCertificate.map { "\($0.commonName) (SHA-256 \(hexText($0.sha256)))" }
    }

    private var waitingCount: Int { pending.count + connection.outputCount }

    // MARK: - Reading

    /// Takes what has arrived and could be deciphered.
    public func read(maximum: Int) -> ReadResult {
        if plainStart == plain.count, end == nil { fill() }
        if plainStart < plain.count { return takePlain(maximum) }
        return end.map { .ended($0) } ?? .wouldBlock
    }

    private func takePlain(_ maximum: Int) -> ReadResult {
        let bytes = Array(plain[plainStart...].prefix(maximum))
        plainStart += bytes.count
        if plainStart == plain.count {
            plain = []
            plainStart = 0
        }
        return .bytes(bytes)
    }

    private func fill() {
        for _ in 0..<Self.readsMax where plain.isEmpty && end == nil {
            guard waitingCount <= Self.outputBytesMax else {
                end = .failed("the peer takes nothing of what it asks for")
                break
            }
            switch inner.read(maximum: Self.readBytesMax) {
            case .bytes(let bytes):
                connection.receive(bytes[...])
                decipher()
            case .wouldBlock:
                return flush()
            case .ended(let reason):
                end = Self.truncation(reason)
            }
        }
        flush()
    }

    /// Takes everything that is whole, so that nothing but a part of a record stays in the engine.
    private func decipher() {
        while end == nil {
            switch connection.read(maximum: 16_384) {
            case .bytes(let bytes): plain += bytes
            case .needsInput: return
            case .closed: end = .closed
            case .failed(let words): end = .failed(words)
            }
        }
    }

    /// An end that TLS knows nothing of: the rest may be missing, by accident or by design.
    private static func truncation(_ reason: EndReason) -> EndReason {
        switch reason {
        case .closed:
            .failed(
                "the connection was cut off: its end did not come from the peer (no close_notify)"
            )
        case .failed: reason
        }
    }

    // MARK: - Writing

    /// Enciphers bytes and passes them on.
    public func write(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard !isBroken, !isFinishing else { return nil }
        flush()
        guard !isBroken else { return nil }
        guard waitingCount == 0 else { return 0 }
        guard let taken = connection.write(bytes) else { return nil }
        flush()
        return isBroken ? nil : taken
    }

    /// Passes enciphered bytes on, as many as the inner stream takes.
    public func flush() {
        while !isBroken, waitingCount > 0 {
            if pending.isEmpty { pending = connection.takeOutput()[...] }
            guard let taken = inner.write(pending) else {
                isBroken = true
                return
            }
            if taken == 0 { return }
            pending = pending.dropFirst(taken)
        }
        guard !isBroken else { return }
        inner.flush()
        if isFinishing, !hasFinished {
            hasFinished = true
            inner.finishWriting()
        }
    }

    /// Tells the peer that no more bytes will come (close_notify).
    public func finishWriting() {
        guard !isFinishing else { return }
        isFinishing = true
        connection.finishWriting()
        flush()
    }

    /// Closes both directions, telling the peer if that can be done without waiting.
    public func close() {
        finishWriting()
        inner.close()
    }

    // MARK: - Handshake

    /// Does the handshake, waiting for the peer.
    ///
    /// - Parameters:
    ///   - limitMilliseconds: how long it may take as a whole.
    ///   - stop: a descriptor that ends the wait when it can be read; -1 for none.
    /// - Returns: false when `stop` ended it.
    /// - Throws: why it failed; the peer has been told as far as TLS has words for it.
    public func handshake(
        limitMilliseconds: Int,
        stop: Int32 = -1
    ) throws(TransportError) -> Bool {
        let deadline = monotonicNanoseconds() + UInt64(limitMilliseconds) * 1_000_000
        while try !advanceHandshake() {
            guard monotonicNanoseconds() < deadline else {
                throw TransportError(
                    "\(peerName): the TLS handshake took longer than"
                        + " \(Double(limitMilliseconds) / 1000) s; does the other end speak TLS?"
                )
            }
            guard try wait(deadline, stop) else { return false }
        }
        return true
    }

    /// Does what can be done of the handshake without waiting.
    ///
    /// - Returns: whether it is done; when not, poll `descriptor`, for writing too while there is buffered output.
    /// - Throws: as `handshake` does.
    public func advanceHandshake() throws(TransportError) -> Bool {
        while true {
            let progress = connection.advance()
            flush()
            switch progress {
            case .done:
                decipher()
                return true
            case .failed(let words):
                answerInPlain(words)
                throw TransportError("\(peerName): \(words)")
            case .needsInput:
                guard try takeHandshakeBytes() else { return false }
            }
        }
    }

    /// - Returns: whether there were any.
    private func takeHandshakeBytes() throws(TransportError) -> Bool {
        switch inner.read(maximum: Self.readBytesMax) {
        case .bytes(let bytes):
            connection.receive(bytes[...])
            return true
        case .ended(.failed(let words)):
            throw TransportError("\(peerName): \(words) (during the TLS handshake)")
        case .ended(.closed):
            throw TransportError(
                "\(peerName) closed the connection during the TLS handshake; does it speak TLS?"
            )
        case .wouldBlock:
            return false
        }
    }

    private func wait(_ deadline: UInt64, _ stop: Int32) throws(TransportError) -> Bool {
        var requests = [
            PollRequest(inner.descriptor, read: true, write: hasBufferedOutput), PollRequest(stop),
        ]
        do {
            try pollDescriptors(&requests, untilMonotonicNanoseconds: deadline)
        } catch {
            throw TransportError(peerName, error)
        }
        if requests[0].isWritable { flush() }
        return !requests[1].isReadable
    }

    /// Tells somebody who does not speak TLS at all in its own words why nothing comes of it.
    private func answerInPlain(_ words: String) {
        guard let first = connection.plainBeginning?.first else { return }
        let advice =
            "this server speaks TLS only: connect with ssl:, spipe: or proto= (cdb, dbgbridge)"
        switch first {
        case UInt8(ascii: "D"):
            _ = inner.write(Greeting.refused(advice)[...])
        case UInt8(ascii: "+"), UInt8(ascii: "$"):
            let payload = Array("E.\(advice)".utf8)
            let sum = payload.reduce(UInt8(0)) { $0 &+ $1 }
            let packet = Array("+$".utf8) + payload + Array("#\(hexText([sum]))".utf8)
            _ = inner.write(packet[...])
        default:
            return
        }
    }
}
