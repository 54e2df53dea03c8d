internal import BrokerProtocol
internal import ChannelMux
internal import LinuxSystem
internal import SerialPort
internal import WireCore

/// The figures of `status`.
extension Broker {
    func answerStatus(_ client: BrokerClient) {
        let figures =
            portFigures + linkFigures + lineFigures + modemFigures
            + connectionFigures
        client.send(.ok([BrokerLine.Field(key: "figures", value: String(figures.count))]))
        for (key, value) in figures {
            client.send(.figure(key: key, value: String(value.prefix(200))))
        }
    }

    private var portFigures: [(String, String)] {
        [
            ("port", configuration.portName),
            ("device", line.openPort?.path ?? ""),
            ("settings", settings.description),
            ("granted-baud", line.openPort.map { String($0.grantedBaudRate) } ?? ""),
            ("line", line.openPort == nil ? lineTrouble ?? "closed" : "open"),
            ("link", link.isUp ? "up" : "down"),
            ("peer", link.peerIdentity ?? ""),
            ("verdict", lastVerdict?.words ?? ""), ("verdict-kind", lastVerdict?.keyword ?? ""),
            ("uptime-ms", String(Self.now.nanoseconds(since: startedAt) / 1_000_000)),
            ("line-bytes-per-second", String(settings.baudRate / settings.bitsPerCharacter)),
        ] + clients.filter(\.usesPort).map { ("client", $0.description) }
    }

    private var linkFigures: [(String, String)] {
        let figures = link.statistics
        let numbers: [(String, Int)] = [
            ("frames-out", figures.framesOut), ("bytes-out", figures.bytesOut),
            ("frames-in", figures.framesIn), ("bytes-in", figures.bytesIn),
            ("payload-bytes-out", figures.payloadBytesOut),
            ("payload-bytes-in", figures.payloadBytesIn),
            ("saved-bytes-out", figures.savedBytesOut),
            ("damaged-frames", figures.damagedFrames),
            ("duplicate-frames", figures.duplicateFrames),
            ("retransmitted-frames", figures.retransmittedFrames),
            ("probe-timeouts", figures.probeTimeouts),
            ("protocol-errors", figures.protocolErrors), ("resumes", figures.resumes),
            ("round-trip-us", figures.roundTripMicroseconds),
            ("shortest-round-trip-us", figures.shortestRoundTripMicroseconds),
            ("frame-payload-max", figures.framePayloadMax),
            ("frames-in-flight", figures.framesInFlight),
        ]
        return numbers.map { ($0.0, String($0.1)) }
    }

    /// The driver's own counters since it was loaded.
    private var lineFigures: [(String, String)] {
        guard let counters = line.openPort?.counters else { return [] }
        let numbers: [(String, Int)] = [
            ("uart-frame-errors", counters.frameErrors), ("uart-overruns", counters.overruns),
            ("uart-parity-errors", counters.parityErrors), ("uart-breaks", counters.breaks),
            ("uart-buffer-overruns", counters.bufferOverruns),
        ]
        return numbers.map { ($0.0, String($0.1)) }
    }

    /// The modem lines that the far side drives, where there are any.
    private var modemFigures: [(String, String)] {
        guard let inputs = line.openPort?.descriptor.modemInputs else { return [] }
        let lines: [(String, ModemInputs)] = [
            ("cts", .clearToSend), ("dsr", .dataSetReady), ("dcd", .carrier),
        ]
        return lines.map { ($0.0, inputs.contains($0.1) ? "on" : "off") }
    }

    private var connectionFigures: [(String, String)] {
        link.statistics.connections.map { figures in
            let owner = connections[figures.id]?.owner.description ?? "nobody"
            return (
                "channel",
                "\(figures.channel.rawValue) sent=\(figures.bytesSent) "
                    + "received=\(figures.bytesReceived) queued=\(figures.queuedBytes) "
                    + "credit=\(figures.creditBytes) stalled-ms=\(figures.stallMilliseconds) "
                    + owner
            )
        }
    }
}

extension LineVerdict {
    /// One word for programs.
    fileprivate var keyword: String {
        switch self {
        case .silent: "silent"
        case .loopback: "loopback"
        case .rawRSP: "raw-rsp"
        case .console: "console"
        case .kernelDebugger: "kernel-debugger"
        case .noise: "noise"
        case .otherVersion: "other-version"
        case .otherMultiplexer: "other-multiplexer"
        }
    }
}
