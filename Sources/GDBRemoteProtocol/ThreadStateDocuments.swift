public import DebugTarget

// How lldb learns what all threads do in one packet: `jThreadsInfo`, and `jstopinfo` in stop replies, which
// is the same list without registers and memory. Thread ids are decimal numbers, registers are keyed by
// their number in decimal.

/// Why a thread stopped, in lldb's words.
public struct LLDBStopReason: Sendable, Equatable {
    /// One of lldb's words: `breakpoint`, `trace`, `watchpoint`, `signal`, `exec`, `fork` and so on.
    public var word: String
    /// More of it, as lldb takes it apart; nil for nothing.
    public var details: String?

    /// Builds a reason.
    public init(_ word: String, details: String? = nil) {
        self.word = word
        self.details = details
    }
}

/// A piece of memory sent along, so that it need not be asked for.
public struct MemoryPiece: Sendable, Equatable {
    /// Where.
    public var address: TargetAddress
    /// What.
    public var bytes: [UInt8]

    /// Builds a piece.
    public init(address: TargetAddress, bytes: [UInt8]) {
        self.address = address
        self.bytes = bytes
    }

    /// `memory:` in a stop reply.
    public var note: ThreadStop.Note {
        let digits = String(decoding: Hex.encode(bytes), as: UTF8.self)
        return ThreadStop.Note("memory", "\(address)=\(digits)")
    }
}

/// One thread of `jThreadsInfo` or `jstopinfo`.
public struct ThreadState: Sendable, Equatable {
    /// Which thread.
    public var thread: Int64
    /// Its name.
    public var name: String
    /// Why it stopped; nil when it was only stopped with the others.
    public var reason: LLDBStopReason?
    /// The signal's number on this connection, where there is a reason.
    public var signal: UInt8
    /// Registers sent along.
    public var registers: [ThreadStop.Register]
    /// Memory sent along.
    public var memory: [MemoryPiece]

    /// Builds a state.
    public init(
        thread: Int64,
        name: String,
        reason: LLDBStopReason?,
        signal: UInt8,
        registers: [ThreadStop.Register] = [],
        memory: [MemoryPiece] = []
    ) {
        self.thread = thread
        self.name = name
        self.reason = reason
        self.signal = signal
        self.registers = registers
        self.memory = memory
    }

    /// The object.
    public var json: JSON {
        var members: [JSON.Member] = [.init("tid", .number(thread))]
        if !name.isEmpty { members.append(.init("name", .text(name))) }
        if let reason {
            members.append(.init("reason", .text(reason.word)))
            members.append(.init("signal", .number(Int64(signal))))
            if let details = reason.details {
                members.append(.init("description", .text(details)))
            }
        }
        if !registers.isEmpty {
            let values = registers.map { register in
                JSON.Member(
                    "\(register.number)",
                    .text(String(decoding: Hex.encode(register.bytes), as: UTF8.self))
                )
            }
            members.append(.init("registers", .object(values)))
        }
        if !memory.isEmpty {
            let pieces = memory.map { piece in
                JSON.object([
                    .init("address", .number(Int64(bitPattern: piece.address.rawValue))),
                    .init(
                        "bytes",
                        .text(String(decoding: Hex.encode(piece.bytes), as: UTF8.self))
                    ),
                ])
            }
            members.append(.init("memory", .list(pieces)))
        }
        return .object(members)
    }

    /// The list of all threads.
    public static func document(_ threads: [ThreadState]) -> JSON { .list(threads.map(\.json)) }
}

/// `;thread:1f;` at the end of a register packet (`QThreadSuffixSupported`).
public enum ThreadSuffix {
    /// Takes a suffix off.
    ///
    /// - Returns: the packet without it and the thread; nil when the suffix is malformed.
    public static func split(_ payload: [UInt8]) -> (packet: [UInt8], thread: ThreadReference?)? {
        let mark = Array(";thread:".utf8)
        guard let start = payload.indices.last(where: { payload[$0...].starts(with: mark) }) else {
            return (payload, nil)
        }
        var digits = payload[(start + mark.count)...]
        if digits.last == UInt8(ascii: ";") { digits = digits.dropLast() }
        guard let thread = ThreadReference(digits) else { return nil }
        return (Array(payload[..<start]), thread)
    }
}

/// `_M size,permissions` and `_m address`.
public enum AllocationRequest: Sendable, Equatable {
    /// `_M`.
    case allocate(UInt64, MemoryPermissions)
    /// `_m`.
    case release(TargetAddress)

    /// Reads a payload; nil when it is malformed.
    public init?(payload: [UInt8]) {
        var reader = PayloadReader(payload)
        if reader.skip("_M") {
            guard let count = reader.hexNumber(), count > 0, reader.skip("," as Unicode.Scalar)
            else { return nil }
            var permissions: MemoryPermissions = []
            for letter in reader.remainder() {
                switch letter {
                case UInt8(ascii: "r"): permissions.insert(.read)
                case UInt8(ascii: "w"): permissions.insert(.write)
                case UInt8(ascii: "x"): permissions.insert(.execute)
                default: return nil
                }
            }
            self = .allocate(count, permissions)
        } else if reader.skip("_m") {
            guard let address = reader.hexNumber(), reader.isAtEnd else { return nil }
            self = .release(TargetAddress(address))
        } else {
            return nil
        }
    }

    /// The payload.
    public var payload: [UInt8] {
        switch self {
        case .allocate(let count, let permissions):
            let letters: [(MemoryPermissions, String)] = [
                (.read, "r"), (.write, "w"), (.execute, "x"),
            ]
            let text = letters.map { permissions.contains($0.0) ? $0.1 : "" }.joined()
            return [UInt8](text: "_M\(Hex.text(count)),\(text)")
        case .release(let address):
            return [UInt8](text: "_m\(Hex.text(address.rawValue))")
        }
    }

    /// The reply to `_M`: sixteen digits.
    public static func reply(_ address: TargetAddress) -> [UInt8] {
        let digits = Hex.text(address.rawValue)
        return [UInt8](text: String(repeating: "0", count: 16 - digits.utf8.count) + digits)
    }
}

/// `A length,number,text,…`: the arguments of a program, lengths and numbers in decimal.
public enum ArgumentsRequest {
    /// The most arguments.
    public static let argumentsMax = 65536

    /// The arguments; nil when the payload is malformed.
    public static func arguments(in payload: [UInt8]) -> [String]? {
        var reader = PayloadReader(payload)
        guard reader.skip("A" as Unicode.Scalar) else { return nil }
        var arguments: [String] = []
        while !reader.isAtEnd {
            guard arguments.count < argumentsMax,
                let count = decimal(reader.field(endingAt: ",")),
                let index = decimal(reader.field(endingAt: ",")), index == arguments.count,
                let digits = reader.take(count), let bytes = Hex.decode(digits)
            else { return nil }
            arguments.append(String(decoding: bytes, as: UTF8.self))
            guard reader.skip("," as Unicode.Scalar) || reader.isAtEnd else { return nil }
        }
        return arguments.isEmpty ? nil : arguments
    }

    private static func decimal(_ digits: ArraySlice<UInt8>) -> Int? {
        Int(String(decoding: digits, as: UTF8.self)).flatMap { $0 >= 0 ? $0 : nil }
    }
}
