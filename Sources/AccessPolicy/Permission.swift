/// What a server lets its clients do, one word each in a policy file.
public enum Permission: String, Sendable, CaseIterable {
    /// Attach to a process, look at its memory and registers, let it run, step and stop.
    case attach
    /// Start programs.
    case create
    /// End processes that the session did not start itself, send them signals, and keep signals from them.
    case kill
    /// Write memory and registers, and set variables for programs to be started.
    case writeMemory = "write-memory"
    /// Plant breakpoints and watchpoints.
    case breakpoints
    /// Open files for reading, and ask what they are.
    case readFiles = "read-files"
    /// Open files for writing, make and remove them.
    case writeFiles = "write-files"
    /// List the machine's processes, threads and other tables.
    case list
    /// End the whole server (`monitor exit`).
    case endServer = "end-server"

    /// What changes something, which `--read-only` refuses.
    public static let changing: Set<Permission> = [
        .create, .kill, .writeMemory, .breakpoints, .writeFiles, .endServer,
    ]

    /// The permission in a sentence: "… is not allowed".
    public var activity: String {
        switch self {
        case .attach: "attaching"
        case .create: "starting programs"
        case .kill: "ending or signalling processes"
        case .writeMemory: "writing memory or registers"
        case .breakpoints: "setting breakpoints"
        case .readFiles: "reading files"
        case .writeFiles: "writing files"
        case .list: "listing processes"
        case .endServer: "ending the server"
        }
    }
}
