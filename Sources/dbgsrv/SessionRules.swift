internal import AccessPolicy
internal import LinuxSystem
internal import Logging
internal import RemoteServer
internal import Transports

/// What holds for a session beside its connection: what its client may do, and what `-pc` has in store.
struct SessionRules: Equatable {
    /// `--policy`'s file, and its text, which the supervisor has read; nil for none.
    var policyFile: String?
    var policyText = ""
    /// `--read-only`.
    var isReadOnly = false
    /// `-pc`'s command line, byte for byte; empty for none.
    var implicitCommand: [[UInt8]] = []
    /// The user at the far end, where the transport tells.
    var user: UInt32?

    /// The longest command line of `-pc`, in bytes: a session's settings have to fit into a pipe.
    static let implicitCommandBytesMax = 8_192

    init() {}

    /// Reads the policy file, so that what is wrong with it is known before anything is served.
    init(_ options: ServeOptions) throws {
        isReadOnly = options.isReadOnly
        implicitCommand = options.implicitCommand
        let length = implicitCommand.reduce(0) { $0 + $1.count + 1 }
        guard length <= Self.implicitCommandBytesMax else {
            let limit = Self.implicitCommandBytesMax
            throw UsageError(description: "-pc: \(length) bytes are too many, \(limit) the most")
        }
        if let path = options.policyFile {
            policyFile = path
            policyText = try Self.text(of: path)
        }
        _ = try policy()
    }

    private static func text(of path: String) throws -> String {
        let bytes: [UInt8]
        do {
            bytes = try ProcFS.contents(of: path)
        } catch {
            throw UsageError(description: "--policy \(path): \(error.reason)")
        }
        guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
            throw UsageError(description: "--policy \(path): it is no UTF-8 text")
        }
        return text
    }

    /// The rules of one connection.
    func `for`(_ connection: AcceptedConnection) -> SessionRules {
        var rules = self
        rules.user = connection.userID
        return rules
    }

    /// What the client may do.
    func policy() throws(PolicyFileError) -> AccessPolicy {
        var policy = AccessPolicy.open
        if let policyFile {
            policy = try PolicyFile.parse(policyText, name: policyFile, user: userNumber)
        }
        policy.isReadOnly = isReadOnly
        return policy.forUser(user)
    }

    /// For the session.
    func sessionPolicy() throws(PolicyFileError) -> SessionPolicy {
        var session = SessionPolicy()
        session.access = try policy()
        session.implicitCommand = implicitCommand
        return session
    }
}

/// In a session's settings; no value holds a zero byte.
extension SessionRules {
    var fields: [(String, String)] {
        var fields = [
            ("read-only", isReadOnly ? "yes" : "no"),
            ("implicit", implicitCommand.map(Self.hex).joined(separator: ",")),
        ]
        if let policyFile { fields += [("policy", policyFile), ("policy-text", policyText)] }
        if let user { fields.append(("user", "\(user)")) }
        return fields
    }

    init?(_ fields: [String: String]) {
        guard let readOnly = fields["read-only"], let implicit = fields["implicit"] else {
            return nil
        }
        isReadOnly = readOnly == "yes"
        policyFile = fields["policy"]
        policyText = fields["policy-text"] ?? ""
        user = fields["user"].flatMap { UInt32($0) }
        implicitCommand =
            implicit.isEmpty
            ? [] : implicit.split(separator: ",", omittingEmptySubsequences: false).map(Self.bytes)
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    private static func bytes(_ hex: Substring) -> [UInt8] {
        let digits = hex.compactMap { $0.hexDigitValue }
        return stride(from: 0, to: digits.count - 1, by: 2).map { index in
            UInt8(digits[index] << 4 | digits[index + 1])
        }
    }
}

extension Logger {
    /// Writes an audit line: what the client did, or wanted to.
    func audit(_ record: AuditRecord, peer: String) {
        var fields: Metadata = [LogKey.audit: "\(record.activity.rawValue)"]
        if let process = record.process { fields[LogKey.process] = "\(process)" }
        let user: String =
            if case .stringConvertible(let number)? = self[metadataKey: LogKey.user] {
                " (user \(number))"
            } else if case .string(let number)? = self[metadataKey: LogKey.user] {
                " (user \(UInt32(number).map(userName) ?? number))"
            } else {
                ""
            }
        let level: Level = record.refusal == nil ? .notice : .warning
        log(level: level, "\(peer)\(user): audit: \(record.words)", metadata: fields)
    }
}
