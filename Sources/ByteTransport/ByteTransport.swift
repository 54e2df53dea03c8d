/// What one non-blocking read gave.
public enum ReadResult: Sendable, Equatable {
    /// Bytes, at least one.
    case bytes([UInt8])
    /// Nothing yet; poll the descriptor.
    case wouldBlock
    /// The peer has finished or is gone.
    case ended(EndReason)
}

/// Why a stream ended.
public enum EndReason: Sendable, Equatable {
    /// The peer closed it in order.
    case closed
    /// It broke; the words say how ("the peer restarted", "connection reset by peer").
    case failed(String)
}

/// What a debugger wants to know of the line beneath a stream.
public enum LinkKind: Sendable, Equatable {
    /// A pipe or socket on the same machine.
    case local
    /// A network connection.
    case network
    /// A channel of a serial port of that baud rate.
    case serial(baudRate: Int)
}

/// A reliable stream of bytes in both directions: a TCP connection, a pipe, a channel of a serial port.
///
/// Calls never block and come from one thread.
public protocol ByteTransport: AnyObject {
    /// Shows readable in poll(2) when `read` has something.
    var descriptor: Int32 { get }
    /// Shows writable in poll(2) when `write` has room again; the same but for two pipes.
    var outputDescriptor: Int32 { get }
    /// The far end for people, "tcp [::1]:5005", "com /dev/ttyS1 channel 7".
    var peerName: String { get }
    /// The line beneath.
    var link: LinkKind { get }
    /// What is known to be wrong with the line at the moment, "the far end does not answer"; nil when nothing is.
    var trouble: String? { get }
    /// Whether `read` has something although poll(2) need not show it: bytes that were put back or deciphered.
    ///
    /// Who waits for input asks this first. It is bounded, so reading until it is false ends.
    var hasBufferedInput: Bool { get }
    /// Whether written bytes wait in the transport itself; `flush` once the descriptor shows writable.
    var hasBufferedOutput: Bool { get }
    /// What names this one secure connection at both of its ends and nowhere else (RFC 9266, `tls-exporter`);
    /// nil where there is no such thing.
    var channelBinding: [UInt8]? { get }

    /// Takes what has arrived, `maximum` bytes at most.
    func read(maximum: Int) -> ReadResult

    /// Gives bytes to the stream.
    ///
    /// - Returns: how many were taken; 0 when the stream is full, nil when it is broken.
    func write(_ bytes: ArraySlice<UInt8>) -> Int?

    /// Passes on what can be passed on of the bytes that wait in the transport itself.
    func flush()

    /// Says that no more bytes will come from this end; the other direction stays open.
    func finishWriting()

    /// Closes both directions; safe to call twice.
    func close()
}

extension ByteTransport {
    /// One for both directions.
    public var outputDescriptor: Int32 { descriptor }
    /// Nothing is known.
    public var trouble: String? { nil }
    /// Nothing waits but what poll(2) shows.
    public var hasBufferedInput: Bool { false }
    /// Nothing waits in the transport itself.
    public var hasBufferedOutput: Bool { false }
    /// There is no secure connection.
    public var channelBinding: [UInt8]? { nil }
    /// Nothing waits in the transport itself.
    public func flush() {}
}

/// A stream to a kernel's stub, which may take more than a byte to be halted.
public protocol KernelStream: ByteTransport {
    /// Sends what halts the kernel while it runs.
    func breakIn()
}
