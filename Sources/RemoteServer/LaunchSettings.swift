internal import DebugTarget
internal import GDBRemoteProtocol

/// What the client has set for programs to be started.
struct LaunchSettings {
    /// The last program and its arguments, byte for byte.
    var arguments: [[UInt8]] = []
    var environment: [EnvironmentChange] = []
    var workingDirectory: String?
    var disablesAddressRandomization = false
    var usesShell = false
    /// Files for the standard streams (`QSetSTDIN` and its like).
    var streams = StandardStreamPaths()

    /// The most changes to the environment that are kept.
    static let environmentChangesMax = 4096

    var request: LaunchRequest {
        var request = LaunchRequest(
            arguments: arguments.map { String(decoding: $0, as: UTF8.self) },
            environment: environment,
            workingDirectory: workingDirectory,
            disablesAddressRandomization: disablesAddressRandomization,
            usesShell: usesShell
        )
        let isText = request.arguments.map { Array($0.utf8) } == arguments
        request.argumentBytes = isText ? nil : arguments
        return request
    }
}

extension ServerSession {
    static var settingPackets: [PacketEntry] {
        let environment = [
            "QEnvironmentHexEncoded:", "QEnvironmentUnset:", "QEnvironmentReset", "QEnvironment:",
        ].map { name in
            PacketEntry(name) { session, packet throws(TargetError) in
                try session.changeEnvironment(packet)
            }
        }
        return environment + [
            PacketEntry("QDisableRandomization:") { session, packet in
                session.set(\.disablesAddressRandomization, packet, "QDisableRandomization:")
            },
            PacketEntry("QStartupWithShell:") { session, packet in
                session.set(\.usesShell, packet, "QStartupWithShell:")
            },
            PacketEntry("QSetWorkingDir:") { session, packet in
                guard let path = HexTextRequest.text(in: packet, after: "QSetWorkingDir:") else {
                    return .malformed(packet)
                }
                session.launchSettings.workingDirectory = path.isEmpty ? nil : path
                return .ok
            },
            PacketEntry("QPassSignals:") { session, packet in
                guard let policy = session.target.signalPolicy else { return .unsupported }
                guard let signals = session.signals(in: packet, "QPassSignals:") else {
                    return .malformed(packet)
                }
                policy.passedSignals = signals
                return .ok
            },
            PacketEntry("QProgramSignals:") { session, packet in
                guard let policy = session.target.signalPolicy else { return .unsupported }
                guard let signals = session.signals(in: packet, "QProgramSignals:") else {
                    return .malformed(packet)
                }
                policy.signalsKeptOnDetach = signals
                return .ok
            },
            PacketEntry("QSetDetachOnError:") { session, packet in
                switch SwitchRequest.value(in: packet, after: "QSetDetachOnError:") {
                case true?:
                    session.policy.launchedProcesses = .detach
                case false?:
                    // What was attached to was there before the session, and stays after it.
                    session.policy.launchedProcesses = .kill
                case nil: return .malformed(packet)
                }
                return .ok
            },
        ]
    }

    private func set(
        _ setting: WritableKeyPath<LaunchSettings, Bool>,
        _ packet: [UInt8],
        _ name: String
    ) -> Reply {
        guard let value = SwitchRequest.value(in: packet, after: name) else {
            return .malformed(packet)
        }
        launchSettings[keyPath: setting] = value
        return .ok
    }

    private func signals(in packet: [UInt8], _ name: String) -> Set<Signal>? {
        SignalListRequest.numbers(in: packet, after: name).map { numbers in
            let signals = numbers.compactMap { number -> Signal? in
                let signal = personality.signals.signal(of: number)
                // gdb names SIGPOLL beside SIGIO, and may mean to hear of one of them.
                return signal.flatMap { personality.signals.number(of: $0) == number ? $0 : nil }
            }
            return Set(signals)
        }
    }

    private func changeEnvironment(_ packet: [UInt8]) throws(TargetError) -> Reply {
        switch EnvironmentRequest(payload: packet) {
        case .reset?: launchSettings.environment = []
        case .unset(let name)?: try change(name, nil)
        case .set(let name, let value)?: try change(name, value)
        case nil: return .malformed(packet)
        }
        return .ok
    }

    private func change(_ name: String, _ value: String?) throws(TargetError) {
        launchSettings.environment.removeAll { $0.name == name }
        guard launchSettings.environment.count < LaunchSettings.environmentChangesMax else {
            throw TargetError(
                .invalid,
                "more than \(LaunchSettings.environmentChangesMax) changes to the environment"
            )
        }
        launchSettings.environment.append(EnvironmentChange(name: name, value: value))
    }
}
