internal import DebugTarget
internal import GDBRemoteProtocol

/// What a request of a debugger's may do, as far as answering it from memory is concerned.
enum RequestKind: Equatable {
    /// What an answer depends on beside the request's words.
    enum Scope: Equatable {
        /// Nothing: it names its thread or process itself.
        case nothing
        /// The process that `Hg` chose.
        case process
        /// The thread that `Hg` chose.
        case thread
        /// Nothing, for as long as the connection lasts.
        case connection
    }

    /// Every server of ours answers it so.
    case constant([UInt8])
    /// `QStartNoAckMode`.
    case endAcknowledgements
    /// `Hg`, with the thread as it is written.
    case selection(String)
    /// `Hc`: always accepted.
    case resumedSelection
    /// `m` and `x`.
    case memory(address: UInt64, count: Int, isBinary: Bool)
    /// It asks for something that stands while the target stands.
    case query(Scope)
    /// It reads a part of such a thing.
    case object(TransferRequest, Scope)
    /// `Z`.
    case insertion
    /// `z`.
    case removal
    /// Sets threads going, or gets a process: answered by a stop.
    case resume(isStep: Bool)
    /// `?`: answered by a stop, and nothing runs.
    case lastStop
    /// It changes nothing that is kept, and its answer is nothing that could be.
    case harmless
    /// It has no reply, or everything is different behind it.
    case end
    /// It changes registers or memory of a target that stands.
    case write
    /// It may change anything.
    case change
}

extension RequestKind {
    private static let constants: [(name: String, reply: String)] = [
        ("vMustReplyEmpty", ""), ("qSymbol::", "OK"), ("!", "OK"), ("qTStatus", ""),
    ]

    /// By the beginning of a packet; the first that fits counts.
    private static let beginnings: [(beginning: String, kind: RequestKind)] = [
        ("vCont?", .query(.connection)), ("qHostInfo", .query(.connection)),
        ("qGDBServerVersion", .query(.connection)),
        ("qAttached", .query(.thread)), ("qProcessInfoPID:", .harmless),
        ("qGetTLSAddr:", .query(.nothing)), ("qThreadExtraInfo,", .query(.nothing)),
        ("qThreadStopInfo", .query(.nothing)), ("T", .query(.nothing)),
        ("jThreadsInfo", .query(.process)), ("qMemoryRegionInfo:", .query(.process)),
        ("qShlibInfoAddr", .query(.process)), ("qProcessInfo", .query(.process)),
        ("qWatchpointSupportInfo:", .query(.process)),
        ("vCont;", .resume(isStep: false)), ("vAttach", .resume(isStep: false)),
        ("vRun", .resume(isStep: false)),
        ("qXfer:siginfo:read:", .harmless), ("qXfer:osdata:read:", .harmless),
        ("vFile:open:", .harmless), ("vFile:pread:", .harmless), ("vFile:close:", .harmless),
        ("vFile:fstat:", .harmless), ("vFile:stat:", .harmless), ("vFile:lstat:", .harmless),
        ("vFile:readlink:", .harmless), ("vFile:setfs:", .harmless), ("vFile:size:", .harmless),
        ("vFile:mode:", .harmless), ("vFile:exists:", .harmless),
        ("qSupported", .harmless), ("QNonStop:0", .harmless), ("QNonStop:1", .end),
        ("QPassSignals:", .harmless), ("QProgramSignals:", .harmless),
        ("QThreadEvents:", .harmless), ("QCatchSyscalls:", .harmless), ("qEcho:", .harmless),
        ("QThreadSuffixSupported", .harmless), ("QListThreadsInStopReply", .harmless),
        ("QEnableErrorStrings", .harmless), ("qVAttachOrWaitSupported", .harmless),
        ("qSearch:memory:", .harmless), ("MultiMemRead:", .harmless),
        ("qfThreadInfo", .harmless), ("qsThreadInfo", .harmless), ("qUserName:", .harmless),
        ("qGroupName:", .harmless), ("qModuleInfo:", .harmless), ("jModulesInfo:", .harmless),
        ("qGetWorkingDir", .harmless), ("qStructuredDataPlugins", .harmless),
        ("qOffsets", .harmless), ("qTfV", .harmless), ("qTsV", .harmless), ("qTfP", .harmless),
        ("qTsP", .harmless), ("jSignalsInfo", .harmless),
        ("QSaveRegisterState", .write), ("QRestoreRegisterState:", .write),
        ("_M", .write), ("_m", .write),
    ]

    /// Objects that stand while the target stands, and what they are of.
    private static let objects: [String: Scope] = [
        "features": .process, "threads": .nothing, "auxv": .process, "exec-file": .process,
        "libraries-svr4": .process,
    ]

    /// Looks at a request.
    init(_ packet: [UInt8]) {
        self = Self.short(packet) ?? Self.named(packet) ?? .change
    }

    /// Packets whose name is one letter, with what follows it at once.
    private static func short(_ packet: [UInt8]) -> RequestKind? {
        guard let letter = packet.first else { return .change }
        switch letter {
        case UInt8(ascii: "m"), UInt8(ascii: "x"):
            switch MemoryRequest(payload: packet) {
            case .read(let address, let count):
                return .memory(address: address.rawValue, count: count, isBinary: false)
            case .readBinary(let address, let count):
                return .memory(address: address.rawValue, count: count, isBinary: true)
            default: return .change
            }
        case UInt8(ascii: "H"): return selecting(packet)
        case UInt8(ascii: "g"), UInt8(ascii: "p"):
            return .query(packet.contains(UInt8(ascii: ";")) ? .nothing : .thread)
        case UInt8(ascii: "M"), UInt8(ascii: "X"), UInt8(ascii: "G"), UInt8(ascii: "P"):
            return .write
        case UInt8(ascii: "Z"): return .insertion
        case UInt8(ascii: "z"): return .removal
        case UInt8(ascii: "?"): return packet.count == 1 ? .lastStop : .change
        case UInt8(ascii: "c"), UInt8(ascii: "C"): return .resume(isStep: false)
        case UInt8(ascii: "s"), UInt8(ascii: "S"): return .resume(isStep: true)
        case UInt8(ascii: "k"), UInt8(ascii: "R"): return .end
        default: return nil
        }
    }

    private static func selecting(_ packet: [UInt8]) -> RequestKind {
        guard let selection = ThreadSelection(payload: packet) else { return .change }
        switch selection.purpose {
        case "c": return .resumedSelection
        // Which thread "any" is, the server knows.
        case "g":
            return selection.thread.isOneThread ? .selection(selection.thread.text) : .change
        default: return .change
        }
    }

    private static func named(_ packet: [UInt8]) -> RequestKind? {
        if packet == Array("QStartNoAckMode".utf8) { return .endAcknowledgements }
        if packet == Array("qC".utf8) { return .query(.thread) }
        if let known = constants.first(where: { packet == Array($0.name.utf8) }) {
            return .constant(Array(known.reply.utf8))
        }
        if packet.starts(with: "qXfer:".utf8), let request = TransferRequest(payload: packet),
            case .read = request.operation, let scope = objects[request.object]
        {
            return .object(request, scope)
        }
        if packet.starts(with: "vCont;".utf8) {
            let action = packet.dropFirst("vCont;".utf8.count).first
            return .resume(isStep: action.map { "sSr".utf8.contains($0) } ?? false)
        }
        return beginnings.first { packet.starts(with: $0.beginning.utf8) }?.kind
    }
}

extension ThreadReference {
    /// Whether it is one thread, with a number.
    var isOneThread: Bool {
        guard case .number = thread else { return false }
        switch process {
        case .number, nil: return true
        case .all, .any: return false
        }
    }

    /// Its process as it is written; empty where there is none.
    var processText: String {
        process == nil ? "" : String(text.prefix { $0 != "." })
    }
}
