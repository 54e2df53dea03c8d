import ConnectionStrings
import Glibc
import LinuxSystem

/// Reads the command line and runs the debugger.
func runProgram(_ arguments: [String]) -> ExitCode {
    OwnArguments.hideValues(of: "password=")
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

/// What is wrong with the choice of a target.
private func problem(of options: Options) -> String? {
    guard let transport = options.premote else {
        switch options.debuggee {
        case .none:
            return "no target: name a program, -p PID or -pn Name, and with"
                + " -premote ClientTransport the process server of another machine"
        case .implicit:
            return "-cimp starts what a process server has in store:"
                + " -premote ClientTransport names it"
        case .process, .processName, .program: return nil
        }
    }
    do {
        _ = try ConnectionString(transport, for: .client)
        return nil
    } catch {
        return "-premote \(error)"
    }
}

exit(runProgram(CommandLine.arguments).rawValue)
