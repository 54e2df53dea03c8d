internal import BrokerProtocol
internal import Glibc
public import LinuxSystem
internal import NIOCore
internal import NIOPosix

/// A broker as the whole of a process.
public enum BrokerProcess {
    /// How long a new broker waits for the one before it, which is putting the port's settings back.
    static let predecessorMillisecondsMax = 5000

    /// Serves the port until nobody needs it or a signal comes.
    ///
    /// - Parameters:
    ///   - configuration: what to serve.
    ///   - signals: those that end it.
    ///   - report: takes the one line about how the start went.
    /// - Throws: `BrokerStartError`, which has been reported as well.
    public static func run(
        _ configuration: BrokerConfiguration,
        signals: TerminationSignals,
        report: OwnedDescriptor?
    ) throws(BrokerStartError) {
        do {
            try serve(configuration, signals, report)
        } catch {
            configuration.log(error.description)
            tell(report, .error(error.code, error.description))
            throw error
        }
    }

    private static func claimName(
        _ configuration: BrokerConfiguration
    ) throws -> BrokerName {
        let lock = try BrokerName.lock(
            configuration.files,
            waitMilliseconds: predecessorMillisecondsMax
        )
        if let lock { return BrokerName(configuration.files, lock) }
        throw BrokerStartError(
            .port,
            "Another broker serves \(configuration.portName) and does not answer."
        )
    }

    private static func serve(
        _ configuration: BrokerConfiguration,
        _ signals: TerminationSignals,
        _ report: OwnedDescriptor?
    ) throws(BrokerStartError) {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        do {
            let ended = try ProgramLauncher.makePipe()
            let broker = try loop.submit {
                NIOLoopBound(try start(configuration, loop, ended.write), eventLoop: loop)
            }.wait()
            let place = try loop.submit { broker.value.name.socketWithoutName }.wait()
            let listener = try listen(place, broker, loop)
            try loop.submit { try broker.value.name.publish() }.wait()
            tell(report, .ok([]))
            try signals.wait(or: ended.read)
            try loop.submit { broker.value.end("a signal came") }.wait()
            try listener.close().wait()
            try group.syncShutdownGracefully()
        } catch let error as BrokerStartError {
            throw error
        } catch {
            throw BrokerStartError(
                .port,
                "The broker of \(configuration.portName) failed: \(error)."
            )
        }
    }

    private static func start(
        _ configuration: BrokerConfiguration,
        _ loop: any EventLoop,
        _ ended: OwnedDescriptor
    ) throws(BrokerStartError) -> Broker {
        do {
            let name = try claimName(configuration)
            let port = try openLinePort(configuration.devicePath, configuration.settings)
            return try Broker(configuration, port: port, name: name, eventLoop: loop) {
                _ = try? ended.write([0])
            }
        } catch {
            throw BrokerStartError(.port, "\(error)")
        }
    }

    private static func listen(
        _ path: String,
        _ broker: NIOLoopBound<Broker>,
        _ loop: any EventLoop
    ) throws -> any Channel {
        let water = ChannelOptions.Types.WriteBufferWaterMark(
            low: BrokerLimits.unreadMessageBytesMax / 2,
            high: BrokerLimits.unreadMessageBytesMax
        )
        let listener = try ServerBootstrap(group: loop)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(
                .recvAllocator,
                value: FixedSizeRecvByteBufferAllocator(capacity: BrokerLimits.readBytes)
            )
            .childChannelOption(.writeBufferWaterMark, value: water)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(LocalSocket(broker.value))
                }
            }
            .bind(unixDomainSocketPath: path)
            .wait()
        try systemCall("chmod", path) { chmod(path, 0o600) }
        return listener
    }

    private static func tell(_ report: OwnedDescriptor?, _ message: BrokerMessage) {
        guard let report else { return }
        _ = try? report.write(message.line.encoded[...])
    }
}

/// Why a broker did not start.
public struct BrokerStartError: Error, Sendable, CustomStringConvertible {
    /// One sentence.
    public let description: String
    let code: BrokerErrorCode

    init(_ code: BrokerErrorCode, _ description: String) {
        self.code = code
        self.description = description
    }
}
