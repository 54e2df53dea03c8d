import Testing

@testable import dbgsrv

@Suite("dbgsrv's command line")
struct ServerOptionTests {
    private func parse(_ arguments: String...) throws -> ServeOptions {
        let request = try parseCommandLine(arguments.map { Array($0.utf8) })
        guard case .serve(let options) = request else {
            Issue.record("\(request)")
            return ServeOptions()
        }
        return options
    }

    @Test("everything behind -c and -cs is the program's, options too")
    func greedy() throws {
        let options = try parse("-t", "tcp:port=0", "-sifeo", "a.out", "-cs", "./a.out", "-x", "-t")
        #expect(
            options.program
                == ProgramToStart(
                    words: [Array("./a.out".utf8), Array("-x".utf8), Array("-t".utf8)],
                    isSuspended: true,
                    suspendedImage: "a.out"
                )
        )
        #expect(options.transport == "tcp:port=0")
        #expect(try parse("-t", "x:", "-pc", "a", "-c").implicitCommand.count == 2)
        #expect(try parse("-t", "x:", "-x", "-bogus") == parse("-t", "x:"))
    }

    @Test(
        "what is wrong is one sentence",
        arguments: [
            (["-C", "x"], "there is no option '-C'; did you mean -c?"),
            (["-CS", "x"], "did you mean -cs?"), (["-sifoe", "x"], "did you mean -sifeo?"),
            (["--readonly"], "did you mean --read-only?"), (["-PC"], "did you mean -pc?"),
            (["--polcy", "f"], "did you mean --policy?"),
            (["-t", "x:", "-c"], "-c has no command line behind it"),
            (["-t", "x:", "-cs", ""], "-cs has no command line behind it"),
            (["-t", "x:", "-pc"], "-pc has no command line behind it"),
            (["-t", "x:", "-c", "a 'b"], "-c: the quote ' has no partner"),
            (["-t", "x:", "-c", "a \"b\\\""], "-c: the quote \" has no partner"),
            (["-t", "x:", "-c", "a b\\"], "-c: a backslash at the end"),
            (["-t", "x:", "-sifeo", "a.out"], "-sifeo is for a program that -c or -cs starts"),
            (["-t", "x:", "-sifeo"], "-sifeo has no value"),
            (["-t", "x:", "-c", "  "], "-c has no command line behind it"),
            (["-c", "a", "-t", "x:"], "-t is missing"),
            (["-c", "a", "-t", "x:"], "it has to stand before -c, which takes all that follows"),
            (["-x", "-t", "x:"], "-t is missing"),
            (["\u{1b}[2J"], "'\\x1b[2J'"),
            (["--image-options"], "--image-options has no command line behind it"),
        ]
    )
    func mistakes(arguments: [String], words: String) {
        let error = #expect(throws: UsageError.self) {
            try parseCommandLine(arguments.map { Array($0.utf8) })
        }
        #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
        #expect(error?.description.contains("\n") == false)
    }

    @Test("a program's name has to be text; its arguments may be anything")
    func names() throws {
        #expect(throws: CommandWordsError.nameIsNoText) {
            try CommandWords.words([[0x2f, 0xff], [0x61]])
        }
        #expect(try CommandWords.words([[0x61], [0xff], []]) == [[0x61], [0xff], []])
        // One word without spaces is a program's name as it is.
        #expect(try CommandWords.words([Array("/a'b\"".utf8)]) == [Array("/a'b\"".utf8)])
    }

    @Test(
        "splitting follows the shell's rules of quoting",
        arguments: [
            ("a b\tc\n", ["a", "b", "c"]), ("  a  ", ["a"]), ("'a b'c\"d e\"", ["a bcd e"]),
            (#"a\ b "\"\\\$\`\x" '\'"#, ["a b", #""\$`\x"#, #"\"#]), ("'' \"\" a", ["", "", "a"]),
            ("a$b *?~ >c |d ;e &", ["a$b", "*?~", ">c", "|d", ";e", "&"]), ("", []),
            ("日本 ‘x’", ["日本", "‘x’"]),
        ]
    )
    func splitting(line: String, words: [String]) throws {
        // A closing quote ends no word.
        let found = try CommandWords.split(Array(line.utf8))
        #expect(found.map { String(decoding: $0, as: UTF8.self) } == words)
    }

    @Test("rules travel to a session unharmed")
    func rules() throws {
        var rules = SessionRules()
        rules.implicitCommand = [[0x61, 0xff, 0x2c], [], [0x0a]]
        rules.isReadOnly = true
        rules.policyFile = "/etc/x=y"
        rules.policyText = "allow=all\nuser=x"
        rules.user = 65_534
        #expect(SessionRules(Dictionary(uniqueKeysWithValues: rules.fields)) == rules)
        let plain = SessionRules()
        #expect(SessionRules(Dictionary(uniqueKeysWithValues: plain.fields)) == plain)
        #expect(SessionRules([:]) == nil)
    }
}
