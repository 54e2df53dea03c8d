import Testing

@testable import cdb

@Suite("OptionParser")
struct OptionParserTests {
    @Test("Options, then the program with all that follows")
    func program() throws {
        let options = try OptionParser.parse([
            "-premote", "tcp:server=box,port=1025", "-v", "-y", "/sym", "prog", "-p", "5",
        ])
        #expect(options.premote == "tcp:server=box,port=1025")
        #expect(options.isVerbose)
        #expect(options.symbolPath == "/sym")
        #expect(options.debuggee == .program(["prog", "-p", "5"]))
    }

    @Test("-g and -G differ, other names do not care for case, and switches concatenate")
    func letters() throws {
        let options = try OptionParser.parse(["-oGv", "-g", "-LINES", "-P", "122"])
        #expect(options.skipsInitialStop && options.skipsFinalStop && options.followsChildren)
        #expect(options.isVerbose && options.stepsByLine)
        #expect(options.debuggee == .process(122))
    }

    @Test("A slash begins a known option, or else a path")
    func slashes() throws {
        #expect(try OptionParser.parse(["/pn", "sleep"]).debuggee == .processName("sleep"))
        #expect(try OptionParser.parse(["/bin/true"]).debuggee == .program(["/bin/true"]))
    }

    @Test(
        "What is wrong is said in one sentence",
        arguments: [
            (["-p"], "-p needs a value behind it"),
            (["-p", "x"], "-p x: a process id is a decimal number above 0"),
            (["-p", "-3"], "-p -3: a process id is a decimal number above 0"),
            (["-premot", "x"], "unknown option -premot; did you mean -premote?"),
            (["-zzzzzz"], "unknown option -zzzzzz; cdb -? lists the options"),
            (["-iae"], "-iae is not supported by this version of cdb"),
            (["-pt", "x"], "-pt x: a number of seconds from 1 to 86400"),
        ]
    )
    func errors(arguments: [String], message: String) {
        let error = #expect(throws: UsageError.self) { try OptionParser.parse(arguments) }
        #expect(error?.message == message)
    }
}
