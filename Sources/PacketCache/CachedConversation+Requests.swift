internal import DebugTarget
internal import GDBRemoteProtocol

extension CachedConversation {
    /// The most bytes of memory that are worth keeping at a time.
    private static let keptReadBytesMax = 2048
    /// A miss fetches as many lines, aligned, and more when it goes on where the last one ended.
    private static let blockLines: UInt64 = 4
    private static let longBlockLines: UInt64 = 16

    /// Does for the current request what can be done now; called again whenever something has come.
    mutating func resolve() {
        guard let current, !currentIsPassedOn else { return }
        switch RequestKind(current) {
        case .constant(let reply): answer(reply)
        case .endAcknowledgements:
            answer(PlainReply.ok)
            acknowledges = false
        case .selection(let text): choose(text)
        case .resumedSelection:
            send(current, .nothing)
            answer(PlainReply.ok)
        case .memory(let address, let count, let isBinary):
            readMemory(MemoryRange(address: address, count: count), isBinary)
        case .query(let scope): ask(current, scope)
        case .object(let request, let scope): readObject(request, scope)
        case .insertion: plant(current)
        case .removal: remove(current)
        case .resume(let isStep): resume(current, isStep: isStep)
        case .lastStop: passOn(.lastStop)
        case .harmless:
            synchronize()
            passOn()
        case .write:
            state.forgetValues()
            synchronize()
            passOn()
        case .end: bypass(with: nil)
        case .change: change()
        }
    }

    private mutating func change() {
        flushBreakpoints()
        synchronize()
        passOn()
        epoch += 1
        state = StandingTarget(lineBytes: lineBytes)
        breakpoints = Breakpoints()
        chosen = nil
        serverChosen = nil
    }

    // MARK: Threads

    private mutating func choose(_ text: String) {
        guard let thread = ThreadReference(text.utf8) else { return passOn() }
        guard state.threads.contains(text) else { return passOn(.choice(thread)) }
        chosen = thread
        answer(PlainReply.ok)
    }

    /// What a question of that scope is about; nil where that is not known.
    static func subject(_ scope: RequestKind.Scope, _ thread: ThreadReference?) -> String? {
        switch scope {
        case .nothing, .connection: ""
        case .process: thread?.processText
        case .thread: thread?.text
        }
    }

    private mutating func ask(_ request: [UInt8], _ scope: RequestKind.Scope) {
        guard let subject = Self.subject(scope, chosen) else {
            synchronize()
            return passOn()
        }
        let question = Question(subject: subject, request: request)
        habits.note(request)
        if let known = state.answers[question] ?? constants[request] { return answer(known) }
        if request.first == UInt8(ascii: "T"),
            let thread = ThreadReference(request.dropFirst()), state.threads.contains(thread.text)
        {
            return answer(PlainReply.ok)
        }
        guard !isUnderWay({ $0 == .answer(question) }) else { return }
        if request == Array("g".utf8), isUnderWay({ $0 == .snapshot }, about: chosen) { return }
        if request == Array("g".utf8), chosen != state.stopped, !currentHasFetched {
            currentHasFetched = true
            return fetchSnapshots()
        }
        if scope != .nothing { synchronize() }
        passOn(.deliverAndKeep(question))
    }

    /// Whether what is under way will be kept and may be what is asked for.
    private func isUnderWay(
        _ condition: (Expectation.Purpose) -> Bool,
        about thread: ThreadReference? = nil
    ) -> Bool {
        expected.contains {
            $0.epoch == epoch && condition($0.purpose) && (thread == nil || $0.thread == thread)
        }
    }

    /// Registers and stack of the chosen thread, and of those that will be asked for next.
    private mutating func fetchSnapshots() {
        guard let chosen else { return }
        for thread in [chosen] + habits.next(after: chosen, in: state.threadList) {
            let question = Question(subject: thread.text, request: Array("g".utf8))
            guard state.answers[question] == nil,
                !isUnderWay({ $0 == .snapshot }, about: thread)
            else { continue }
            if serverChosen != thread { select(thread) }
            send(Array("qStopSnapshot".utf8), .snapshot)
        }
    }

    // MARK: Memory

    private mutating func readMemory(_ range: MemoryRange, _ isBinary: Bool) {
        guard let process = chosen?.processText, range.count > 0,
            range.count <= min(Self.keptReadBytesMax, serverPacketBytesMax / 2 - 1),
            state.mayKeep(range.address, range.count, of: process)
        else {
            synchronize()
            return passOn()
        }
        let lines = state.lineStarts(range.address, range.count)
        habits.note(lines, of: process)
        if let bytes = state.memory(at: range.address, count: range.count, of: process) {
            return answer(form(bytes, isBinary))
        }
        let isComing = isUnderWay {
            guard case .memoryRanges(let ranges) = $0 else { return false }
            return ranges.contains { $0.overlaps(range) }
        }
        if isComing || isUnderWay({ $0 == .snapshot }, about: chosen) { return }
        guard !currentHasFetched, fetch(lines, of: process) else {
            synchronize()
            return passOn()
        }
        currentHasFetched = true
    }

    private func form(_ bytes: [UInt8], _ isBinary: Bool) -> [UInt8] {
        guard isBinary else { return Hex.encode(bytes) }
        let form = BinaryMemoryReply.payload(bytes[...], bytesMax: 2 * bytes.count + 1)
        return takesBareBinary ? Array(form.dropFirst()) : form
    }

    /// Fetches the lines that are missing, and those around them.
    ///
    /// - Returns: whether that may be.
    private mutating func fetch(_ lines: [UInt64], of process: String) -> Bool {
        let missing = lines.filter { !state.isKnown($0, of: process) }
        guard let first = missing.first, let last = missing.last else { return false }
        let size = UInt64(lineBytes)
        let isOnward = habits.isOnward(first, end: last &+ size)
        let block = size * (isOnward ? Self.longBlockLines : Self.blockLines)
        var start = isOnward ? first : first & ~(block - 1)
        let isNearTheEnd = start > UInt64.max - 2 * block - UInt64(2 * Self.keptReadBytesMax)
        var end = start &+ block
        while !isNearTheEnd, end < last + size { end += size * Self.blockLines }
        if isNearTheEnd || !state.mayKeep(start, Int(end - start), of: process) {
            (start, end) = (first, last &+ size)
            guard end > start, state.mayKeep(start, Int(end - start), of: process) else {
                return false
            }
        }
        synchronize()
        request([MemoryRange(address: start, count: Int(end - start))])
        return true
    }

    /// Asks for memory, with as many requests as it takes.
    mutating func request(_ ranges: [MemoryRange]) {
        // What a reply has room for: the length of each part, and each byte escaped.
        let whole = max(serverPacketBytesMax / 2 - 16, lineBytes)
        var part: [MemoryRange] = []
        var room = whole
        for range in ranges {
            var rest = range
            while rest.count > 0 {
                if room < lineBytes {
                    sendRead(part)
                    part = []
                    room = whole
                }
                let count = min(rest.count, room / lineBytes * lineBytes)
                guard count > 0 else { return }
                part.append(MemoryRange(address: rest.address, count: count))
                rest.address &+= UInt64(count)
                rest.count -= count
                room -= count + 10
            }
        }
        if !part.isEmpty { sendRead(part) }
    }

    private mutating func sendRead(_ ranges: [MemoryRange]) {
        let read = MultipleMemoryRead(ranges.map { (TargetAddress($0.address), $0.count) })
        send(read.payload, .memoryRanges(ranges))
    }

    // MARK: Objects

    private mutating func readObject(_ request: TransferRequest, _ scope: RequestKind.Scope) {
        guard let subject = Self.subject(scope, chosen),
            case .read(let offset, let count) = request.operation
        else {
            synchronize()
            return passOn()
        }
        var whole = request
        whole.operation = .read(offset: 0, count: serverPacketBytesMax)
        let question = Question(subject: subject, request: whole.payload)
        habits.note(whole.payload)
        if let object = state.objects[question] {
            let portion = TransferReply.payload(
                of: object,
                offset: offset,
                count: count,
                payloadBytesMax: serverPacketBytesMax
            )
            return answer(portion)
        }
        let isComing = isUnderWay {
            if case .object(_, question, _) = $0 { return true }
            return false
        }
        if isComing { return }
        synchronize()
        guard !currentHasFetched else { return passOn() }
        currentHasFetched = true
        send(whole.payload, .object(whole, question, before: []))
    }
}
