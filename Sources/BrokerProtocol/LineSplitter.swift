/// Cuts a stream of bytes into lines.
public struct LineSplitter: Sendable {
    private var pending: [UInt8] = []

    /// An empty one.
    public init() {}

    /// Adds what was read; the caller takes the lines out before it adds more.
    public mutating func append(_ bytes: some Sequence<UInt8>) {
        pending.append(contentsOf: bytes)
    }

    /// The next whole line; nil when there is none yet.
    public mutating func nextLine() throws(BrokerProtocolError) -> BrokerLine? {
        guard let end = pending.firstIndex(of: 0x0A) else {
            if pending.count > BrokerLine.bytesMax { throw .lineTooLong }
            return nil
        }
        let bytes = pending[..<end]
        defer { pending.removeSubrange(...end) }
        return try BrokerLine(decoding: bytes)
    }

    /// Hands over what follows the last line, for a stream that turns from lines to raw bytes.
    public mutating func takeRest() -> [UInt8] {
        defer { pending = [] }
        return pending
    }
}
