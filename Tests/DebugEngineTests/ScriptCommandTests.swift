import DebugEngine
import DebugTarget
import Testing

@Suite("Scripts")
struct ScriptCommandTests {
    @Test(".sleep waits as long as told, in the radix of the session, and Ctrl+C ends it")
    func sleep() throws {
        let bench = try CommandBench()
        #expect(bench.run(".sleep 0n250; .echo awake") == "awake\n")
        #expect(bench.pausedMilliseconds == 250)
        #expect(bench.run(".sleep 10") == "")
        #expect(bench.pausedMilliseconds == 266)
        #expect(bench.run(".sleep 1 2").contains("Extra character"))
        bench.host.interruptsAfter = 3
        _ = bench.run(".sleep ffffffff")
        #expect(bench.pausedMilliseconds <= 266 + 300)
    }

    @Test(".if takes the first branch whose condition is not 0, and what follows goes on")
    func conditions() throws {
        let bench = try CommandBench()
        #expect(bench.run(".if (1) { .echo a } .else { .echo b }; .echo c") == "a\nc\n")
        #expect(
            bench.run(".if (0) { .echo a } .elsif (2 > 1) { .echo b } .else { .echo c }") == "b\n"
        )
        #expect(bench.run(".if (0) { .echo a } .elsif (0) { .echo b } .else { .echo c }") == "c\n")
        #expect(bench.run(".if (1) { .if (0) { .echo x } .else { .echo y } }") == "y\n")
        #expect(bench.run(".if (@$t0 == 0) { .echo \"a;}b\" }") == "a;}b\n")
        #expect(bench.run(".if 1 { .echo a }").contains("Syntax error"))
        #expect(bench.run(".else { .echo a }").contains("Syntax error"))
    }

    @Test("Loops count, are left, and begin their next turn")
    func loops() throws {
        let bench = try CommandBench()
        #expect(
            bench.run(".for (r $t0=0; @$t0 < 3; r $t0=@$t0+1) { .printf \"%d,\", @$t0 }")
                == "0,1,2,"
        )
        #expect(
            bench.run(
                "r $t0=0; .while (1) { r $t0=@$t0+1; .if (@$t0 == 2) { .continue };"
                    + " .if (@$t0 > 3) { .break }; .printf \"%d \", @$t0 }; .echo end"
            ) == "1 3 end\n"
        )
        #expect(
            bench.run("r $t1=5; .do { r $t1=@$t1-1; .printf \"%d\", @$t1 } (@$t1 > 2)") == "432"
        )
        #expect(bench.run("r $t2=@$t2+1; z(@$t2 < 3)").contains("redo [2]"))
        #expect(bench.run(".break").contains("nothing to leave"))
    }

    @Test("Ctrl+C ends a loop with CDB's words")
    func interruption() throws {
        let bench = try CommandBench()
        bench.host.interruptsAfter = 10
        let text = bench.run(".for (r $t0=0; 1; r $t0=@$t0+1) { }")
        #expect(text.contains("^ User interrupted operation error in '.for (r $t0=0; 1; "))
    }

    @Test(".foreach goes through words of a command, of a text, of a file")
    func forEach() throws {
        let bench = try CommandBench()
        bench.scripts["words.txt"] = ["one two", "three"]
        #expect(bench.run(".foreach (v { .echo a b }) { .echo <v> ${v}x }") == "<v> ax\n<v> bx\n")
        #expect(bench.run(".foreach /s (v \"1 2 3 4\") { .printf \"%d \", v }") == "1 2 3 4 ")
        #expect(
            bench.run(".foreach /pS 1 /ps 1 /s (v \"1 2 3 4\") { .printf \"%d \", v }") == "2 4 "
        )
        #expect(bench.run(".foreach /f (v \"words.txt\") { .echo ${v} }") == "one\ntwo\nthree\n")
    }

    @Test("Aliases stand for texts, in blocks at once, and are deleted")
    func aliases() throws {
        let bench = try CommandBench()
        _ = bench.run("as greet .echo hello; .echo again")
        #expect(bench.run("greet") == "hello\nagain\n")
        #expect(bench.run("al").contains(" greet            .echo hello; .echo again"))
        #expect(bench.run("aS x 5; .block { ? x }").contains("= 00000000`00000005"))
        _ = bench.run("as /x sum 2+3")
        #expect(
            bench.run(".echo ${sum} ${/d:sum} ${/d:none} ${/f:none}. ${/v:sum}")
                == "0x5 1 0 . sum\n"
        )
        #expect(bench.run("ad x;ad sum;ad greet;al") == "No aliases\n")
        #expect(bench.run("ad nosuch").contains("No alias is called nosuch"))
        #expect(bench.run("ad /q nosuch") == "")
        _ = bench.run("r $.u3=.echo fixed")
        #expect(bench.run("$u3") == "fixed\n")
    }

    @Test("An alias that grows without end is an error, not memory")
    func growingAlias() throws {
        let bench = try CommandBench()
        let long = String(repeating: "y ", count: 2000)
        _ = bench.run("as y \(String(repeating: "z", count: 4000))")
        #expect(bench.run(".echo \(long)").contains("longer than"))
    }

    @Test(".catch goes on behind an error, .leave ends it, j chooses")
    func errors() throws {
        let bench = try CommandBench()
        let text = bench.run(".catch { ? nosuch; .echo hidden }; .echo after")
        #expect(text == "Couldn't resolve error at 'nosuch'\nafter\n")
        #expect(bench.run(".catch { .echo a; .leave; .echo b }; .echo c") == "a\nc\n")
        #expect(bench.run("j (1) '.echo a;.echo b' ; '.echo c'") == "a\nb\n")
        #expect(bench.run("j 0 '.echo a' ; '.echo c'") == "c\n")
        #expect(bench.run("j (2>3) .echo a ; .echo c") == "c\n")
    }

    @Test("Scripts run line by line or as one line, with arguments, and nest 32 levels at the most")
    func files() throws {
        let bench = try CommandBench()
        bench.scripts["lines"] = ["* a comment; .echo no", "$$ another", ".echo 1", ".echo 2"]
        bench.scripts["block"] = [".if (1)", "{", "  .echo in", "}", ".else", "{ .echo out }"]
        bench.scripts["args"] = [".echo ${$arg1} $arg2 ${/d:$arg3} ${$argcount}"]
        bench.scripts["self"] = ["$$<self"]
        #expect(bench.run("$$<lines") == "1\n2\n")
        #expect(bench.run("$><block") == "in\n")
        #expect(bench.run("$$><block; .echo more") == "in\nmore\n")
        #expect(bench.run("$$>a<args one \"two three\"") == "one two three 0 2\n")
        #expect(bench.run("$$<self").contains("nest deeper than 32"))
        #expect(bench.run("$$<nosuch").contains("Command file nosuch cannot be read"))
    }

    @Test(".printf has C's conversions and CDB's own")
    func formats() throws {
        let bench = try CommandBench()
        bench.put(Array("text\0".utf8), at: 0)
        bench.put([0x57, 0, 0x69, 0, 0, 0], at: 16)
        let cases: [(String, String)] = [
            ("\"%d|%5d|%-5d|%05d|%+d\\n\", 5, 5, 5, 5, 5", "5|    5|5    |00005|+5\n"),
            ("\"%x %X %#x %08x %o\", ab, ab, ab, ab, 8", "ab AB 0xab 000000ab 10"),
            ("\"%d %u %hd %ld\", -1, ff, ffff, ffffffff", "-1 255 -1 -1"),
            ("\"%p %N\", 7ffe12345678, 1", "00007ffe`12345678 0000000000000001"),
            ("\"%c%c %%\", 41, 42", "AB %"),
            ("\"%ma|%s|%mu|%6ma|%.2ma\", $B, $B, $B+10, $B, $B", "text|text|Wi|  text|te"),
            ("\"%*d\", 4, 7", "   7"),
            ("\"%I64x %p\", 1`00000000, 0", "100000000 00000000`00000000"),
        ]
        for (arguments, expected) in cases {
            let line = arguments.replacing("$B", with: "7fffffffe000")
            #expect(bench.run(".printf \(line)") == expected, "\(line)")
        }
        #expect(bench.run(".printf \"%d\"").contains("fewer values"))
        #expect(bench.run(".printf \"%q\", 1").contains("does not know"))
        #expect(bench.run(".printf 5").contains("needs a format"))
    }
}

extension String {
    /// The text with every occurrence of a part replaced.
    fileprivate func replacing(_ part: String, with other: String) -> String {
        split(separator: part, omittingEmptySubsequences: false).joined(separator: other)
    }
}
