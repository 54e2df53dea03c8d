import ArgumentParser
import WireCore

/// The serial side of dbgsrv, for people and for the other programs.
@main
struct DbgCom: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dbgcom",
        abstract: "Serial ports and the channels on them.",
        discussion: """
            A PORT is a COM name (com2, or 2 alone), a device path, a symlink to one, an identity, or \
            rfc2217://HOST:PORT; docs/ports.md has the rules. A channel is a number, 0–254, on which both ends of a \
            cable agree.
            """,
        version: "dbgcom/" + ProgramVersion.text,
        subcommands: [
            ListCommand.self, WatchCommand.self, StatsCommand.self, DoctorCommand.self,
            LoopbackCommand.self, BenchCommand.self, ConnectCommand.self, ServeCommand.self,
            CableCommand.self, BrokerCommand.self, PortLinkCommand.self,
        ]
    )
}
