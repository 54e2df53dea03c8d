public import ByteTransport
public import LinuxSystem

/// A byte stream over one non-blocking descriptor: a socket, a terminal, a channel handed out by a broker.
public final class DescriptorTransport: ByteTransport {
    private var input: OwnedDescriptor?
    private let words: () -> String?
    private let currentTrouble: () -> String?
    /// The far end for people.
    public let peerName: String
    /// The line beneath.
    public let link: LinkKind

    /// Wraps an open descriptor and makes it non-blocking.
    ///
    /// - Parameters:
    ///   - descriptor: reads and writes go here.
    ///   - peerName: the far end for people.
    ///   - link: the line beneath.
    ///   - reasonForEnd: asked when the stream has ended; words when it broke, nil when it was closed.
    ///   - trouble: asked while nothing comes; words when something is wrong with the line.
    public init(
        _ descriptor: OwnedDescriptor,
        peerName: String,
        link: LinkKind,
        reasonForEnd: @escaping () -> String? = { nil },
        trouble: @escaping () -> String? = { nil }
    ) throws(SystemError) {
        try descriptor.setNonBlocking()
        input = descriptor
        self.peerName = peerName
        self.link = link
        words = reasonForEnd
        currentTrouble = trouble
    }

    /// What is known to be wrong with the line.
    public var trouble: String? { currentTrouble() }

    /// The descriptor's number, -1 once closed.
    public var descriptor: Int32 { input?.number ?? -1 }

    /// Takes what has arrived.
    public func read(maximum: Int) -> ReadResult {
        guard let input else { return .ended(.closed) }
        do {
            guard let bytes = try input.read(maximum: maximum) else { return .wouldBlock }
            if !bytes.isEmpty { return .bytes(bytes) }
            return .ended(words().map(EndReason.failed) ?? .closed)
        } catch {
            return .ended(.failed(words() ?? error.reason))
        }
    }

    /// Gives bytes to the stream.
    public func write(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard let input else { return nil }
        return try? input.write(bytes)
    }

    /// Shuts the writing side down, where the descriptor is a socket.
    public func finishWriting() {
        if let input { shutDownWriting(input) }
    }

    /// Closes the descriptor.
    public func close() {
        input = nil
    }
}
