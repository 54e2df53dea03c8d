internal import ByteTransport
internal import LinuxSystem

/// Standard input and output as one stream.
final class StandardStreams: ByteTransport {
    private let input: OwnedDescriptor
    private var output: OwnedDescriptor?

    init() throws(SystemError) {
        input = OwnedDescriptor(0)
        let output = OwnedDescriptor(1)
        try input.setNonBlocking()
        try output.setNonBlocking()
        self.output = output
    }

    var descriptor: Int32 { input.number }
    var outputDescriptor: Int32 { output?.number ?? -1 }
    var peerName: String { "stdio" }
    var link: LinkKind { .local }

    func read(maximum: Int) -> ReadResult {
        do {
            guard let bytes = try input.read(maximum: maximum) else { return .wouldBlock }
            return bytes.isEmpty ? .ended(.closed) : .bytes(bytes)
        } catch {
            return .ended(.failed(error.reason))
        }
    }

    func write(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard let output else { return nil }
        return try? output.write(bytes)
    }

    func finishWriting() {
        output = nil
    }

    func close() {
        output = nil
    }
}
