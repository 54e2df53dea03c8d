// What `dbgcom connect --session` and `dbgcom serve --session` say on a channel (docs/protocols/program.md):
//
//     connect                         serve
//       hello ───────────────────────▶  starts the program
//       data, end, window, signal ──▶
//     ◀───────── hello, data, end, exited | killed
//
// A byte stream has no place for a program's exit status, a window's size or a signal, hence frames. Only
// both ends together can use them, so both are asked to.

/// One frame of a program's session.
public enum ProgramFrame: Sendable, Equatable {
    /// The first word of each side; the client's names its terminal, empty when it has none.
    case hello(terminal: String)
    /// Bytes of the program's input or output.
    case data([UInt8])
    /// The input or output has ended.
    case end
    /// The program ended by exit(2).
    case exited(UInt8)
    /// The program was ended by a signal.
    case killed(signal: UInt8)
    /// The client's window has this size.
    case window(rows: UInt16, columns: UInt16)
    /// A signal for the program.
    case signal(UInt8)

    /// Bytes of the longest payload.
    public static let payloadBytesMax = 16_384
    /// Bytes before a payload: kind, and length in two.
    public static let headerBytes = 3
    /// What a hello begins with: a name and the version.
    static let magic = Array("dbgcom-program 1 ".utf8)
    /// Bytes of a terminal's name.
    static let terminalBytesMax = 64

    /// The frame as bytes.
    public var encoded: [UInt8] {
        switch self {
        case .hello(let terminal):
            Self.frame(0, Self.magic + terminal.utf8.prefix(Self.terminalBytesMax))
        case .data(let bytes): Self.frame(1, bytes)
        case .end: Self.frame(2, [])
        case .exited(let code): Self.frame(3, [code])
        case .killed(let signal): Self.frame(4, [signal])
        case .window(let rows, let columns):
            Self.frame(
                5,
                [rows, columns].flatMap { [UInt8($0 >> 8), UInt8(truncatingIfNeeded: $0)] }
            )
        case .signal(let number): Self.frame(6, [number])
        }
    }

    private static func frame(_ kind: UInt8, _ payload: [UInt8]) -> [UInt8] {
        precondition(payload.count <= payloadBytesMax, "a payload keeps its limit")
        return [kind, UInt8(payload.count >> 8), UInt8(truncatingIfNeeded: payload.count)] + payload
    }

    /// Reads a payload; nil when it is none of that kind.
    init?(kind: UInt8, payload: ArraySlice<UInt8>) {
        let bytes = Array(payload)
        switch (kind, bytes.count) {
        case (0, _):
            guard bytes.starts(with: Self.magic),
                bytes.count <= Self.magic.count + Self.terminalBytesMax
            else { return nil }
            self = .hello(
                terminal: String(decoding: bytes.dropFirst(Self.magic.count), as: UTF8.self)
            )
        case (1, 1...): self = .data(bytes)
        case (2, 0): self = .end
        case (3, 1): self = .exited(bytes[0])
        case (4, 1): self = .killed(signal: bytes[0])
        case (5, 4):
            self = .window(
                rows: UInt16(bytes[0]) << 8 | UInt16(bytes[1]),
                columns: UInt16(bytes[2]) << 8 | UInt16(bytes[3])
            )
        case (6, 1): self = .signal(bytes[0])
        default: return nil
        }
    }
}

/// Cuts a byte stream into frames.
public struct ProgramFrameDecoder: Sendable {
    /// The stream is no program's session; the words say what came.
    public struct Violation: Error, Sendable, Equatable, CustomStringConvertible {
        /// One clause.
        public let description: String
    }

    private var buffer: [UInt8] = []
    private var greeted = false

    /// Starts at the stream's first byte.
    public init() {}

    /// Takes bytes.
    public mutating func append(_ bytes: [UInt8]) {
        buffer += bytes
    }

    /// Whether the stream could end here.
    public var isBetweenFrames: Bool { buffer.isEmpty }

    /// The next whole frame; nil when more bytes are needed.
    public mutating func next() throws(Violation) -> ProgramFrame? {
        guard let kind = buffer.first else { return nil }
        guard greeted || kind == 0 else {
            throw Violation(description: "the far end was started without --session")
        }
        guard buffer.count >= ProgramFrame.headerBytes else { return nil }
        let length = Int(buffer[1]) << 8 | Int(buffer[2])
        guard length <= ProgramFrame.payloadBytesMax else {
            throw Violation(description: "a frame of \(length) bytes came")
        }
        let size = ProgramFrame.headerBytes + length
        guard buffer.count >= size else { return nil }
        let payload = buffer[ProgramFrame.headerBytes..<size]
        guard let frame = ProgramFrame(kind: kind, payload: payload) else {
            throw Violation(
                description: greeted
                    ? "a frame of kind \(kind) with \(length) bytes came"
                    : "the far end was started without --session"
            )
        }
        if case .hello = frame {
            guard !greeted else { throw Violation(description: "a second hello came") }
            greeted = true
        }
        buffer.removeFirst(size)
        return frame
    }
}
