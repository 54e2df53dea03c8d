// The first words between a client of ours and a process server, before RSP (docs/protocols/session.md).
//
//     client                                   server
//       DBGSRV 1 smart-client cdb/0.1\n    ──▶
//                                          ◀──   DBGSRV 1 ok dbgsrv/0.1 pid=812\n
//       RSP …                              ◀─▶   RSP …
//
// A plain RSP client says no such line: its first byte is `+`, `-`, `$` or 0x03, none of which begins the
// greeting, so the server knows by one byte. And a plain stub answers no greeting, but skips it as noise
// between packets; so the client may send its first packet right behind the greeting and look at the first
// byte that comes back: no round trip is spent on the question.

/// The words of both greetings.
public enum Greeting {
    /// What every greeting begins with.
    public static let magic = "DBGSRV"
    /// The one version there is.
    public static let version = 1
    /// The longest line either side accepts, its newline included, in bytes.
    public static let lineBytesMax = 512

    /// What a client wants to be.
    public enum Role: String, Sendable {
        /// A debugger that does its own thinking and asks for ptrace work.
        case smartClient = "smart-client"
    }

    /// The client's line.
    public static func client(role: Role, program: String) -> [UInt8] {
        line("\(magic) \(version) \(role.rawValue) \(program)")
    }

    /// The server's line when it takes the client.
    public static func accepted(program: String, processID: Int32) -> [UInt8] {
        line("\(magic) \(version) ok \(program) pid=\(processID)")
    }

    /// The server's line when it does not.
    public static func refused(_ words: String) -> [UInt8] {
        line("\(magic) \(version) error \(words)")
    }

    private static func line(_ text: String) -> [UInt8] {
        let visible = text.utf8.map { $0 < 0x20 || $0 == 0x7f ? 0x20 : $0 }
        return visible.prefix(lineBytesMax - 1) + [0x0a]
    }
}

/// The server's side: looks at the first bytes of a connection.
public struct ServerHandshake: Sendable {
    /// What the bytes so far mean.
    public enum Outcome: Sendable, Equatable {
        /// Not enough bytes to tell.
        case undecided
        /// A plain RSP client; the bytes are its first.
        case plainClient([UInt8])
        /// A client of ours: answer with `reply`, then RSP follows, beginning with `rest`.
        case client(program: String, rest: [UInt8])
        /// Answer with `Greeting.refused` of these words, then close.
        case refused(String)
    }

    private var reader = GreetingReader()

    /// Starts at the connection's first byte.
    public init() {}

    /// Takes bytes; after any outcome but `.undecided` the handshake is over.
    public mutating func receive(_ bytes: [UInt8]) -> Outcome {
        switch reader.receive(bytes) {
        case .undecided: .undecided
        case .somethingElse(let bytes): .plainClient(bytes)
        case .tooLong: .refused("the greeting is longer than \(Greeting.lineBytesMax) bytes")
        case .line(let text, let rest): outcome(ofLine: text, rest: rest)
        }
    }

    private func outcome(ofLine line: String, rest: [UInt8]) -> Outcome {
        let words = line.split(separator: " ").map(String.init)
        guard words.count >= 4, words[0] == Greeting.magic else {
            return .refused("this is no greeting of dbgsrv's protocol")
        }
        guard words[1] == "\(Greeting.version)" else {
            return .refused(
                "the client speaks version \(words[1]) of the remoting protocol,"
                    + " this server version \(Greeting.version)"
            )
        }
        guard Greeting.Role(rawValue: words[2]) != nil else {
            return .refused("this is a process server; it has no place for a \(words[2])")
        }
        return .client(program: words[3], rest: rest)
    }
}

/// The client's side: looks at the first bytes that a server sends.
public struct ClientHandshake: Sendable {
    /// What the bytes so far mean.
    public enum Outcome: Sendable, Equatable {
        /// Not enough bytes to tell.
        case undecided
        /// A plain stub (gdbserver, QEMU): the bytes are already RSP.
        case plainStub([UInt8])
        /// A process server of ours; RSP goes on with `rest`.
        case accepted(server: String, rest: [UInt8])
        /// The server refused, or speaks another version; words for the user.
        case refused(String)
    }

    private var reader = GreetingReader()

    /// Starts at the connection's first byte.
    public init() {}

    /// Takes bytes; after any outcome but `.undecided` the handshake is over.
    public mutating func receive(_ bytes: [UInt8]) -> Outcome {
        switch reader.receive(bytes) {
        case .undecided: .undecided
        case .somethingElse(let bytes): .plainStub(bytes)
        case .tooLong: .refused("the server's greeting is too long to be one")
        case .line(let text, let rest): outcome(ofLine: text, rest: rest)
        }
    }

    private func outcome(ofLine line: String, rest: [UInt8]) -> Outcome {
        let words = line.split(separator: " ", maxSplits: 3).map(String.init)
        guard words.count >= 3, words[0] == Greeting.magic else {
            return .refused("the server's answer is no greeting of dbgsrv's protocol")
        }
        let tail = words.count > 3 ? words[3] : ""
        switch words[2] {
        case "ok":
            return .accepted(server: tail, rest: rest)
        case "error":
            return .refused(tail)
        default:
            return .refused("the server's answer '\(words[2])' is not known to this version")
        }
    }
}

/// Takes the first line off a stream, when it may be a greeting.
private struct GreetingReader: Sendable {
    enum Outcome {
        /// Not enough bytes to tell.
        case undecided
        /// The first byte is not a greeting's; all bytes so far.
        case somethingElse([UInt8])
        /// No line end where one must have come.
        case tooLong
        /// The line without its end, and what came behind it.
        case line(String, rest: [UInt8])
    }

    private var received: [UInt8] = []

    mutating func receive(_ bytes: [UInt8]) -> Outcome {
        received += bytes
        guard let first = received.first else { return .undecided }
        guard first == Greeting.magic.utf8.first else { return .somethingElse(received) }
        guard let end = received.firstIndex(of: 0x0a) else {
            return received.count < Greeting.lineBytesMax ? .undecided : .tooLong
        }
        let text = String(decoding: received[..<end], as: UTF8.self)
        return .line(text, rest: Array(received[(end + 1)...]))
    }
}
