internal import AccessPolicy
internal import DebugTarget
internal import GDBRemoteProtocol

// `monitor …`: commands of the server's own. The output goes out in `O` packets before the OK.

extension ServerSession {
    private struct MonitorCommand {
        var name: String
        var help: String
        var run: (ServerSession) -> String
    }

    private static var monitorCommands: [MonitorCommand] {
        [
            MonitorCommand(name: "help", help: "lists these commands") { _ in helpText() },
            MonitorCommand(name: "exit", help: "ends the process server with all its sessions") {
                session in
                if let words = session.target.refusal(.endServer) { return words + "\n" }
                session.exitIsRequested = true
                return ""
            },
            MonitorCommand(name: "processes", help: "shows what this session debugs") { session in
                let details = session.target.processDetails
                return session.target.processes.map { process in
                    let path = (try? details?.executablePath(of: process)) ?? ""
                    let how = details?.wasLaunched(process) == true ? "started" : "attached to"
                    return "  \(process) \(how) \(path)\n"
                }.joined()
            },
        ]
    }

    private static func helpText() -> String {
        let width = 12
        return monitorCommands.reduce(into: "The following monitor commands are there:\n") {
            text,
            command in
            let padding = String(repeating: " ", count: max(width - command.name.utf8.count, 1))
            text += "  \(command.name)\(padding)\(command.help)\n"
        }
    }

    static var monitorPackets: [PacketEntry] {
        [
            PacketEntry("qRcmd,") { session, packet in
                guard let line = HexTextRequest.text(in: packet, after: "qRcmd,") else {
                    return .malformed(packet)
                }
                return session.runMonitor(line)
            }
        ]
    }

    private func runMonitor(_ line: String) -> Reply {
        let words = line.split(separator: " ")
        let name = words.first.map { String($0) } ?? "help"
        let command = ServerSession.monitorCommands.first { $0.name == name }
        let output =
            command?.run(self)
            ?? "There is no command \(name) here; \"monitor help\" lists those there are.\n"
        if !output.isEmpty { send(StopReply.output(Array(output.utf8)).payload) }
        guard exitIsRequested else { return .ok }
        send(PlainReply.ok)
        finish(.serverExitRequested)
        return .none
    }
}
