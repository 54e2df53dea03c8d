// The first words between a client of ours and a process server, before RSP (docs/protocols/session.md).
//
//     client                                   server
//       DBGSRV 1 smart-client cdb/0.1\n    ──▶
//                                          ◀──   DBGSRV 1 ok dbgsrv/0.1 pid=812\n
//       RSP …                              ◀─▶   RSP …
//
// With a password (`Scram.swift`), two more lines come in between:
//
//       DBGSRV 1 smart-client cdb/0.1 scram=CLIENT-FIRST\n    ──▶
//                                                          ◀──   DBGSRV 1 scram SERVER-FIRST\n
//       DBGSRV 1 scram CLIENT-FINAL\n                        ──▶
//                                                          ◀──   DBGSRV 1 ok dbgsrv/0.1 pid=812 scram=SERVER-FINAL\n
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
        /// Somebody who joins a debugging session (docs/protocols/shared.md).
        case debuggingClient = "debugging-client"

        /// What a server for this role tells a client of another one.
        func refusal(of other: String) -> String {
            switch self {
            case .smartClient where other == Role.debuggingClient.rawValue:
                "this is a process server, in which there is no session to join: connect with"
                    + " cdb -premote"
            case .smartClient:
                "this is a process server; it has no place for a \(other)"
            case .debuggingClient where other == Role.smartClient.rawValue:
                "this is a debugging server: join its session with cdb -remote"
            case .debuggingClient:
                "this is a debugging server; it has no place for a \(other)"
            }
        }
    }

    /// The client's line; with a password it opens the proof.
    public static func client(role: Role, program: String, proof: ScramClient? = nil) -> [UInt8] {
        let word = proof.map { " \(proofWord)\($0.first)" } ?? ""
        return line("\(magic) \(version) \(role.rawValue) \(program)\(word)")
    }

    /// The server's line when it takes the client.
    ///
    /// - Parameter signature: SCRAM's last message, for a client that has proved that it knows the password.
    public static func accepted(
        program: String,
        processID: Int32,
        signature: String? = nil
    ) -> [UInt8] {
        let word = signature.map { " \(proofWord)\($0)" } ?? ""
        return line("\(magic) \(version) ok \(program) pid=\(processID)\(word)")
    }

    /// The server's line when it does not.
    public static func refused(_ words: String) -> [UInt8] {
        line("\(magic) \(version) error \(words)")
    }

    /// The server's line when it wants a password and the client has opened no proof.
    static let passwordAsked = line("\(magic) \(version) password")

    /// A line with a message of SCRAM.
    static func proof(_ message: String) -> [UInt8] {
        line("\(magic) \(version) scram \(message)")
    }

    /// What stands before a message of SCRAM that is a word of a greeting.
    static let proofWord = "scram="

    /// What the original calls "unspecified failure" and its users know as a wrong password.
    public static let passwordErrorCode = "Error 0x80004005"

    /// A refusal that every client understands, to be sent before anybody has read what the client is: the
    /// greeting's line, which a plain client passes over as noise, and RSP's error, behind which one of ours
    /// does not look.
    public static func refusedForAnyone(_ words: String) -> [UInt8] {
        refused(words) + plainRefusal(words)
    }

    /// What a plain RSP client gets as the answer to its first packet: an acknowledgement and `E.` with words.
    public static func plainRefusal(_ words: String) -> [UInt8] {
        let text = "E.\(words)".utf8.map { byte in
            // Framing bytes, and `*`, which starts a run (GDB manual, "Overview" of the remote protocol).
            "#$}*".utf8.contains(byte) || !(0x20...0x7e).contains(byte) ? UInt8(ascii: "?") : byte
        }
        let sum = text.reduce(UInt8(0), &+)
        let digits = (sum < 16 ? "0" : "") + String(sum, radix: 16)
        return Array("+$".utf8) + text + Array("#\(digits)".utf8)
    }

    private static func line(_ text: String) -> [UInt8] {
        let visible = text.utf8.map { $0 < 0x20 || $0 == 0x7f ? 0x20 : $0 }
        return visible.prefix(lineBytesMax - 1) + [0x0a]
    }
}
