internal import DebugTarget
internal import GDBRemoteProtocol

extension ServerSession {
    static var systemCallPackets: [PacketEntry] {
        [
            PacketEntry("QCatchSyscalls:") { session, packet throws(TargetError) in
                guard let catching = session.target.systemCallCatching else { return .unsupported }
                guard let request = CatchRequest(payload: packet) else { return .malformed(packet) }
                try catching.catchSystemCalls(
                    request.selection,
                    in: try session.currentProcess()
                )
                return .ok
            }
        ]
    }
}
