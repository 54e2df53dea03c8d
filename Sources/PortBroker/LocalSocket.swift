internal import BrokerProtocol
internal import LinuxSystem
internal import NIOCore

/// A local program's socket: lines first; after a `data` line the raw bytes of one connection.
final class LocalSocket: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private enum Mode {
        case undecided
        case control(BrokerClient)
        case data(BrokerConnection)
        case closed
    }

    private let broker: Broker
    private var mode = Mode.undecided
    private var splitter = LineSplitter()
    private var context: ChannelHandlerContext?
    private var lastWrite: EventLoopFuture<Void>?
    /// Who is at the other end.
    private(set) var peer = PeerCredentials(processID: 0, userID: 0)

    init(_ broker: Broker) {
        self.broker = broker
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func channelActive(context: ChannelHandlerContext) {
        guard broker.admit(self) else { return }
        context.channel.peerCredentials.assumeIsolated().whenComplete { [weak self] result in
            self?.identified(try? result.get())
        }
        context.eventLoop.assumeIsolated().scheduleTask(
            in: .milliseconds(BrokerLimits.firstLineMilliseconds)
        ) { [weak self] in
            if let self, case .undecided = self.mode { self.close() }
        }
    }

    private func identified(_ credentials: PeerCredentials?) {
        guard let credentials, broker.mayUse(credentials) else {
            send(.error(.permission, "This broker serves its own user and root only"))
            close()
            return
        }
        peer = credentials
        context?.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data).readableBytesView
        switch mode {
        case .data(let connection):
            connection.localBytes(Array(bytes))
        case .undecided, .control:
            splitter.append(bytes)
            takeLines()
            if case .data = mode { return }
            context.read()
        case .closed: break
        }
    }

    private func takeLines() {
        do {
            while let line = try nextControlLine() { take(line) }
        } catch {
            refuse("\(error)")
        }
    }

    private func nextControlLine() throws(BrokerProtocolError) -> BrokerLine? {
        switch mode {
        case .undecided, .control: try splitter.nextLine()
        case .data, .closed: nil
        }
    }

    private func take(_ line: BrokerLine) {
        let request: BrokerRequest
        do {
            request = try BrokerRequest(line)
        } catch {
            send(.error(.badRequest, error.description))
            return
        }
        switch (mode, request) {
        case (.undecided, .data(let token, let takesBreaks)): becomeData(token, takesBreaks)
        case (.undecided, _):
            let client = BrokerClient(self)
            mode = .control(client)
            broker.handle(request, of: client)
        case (.control(let client), _): broker.handle(request, of: client)
        case (.data, _), (.closed, _): break
        }
    }

    private func becomeData(_ token: BrokerToken, _ takesBreaks: Bool) {
        guard let connection = broker.connection(claimedBy: token) else {
            refuse("No connection of that token waits for its data", code: .unknownToken)
            return
        }
        send(.ok([]))
        mode = .data(connection)
        connection.attach(self, takesBreaks: takesBreaks)
        let rest = splitter.takeRest()
        if rest.isEmpty { context?.read() } else { connection.localBytes(rest) }
    }

    private func refuse(_ words: String, code: BrokerErrorCode = .badRequest) {
        send(.error(code, words))
        close()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .inputClosed? = event as? ChannelEvent else { return }
        // A program that dies closes both directions at once: then `channelInactive` comes before this does,
        // and its end is not taken for an orderly end of its output.
        context.eventLoop.assumeIsolated().execute { [weak self] in self?.inputEnded() }
    }

    private func inputEnded() {
        switch mode {
        case .data(let connection): connection.localFinished()
        case .undecided, .control: close()
        case .closed: break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        close()
    }

    func channelInactive(context: ChannelHandlerContext) {
        let last = mode
        mode = .closed
        broker.dismiss(self)
        switch last {
        case .control(let client): broker.lost(client)
        case .data(let connection): connection.localGone()
        case .undecided, .closed: break
        }
        self.context = nil
    }
}

/// What the broker does with the socket.
extension LocalSocket {
    /// Sends a line; a program that does not read its messages is dropped.
    func send(_ message: BrokerMessage) {
        guard let context else { return }
        context.writeAndFlush(
            NIOAny(context.channel.allocator.buffer(bytes: message.line.encoded)),
            promise: nil
        )
        if !context.channel.isWritable { close() }
    }

    /// Writes a connection's bytes and says when the program's socket has taken them, or never will.
    func write(_ bytes: [UInt8], whenDone: @escaping () -> Void) {
        guard let context else { return }
        let buffer = context.channel.allocator.buffer(bytes: bytes)
        let written = context.writeAndFlush(NIOAny(buffer))
        lastWrite = written
        written.assumeIsolated().whenComplete { _ in whenDone() }
    }

    /// Wants more bytes of the program.
    func readMore() {
        context?.read()
    }

    /// The program will read the end of the stream after what was written.
    ///
    /// When it has finished too, the channel closes altogether and would forget what is still to be written.
    func finishOutput() {
        guard let lastWrite else {
            context?.close(mode: .output, promise: nil)
            return
        }
        lastWrite.assumeIsolated().whenComplete { [weak self] _ in
            self?.context?.close(mode: .output, promise: nil)
        }
    }

    /// Closes after the program has taken what was written, but not later than the linger time.
    func closeAfterWrites() {
        guard let context, let lastWrite else {
            close()
            return
        }
        lastWrite.assumeIsolated().whenComplete { [weak self] _ in self?.close() }
        context.eventLoop.assumeIsolated().scheduleTask(
            in: .milliseconds(BrokerLimits.lingerMilliseconds)
        ) { [weak self] in
            self?.close()
        }
    }

    /// Closes at once.
    func close() {
        context?.close(promise: nil)
    }
}
