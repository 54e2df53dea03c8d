internal import DebugTarget
internal import GDBRemoteProtocol

/// The object whose portions a client is reading, so that all of them are of one state.
struct TransferCache {
    private var key = ""
    private var bytes: [UInt8] = []

    func object(_ key: String) -> [UInt8]? {
        key == self.key ? bytes : nil
    }

    mutating func keep(_ bytes: [UInt8], as key: String) {
        self.key = key
        self.bytes = bytes
    }

    mutating func forget() {
        key = ""
        bytes = []
    }
}

extension ServerSession {
    static var transferPackets: [PacketEntry] {
        [
            PacketEntry("qXfer:") { session, packet throws(TargetError) in
                guard let request = TransferRequest(payload: packet) else {
                    return .malformed(packet)
                }
                switch request.operation {
                case .read(let offset, let count):
                    return try session.read(request, offset, count)
                case .write(let offset, let bytes):
                    return try session.write(request, offset, bytes)
                }
            }
        ]
    }

    /// Makes an object for an annex; nil where the target has none of it.
    private typealias Source = @Sendable (ServerSession, String) throws(TargetError) -> [UInt8]?

    private static let sources: [String: Source] = [
        "features": { session, annex throws(TargetError) in
            try session.targetXML(annex: annex)
        },
        "threads": { session, _ throws(TargetError) in
            [UInt8](text: ThreadListEntry.document(try session.allThreads()))
        },
        "auxv": { session, _ throws(TargetError) in
            try session.target.processDetails?.auxiliaryVector(of: try session.currentProcess())
        },
        "exec-file": { session, annex throws(TargetError) in
            try session.executableName(annex: annex)
        },
        "libraries-svr4": { session, annex throws(TargetError) in
            try session.libraryList(annex: annex)
        },
        "siginfo": { session, _ throws(TargetError) in
            try session.target.signalInformation?.signalInformation(
                of: try session.currentThread()
            )
        },
        "osdata": { session, annex throws(TargetError) in
            try session.systemTable(annex: annex)
        },
    ]

    private func read(
        _ request: TransferRequest,
        _ offset: Int,
        _ count: Int
    ) throws(TargetError) -> Reply {
        guard let source = ServerSession.sources[request.object] else { return .unsupported }
        let subject = selection.general.map { "\($0)" } ?? ""
        let key = "\(request.object):\(request.annex):\(subject)"
        let object: [UInt8]
        if offset > 0, let kept = transfers.object(key) {
            object = kept
        } else {
            guard let made = try source(self, request.annex) else { return .unsupported }
            object = made
            transfers.keep(object, as: key)
        }
        return .payload(
            TransferReply.payload(
                of: object,
                offset: offset,
                count: count,
                payloadBytesMax: packetBytesMax
            )
        )
    }

    private func write(
        _ request: TransferRequest,
        _ offset: Int,
        _ bytes: [UInt8]
    ) throws(TargetError) -> Reply {
        guard request.object == "siginfo", let ability = target.signalInformation else {
            return .unsupported
        }
        let thread = try currentThread()
        var information = try ability.signalInformation(of: thread)
        guard offset <= information.count, bytes.count <= information.count - offset else {
            throw TargetError(.invalid, "siginfo has \(information.count) bytes")
        }
        information.replaceSubrange(offset..<(offset + bytes.count), with: bytes)
        try ability.setSignalInformation(information, of: thread)
        transfers.forget()
        return .payload(TransferReply.written(bytes.count))
    }

    // MARK: Objects

    func targetXML(annex: String) throws(TargetError) -> [UInt8]? {
        guard annex == "target.xml" else {
            throw TargetError(.invalid, "there is no target description \(annex)")
        }
        let description = try target.targetDescription(of: try currentProcess())
        return [UInt8](text: description.document)
    }

    private func executableName(annex: String) throws(TargetError) -> [UInt8]? {
        guard let details = target.processDetails else { return nil }
        let named = Hex.number(annex.utf8).flatMap { ProcessID(wireNumber: $0) }
        let process = if let named { named } else { try currentProcess() }
        return [UInt8](text: try details.executablePath(of: process))
    }

    private func libraryList(annex: String) throws(TargetError) -> [UInt8]? {
        guard let details = target.processDetails else { return nil }
        let modules = try details.modules(of: try currentProcess())
        let start = LibraryListDocument.start(ofAnnex: annex)
        // lldb takes `main-lm` for the address of the linker's own structure.
        let text = LibraryListDocument.render(
            modules,
            from: start,
            namesExecutable: !personality.isLLDB
        )
        return [UInt8](text: text)
    }

    private func systemTable(annex: String) throws(TargetError) -> [UInt8]? {
        guard let tables = target.systemTables else { return nil }
        if annex.isEmpty || annex == "types" {
            let rows: [[SystemTable.Cell]] = tables.tables.map { table in
                [
                    .init("Type", table.name), .init("Description", table.description),
                    .init("Title", table.title),
                ]
            }
            return [UInt8](text: SystemTable(rows: rows).document(type: "types"))
        }
        // Of no data at all gdb makes the question whether the name is right.
        guard let table = try tables.table(named: annex) else { return [] }
        return [UInt8](text: table.document(type: annex))
    }
}
