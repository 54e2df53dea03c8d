internal import GDBRemoteProtocol

extension CachedConversation {
    /// The most requests that go out behind a resume; a server keeps 16 while its target runs.
    private static let requestsAheadMax = 8

    /// Sets the target going, and asks at once for what the debugger will ask for after the stop.
    mutating func resume(_ request: [UInt8], isStep: Bool) {
        flushBreakpoints()
        synchronize()
        habits.rest()
        epoch += 1
        state = StandingTarget(lineBytes: lineBytes)
        isRunning = true
        repliesBeforeStop = 0
        passOn(.stop)
        let isBeginning = request.first == UInt8(ascii: "v") && !request.starts(with: "vCont".utf8)
        if isBeginning {
            breakpoints = Breakpoints()
            chosen = nil
        }
        serverChosen = nil
        var requests = 0
        func ask(_ payload: [UInt8], _ purpose: Expectation.Purpose) {
            guard requests < Self.requestsAheadMax else { return }
            requests += 1
            send(payload, purpose)
        }
        if isLLDB {
            ask(Array("qStopSnapshot".utf8), .snapshot)
        } else if isStep {
            ask(Array("g".utf8), .answer(Question(subject: "", request: Array("g".utf8))))
        }
        for payload in isBeginning ? beginnings : habits.usual {
            let question = Question(subject: "", request: payload)
            switch RequestKind(payload) {
            case .object(let object, _): ask(payload, .object(object, question, before: []))
            case .query(.process): ask(payload, .answer(question))
            default: break
            }
        }
        if !isBeginning { self.request(habits.ranges(linesMax: linesAheadMax, lineBytes)) }
    }

    /// What debuggers ask for when they have got a process.
    private var beginnings: [[UInt8]] {
        if isLLDB { return [Array("qProcessInfo".utf8), Array("jThreadsInfo".utf8)] }
        return [("threads", ""), ("features", "target.xml"), ("auxv", ""), ("libraries-svr4", "")]
            .map { object, annex in
                TransferRequest(
                    object: object,
                    annex: annex,
                    .read(offset: 0, count: serverPacketBytesMax)
                ).payload
            }
    }

    /// What was asked for ahead is about the thread that has stopped.
    mutating func settleRequestsAhead(_ thread: ThreadReference?) {
        for index in expected.indices where expected[index].epoch == epoch {
            guard expected[index].thread == nil else { continue }
            expected[index].thread = thread
            switch expected[index].purpose {
            case .answer(let question):
                let settled = Self.settled(question, thread)
                expected[index].purpose = settled.map { .answer($0) } ?? .nothing
            case .object(let request, let question, let before):
                let settled = Self.settled(question, thread)
                expected[index].purpose =
                    settled.map { .object(request, $0, before: before) } ?? .nothing
            default: break
            }
        }
    }

    private static func settled(_ question: Question, _ thread: ThreadReference?) -> Question? {
        switch RequestKind(question.request) {
        case .query(let scope), .object(_, let scope):
            subject(scope, thread).map { Question(subject: $0, request: question.request) }
        default: nil
        }
    }
}
