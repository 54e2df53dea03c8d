public import ByteTransport
public import LinuxSystem

/// Standard input and output as one stream: two pipes, or one socket, to whoever started the program.
public final class StandardStreams: ByteTransport {
    private let input: OwnedDescriptor
    private var output: OwnedDescriptor?
    /// What it is called.
    public let peerName: String

    /// Takes both and makes them non-blocking.
    ///
    /// - Parameters:
    ///   - input: where bytes come from.
    ///   - output: where they go to.
    public init(
        input: OwnedDescriptor = OwnedDescriptor(0),
        output: OwnedDescriptor = OwnedDescriptor(1),
        peerName: String = "stdio"
    ) throws(SystemError) {
        self.input = input
        self.peerName = peerName
        try input.setNonBlocking()
        try output.setNonBlocking()
        self.output = output
    }

    /// Standard input.
    public var descriptor: Int32 { input.number }
    /// Standard output; -1 when it is finished with.
    public var outputDescriptor: Int32 { output?.number ?? -1 }
    /// Whoever started us is on this machine.
    public var link: LinkKind { .local }

    /// Takes what has arrived.
    public func read(maximum: Int) -> ReadResult {
        do {
            guard let bytes = try input.read(maximum: maximum) else { return .wouldBlock }
            return bytes.isEmpty ? .ended(.closed) : .bytes(bytes)
        } catch {
            return .ended(.failed(error.reason))
        }
    }

    /// Gives bytes to the output.
    public func write(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard let output else { return nil }
        return try? output.write(bytes)
    }

    /// Closes the output.
    public func finishWriting() {
        output = nil
    }

    /// Closes the output; the input is the process's own.
    public func close() {
        output = nil
    }
}
