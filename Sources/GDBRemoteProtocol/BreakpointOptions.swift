// What follows the kind of a `Z0` or `Z1` (the manual's "Packets"): `;Xlen,bytes` for each condition, one of which has
// to hold, and `;cmds:persist,Xlen,bytes…` for commands. The bytes are hexadecimal, `len` counts what they stand for.

/// The conditions and commands of a breakpoint.
public struct BreakpointOptions: Sendable, Equatable {
    /// The most expressions of one breakpoint.
    public static let expressionsMax = 256

    /// One of them has to hold for the breakpoint to count; none means that it always does.
    public var conditions: [AgentExpression] = []
    /// What is done each time the breakpoint counts, instead of stopping.
    public var commands: [AgentExpression] = []
    /// Whether the commands go on when the client has left.
    public var persists = false

    /// A breakpoint without any.
    public init() {}

    /// Reads what `BreakpointRequest.options` has; nil when it is malformed.
    public init?(parsing options: [UInt8]) {
        var reader = PayloadReader(options)
        while !reader.isAtEnd {
            if reader.skip("cmds:") {
                guard let digit = reader.byte(), digit == 0x30 || digit == 0x31,
                    reader.skip("," as Unicode.Scalar)
                else { return nil }
                persists = digit == 0x31
                guard let list = BreakpointOptions.expressions(&reader) else { return nil }
                commands += list
            } else {
                guard let list = BreakpointOptions.expressions(&reader), !list.isEmpty else {
                    return nil
                }
                conditions += list
            }
            guard conditions.count + commands.count <= BreakpointOptions.expressionsMax,
                reader.isAtEnd || reader.skip(";" as Unicode.Scalar)
            else { return nil }
        }
    }

    /// Expressions one behind the other.
    private static func expressions(_ reader: inout PayloadReader) -> [AgentExpression]? {
        var list: [AgentExpression] = []
        while reader.skip("X" as Unicode.Scalar) {
            guard list.count < expressionsMax, let count = reader.hexNumber(),
                let length = Int(exactly: count), length <= reader.rest.count / 2,
                reader.skip("," as Unicode.Scalar), let digits = reader.take(length * 2),
                let bytes = Hex.decode(digits)
            else { return nil }
            list.append(AgentExpression(bytes))
        }
        return list
    }

    /// What `BreakpointRequest.options` is to have.
    public var bytes: [UInt8] {
        var parts = conditions.map { BreakpointOptions.text(of: $0) }
        if !commands.isEmpty {
            parts.append(
                "cmds:\(persists ? 1 : 0),"
                    + commands.map { BreakpointOptions.text(of: $0) }.joined()
            )
        }
        return [UInt8](text: parts.joined(separator: ";"))
    }

    private static func text(of expression: AgentExpression) -> String {
        "X\(Hex.text(UInt64(expression.bytes.count))),"
            + String(decoding: Hex.encode(expression.bytes), as: UTF8.self)
    }
}
