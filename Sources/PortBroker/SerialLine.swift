internal import LinuxSystem
internal import NIOCore
internal import NIOPosix

/// The port on the event loop: bytes in and out, and word when it has gone.
final class SerialLine {
    private let eventLoop: any EventLoop
    private var port: (any LinePort)?
    private var channel: (any Channel)?
    /// Takes what has arrived.
    var onBytes: ([UInt8]) -> Void = { _ in }
    /// The line can be written (again).
    var onReady: () -> Void = {}
    /// The port hung up or was unplugged.
    var onLost: () -> Void = {}

    init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    /// The driver's view of the port; nil while it is closed.
    var openPort: (any LinePort)? { port }
    /// Whether a frame would leave soon.
    var isWritable: Bool { (channel?.isWritable ?? false) && port?.isHeld == false }

    /// Takes over an open port.
    ///
    /// The event loop works on duplicates, so that the port can put its settings back after the loop has closed
    /// them; locks belong to the open file and stay as long as either is open.
    func attach(_ opened: any LinePort) throws(SystemError) {
        port = opened
        let descriptor = try opened.descriptor.duplicateNumber()
        let water = ChannelOptions.Types.WriteBufferWaterMark(
            low: BrokerLimits.lineQueueBytesMax / 2,
            high: BrokerLimits.lineQueueBytesMax
        )
        let line = NIOLoopBound(self, eventLoop: eventLoop)
        NIOPipeBootstrap(group: eventLoop)
            .channelOption(.writeBufferWaterMark, value: water)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(LineHandler(line.value))
                }
            }
            .takingOwnershipOfDescriptor(inputOutput: descriptor)
            .assumeIsolated()
            .whenFailure { [weak self] _ in
                _ = OwnedDescriptor(descriptor)
                self?.lost()
            }
    }

    func write(_ frame: [UInt8]) {
        guard let port else { return }
        writeRaw(port.encode(frame))
    }

    private func writeRaw(_ bytes: [UInt8]) {
        guard let channel else { return }
        channel.writeAndFlush(channel.allocator.buffer(bytes: bytes), promise: nil)
    }

    fileprivate func received(_ bytes: [UInt8]) {
        guard let port else { return }
        let wasHeld = port.isHeld
        let (line, answer) = port.decode(bytes)
        if !answer.isEmpty { writeRaw(answer) }
        if !line.isEmpty { onBytes(line) }
        if wasHeld && !port.isHeld { onReady() }
    }

    /// Closes the port with its settings as they were; what was written gets a moment to leave.
    func close() {
        let open = channel
        channel = nil
        port?.close()
        port = nil
        open?.close(promise: nil)
    }

    fileprivate func active(_ channel: any Channel) {
        guard port != nil else {
            channel.close(promise: nil)
            return
        }
        self.channel = channel
        onReady()
    }

    fileprivate func lost() {
        guard port != nil else { return }
        close()
        onLost()
    }
}

private final class LineHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let line: SerialLine

    init(_ line: SerialLine) {
        self.line = line
    }

    func channelActive(context: ChannelHandlerContext) {
        line.active(context.channel)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        line.received(Array(unwrapInboundIn(data).readableBytesView))
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { line.onReady() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        line.lost()
    }
}
