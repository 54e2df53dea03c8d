internal import Glibc
internal import LinuxSystem
internal import SerialPort
internal import TelnetSerial

/// A serial port of another machine, connected and set.
final class NetworkPort: LinePort {
    let path: String
    let descriptor: OwnedDescriptor
    private(set) var isHeld = false
    private(set) var grantedBaudRate = 0
    private var remote: RemotePort
    private var early: [UInt8] = []

    /// How long connecting and setting may take together.
    static let openMillisecondsMax = 5000
    /// How long a connection may be silent to TCP before the far machine counts as gone.
    private static let silenceMillisecondsMax: Int32 = 10_000
    private static let keepaliveSeconds: Int32 = 3

    /// Connects and has the settings made; blocks for `openMillisecondsMax` at the most, beside the resolver.
    init(
        _ address: NetworkPortAddress,
        _ configuration: SerialConfiguration
    ) throws(NetworkPortError) {
        path = address.description
        remote = RemotePort(RemoteLineSettings(configuration))
        let deadline = monotonicNanoseconds() + UInt64(Self.openMillisecondsMax) * 1_000_000
        do {
            descriptor = try Self.connect(address, until: deadline)
        } catch {
            throw NetworkPortError("\(address) cannot be reached: \(error)")
        }
        try negotiate(address, until: deadline)
    }

    private static func connect(
        _ address: NetworkPortAddress,
        until deadline: UInt64
    ) throws -> OwnedDescriptor {
        let places = try SocketAddress.resolve(
            host: address.host,
            port: address.port,
            onlyIPv6: false
        )
        var failure = SystemError("connect", errorNumber: EHOSTUNREACH)
        for place in places {
            do {
                let left = max(Int((deadline &- monotonicNanoseconds()) / 1_000_000), 1)
                let socket = try place.connect(
                    timeoutMilliseconds: min(left, openMillisecondsMax)
                )
                try prepare(socket)
                return socket
            } catch {
                failure = error
            }
        }
        throw failure
    }

    private static func prepare(_ socket: OwnedDescriptor) throws(SystemError) {
        let tcp = Int32(IPPROTO_TCP)
        try setSocketOption(socket, tcp, TCP_NODELAY, 1)
        try setSocketOption(socket, SOL_SOCKET, SO_KEEPALIVE, 1)
        try setSocketOption(socket, tcp, TCP_KEEPIDLE, keepaliveSeconds)
        try setSocketOption(socket, tcp, TCP_KEEPINTVL, keepaliveSeconds)
        try setSocketOption(socket, tcp, TCP_USER_TIMEOUT, silenceMillisecondsMax)
    }

    private func negotiate(
        _ address: NetworkPortAddress,
        until deadline: UInt64
    ) throws(NetworkPortError) {
        do {
            while grantedBaudRate == 0 {
                try send(remote.takeOutput(), until: deadline)
                var requests = [PollRequest(descriptor.number)]
                try pollDescriptors(&requests, untilMonotonicNanoseconds: deadline)
                guard requests[0].isReadable else {
                    throw NetworkPortError(
                        "\(address) does not answer as an RFC 2217 server does within "
                            + "\(Self.openMillisecondsMax / 1000) s"
                    )
                }
                guard let bytes = try descriptor.read(maximum: Self.readBytes) else { continue }
                guard !bytes.isEmpty else {
                    throw endedAtOnce(address)
                }
                for event in remote.receive(bytes) { try take(event, address) }
                guard monotonicNanoseconds() < deadline else {
                    throw NetworkPortError("\(address) does not come to an agreement in time")
                }
            }
            try send(remote.takeOutput(), until: deadline)
        } catch let error as NetworkPortError {
            throw error
        } catch let error as SystemError where [ECONNRESET, EPIPE].contains(error.errorNumber) {
            throw endedAtOnce(address)
        } catch {
            throw NetworkPortError("\(address): \(error)")
        }
    }

    /// What the server had to say about it may be lost with the connection.
    private func endedAtOnce(_ address: NetworkPortAddress) -> NetworkPortError {
        NetworkPortError(
            "\(address) ends the connection at once"
                + (greeting.isEmpty ? "; another program may be using it" : ": \"\(greeting)\"")
        )
    }

    /// What the server said, fit to be shown.
    private var greeting: String {
        let text = String(decoding: remote.greeting, as: UTF8.self)
        let plain = text.unicodeScalars.map { scalar in
            scalar.properties.generalCategory == .control ? " " : Character(scalar)
        }
        return String(plain).split(separator: " ").joined(separator: " ")
    }

    private func take(
        _ event: RemotePort.Event,
        _ address: NetworkPortAddress
    ) throws(NetworkPortError) {
        switch event {
        case .ready(let baudRate): grantedBaudRate = max(baudRate, 1)
        case .failed(let failure): throw NetworkPortError("\(address): \(failure)")
        case .received(let bytes): early += bytes
        case .held(let isHeld): self.isHeld = isHeld
        }
    }

    private static let readBytes = 4096

    private func send(_ bytes: [UInt8], until deadline: UInt64) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            rest = rest.dropFirst(try descriptor.write(rest))
            if rest.isEmpty { return }
            var requests = [PollRequest(descriptor.number, read: false, write: true)]
            guard try pollDescriptors(&requests, untilMonotonicNanoseconds: deadline) else {
                throw SystemError("write", errorNumber: ETIMEDOUT)
            }
        }
    }

    var warnings: [String] { [] }
    var notes: [String] { [] }

    var counters: LineCounters? {
        var counters = LineCounters.zero
        counters.frameErrors = remote.figures.frameErrors
        counters.overruns = remote.figures.overruns
        counters.parityErrors = remote.figures.parityErrors
        counters.breaks = remote.figures.breaks
        return counters
    }

    func encode(_ frame: [UInt8]) -> [UInt8] { remote.encode(frame) }

    func decode(_ bytes: [UInt8]) -> (line: [UInt8], answer: [UInt8]) {
        var line = early
        early = []
        for event in remote.receive(bytes) {
            switch event {
            case .received(let bytes): line += bytes
            case .held(let isHeld): self.isHeld = isHeld
            case .ready: break
            // The far end has changed its mind: nothing arrives any more, which the link notices.
            case .failed: shutDownWriting(descriptor)
            }
        }
        return (line, remote.takeOutput())
    }

    func close() {}
}

/// Why a port of another machine cannot be used: one clause.
struct NetworkPortError: Error, CustomStringConvertible {
    let description: String

    init(_ words: String) {
        description = words + "."
    }
}

extension RemoteLineSettings {
    /// The settings of a line as the far machine is told.
    init(_ configuration: SerialConfiguration) {
        self.init(
            baudRate: configuration.baudRate,
            dataBits: configuration.dataBits,
            stopBits: configuration.stopBits,
            dtr: configuration.dtr == .leave ? nil : configuration.dtr == .on,
            rts: configuration.rts == .leave ? nil : configuration.rts == .on
        )
        parity =
            switch configuration.parity {
            case .none: .none
            case .even: .even
            case .odd: .odd
            }
        flowControl =
            switch configuration.flowControl {
            case .none: .none
            case .rtsCts: .rtsCts
            case .xonXoff: .xonXoff
            }
    }
}
