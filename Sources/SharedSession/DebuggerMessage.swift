internal import WireCore

// The debugger and the hub of its session are two processes with a socket pair between them: the hub looks after
// listeners and participants and never waits for anybody, the debugger debugs and waits for its target.
//
//     debugger                            hub
//       output, prompt | busy ───────────▶
//       ask ["server", "tcp:port=5005"] ─▶
//                                      ◀── answer
//                                      ◀── command, notice, complete
//
// A message is its kind, the length of its payload in four bytes, the lowest first, and the payload.

/// One message between a debugger and its hub.
public enum DebuggerMessage: Sendable, Equatable {
    /// Text for everybody.
    case output(SharedFrame.OutputPiece.Style, String)
    /// The debugger waits for a command, and takes one.
    case prompt(String)
    /// It carries one out.
    case busy(targetRuns: Bool)
    /// A request in words; the answer has its number.
    case ask(number: UInt32, [String])
    /// How a participant's command line may go on.
    case completions(participant: UInt16, number: UInt16, [String])
    /// The session is over, in words.
    case end(String)
    /// A participant's command.
    case command(participant: UInt16, identity: String, String)
    /// A line for the debugger's own console.
    case notice(String)
    /// A participant asks how a command line may go on.
    case complete(participant: UInt16, number: UInt16, String)
    /// The answer to a request: lines, or what is wrong with it.
    case answer(number: UInt32, isDone: Bool, [String])

    /// Bytes of the longest payload.
    public static let payloadBytesMax = 1 << 20
    /// Bytes before a payload.
    public static let headerBytes = 5
    /// Bytes of text in one output message; longer text is several.
    public static let outputBytesMax = 1 << 16

    private enum Kind: UInt8 {
        case output = 1
        case prompt = 2
        case busy = 3
        case ask = 4
        case completions = 5
        case end = 6
        case command = 16
        case notice = 17
        case complete = 18
        case answer = 19
    }
}

/// Messages to bytes.
extension DebuggerMessage {
    /// The message as bytes; lists that are too long are cut.
    public var encoded: [UInt8] {
        var payload = ByteWriter()
        let kind: Kind
        switch self {
        case .output(let style, let text):
            kind = .output
            payload.put(style.rawValue)
            payload.put(text.utf8.prefix(Self.payloadBytesMax - 1))
        case .prompt(let text):
            kind = .prompt
            payload.putText(text)
        case .busy(let targetRuns):
            kind = .busy
            payload.put(UInt8(targetRuns ? 1 : 0))
        case .ask(let number, let words):
            kind = .ask
            payload.put(number)
            payload.putTexts(words)
        case .completions(let participant, let number, let texts):
            kind = .completions
            payload.put(participant)
            payload.put(number)
            payload.putTexts(texts)
        case .end(let words):
            kind = .end
            payload.putText(words)
        case .command(let participant, let identity, let text):
            kind = .command
            payload.put(participant)
            payload.putText(identity)
            payload.putText(text)
        case .notice(let text):
            kind = .notice
            payload.putText(text)
        case .complete(let participant, let number, let text):
            kind = .complete
            payload.put(participant)
            payload.put(number)
            payload.putText(text)
        case .answer(let number, let isDone, let lines):
            kind = .answer
            payload.put(number)
            payload.put(UInt8(isDone ? 1 : 0))
            payload.putTexts(lines)
        }
        var message = ByteWriter()
        message.put(kind.rawValue)
        message.put(UInt32(payload.bytes.count))
        message.put(payload.bytes)
        return message.bytes
    }

    /// Reads a payload; nil when it is none of that kind.
    init?(kind: UInt8, payload: ArraySlice<UInt8>) {
        guard let kind = Kind(rawValue: kind) else { return nil }
        var reader = ByteReader(payload)
        guard let message = Self.read(kind, &reader), reader.isAtEnd else { return nil }
        self = message
    }

    private static func read(_ kind: Kind, _ reader: inout ByteReader) -> DebuggerMessage? {
        switch kind {
        case .output:
            guard
                let style = reader.takeUInt8().flatMap(
                    SharedFrame.OutputPiece.Style.init(rawValue:)
                )
            else { return nil }
            return .output(style, String(decoding: reader.takeRest(), as: UTF8.self))
        case .prompt: return reader.takeText().map { .prompt($0) }
        case .busy: return reader.takeUInt8().map { .busy(targetRuns: $0 == 1) }
        case .ask:
            guard let number = reader.takeUInt32(), let words = reader.takeTexts() else {
                return nil
            }
            return .ask(number: number, words)
        case .completions:
            guard let participant = reader.takeUInt16(), let number = reader.takeUInt16(),
                let texts = reader.takeTexts()
            else { return nil }
            return .completions(participant: participant, number: number, texts)
        case .end: return reader.takeText().map { .end($0) }
        case .command:
            guard let participant = reader.takeUInt16(), let identity = reader.takeText(),
                let text = reader.takeText()
            else { return nil }
            return .command(participant: participant, identity: identity, text)
        case .notice: return reader.takeText().map { .notice($0) }
        case .complete:
            guard let participant = reader.takeUInt16(), let number = reader.takeUInt16(),
                let text = reader.takeText()
            else { return nil }
            return .complete(participant: participant, number: number, text)
        case .answer:
            guard let number = reader.takeUInt32(), let isDone = reader.takeUInt8(),
                let lines = reader.takeTexts()
            else { return nil }
            return .answer(number: number, isDone: isDone == 1, lines)
        }
    }
}

extension ByteWriter {
    fileprivate mutating func putText(_ text: String) {
        let bytes = text.utf8.prefix(DebuggerMessage.payloadBytesMax / 4)
        put(UInt32(bytes.count))
        put(bytes)
    }

    fileprivate mutating func putTexts(_ texts: [String]) {
        for text in texts {
            guard bytes.count + text.utf8.count < DebuggerMessage.payloadBytesMax - 8 else {
                return
            }
            putText(text)
        }
    }
}

extension ByteReader {
    fileprivate mutating func takeText() -> String? {
        guard let count = takeUInt32(), let bytes = takeBytes(Int(count)) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    fileprivate mutating func takeTexts() -> [String]? {
        var texts: [String] = []
        while !isAtEnd {
            guard let text = takeText() else { return nil }
            texts.append(text)
        }
        return texts
    }
}

/// Cuts a byte stream into messages.
public struct DebuggerMessageDecoder: Sendable {
    private var buffer: [UInt8] = []
    private var start = 0
    /// Whether something came that is no message; nothing more will be read then.
    public private(set) var isBroken = false

    /// Starts at the stream's first byte.
    public init() {}

    /// Takes bytes; call `next` until it answers nil before giving more.
    public mutating func append(_ bytes: some Sequence<UInt8>) {
        if start > 0 {
            buffer.removeFirst(start)
            start = 0
        }
        buffer += bytes
    }

    /// Bytes of the next message's payload; nil while its header is not whole.
    private var nextPayloadBytes: Int? {
        guard !isBroken, buffer.count - start >= DebuggerMessage.headerBytes else { return nil }
        return (1...4).reversed().reduce(0) { $0 << 8 | Int(buffer[start + $1]) }
    }

    /// Whether a whole message waits.
    public var hasMessage: Bool {
        nextPayloadBytes.map { buffer.count - start >= DebuggerMessage.headerBytes + $0 } ?? false
    }

    /// The next whole message; nil when more bytes are needed.
    public mutating func next() -> DebuggerMessage? {
        let header = DebuggerMessage.headerBytes
        guard let size = nextPayloadBytes else { return nil }
        guard size <= DebuggerMessage.payloadBytesMax else {
            isBroken = true
            return nil
        }
        guard buffer.count - start >= header + size else { return nil }
        let payload = buffer[(start + header)..<(start + header + size)]
        guard let message = DebuggerMessage(kind: buffer[start], payload: payload) else {
            isBroken = true
            return nil
        }
        start += header + size
        return message
    }
}
