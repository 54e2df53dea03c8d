internal import ByteTransport
internal import Glibc
internal import LinuxSystem
internal import Transports

/// `--stdio`: one session for whoever started us, over standard input and output; it ends with them.
///
/// - Returns: the process's exit status.
func serveStandardStreams(_ options: ServeOptions, _ rules: SessionRules) -> Int32 {
    guard isatty(STDIN_FILENO) == 0, isatty(STDOUT_FILENO) == 0 else {
        return fail(
            "--stdio: standard input and output are a terminal, and a debugger has to be at their other"
                + " end, as in gdb: target extended-remote | ssh HOST dbgsrv --stdio",
            status: 1
        )
    }
    do {
        let (log, logFile) = try openLog(options.log, isVerbose: options.isVerbose)
        defer { withExtendedLifetime(logFile) {} }
        let settings = SessionSettings(
            supervisor: getppid(),
            peerName: "stdio",
            link: .local,
            log: log,
            rules: rules,
            transport: "",
            access: .open,
            greetingSeconds: options.greetingSeconds,
            handshakeMilliseconds: TLSHandshakeLimit.milliseconds
        )
        let logger = sessionLogger(settings)
        let endSignals = try SessionSignals.take()
        if let program = options.program { try start(program, logger) }
        let streams = try takeStandardStreams(
            peerName: settings.peerName,
            givesPrograms: options.givesProgramStreams
        )
        defer { streams.close() }
        let exit = try receiveClient(of: streams, settings, endSignals, logger) {}
        return exit == .endServer ? SessionExit.finished.rawValue : exit.rawValue
    } catch {
        return fail("\(error)", status: 2)
    }
}

/// The client's stream; what programs that are started here read is nothing, and what they write goes where errors go,
/// unless the client has left them streams of their own (`--program-streams`: descriptors 3 and 4).
private func takeStandardStreams(
    peerName: String,
    givesPrograms: Bool
) throws(SystemError) -> StandardStreams {
    let streams = try StandardStreams(
        input: OwnedDescriptor(duplicating: STDIN_FILENO),
        output: OwnedDescriptor(duplicating: STDOUT_FILENO),
        peerName: peerName
    )
    if givesPrograms {
        try OwnedDescriptor(3).become(STDIN_FILENO)
        try OwnedDescriptor(4).become(STDOUT_FILENO)
        return streams
    }
    try openFile("/dev/null", flags: O_RDWR).become(STDIN_FILENO)
    try OwnedDescriptor(duplicating: STDERR_FILENO).become(STDOUT_FILENO)
    return streams
}
