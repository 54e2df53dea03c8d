internal import DebugTarget
internal import GDBRemoteProtocol

extension ServerSession {
    static var breakpointPackets: [PacketEntry] {
        ["Z", "z"].map { name in
            PacketEntry(name) { session, packet throws(TargetError) in
                switch BreakpointRequest.parse(packet) {
                case .malformed: .malformed(packet)
                case .unknownType: .unsupported
                case .request(let request): try session.answer(request)
                }
            }
        }
    }

    private func answer(_ request: BreakpointRequest) throws(TargetError) -> Reply {
        guard request.options.isEmpty else {
            throw TargetError(
                .unsupported,
                "conditions and commands of breakpoints are not evaluated here"
            )
        }
        let process = try currentProcess()
        do throws(TargetError) {
            if request.isInsertion {
                try target.insertBreakpoint(request.breakpoint, in: process)
            } else {
                try target.removeBreakpoint(request.breakpoint, in: process)
            }
        } catch  where error.code == .unsupported {
            // The client then tries another way (an access watchpoint for a read watchpoint).
            return .unsupported
        }
        return .ok
    }
}
