internal import ConnectionStrings
internal import DebugTarget
internal import DiscoveryProtocol
internal import Glibc
internal import LinuxSystem
internal import Logging
internal import PtraceBackend
internal import Transports
internal import WireCore

/// What clients, and others on the same serial port, see of us.
let programName = "dbgsrv/" + ProgramVersion.text

func runProgram(_ arguments: [[UInt8]]) -> Int32 {
    // A peer that has gone is told by the write's answer.
    signal(SIGPIPE, SIG_IGN)
    OwnArguments.hideValues(of: "password=")
    do {
        try refuseBorrowedRights(.own)
        switch try parseCommandLine(arguments) {
        case .help:
            printOut(helpText)
            return 0
        case .version:
            printOut("\(programName)\n")
            return 0
        case .newCertificate(let options):
            return makeCertificate(options)
        case .session:
            return runSession()
        case .imageOptions(let words):
            return runImageOptions(words)
        case .serve(let options) where options.isStandardStreams:
            return serveStandardStreams(options, try SessionRules(options))
        case .serve(let options):
            let connection = try ConnectionString(options.transport, for: .server)
            return serve(options, try SessionRules(options), connection)
        }
    } catch {
        return fail("\(error)", status: 1)
    }
}

/// A debug server with somebody else's rights would give them to everybody who reaches it.
func refuseBorrowedRights(_ identity: ProgramIdentity) throws(UsageError) {
    guard identity.isBorrowed else { return }
    throw UsageError(
        description:
            "it does not run setuid or setgid: start it as the user whose processes it is to"
            + " debug, or give it CAP_SYS_PTRACE"
    )
}

func serve(
    _ options: ServeOptions,
    _ rules: SessionRules,
    _ connection: ConnectionString
) -> Int32 {
    do {
        let (log, logFile) = try openLog(options.log, isVerbose: options.isVerbose)
        defer { withExtendedLifetime(logFile) {} }
        let logger = makeLogger(log)
        let access = try ServerAccess(connection)
        let listener = try openListener(
            connection,
            program: programName,
            offering: ServerEntry.processServer
        )
        if connection.access.opensFirewall {
            printError("dbgsrv: \(openFirewall(for: listener))\n")
        }
        if let program = options.program { try start(program, logger) }
        let supervisor = try Supervisor(
            listener: listener,
            announcement: Announcement(
                connection,
                displayedName: listener.displayedName,
                answersOthers: options.answersDiscovery,
                logger: logger
            ),
            options: options,
            access: access,
            rules: rules,
            logger: logger,
            log: log
        )
        for line in StartNotices.lines(for: connection, listener) {
            printError("dbgsrv: \(line)\n")
        }
        try supervisor.run()
        return 0
    } catch {
        return fail("\(error)", status: 2)
    }
}

/// `-c` and `-cs`: when the program cannot be started, nothing is served.
func start(_ program: ProgramToStart, _ logger: Logger) throws {
    let plan = try CreationPlan(
        program.words,
        suspended: program.suspendedImage,
        startedFor: environmentValue(CreationPlan.variable),
        options: ImageOptions.find
    )
    // What a service manager says to this program is not for that one.
    let managers = ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "NOTIFY_SOCKET"]
    let process = try FreeProgram.start(
        plan.words,
        environment: managers.map { EnvironmentChange(name: $0, value: nil) } + [
            EnvironmentChange(name: CreationPlan.variable, value: plan.debuggedImage)
        ],
        isSuspended: program.isSuspended
    )
    let state = program.isSuspended ? ", stopped before its first instruction" : ""
    logger.info("started process \(process)\(state): \(printableText(plan.words))")
}

func fail(_ sentence: String, status: Int32) -> Int32 {
    printError("dbgsrv: \(sentence)\n")
    return status
}

exit(runProgram(programArguments()))
