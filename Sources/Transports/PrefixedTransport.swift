public import ByteTransport

/// A stream of which some bytes have been read already.
public final class PrefixedTransport: ByteTransport {
    private let inner: any ByteTransport
    private var prefix: [UInt8]

    /// Puts bytes back in front of a stream.
    public init(_ prefix: [UInt8], before inner: any ByteTransport) {
        self.prefix = prefix
        self.inner = inner
    }

    /// The inner stream's descriptor; `hasBufferedInput` tells of the put-back bytes.
    public var descriptor: Int32 { inner.descriptor }
    /// The inner stream's.
    public var outputDescriptor: Int32 { inner.outputDescriptor }
    /// The inner stream's far end.
    public var peerName: String { inner.peerName }
    /// The inner stream's line.
    public var link: LinkKind { inner.link }
    /// The inner stream's trouble.
    public var trouble: String? { inner.trouble }
    /// Whether bytes wait here or in the inner stream.
    public var hasBufferedInput: Bool { !prefix.isEmpty || inner.hasBufferedInput }
    /// Whether bytes wait in the inner stream.
    public var hasBufferedOutput: Bool { inner.hasBufferedOutput }
    /// The inner stream's.
    public var channelBinding: [UInt8]? { inner.channelBinding }

    /// Takes the put-back bytes, then what arrives.
    public func read(maximum: Int) -> ReadResult {
        if prefix.isEmpty { return inner.read(maximum: maximum) }
        let bytes = Array(prefix.prefix(maximum))
        prefix.removeFirst(bytes.count)
        return .bytes(bytes)
    }

    /// Gives bytes to the stream.
    public func write(_ bytes: ArraySlice<UInt8>) -> Int? {
        inner.write(bytes)
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
