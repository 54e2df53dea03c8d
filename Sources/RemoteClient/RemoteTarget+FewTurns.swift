public import DebugTarget
internal import GDBRemoteProtocol

// What saves turns of the line with a server of ours (EXT-8): stops bring memory and registers along, several requests
// go out at once, and what has no answer to wait for goes with the next request.

/// Where documents are kept from one session to the next.
public protocol DocumentStore: AnyObject {
    /// The document of a name; nil when there is none.
    func document(_ name: String) -> [UInt8]?
    /// Keeps a document; where that is not possible it is read again next time.
    func keep(_ document: [UInt8], as name: String)
}

/// A request that goes out with the next one.
struct DeferredRequest {
    /// What becomes of its answer.
    enum Purpose: Equatable {
        /// Nothing.
        case unanswered
        /// The thread that later requests are about.
        case selection(ThreadID)
    }

    var payload: [UInt8]
    var purpose: Purpose
}

extension RemoteTarget {
    /// How many requests are on their way at a time.
    private static let requestsAtOnceMax = 32

    /// Whether the stub takes several requests at once and sends snapshots.
    var savesTurns: Bool { features.supports("stop-snapshot") }

    /// Sends requests at once, behind those that were put off, and gives the replies.
    func exchange(
        all payloads: [[UInt8]],
        _ purpose: String
    ) throws(TargetError) -> [[UInt8]] {
        guard !isRunning else {
            throw TargetError(.invalid, "The target is running; \(purpose) has to wait.")
        }
        let before = deferred
        deferred = []
        var replies = try link.exchange(all: before.map(\.payload) + payloads, purpose)
        try settle(before, Array(replies.prefix(before.count)))
        replies.removeFirst(before.count)
        return replies
    }

    /// Looks at the answers to requests that were put off.
    func settle(_ requests: [DeferredRequest], _ replies: [[UInt8]]) throws(TargetError) {
        for (request, reply) in zip(requests, replies) {
            guard case .selection(let thread) = request.purpose,
                reply != PlainReply.ok, !reply.isEmpty
            else { continue }
            selectedThread = nil
            throw failure(reply, "selecting thread \(thread)", .noSuchProcess)
        }
    }

    /// What the first portion of an object is asked for with.
    private func objectRequest(_ object: String, annex: String = "") -> [UInt8] {
        TransferRequest(
            object: object,
            annex: annex,
            .read(offset: 0, count: portionBytes)
        ).payload
    }

    /// `vAttach` and what is asked for after it, with one turn of the line.
    ///
    /// - Returns: the reply to `vAttach`, and the others by their requests.
    func attachAndAsk(
        _ process: ProcessID,
        _ purpose: String
    ) throws(TargetError) -> (reply: [UInt8], answers: [[UInt8]: [UInt8]]) {
        let leader = ThreadReference(
            ThreadID(process, Int64(process.rawValue)),
            multiprocess: isMultiprocess
        )
        let questions =
            [objectRequest("threads"), objectRequest("exec-file", annex: Hex.text(of: process))]
            + [objectRequest("auxv"), objectRequest("libraries-svr4"), Self.digestRequest]
        let selection = ThreadSelection(purpose: "g", thread: leader).payload
        let attach = ProcessRequest("vAttach;", process).payload
        let replies = try exchange(all: [attach, selection] + questions, purpose)
        if replies[1] == PlainReply.ok { selectedThread = leader }
        return (
            replies[0], Dictionary(zip(questions, replies.dropFirst(2)), uniquingKeysWith: { $1 })
        )
    }

    static let digestRequest = [UInt8](text: "qTargetDigest")

    /// The target description, from the store where that has it.
    func targetDocument() throws(TargetError) -> [UInt8] {
        let purpose = "the target description"
        var name: String?
        if savesTurns, let documents,
            let digest = DocumentDigest(payload: try exchange(Self.digestRequest, purpose))
        {
            if let known = documents.document(digest.text), DocumentDigest(known) == digest {
                return known
            }
            name = digest.text
        }
        let document = try readObject("features", annex: "target.xml", purpose)
        if let name { documents?.keep(document, as: name) }
        return document
    }

    /// Takes over what a stop, or a snapshot of a thread, brought along.
    func adopt(_ notes: [ThreadStop.Note], of thread: ThreadID) {
        guard savesTurns else { return }
        for note in notes where note.key == SharedRanges.key {
            stop.shared[thread.process] = SharedRanges(text: note.value)
        }
        for note in notes {
            switch note.key {
            case "block": stop.blocks[thread] = SparseBlock(text: note.value)?.bytes
            case "memory":
                let sides = note.value.utf8.split(separator: UInt8(ascii: "="), maxSplits: 1)
                guard sides.count == 2, let address = Hex.number(sides[0].droppingPrefix0x),
                    let bytes = Hex.decode(sides[1])
                else { continue }
                keep(bytes, at: address, in: thread.process)
            default: break
            }
        }
    }

    /// Whether nobody can change a line of memory while its process stands, as far as the stub tells (EXT-12).
    func mayKeepLine(at start: UInt64, in process: ProcessID) -> Bool {
        guard features.supports("shared-ranges") else { return true }
        return stop.shared[process].map { !$0.touch(start, options.memoryLineBytes) } ?? false
    }

    /// Whole lines only: a part of one would be taken for the end of memory.
    private func keep(_ bytes: [UInt8], at address: UInt64, in process: ProcessID) {
        let lineBytes = options.memoryLineBytes
        guard address % UInt64(lineBytes) == 0 else { return }
        var lines = stop.memory[process] ?? [:]
        for start in stride(from: 0, through: bytes.count - lineBytes, by: lineBytes) {
            guard lines.count * lineBytes < Self.cachedBytesMax else { break }
            guard mayKeepLine(at: address &+ UInt64(start), in: process) else { continue }
            lines[address &+ UInt64(start)] = Array(bytes[start..<(start + lineBytes)])
        }
        stop.memory[process] = lines
    }
}

extension RemoteTarget: LineSaving {
    /// Where the stub is a server of ours.
    public var lineSaving: (any LineSaving)? { savesTurns ? self : nil }

    /// Plants several breakpoints with one turn of the line.
    public func insertBreakpoints(
        _ wanted: [Breakpoint],
        in process: ProcessID
    ) throws(TargetError) -> [TargetError?] {
        try select(process)
        let requests = try wanted.map { (breakpoint) throws(TargetError) in
            try insertion(of: breakpoint, in: process).payload
        }
        let replies = try exchange(all: requests, "planting \(wanted.count) breakpoints")
        return zip(wanted, replies).map { breakpoint, reply in
            guard reply == PlainReply.ok else {
                let code: TargetError.Code =
                    breakpoint.kind == .software ? .badAddress : .noHardwareLeft
                return failure(reply, "planting a breakpoint at \(breakpoint.address)", code)
            }
            breakpoints.planted[process, default: []].insert(breakpoint)
            return nil
        }
    }

    /// Asks for the registers and stacks of threads of which they are not known yet.
    public func fetchStacks(of threads: [ThreadID]) throws(TargetError) {
        var rest = threads.filter { stop.registers[$0] == nil && stop.blocks[$0] == nil }[...]
        while !rest.isEmpty {
            let part = rest.prefix(Self.requestsAtOnceMax / 2)
            rest = rest.dropFirst(part.count)
            let requests = part.flatMap { thread in
                let reference = ThreadReference(thread, multiprocess: isMultiprocess)
                return [
                    ThreadSelection(purpose: "g", thread: reference).payload,
                    [UInt8](text: "qStopSnapshot"),
                ]
            }
            let replies = try exchange(all: requests, "the stacks of \(part.count) threads")
            // Which one is selected depends on which were there.
            selectedThread = nil
            stop.answers = [:]
            for (index, thread) in part.enumerated() where replies[2 * index] == PlainReply.ok {
                let text = [UInt8](text: "T00") + replies[2 * index + 1]
                guard case .stopped(let snapshot)? = StopReply(payload: text) else { continue }
                adopt(snapshot.notes, of: thread)
            }
        }
    }

    /// The stub does.
    public var stepsOverBreakpoints: Bool { true }
}

extension Hex {
    fileprivate static func text(of process: ProcessID) -> String { text(UInt64(process.rawValue)) }
}

extension Substring.UTF8View {
    /// Addresses are written with 0x.
    fileprivate var droppingPrefix0x: Substring.UTF8View {
        starts(with: "0x".utf8) ? dropFirst(2) : self
    }
}
