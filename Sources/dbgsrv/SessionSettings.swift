internal import ByteTransport
internal import LinuxSystem
internal import Transports

// A session process learns what it is to do from a pipe, not from its command line: a process list
// shows command lines to everybody, and the connection string may hold a password.

/// What the supervisor tells the process of one session.
struct SessionSettings: Equatable {
    /// The supervisor's process id.
    var supervisor: Int32
    /// The far end for logs.
    var peerName: String
    /// The line beneath.
    var link: LinkKind
    /// Where to write what happens; a descriptor is `SessionDescriptors.log`.
    var log: LogDestination
    /// What the client may do, and `-pc`'s command line.
    var rules: SessionRules
    /// The server's connection string as written, but without its password.
    var transport: String
    /// What the client has to prove.
    var access: ServerAccess
    /// How long the client may take until it is greeted.
    var greetingSeconds: Int
    /// How long a TLS handshake may take on a quick line, in milliseconds.
    var handshakeMilliseconds: Int

    /// The longest record, in bytes: what a pipe takes without anybody reading.
    static let bytesMax = 65_536
}

/// The descriptors that a session process finds beside its standard streams.
enum SessionDescriptors {
    /// The connection.
    static let connection: Int32 = 3
    /// The settings, `SessionSettings.encoded`.
    static let settings: Int32 = 4
    /// The log, where there is one.
    static let log: Int32 = 5
}

/// A record of `name=value` fields, each ended by a zero byte, which no value holds.
extension SessionSettings {
    /// The record.
    var encoded: [UInt8] {
        let fields =
            [
                ("supervisor", "\(supervisor)"), ("peer", peerName), ("link", link.word),
                ("log", log.word), ("transport", transport),
                ("access", access.encoded), ("greeting-seconds", "\(greetingSeconds)"),
                ("handshake", "\(handshakeMilliseconds)"),
            ] + rules.fields
        return fields.flatMap { Array("\($0.0)=\($0.1)".utf8) + [0] }
    }

    /// Reads a record; nil for one that is damaged or of another version of the program.
    init?(_ record: [UInt8]) {
        var fields: [String: String] = [:]
        for field in record.split(separator: 0) {
            let parts = field.split(separator: 0x3d, maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { return nil }
            fields[String(decoding: parts[0], as: UTF8.self)] =
                String(decoding: parts[1], as: UTF8.self)
        }
        guard let supervisor = fields["supervisor"].flatMap({ Int32($0) }),
            let peerName = fields["peer"], let link = fields["link"],
            let log = fields["log"], let rules = SessionRules(fields),
            let transport = fields["transport"],
            let access = fields["access"].flatMap(ServerAccess.init(encoded:)),
            let greetingSeconds = fields["greeting-seconds"].flatMap({ Int($0) }),
            let handshake = fields["handshake"].flatMap({ Int($0) }), handshake > 0
        else { return nil }
        self.init(
            supervisor: supervisor,
            peerName: peerName,
            link: LinkKind(word: link),
            log: LogDestination(word: log, descriptor: SessionDescriptors.log),
            rules: rules,
            transport: transport,
            access: access,
            greetingSeconds: greetingSeconds,
            handshakeMilliseconds: handshake
        )
    }

    /// Waits for the record on `SessionDescriptors.settings`, and for the connection where the process stood by
    /// for it (`SessionStarter`); it is `SessionDescriptors.connection` then.
    ///
    /// - Parameter line: that descriptor; afterwards it takes one byte when the client is greeted.
    /// - Returns: nil when the supervisor ended before there was a client.
    static func inherited(from line: OwnedDescriptor) throws -> SessionSettings? {
        var record: [UInt8] = []
        while record.count <= bytesMax {
            let (bytes, connection) = try UnixSocket.receive(maximum: bytesMax, on: line)
            if bytes.isEmpty { break }
            record += bytes
            if let connection { try connection.become(SessionDescriptors.connection) }
        }
        if record.isEmpty { return nil }
        guard let settings = SessionSettings(record) else {
            throw UsageError(description: "--session is for dbgsrv's own use")
        }
        return settings
    }
}

extension LinkKind {
    /// One word.
    fileprivate var word: String {
        switch self {
        case .local: "local"
        case .network: "network"
        case .serial(let baudRate): "serial:\(baudRate)"
        }
    }

    fileprivate init(word: String) {
        let parts = word.split(separator: ":")
        switch parts.first {
        case "serial":
            self = .serial(baudRate: parts.count == 2 ? Int(parts[1]) ?? 9600 : 9600)
        case "network":
            self = .network
        default:
            self = .local
        }
    }
}
