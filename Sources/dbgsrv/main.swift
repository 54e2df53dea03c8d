internal import ConnectionStrings
internal import DiscoveryProtocol
internal import Glibc
internal import LinuxSystem
internal import Transports
internal import WireCore

/// What clients, and others on the same serial port, see of us.
let programName = "dbgsrv/" + ProgramVersion.text

func runProgram(_ arguments: [String]) -> Int32 {
    // A peer that has gone is told by the write's answer.
    signal(SIGPIPE, SIG_IGN)
    OwnArguments.hideValues(of: "password=")
    do {
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
        case .serve(let options):
            return serve(options, try ConnectionString(options.transport, for: .server))
        }
    } catch {
        return fail("\(error)", status: 1)
    }
}

func serve(_ options: ServeOptions, _ connection: ConnectionString) -> Int32 {
    do {
        let logFile = try options.logFile.map { (path) throws in try openLogFile(path) }
        let logDescriptor = logFile?.number ?? (options.isVerbose ? 2 : nil)
        let logger = makeLogger(descriptor: logDescriptor)
        let access = try ServerAccess(connection)
        let listener = try openListener(
            connection,
            program: programName,
            offering: ServerEntry.processServer
        )
        for line in StartNotices.lines(for: connection, displayedName: listener.displayedName) {
            printError("dbgsrv: \(line)\n")
        }
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
            logger: logger,
            logDescriptor: logDescriptor
        )
        try supervisor.run()
        return 0
    } catch {
        return fail("\(error)", status: 2)
    }
}

func fail(_ sentence: String, status: Int32) -> Int32 {
    printError("dbgsrv: \(sentence)\n")
    return status
}

exit(runProgram(Array(CommandLine.arguments.dropFirst())))
