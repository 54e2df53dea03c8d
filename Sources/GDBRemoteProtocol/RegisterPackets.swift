public import DebugTarget

// Register packets. `g` carries the whole block in the order of the target description, two digits a
// byte, `xx` for a byte that is not available; `p` and `P` carry one register. gdb does not use `P` for a
// stub that leaves it out, and then writes the whole block for every change.

/// A request about registers of the thread `Hg` selected.
public enum RegisterRequest: Sendable, Equatable {
    /// `g`.
    case readAll
    /// `G`.
    case writeAll([UInt8])
    /// `p`, by number.
    case read(Int)
    /// `P`, by number.
    case write(Int, [UInt8])

    /// Reads a payload; nil when it is malformed or another packet.
    public init?(payload: [UInt8]) {
        var reader = PayloadReader(payload)
        switch reader.byte() {
        case UInt8(ascii: "g") where reader.isAtEnd: self = .readAll
        case UInt8(ascii: "G"):
            guard let bytes = reader.hexBytes() else { return nil }
            self = .writeAll(bytes)
        case UInt8(ascii: "p"):
            guard let number = reader.hexNumber(), number <= UInt16.max, reader.isAtEnd else {
                return nil
            }
            self = .read(Int(number))
        case UInt8(ascii: "P"):
            guard let number = reader.hexNumber(), number <= UInt16.max,
                reader.skip("=" as Unicode.Scalar), let bytes = reader.hexBytes()
            else { return nil }
            self = .write(Int(number), bytes)
        default: return nil
        }
    }

    /// The payload.
    public var payload: [UInt8] {
        var payload: [UInt8] = []
        switch self {
        case .readAll: payload.append(text: "g")
        case .writeAll(let bytes):
            payload.append(text: "G")
            payload.append(hexBytes: bytes)
        case .read(let number): payload.append(text: "p" + Hex.text(UInt64(number)))
        case .write(let number, let bytes):
            payload.append(text: "P\(Hex.text(UInt64(number)))=")
            payload.append(hexBytes: bytes)
        }
        return payload
    }
}

/// The replies to `g` and `p`.
public enum RegisterReply {
    /// The block with unavailable registers as `xx`.
    public static func payload(
        of block: RegisterBlock,
        description: TargetDescription
    ) -> [UInt8] {
        var digits = Hex.encode(block.bytes)
        guard !block.unavailable.isEmpty else { return digits }
        for register in description.registers where block.unavailable.contains(register.number) {
            let end = min((register.offset + register.byteCount) * 2, digits.count)
            for index in min(register.offset * 2, end)..<end { digits[index] = UInt8(ascii: "x") }
        }
        return digits
    }

    /// One register; nil bytes are unavailable.
    public static func payload(of bytes: ArraySlice<UInt8>?, byteCount: Int) -> [UInt8] {
        bytes.map { Hex.encode($0) } ?? Array(repeating: UInt8(ascii: "x"), count: byteCount * 2)
    }

    /// Reads a `g` reply; nil when it is malformed.
    ///
    /// Short blocks are filled up with unavailable registers.
    public static func block(
        ofPayload payload: [UInt8],
        description: TargetDescription
    ) -> RegisterBlock? {
        guard payload.count % 2 == 0 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(description.blockByteCount)
        var missing: Set<Int> = []
        let mark = UInt8(ascii: "x")
        for index in stride(from: 0, to: payload.count, by: 2) {
            if payload[index] == mark, payload[index + 1] == mark {
                missing.insert(index / 2)
                bytes.append(0)
            } else if let byte = Hex.byte(high: payload[index], low: payload[index + 1]) {
                bytes.append(byte)
            } else {
                return nil
            }
        }
        let known = bytes.count
        let whole = description.blockByteCount
        if known < whole { bytes += repeatElement(0, count: whole - known) }
        let unavailable = description.registers.filter {
            $0.offset + $0.byteCount > known || missing.contains($0.offset)
        }
        return RegisterBlock(bytes: bytes, unavailable: Set(unavailable.map(\.number)))
    }
}

/// `Hg` and `Hc`: the thread that later packets are about.
public struct ThreadSelection: Sendable, Equatable {
    /// `g` for registers and memory, `c` for `c` and `s`.
    public var purpose: Unicode.Scalar
    /// Which thread.
    public var thread: ThreadReference

    /// Builds a request.
    public init(purpose: Unicode.Scalar, thread: ThreadReference) {
        self.purpose = purpose
        self.thread = thread
    }

    /// Reads a payload; nil when it is malformed.
    public init?(payload: [UInt8]) {
        var reader = PayloadReader(payload)
        guard reader.skip("H" as Unicode.Scalar), let purpose = reader.byte(),
            let thread = ThreadReference(reader.remainder())
        else { return nil }
        self.init(purpose: Unicode.Scalar(purpose), thread: thread)
    }

    /// The payload.
    public var payload: [UInt8] { [UInt8](text: "H\(purpose)\(thread.text)") }
}

/// `qGetTLSAddr:thread,offset,link map`: where a thread has a thread-local variable.
public struct ThreadLocalRequest: Sendable, Equatable {
    /// Whose.
    public var thread: ThreadReference
    /// The variable's distance from the beginning of its module's, in bytes.
    public var offset: UInt64
    /// The module's `struct link_map`; 0 for the executable's of a static program.
    public var linkMap: TargetAddress

    /// Reads a payload; nil when it is malformed or another packet.
    public init?(payload: [UInt8]) {
        var reader = PayloadReader(payload)
        guard reader.skip("qGetTLSAddr:"),
            let thread = ThreadReference(reader.field(endingAt: ",")),
            let offset = Hex.number(reader.field(endingAt: ",")),
            let linkMap = Hex.number(reader.remainder())
        else { return nil }
        self.thread = thread
        self.offset = offset
        self.linkMap = TargetAddress(linkMap)
    }
}
