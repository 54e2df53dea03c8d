internal import DebugTarget
internal import GDBRemoteProtocol

// What lldb says about a program to be started, beyond what gdb says, and its standard input.

extension ServerSession {
    static var lldbLaunchPackets: [PacketEntry] {
        let streams = ["QSetSTDIN:", "QSetSTDOUT:", "QSetSTDERR:"].enumerated().map {
            index,
            name in
            PacketEntry(name) { session, packet in
                guard let path = HexTextRequest.text(in: packet, after: name) else {
                    return .malformed(packet)
                }
                session.launchSettings.streams.paths[index] = path.isEmpty ? nil : path
                return .ok
            }
        }
        return streams + [
            PacketEntry("QSetDisableASLR:") { session, packet in
                guard let value = SwitchRequest.value(in: packet, after: "QSetDisableASLR:") else {
                    return .malformed(packet)
                }
                session.launchSettings.disablesAddressRandomization = value
                return .ok
            },
            PacketEntry("QLaunchArch:") { _, _ in .ok },
            PacketEntry("A") { session, packet in session.launchWithoutStop(packet) },
            PacketEntry("qLaunchSuccess") { session, _ in
                guard let failure = session.launchFailure else { return .ok }
                var payload = [UInt8(ascii: "E")]
                payload.append(escaped: Array(failure.utf8))
                return .payload(payload)
            },
            PacketEntry("I") { session, packet throws(TargetError) in
                guard let console = session.target.consoleInput else { return .unsupported }
                guard let bytes = Hex.decode(packet.dropFirst()) else { return .malformed(packet) }
                try console.type(bytes)
                return .ok
            },
        ]
    }

    /// Starts a program; how that went is told to `qLaunchSuccess`, the stop to `?`.
    private func launchWithoutStop(_ packet: [UInt8]) -> Reply {
        guard let arguments = ArgumentsRequest.arguments(in: packet) else {
            return .malformed(packet)
        }
        do throws(TargetError) {
            _ = try launch(RunRequest(arguments: arguments))
        } catch {
            launchFailure = error.message
        }
        return .ok
    }
}
