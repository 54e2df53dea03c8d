/// A BREAK and its place among a connection's bytes.
///
/// The bytes go through a socket of their own, so a place is said by their number: a BREAK and then a letter
/// is what the kernel's SysRq waits for.
public struct LineBreak: Sendable, Hashable {
    /// How many bytes of the connection, in the same direction, came before it.
    public var after: Int
    /// How long the line was held.
    public var milliseconds: Int

    /// The longest BREAK that can be said, in milliseconds.
    public static let millisecondsMax = 65_535

    /// Builds one.
    public init(after: Int, milliseconds: Int) {
        self.after = after
        self.milliseconds = milliseconds
    }

    init(_ reader: inout FieldReader) throws(BrokerProtocolError) {
        after = try reader.integer("after", in: 0...Int.max)
        milliseconds = try reader.integer("ms", in: 0...Self.millisecondsMax)
    }

    func fields(_ token: BrokerToken) -> [(String, String)] {
        [("token", token.text), ("after", String(after)), ("ms", String(milliseconds))]
    }
}
