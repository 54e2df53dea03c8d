internal import BrokerProtocol

// What a machine answers whoever asks what it serves, and what one end of a cable answers the other:
//
//     dbgsrv-servers version=1
//     server type=Remote%20Process%20Server transport=tcp:Port=5005 program=dbgsrv/0.1 pid=812 age=35
//     …
//     end omitted=0
//
// Nothing is asked in words: connecting is the question. So the answering side has nothing to parse, and can
// be made to do nothing but answer.

/// A list of servers as it travels.
public enum ServerList {
    /// The version of the list's form.
    public static let version = 1
    /// The longest list, in bytes.
    public static let bytesMax = 65_536
    /// The most servers of a list.
    public static let entriesMax = 256

    static let header = "dbgsrv-servers"
    static let trailer = "end"
    /// What the last line takes at the most.
    private static let trailerBytesMax = 64

    /// The bytes of a list; entries that there is no room for are counted in its last line.
    public static func encode(_ entries: [ServerEntry]) -> [UInt8] {
        var bytes = BrokerLine(header, [("version", "\(version)")]).encoded
        var taken = 0
        for entry in entries.prefix(entriesMax) {
            let line = entry.line.encoded
            guard bytes.count + line.count + trailerBytesMax <= bytesMax else { break }
            bytes += line
            taken += 1
        }
        return bytes + BrokerLine(trailer, [("omitted", "\(entries.count - taken)")]).encoded
    }
}

/// Reads a list as it comes, in whatever pieces.
public struct ServerListReader: Sendable {
    /// The servers so far.
    public private(set) var entries: [ServerEntry] = []
    /// How many servers the list left out; known at its end.
    public private(set) var omitted = 0
    /// Whether the list has come to its end.
    public private(set) var isComplete = false

    private var splitter = LineSplitter()
    private var bytesTaken = 0
    private var hasHeader = false

    /// A reader at the beginning of a list.
    public init() {}

    /// Takes bytes; what follows the list's end is passed over.
    public mutating func receive(_ bytes: some Collection<UInt8>) throws(ServerListError) {
        guard !isComplete else { return }
        bytesTaken += bytes.count
        guard bytesTaken <= ServerList.bytesMax else { throw .tooLong }
        splitter.append(bytes)
        while !isComplete, let line = try nextLine() { try take(line) }
    }

    /// Says that nothing more comes.
    public func finish() throws(ServerListError) {
        guard isComplete else { throw .cutShort }
    }

    private mutating func nextLine() throws(ServerListError) -> BrokerLine? {
        do {
            return try splitter.nextLine()
        } catch {
            throw .notAList
        }
    }

    private mutating func take(_ line: BrokerLine) throws(ServerListError) {
        guard hasHeader else {
            guard line.keyword == ServerList.header else { throw .notAList }
            guard line["version"] == "\(ServerList.version)" else {
                throw .otherVersion(
                    LineText.fitting(line["version"] ?? "none", bytesMax: 32)
                )
            }
            hasHeader = true
            return
        }
        if line.keyword == ServerList.trailer {
            isComplete = true
            omitted = line["omitted"].flatMap { Int($0) }.map { max($0, 0) } ?? 0
        } else if let entry = ServerEntry(line) {
            guard entries.count < ServerList.entriesMax else { throw .tooLong }
            entries.append(entry)
        }
    }
}

/// Why what came is no list of servers.
public enum ServerListError: Error, Sendable, Equatable {
    /// Somebody else answers there.
    case notAList
    /// The list is of a version that this program does not know.
    case otherVersion(String)
    /// It is longer than any list.
    case tooLong
    /// It ended before its last line.
    case cutShort
}

extension ServerListError: CustomStringConvertible {
    /// One clause for people.
    public var description: String {
        switch self {
        case .notAList: "what answers there is no dbgsrv"
        case .otherVersion(let version):
            "the list is of version \(version), this program reads version \(ServerList.version)"
        case .tooLong: "the list is longer than \(ServerList.bytesMax) bytes"
        case .cutShort: "the list broke off"
        }
    }
}
