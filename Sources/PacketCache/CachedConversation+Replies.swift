internal import DebugTarget
internal import GDBRemoteProtocol

extension CachedConversation {
    mutating func take(fromServer item: WireItem) {
        switch item {
        // Without acknowledgements there is no way to ask again, and the manual lets it pass.
        case .packet(let payload), .damaged(.checksum(let payload)): receive(payload)
        case .damaged: receive(Array("E01".utf8))
        case .notification(let payload):
            passed.toDebugger += PacketEncoder.notification(payload)
        case .acknowledgement, .retransmissionRequest, .interrupt: break
        }
    }

    private mutating func receive(_ payload: [UInt8]) {
        guard let first = expected.first else { return deliver(payload) }
        if case .stop = first.purpose, isRunning, isBeforeStop(payload) { return deliver(payload) }
        expected.removeFirst()
        consume(payload, first)
        if expected.isEmpty { selectionFailure = nil }
        resolve()
        goOn()
    }

    /// Whether a packet is none that ends the run: the program's output, or the reply to what may be asked while it
    /// runs.
    private mutating func isBeforeStop(_ payload: [UInt8]) -> Bool {
        if payload.first == UInt8(ascii: "O"), payload != PlainReply.ok { return true }
        guard repliesBeforeStop > 0, payload == PlainReply.ok || payload.isEmpty else {
            return false
        }
        repliesBeforeStop -= 1
        return true
    }

    private mutating func consume(_ payload: [UInt8], _ expectation: Expectation) {
        let isFresh = expectation.epoch == epoch && selectionFailure == nil
        let answer = selectionFailure ?? payload
        switch expectation.purpose {
        case .deliver:
            if let current, current.starts(with: "x0,0".utf8), payload == PlainReply.ok {
                takesBareBinary = true
            }
            self.answer(answer)
        case .deliverAndKeep(let question):
            if isFresh { keep(payload, to: question) }
            self.answer(answer)
        case .choice(let thread):
            if answer == PlainReply.ok {
                (chosen, serverChosen) = (thread, thread)
                state.learn(thread: thread)
            }
            self.answer(answer)
        case .insertion(let breakpoint):
            if answer == PlainReply.ok { breakpoints.plant(breakpoint) }
            self.answer(answer)
        case .stop:
            isRunning = false
            current = nil
            showStop(payload)
        case .lastStop:
            current = nil
            showStop(payload)
        case .nothing: break
        case .selection:
            if payload != PlainReply.ok {
                serverChosen = nil
                selectionFailure = payload.isEmpty ? Array("E03".utf8) : payload
            }
        case .answer(let question): if isFresh { keep(payload, to: question) }
        case .object(let request, let question, let before):
            if isFresh { keep(payload, request, question, before, expectation.thread) }
        case .memoryRanges(let ranges): if isFresh { keep(payload, ranges, expectation.thread) }
        case .snapshot:
            if isFresh, let thread = expectation.thread { adopt(snapshot: payload, of: thread) }
        }
    }

    // MARK: What is kept

    private mutating func keep(_ answer: [UInt8], to question: Question) {
        guard let first = answer.first, first != UInt8(ascii: "E") else { return }
        if case .query(.connection) = RequestKind(question.request) {
            constants[question.request] = answer
        } else {
            state.keep(answer, to: question)
        }
    }

    private mutating func keep(
        _ payload: [UInt8],
        _ request: TransferRequest,
        _ question: Question,
        _ before: [UInt8],
        _ thread: ThreadReference?
    ) {
        switch TransferReply(payload: payload) {
        case .last(let bytes):
            let object = before + bytes
            guard object.count <= StandingTarget.objectBytesMax else { return }
            state.keep(object: object, as: question)
            if request.object == "threads" { state.learn(threads: Self.threads(in: object)) }
        case .more(let bytes):
            let object = before + bytes
            guard !bytes.isEmpty, object.count <= StandingTarget.objectBytesMax else { return }
            if let thread, serverChosen != thread { select(thread) }
            var next = request
            next.operation = .read(offset: object.count, count: serverPacketBytesMax)
            send(next.payload, .object(request, question, before: object))
        case nil: break
        }
    }

    /// The ids of a thread list (`qXfer:threads:read`).
    static func threads(in document: [UInt8]) -> [ThreadReference] {
        let mark = Array(" id=\"".utf8)
        var list: [ThreadReference] = []
        var rest = document[...]
        while let found = rest.firstRange(of: mark) {
            rest = rest[found.upperBound...]
            let id = rest.prefix { $0 != UInt8(ascii: "\"") }
            if let thread = ThreadReference(id), thread.isOneThread { list.append(thread) }
        }
        return list
    }

    private mutating func keep(
        _ payload: [UInt8],
        _ ranges: [MemoryRange],
        _ thread: ThreadReference?
    ) {
        guard let process = thread?.processText,
            let parts = MultipleMemoryRead.parts(ofReply: payload), parts.count == ranges.count
        else { return }
        for (range, bytes) in zip(ranges, parts) {
            state.keep(bytes, at: range.address, of: process)
        }
    }

    // MARK: Stops

    private mutating func showStop(_ payload: [UInt8]) {
        guard case .stopped(let stop)? = StopReply(payload: payload) else {
            if let first = payload.first, "WXN".utf8.contains(first) {
                (chosen, serverChosen) = (nil, nil)
                breakpoints = Breakpoints()
            }
            settleRequestsAhead(nil)
            return deliver(payload)
        }
        (chosen, serverChosen) = (stop.thread, stop.thread)
        state.stopped = stop.thread
        if case .exec? = stop.cause { breakpoints = Breakpoints() }
        settleRequestsAhead(stop.thread)
        if let thread = stop.thread, thread.isOneThread {
            state.learn(thread: thread)
            adopt(stop.notes, of: thread)
        }
        deliver(Self.stripped(payload, keepsMemory: isLLDB))
    }

    private mutating func adopt(snapshot payload: [UInt8], of thread: ThreadReference) {
        guard case .stopped(let stop)? = StopReply(payload: Array("T00".utf8) + payload) else {
            return
        }
        adopt(stop.notes, of: thread)
    }

    /// Takes over what a stop brought along (EXT-8, EXT-12).
    private mutating func adopt(_ notes: [ThreadStop.Note], of thread: ThreadReference) {
        let process = thread.processText
        for note in notes where note.key == SharedRanges.key {
            if let ranges = SharedRanges(text: note.value) { state.learn(ranges, of: process) }
        }
        for note in notes {
            switch note.key {
            case "block":
                guard let block = SparseBlock(text: note.value) else { continue }
                let question = Question(subject: thread.text, request: Array("g".utf8))
                state.keep(Hex.encode(block.bytes), to: question)
            case "memory":
                let sides = note.value.utf8.split(separator: UInt8(ascii: "="), maxSplits: 1)
                let digits = sides.first.map { $0.starts(with: "0x".utf8) ? $0.dropFirst(2) : $0 }
                guard sides.count == 2, let address = digits.flatMap({ Hex.number($0) }),
                    let bytes = Hex.decode(sides[1])
                else { continue }
                state.keep(bytes, at: address, of: process)
            default: break
            }
        }
    }

    /// A stop as the debugger would have got it without us.
    static func stripped(_ payload: [UInt8], keepsMemory: Bool) -> [UInt8] {
        let ours = ["block:", "\(SharedRanges.key):"] + (keepsMemory ? [] : ["memory:"])
        guard payload.count > 3 else { return payload }
        let fields = payload[3...].split(
            separator: UInt8(ascii: ";"),
            omittingEmptySubsequences: false
        ).filter { field in !ours.contains { field.starts(with: $0.utf8) } }
        return Array(payload[..<3]) + Array(fields.joined(separator: [UInt8(ascii: ";")]))
    }
}
