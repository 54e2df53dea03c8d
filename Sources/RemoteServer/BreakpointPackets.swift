internal import DebugTarget
internal import GDBRemoteProtocol

extension ServerSession {
    static var breakpointPackets: [PacketEntry] {
        ["Z", "z"].map { name in
            PacketEntry(name) { session, packet throws(TargetError) in
                switch BreakpointRequest.parse(packet) {
                case .malformed: .malformed(packet)
                case .unknownType: .unsupported
                case .request(let request):
                    try session.answer(request) ?? .malformed(packet)
                }
            }
        }
    }

    private func answer(_ request: BreakpointRequest) throws(TargetError) -> Reply? {
        guard let options = BreakpointOptions(parsing: request.options) else { return nil }
        let process = try currentProcess()
        do throws(TargetError) {
            if request.isInsertion {
                try target.insertBreakpoint(request.breakpoint, in: process)
                try judge(request.breakpoint, by: options, in: process)
            } else {
                try target.removeBreakpoint(request.breakpoint, in: process)
            }
        } catch  where error.code == .unsupported {
            // The client then tries another way (an access watchpoint for a read watchpoint).
            return .unsupported
        }
        return .ok
    }

    /// Gives a breakpoint the conditions and commands it was sent with, instead of those it had.
    private func judge(
        _ breakpoint: Breakpoint,
        by options: BreakpointOptions,
        in process: ProcessID
    ) throws(TargetError) {
        let isUnconditional = options.conditions.isEmpty && options.commands.isEmpty
        guard let judging = target.breakpointJudging else {
            if isUnconditional { return }
            throw TargetError(
                .unsupported,
                "conditions and commands of breakpoints are not evaluated by this target"
            )
        }
        switch breakpoint.kind {
        case .software, .hardware: break
        case .watch: return
        }
        let judge = isUnconditional ? nil : AgentJudge(options)
        try judging.setJudge(judge, of: breakpoint, in: process)
    }
}

/// Evaluates a breakpoint's conditions and commands.
///
/// A breakpoint that has commands never stops: they are what is done instead. A condition that cannot be evaluated
/// stops, so that the client looks at it.
final class AgentJudge: BreakpointJudge {
    private let options: BreakpointOptions

    init(_ options: BreakpointOptions) {
        self.options = options
    }

    func judge(_ scene: any BreakpointScene) -> BreakpointVerdict {
        let view = SceneView(scene: scene)
        guard holds(in: view) else { return BreakpointVerdict(stops: false) }
        guard !options.commands.isEmpty else { return BreakpointVerdict(stops: true) }
        var output: [UInt8] = []
        for command in options.commands {
            do throws(AgentFailure) {
                output += try command.evaluate(in: view).output
            } catch {
                output += Array("a breakpoint's command failed: \(error)\n".utf8)
                break
            }
        }
        return BreakpointVerdict(stops: false, output: output)
    }

    private func holds(in view: SceneView) -> Bool {
        guard !options.conditions.isEmpty else { return true }
        return options.conditions.contains { condition in
            guard let result = try? condition.evaluate(in: view) else { return true }
            return result.value != 0
        }
    }
}

private struct SceneView: AgentContext {
    let scene: any BreakpointScene

    func register(_ number: Int) -> UInt64? { scene.register(number) }

    func memory(at address: TargetAddress, count: Int) -> [UInt8] {
        scene.memory(at: address, count: count)
    }
}
