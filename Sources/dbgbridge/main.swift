internal import Glibc
internal import LinuxSystem
internal import Transports
internal import WireCore

/// What others on the same serial port see of us.
let programName = "dbgbridge/" + ProgramVersion.text

func runBridge(_ arguments: [String]) -> Int32 {
    // A peer that has gone is told by the write's answer.
    signal(SIGPIPE, SIG_IGN)
    OwnArguments.hideValues(of: "password=")
    let options: RelayOptions
    do {
        switch try parseCommandLine(arguments) {
        case .help:
            printOut(helpText)
            return 0
        case .version:
            printOut("\(programName)\n")
            return 0
        case .inherited:
            return relayInheritedClient()
        case .relay(let asked):
            options = asked
        }
    } catch {
        return fail(error.description, status: 1)
    }
    do {
        switch options.client {
        case .standardStreams:
            return try relayStandardStreams(options)
        case .listener(let connection):
            return try relayListener(options, at: connection)
        }
    } catch {
        return fail("\(error)", status: 2)
    }
}

func fail(_ sentence: String, status: Int32) -> Int32 {
    printError("dbgbridge: \(sentence)\n")
    return status
}

exit(runBridge(Array(CommandLine.arguments.dropFirst())))
