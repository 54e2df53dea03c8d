/// The name of one connection between its control and its data socket; unguessable, so that only who was
/// told it can take the data.
public struct BrokerToken: Hashable, Sendable {
    private let high: UInt64
    private let low: UInt64

    /// A new one.
    public init(using generator: inout some RandomNumberGenerator) {
        high = generator.next()
        low = generator.next()
    }

    /// Reads the 32 hexadecimal digits.
    public init?(_ text: String) {
        guard text.utf8.count == 32, !text.hasPrefix("+"), !text.hasPrefix("-"),
            let high = UInt64(text.prefix(16), radix: 16),
            text.utf8.allSatisfy({ $0 != 0x2B && $0 != 0x2D }),
            let low = UInt64(text.suffix(16), radix: 16)
        else { return nil }
        self.high = high
        self.low = low
    }

    /// 32 hexadecimal digits.
    public var text: String { Self.digits(high) + Self.digits(low) }

    private static func digits(_ number: UInt64) -> String {
        let short = String(number, radix: 16)
        return String(repeating: "0", count: 16 - short.utf8.count) + short
    }
}
