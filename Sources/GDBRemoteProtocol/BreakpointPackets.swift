public import DebugTarget

/// `Z` and `z`: plant and remove a breakpoint (the manual's "Packets").
///
/// The types are 0 software, 1 hardware, 2 write, 3 read and 4 access watchpoint. The kind is the length
/// for watchpoints and, on x86, the length of the trap instruction (1) otherwise. Conditions and commands
/// (`;X…`, `;cmds:…`) follow where the stub offered them.
public struct BreakpointRequest: Sendable, Equatable {
    /// Plant (`Z`) or remove (`z`).
    public var isInsertion: Bool
    /// What and where.
    public var breakpoint: Breakpoint
    /// The kind as it travels.
    public var kind: Int
    /// What follows the kind, without its semicolon; empty where nothing does.
    public var options: [UInt8]

    /// Builds a request; the kind of an execution breakpoint is 1 by default (x86).
    public init(
        insert isInsertion: Bool,
        _ breakpoint: Breakpoint,
        kind: Int = 1,
        options: [UInt8] = []
    ) {
        self.isInsertion = isInsertion
        self.breakpoint = breakpoint
        if case .watch(_, let length) = breakpoint.kind {
            self.kind = length
        } else {
            self.kind = kind
        }
        self.options = options
    }

    /// What a payload turned out to be.
    public enum Parsed: Sendable, Equatable {
        /// A request.
        case request(BreakpointRequest)
        /// A type nobody knows; to be answered as unsupported.
        case unknownType
        /// Not to be understood.
        case malformed
    }

    /// Reads a payload.
    public static func parse(_ payload: [UInt8]) -> Parsed {
        var reader = PayloadReader(payload)
        guard let letter = reader.byte(), let type = reader.hexNumber() else { return .malformed }
        guard reader.skip("," as Unicode.Scalar), let address = reader.hexNumber(),
            reader.skip("," as Unicode.Scalar), let number = reader.hexNumber(),
            let length = Int(exactly: number)
        else { return type > 4 ? .unknownType : .malformed }
        guard reader.isAtEnd || reader.skip(";" as Unicode.Scalar) else { return .malformed }
        let kind: Breakpoint.Kind
        switch type {
        case 0: kind = .software
        case 1: kind = .hardware
        case 2: kind = .watch(.write, length: length)
        case 3: kind = .watch(.read, length: length)
        case 4: kind = .watch(.access, length: length)
        default: return .unknownType
        }
        return .request(
            BreakpointRequest(
                insert: letter == UInt8(ascii: "Z"),
                Breakpoint(kind, at: TargetAddress(address)),
                kind: length,
                options: Array(reader.remainder())
            )
        )
    }

    /// The type's digit.
    public var type: Int {
        switch breakpoint.kind {
        case .software: 0
        case .hardware: 1
        case .watch(.write, _): 2
        case .watch(.read, _): 3
        case .watch(.access, _): 4
        }
    }

    /// The payload.
    public var payload: [UInt8] {
        let address = Hex.text(breakpoint.address.rawValue)
        var payload = [UInt8](
            text: "\(isInsertion ? "Z" : "z")\(type),\(address),\(Hex.text(UInt64(kind)))"
        )
        if !options.isEmpty {
            payload.append(text: ";")
            payload += options
        }
        return payload
    }
}
