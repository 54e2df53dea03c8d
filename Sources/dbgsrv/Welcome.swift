internal import ByteTransport
internal import Glibc
internal import LinuxSystem
internal import SessionProtocol
internal import Transports

/// How long a new client may take to say its first bytes, in milliseconds.
let welcomeTimeoutMilliseconds: UInt64 = 60_000

/// What a client turned out to be.
enum Welcome {
    /// RSP follows on the stream; the name is the client's own, nil for a plain RSP client.
    case client(name: String?, any ByteTransport)
    /// It was refused, vanished or kept silent; words for the log.
    case refused(String)
    /// A signal asks for the session's end.
    case endRequested
}

/// Reads a connection's first bytes and answers a greeting, until a signal ends the wait.
func welcome(
    _ transport: any ByteTransport,
    endSignals: SignalDescriptor
) throws(SystemError) -> Welcome {
    var handshake = ServerHandshake()
    let deadline = monotonicNanoseconds() + welcomeTimeoutMilliseconds * 1_000_000
    while true {
        let now = monotonicNanoseconds()
        guard now < deadline else { return .refused("the client says nothing") }
        var requests = [PollRequest(transport.descriptor), PollRequest(endSignals.number)]
        try pollDescriptors(
            &requests,
            timeoutMilliseconds: transport.hasBufferedInput
                ? 0 : Int((deadline - now) / 1_000_000) + 1
        )
        if requests[1].isReadable, endSignals.next() != nil { return .endRequested }
        switch transport.read(maximum: 4096) {
        case .wouldBlock:
            continue
        case .ended(let reason):
            return .refused("the client left before it said anything (\(reason.words))")
        case .bytes(let bytes):
            if let outcome = welcome(transport, handshake.receive(bytes)) { return outcome }
        }
    }
}

private func welcome(
    _ transport: any ByteTransport,
    _ outcome: ServerHandshake.Outcome
) -> Welcome? {
    switch outcome {
    case .undecided:
        return nil
    case .plainClient(let bytes):
        return .client(name: nil, PrefixedTransport(bytes, before: transport))
    case .client(let name, let rest):
        send(Greeting.accepted(program: programName, processID: getpid()), to: transport)
        return .client(name: name, PrefixedTransport(rest, before: transport))
    case .refused(let words):
        send(Greeting.refused(words), to: transport)
        return .refused(words)
    }
}

/// A greeting is shorter than any send buffer of a fresh connection.
private func send(_ greeting: [UInt8], to transport: any ByteTransport) {
    _ = transport.write(greeting[...])
    transport.flush()
}

extension EndReason {
    /// For the log.
    var words: String {
        switch self {
        case .closed: "closed"
        case .failed(let words): words
        }
    }
}
