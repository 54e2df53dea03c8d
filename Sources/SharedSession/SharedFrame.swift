internal import WireCore

// What a debugging server and its clients say to each other behind the greeting (docs/protocols/shared.md):
//
//     client                             server
//       join ───────────────────────────▶
//                                     ◀── welcome, output…, prompt | busy
//       command "k", interrupt ─────────▶
//                                     ◀── output…, prompt | busy
//                                     ◀── ended
//
// A frame is its kind, the length of its payload in two bytes, the higher first, and the payload. A text is
// UTF-8; what is not is repaired, never refused: a debuggee's strings are anybody's.

/// One frame of a shared session.
public enum SharedFrame: Sendable, Equatable {
    /// The client's first frame.
    case join(Join)
    /// A command line.
    case command(String)
    /// Stop what runs, as Ctrl+C does.
    case interrupt
    /// Asks how a command line may go on.
    case complete(number: UInt16, String)
    /// The server's first frame.
    case welcome(Welcome)
    /// A piece of the session's text.
    case output(OutputPiece)
    /// So many bytes of text were not kept until this client took them.
    case missed(byteCount: UInt64)
    /// The session waits for a command: how many of this client's commands are settled, and the prompt.
    case prompt(answered: UInt32, String)
    /// The session carries out a command, or its target runs.
    case busy(targetRuns: Bool)
    /// How the command line of that number may go on.
    case completions(number: UInt16, [String])
    /// The session is over for this client, in words.
    case ended(String)

    /// Bytes of the longest payload.
    public static let payloadBytesMax = 65_535
    /// Bytes before a payload.
    public static let headerBytes = 3
    /// Bytes of the longest text of an output frame.
    public static let outputBytesMax = 16_384
    /// Bytes of the longest command line.
    public static let commandBytesMax = 32_768

    /// What a client says first.
    public struct Join: Sendable, Equatable {
        /// `user` and `host` of who types, as they say; the transport adds what it knows.
        public var user: String
        /// The machine's name.
        public var host: String
        /// How many lines of earlier text are wanted.
        public var historyLines: UInt32
        /// The session that it was in, and up to where it has read that; nil for a new client.
        public var resumes: Position?

        /// Builds one.
        public init(user: String, host: String, historyLines: UInt32, resumes: Position? = nil) {
            self.user = user
            self.host = host
            self.historyLines = historyLines
            self.resumes = resumes
        }
    }

    /// A place in the text of a session.
    public struct Position: Sendable, Equatable {
        /// The session's number, drawn at random.
        public var session: UInt64
        /// Bytes of text before it.
        public var offset: UInt64

        /// Builds one.
        public init(session: UInt64, offset: UInt64) {
            self.session = session
            self.offset = offset
        }
    }

    /// What the server says first.
    public struct Welcome: Sendable, Equatable {
        /// The session, and where the text begins that follows.
        public var position: Position
        /// The client's number, as `.clients` shows it.
        public var participant: UInt16
        /// Whether its commands are refused.
        public var isReadOnly: Bool
        /// The server's program and version.
        public var program: String

        /// Builds one.
        public init(
            position: Position,
            participant: UInt16,
            isReadOnly: Bool,
            program: String
        ) {
            self.position = position
            self.participant = participant
            self.isReadOnly = isReadOnly
            self.program = program
        }
    }

    /// Text and what it is.
    public struct OutputPiece: Sendable, Equatable {
        /// What text is.
        public enum Style: UInt8, Sendable {
            case plain = 0
            case error = 1
            case warning = 2
        }

        /// How it is to look.
        public var style: Style
        /// Bytes of the session's text behind it: the next position.
        public var nextOffset: UInt64
        /// The text, as UTF-8.
        public var bytes: [UInt8]

        /// Builds one.
        public init(style: Style, nextOffset: UInt64, bytes: [UInt8]) {
            self.style = style
            self.nextOffset = nextOffset
            self.bytes = bytes
        }
    }
}

/// Frames to bytes.
extension SharedFrame {
    /// The frame as bytes; a text that is too long is cut.
    public var encoded: [UInt8] {
        var payload = ByteWriter()
        let kind: Kind
        switch self {
        case .join(let join):
            kind = .join
            payload.put(join.historyLines)
            payload.put(join.resumes?.session ?? 0)
            payload.put(join.resumes?.offset ?? UInt64.max)
            payload.putText(join.user, 255)
            payload.putText(join.host, 255)
        case .command(let text):
            kind = .command
            payload.put(text.utf8.prefix(Self.commandBytesMax))
        case .interrupt:
            kind = .interrupt
        case .complete(let number, let text):
            kind = .complete
            payload.put(number)
            payload.put(text.utf8.prefix(Self.commandBytesMax))
        case .welcome(let welcome):
            kind = .welcome
            payload.put(welcome.position.session)
            payload.put(welcome.position.offset)
            payload.put(welcome.participant)
            payload.put(welcome.isReadOnly ? UInt8(1) : 0)
            payload.putText(welcome.program, 255)
        case .output(let piece):
            kind = .output
            payload.put(piece.style.rawValue)
            payload.put(piece.nextOffset)
            payload.put(piece.bytes.prefix(Self.outputBytesMax))
        case .missed(let count):
            kind = .missed
            payload.put(count)
        case .prompt(let answered, let text):
            kind = .prompt
            payload.put(answered)
            payload.put(text.utf8.prefix(1024))
        case .busy(let targetRuns):
            kind = .busy
            payload.put(targetRuns ? UInt8(1) : 0)
        case .completions(let number, let texts):
            kind = .completions
            payload.put(number)
            for text in texts where payload.bytes.count < Self.payloadBytesMax - 256 {
                payload.putText(text, 255)
            }
        case .ended(let words):
            kind = .ended
            payload.put(words.utf8.prefix(1024))
        }
        let count = payload.bytes.count
        return [kind.rawValue, UInt8(count >> 8), UInt8(truncatingIfNeeded: count)] + payload.bytes
    }

    private enum Kind: UInt8 {
        case join = 1
        case command = 2
        case interrupt = 3
        case complete = 4
        case welcome = 16
        case output = 17
        case missed = 18
        case prompt = 19
        case busy = 20
        case completions = 21
        case ended = 22
    }

    /// Reads a payload; nil when it is none of that kind.
    init?(kind: UInt8, payload: ArraySlice<UInt8>) {
        guard let kind = Kind(rawValue: kind) else { return nil }
        var reader = ByteReader(payload)
        guard let frame = Self.read(kind, &reader), reader.isAtEnd else { return nil }
        self = frame
    }

    private static func read(_ kind: Kind, _ reader: inout ByteReader) -> SharedFrame? {
        switch kind {
        case .join: return readJoin(&reader)
        case .command: return readCommand(&reader).map { .command($0) }
        case .interrupt: return .interrupt
        case .complete:
            guard let number = reader.takeUInt16(), let text = readCommand(&reader) else {
                return nil
            }
            return .complete(number: number, text)
        case .welcome: return readWelcome(&reader)
        case .output:
            guard let style = reader.takeUInt8().flatMap(OutputPiece.Style.init(rawValue:)),
                let next = reader.takeUInt64(), reader.remainingCount <= outputBytesMax
            else { return nil }
            return .output(
                OutputPiece(style: style, nextOffset: next, bytes: Array(reader.takeRest()))
            )
        case .missed: return reader.takeUInt64().map { .missed(byteCount: $0) }
        case .prompt:
            return reader.takeUInt32().map {
                .prompt(answered: $0, String(decoding: reader.takeRest(), as: UTF8.self))
            }
        case .busy: return reader.takeUInt8().map { .busy(targetRuns: $0 == 1) }
        case .completions:
            guard let number = reader.takeUInt16() else { return nil }
            var texts: [String] = []
            while !reader.isAtEnd {
                guard let text = reader.takeText() else { return nil }
                texts.append(text)
            }
            return .completions(number: number, texts)
        case .ended: return .ended(String(decoding: reader.takeRest(), as: UTF8.self))
        }
    }

    private static func readJoin(_ reader: inout ByteReader) -> SharedFrame? {
        guard let lines = reader.takeUInt32(), let session = reader.takeUInt64(),
            let offset = reader.takeUInt64(), let user = reader.takeText(),
            let host = reader.takeText()
        else { return nil }
        let resumes = offset == .max ? nil : Position(session: session, offset: offset)
        return .join(Join(user: user, host: host, historyLines: lines, resumes: resumes))
    }

    private static func readWelcome(_ reader: inout ByteReader) -> SharedFrame? {
        guard let session = reader.takeUInt64(), let offset = reader.takeUInt64(),
            let participant = reader.takeUInt16(), let flags = reader.takeUInt8(),
            let program = reader.takeText()
        else { return nil }
        return .welcome(
            Welcome(
                position: Position(session: session, offset: offset),
                participant: participant,
                isReadOnly: flags & 1 == 1,
                program: program
            )
        )
    }

    private static func readCommand(_ reader: inout ByteReader) -> String? {
        guard reader.remainingCount <= commandBytesMax else { return nil }
        return String(decoding: reader.takeRest(), as: UTF8.self)
    }
}

extension ByteWriter {
    fileprivate mutating func putText(_ text: String, _ bytesMax: Int) {
        let bytes = text.utf8.prefix(min(bytesMax, 255))
        put(UInt8(bytes.count))
        put(bytes)
    }
}

extension ByteReader {
    fileprivate mutating func takeText() -> String? {
        guard let count = takeUInt8(), let bytes = takeBytes(Int(count)) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Cuts a byte stream into frames.
public struct SharedFrameDecoder: Sendable {
    /// The stream is no shared session's; the words say what came.
    public struct Violation: Error, Sendable, Equatable, CustomStringConvertible {
        /// One clause.
        public let description: String
    }

    private var buffer: [UInt8] = []

    /// Starts at the stream's first byte.
    public init() {}

    /// Takes bytes; call `next` until it answers nil before giving more, so that no more than a frame waits.
    public mutating func append(_ bytes: some Sequence<UInt8>) {
        buffer += bytes
    }

    /// The next whole frame; nil when more bytes are needed.
    public mutating func next() throws(Violation) -> SharedFrame? {
        guard buffer.count >= SharedFrame.headerBytes else { return nil }
        let size = SharedFrame.headerBytes + (Int(buffer[1]) << 8 | Int(buffer[2]))
        guard buffer.count >= size else { return nil }
        let payload = buffer[SharedFrame.headerBytes..<size]
        guard let frame = SharedFrame(kind: buffer[0], payload: payload) else {
            throw Violation(
                description: "a frame of kind \(buffer[0]) with \(payload.count) bytes came"
            )
        }
        buffer.removeFirst(size)
        return frame
    }
}
