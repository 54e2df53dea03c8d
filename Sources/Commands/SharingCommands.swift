internal import DebugEngine

/// What the commands of a debugging server ask of the program.
public enum SharingRequest: Sendable, Equatable {
    /// `.server`: a connection string.
    case serve(String)
    /// `.servers`
    case servers
    /// `.endsrv`: an id as written.
    case endServer(String)
    /// `.clients`
    case clients
    /// A client's number as `.clients` shows it: its commands are not carried out any more.
    case mute(String)
    /// They are again.
    case unmute(String)
    /// It has to go.
    case drop(String)
    /// All other clients are muted; with `*` nobody is.
    case handOver(String)
}

/// A session that others can join.
public protocol DebuggingServer: AnyObject {
    /// Does what is asked.
    ///
    /// - Returns: what the user is to see.
    func ask(_ request: SharingRequest) throws -> [String]
    /// Notes from now on who comes and who types what, in a file.
    func openJournal(_ path: String) throws
    /// Forbids shell commands for as long as the debugger lives.
    func forbidShell()
}

let sharingCommands: [Command] = [
    Command(
        names: [".server"],
        usage: ".server Transport",
        summary: "start engine server: let others join this session",
        details: """
            tcp:port=Port  npipe:pipe=Name  com:port=Port,baud=BaudRate,channel=0-254
            ssl:proto=tls1,certuser=Cert,port=Port  spipe:proto=tls1,certuser=Cert,pipe=Name
            tcp:port=Port,clicon=Host connects to a client that waits; so does ssl:.
            ,password=SECRET (or @file:PATH, @env:NAME, @ask) ,hidden ,IcfEnable
            Others join with cdb -remote; what they type is carried out here. Any number of servers may be started.
            """,
        takesRestOfLine: true,
        run: { call in
            let text = call.remainder()
            guard !text.isEmpty else {
                throw EngineError.sentence("usage: .server tcp:port=Port (.help .server says more)")
            }
            try share(call, .serve(text))
        }
    ),
    Command(
        names: [".servers"],
        usage: ".servers",
        summary: "list the servers of this session",
        run: { call in
            try call.requireEnd()
            try share(call, .servers, nothing: "No servers; .server starts one")
        }
    ),
    Command(
        names: [".endsrv"],
        usage: ".endsrv Id",
        summary: "disable the given engine server",
        run: { try share($0, .endServer($0.remainder())) }
    ),
    Command(
        names: [".clients"],
        usage: ".clients",
        summary: "list currently active clients",
        run: { call in
            try call.requireEnd()
            try share(call, .clients, nothing: "No clients")
        }
    ),
    Command(
        names: [".mute"],
        usage: ".mute Client",
        summary: "carry out no more commands of a client; .unmute does again",
        run: { try share(owned($0), .mute($0.remainder())) }
    ),
    Command(
        names: [".unmute"],
        usage: ".unmute Client",
        summary: "carry out the commands of a client again",
        run: { try share(owned($0), .unmute($0.remainder())) }
    ),
    Command(
        names: [".drop"],
        usage: ".drop Client",
        summary: "show a client out of the session",
        run: { try share(owned($0), .drop($0.remainder())) }
    ),
    Command(
        names: [".handover"],
        usage: ".handover Client|*",
        summary: "let one client type and mute all others; * lets all of them type",
        run: { try share(owned($0), .handOver($0.remainder())) }
    ),
    Command(
        names: [".sharelog"],
        usage: ".sharelog File",
        summary: "note in a file who joins and who types what",
        run: { call in
            let path = try call.quoted() ?? call.remainder()
            guard !path.isEmpty else { throw EngineError.sentence("usage: .sharelog File") }
            let call = try owned(call)
            guard let server = call.interpreter.environment.debuggingServer else { return }
            try server.openJournal(path)
            call.output.line("Opened session log '\(path)'")
        }
    ),
    Command(
        names: [".noshell"],
        usage: ".noshell",
        summary: "forbid shell commands, for everybody and for good",
        run: { call in
            try call.requireEnd()
            call.interpreter.environment.debuggingServer?.forbidShell()
            call.output.line("Shell commands disabled")
        }
    ),
    Command(
        names: [".remote_exit"],
        usage: ".remote_exit [FinalCommands]",
        summary: "leave the session; only for debugging clients",
        details: "Where a client types it, the final commands are carried out before it leaves.",
        takesRestOfLine: true,
        run: { call in
            _ = call.remainder()
            throw EngineError.sentence(
                ".remote_exit is for debugging clients (cdb -remote); q ends the session"
            )
        }
    ),
]

private func share(
    _ call: CommandCall,
    _ request: SharingRequest,
    nothing: String? = nil
) throws {
    guard let server = call.interpreter.environment.debuggingServer else {
        throw EngineError.sentence("this debugger cannot share its session")
    }
    let lines = try server.ask(request)
    if lines.isEmpty, let nothing { call.output.line(nothing) }
    for line in lines { call.output.line(line) }
}

/// A call that is the owner's at the server's own console, not a client's.
private func owned(_ call: CommandCall) throws -> CommandCall {
    guard !call.interpreter.isForClient else {
        throw EngineError.sentence("\(call.name) is for the server's own console")
    }
    return call
}
