import ConnectionStrings
import Glibc
import LinuxSystem
import SessionSharing

/// Reads the command line and runs the debugger.
func runProgram(_ arguments: [String]) -> ExitCode {
    OwnArguments.hideValues(of: "password=")
    if arguments.dropFirst() == [HubConnection.hubArgument] { return runHub() }
    let options: Options
    do {
        options = try OptionParser.parse(Array(arguments.dropFirst()))
    } catch {
        printError("cdb: \(error.message)\n")
        return .usage
    }
    if options.wantsUsage || arguments.count == 1 {
        printOut(Product.usage)
        return options.wantsUsage ? .success : .usage
    }
    if options.wantsVersion {
        printOut("cdb version \(Product.version)\n")
        return .success
    }
    if let place = options.query { return listServers(of: place, isAlone: arguments.count == 3) }
    if let remote = options.remote { return join(remote, options) }
    if let problem = problem(of: options) {
        printError("cdb: \(problem)\n")
        return .usage
    }
    // A reader of the output that went away, or a peer, is an error of the write, not of the
    // program.
    signal(SIGPIPE, SIG_IGN)
    // Ctrl+\ leaves at once; it is no crash that is worth a backtrace.
    signal(SIGQUIT, SIG_DFL)
    return Debugger(options: options, arguments: OwnArguments.shown).run()
}

/// The life of a hub (`SessionSharing.Hub`), which a debugger has started.
func runHub() -> ExitCode {
    signal(SIGPIPE, SIG_IGN)
    do {
        let line = OwnedDescriptor(HubConnection.hubDescriptor)
        try Hub(program: Product.greeting, debuggerLine: line).run()
        return .success
    } catch {
        printError("cdb: \(error)\n")
        return .connection
    }
}

/// `-remote`.
func join(_ transport: String, _ options: Options) -> ExitCode {
    guard !options.namesTarget else {
        printError(
            "cdb: -remote joins a session that is there: what it debugs is its server's to say\n"
        )
        return .usage
    }
    let connection: ConnectionString
    do {
        connection = try ConnectionString(transport, for: .client)
    } catch {
        printError("cdb: -remote \(error)\n")
        return .usage
    }
    signal(SIGPIPE, SIG_IGN)
    signal(SIGQUIT, SIG_DFL)
    do {
        return try DebuggingClient(options, connection).run()
    } catch {
        printError("cdb: \(error)\n")
        return .connection
    }
}

/// What is wrong with the choice of a target.
private func problem(of options: Options) -> String? {
    if options.isConsoleSilent, options.server == nil {
        return "-noio is for a debugging server: -server Transport must be the first option"
    }
    guard let transport = options.premote else {
        switch options.debuggee {
        case .none:
            return "no target: name a program, -p PID or -pn Name, and with"
                + " -premote ClientTransport the process server of another machine"
        case .implicit:
            return "-cimp starts what a process server has in store:"
                + " -premote ClientTransport names it"
        case .process, .processName, .program, .dumps: return nil
        }
    }
    if case .dumps = options.debuggee {
        return "-z opens a core file of this machine: a process server (-premote) has nothing to do"
            + " with it"
    }
    do {
        _ = try ConnectionString(transport, for: .client)
        return nil
    } catch {
        return "-premote \(error)"
    }
}

exit(runProgram(CommandLine.arguments).rawValue)
