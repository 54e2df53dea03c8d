internal import DebugTarget
internal import GDBRemoteProtocol

// lldb's platform mode. Every connection is a session that can be both platform and debug server, so the
// server that lldb asks to be started for a process is this one: it connects to the same port again.

extension ServerSession {
    /// The longest a command of `platform shell` may take, in seconds, whatever the client allows.
    static let commandSecondsMax = 60

    static var platformPackets: [PacketEntry] {
        [
            PacketEntry("qLaunchGDBServer") { session, packet in
                guard let request = DebugServerRequest(payload: packet) else {
                    return .malformed(packet)
                }
                guard let port = request.port ?? session.policy.ownPort else {
                    let words =
                        "this connection has no port that could be connected to again: "
                        + "use dbgbridge -s tcp:port=PORT"
                    return .failure(TargetError(.unsupported, words))
                }
                return .payload(DebugServerRequest.reply(port: port))
            },
            // None was started before.
            PacketEntry("qQueryGDBServer") { _, _ in .payload(JSON.list([]).payload) },
            PacketEntry("qKillSpawnedProcess") { _, _ in .ok },
            PacketEntry("qPlatform_") { session, packet throws(TargetError) in
                guard let request = PlatformRequest(payload: packet) else { return .unsupported }
                return try session.answer(request)
            },
            PacketEntry("qPathComplete:") { session, packet in session.completePath(packet) },
        ]
    }

    private func answer(_ request: PlatformRequest) throws(TargetError) -> Reply {
        guard let services = target.platformServices else { return .unsupported }
        do throws(TargetError) {
            switch request {
            case .makeFolder(let path, let mode):
                try services.makeFolder(path, mode: mode == 0 ? 0o755 : mode)
            case .setPermissions(let path, let mode):
                try services.setPermissions(mode, of: path)
            case .run(let line, let seconds, let folder):
                let start = if let folder { folder } else { try platformFolder() }
                let result = try services.runCommand(
                    line,
                    in: start,
                    seconds: min(seconds, ServerSession.commandSecondsMax)
                )
                return .payload(
                    PlatformRequest.reply(result, payloadBytesMax: packetBytesMax)
                )
            }
        } catch {
            guard case .system(let number) = error.code else { throw error }
            return .payload(PlatformRequest.reply(errorNumber: number))
        }
        return .payload(PlatformRequest.reply(errorNumber: 0))
    }

    /// `qPathComplete:onlyFolders,path`, answered with `M` and the paths that begin so.
    private func completePath(_ packet: [UInt8]) -> Reply {
        guard let services = target.platformServices else { return .unsupported }
        var reader = PayloadReader(packet.dropFirst("qPathComplete:".utf8.count))
        guard let onlyFolders = Hex.number(reader.field(endingAt: ",")),
            let path = reader.hexText(endingAt: ",")
        else { return .malformed(packet) }
        let cut = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
        let folder = String(path[..<cut])
        let names = services.names(inFolder: folder.isEmpty ? "." : folder).filter {
            $0.hasPrefix(path[cut...]) && (onlyFolders == 0 || $0.hasSuffix("/"))
        }
        var payload = [UInt8(ascii: "M")]
        for name in names {
            let digits = Hex.encode((folder + name).utf8)
            if payload.count + digits.count + 1 > packetBytesMax { break }
            if payload.count > 1 { payload.append(UInt8(ascii: ",")) }
            payload += digits
        }
        return .payload(payload)
    }
}
