import ArgumentParser

/// The serial side of dbgsrv, for people and for the other programs.
@main
struct DbgCom: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dbgcom",
        abstract: "Serial ports and the channels on them.",
        discussion: """
            A PORT is a COM name (com2, or 2 alone), a device path or a symlink. COMn is what the file \
            $DBGSRV_PORTS, ~/.config/dbgsrv/ports or /etc/dbgsrv/ports says in a line such as \
            "COM3 /dev/serial/by-id/…", else /dev/ttyS(n-1).
            """,
        subcommands: [
            ListCommand.self, StatusCommand.self, ConnectCommand.self, ServeCommand.self,
            CableCommand.self, BrokerCommand.self, PortLinkCommand.self,
        ]
    )
}
