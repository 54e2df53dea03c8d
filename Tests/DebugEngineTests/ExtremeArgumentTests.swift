import DebugTarget
import Testing

/// Every command with arguments from the ends of the number range: an error is fine, a trap is not.
@Suite("Commands with extreme arguments")
struct ExtremeArgumentTests {
    private static let numbers = [
        "0", "1", "7fffffff", "80000000", "ffffffff", "7fffffffffffffff", "8000000000000000",
        "ffffffffffffffff", "-1", "-8000000000000000", "0n18446744073709551615",
        "10000000000000000",
    ]

    /// `#` stands for a number, `@` for another one; `A` for an address that can be read.
    private static let forms = [
        "? #+@", "? #*@", "? #<<@", "? #>>>@", "? poi(#)", ".formats #", "n #",
        "d #", "db # L@", "db # @", "db # L-@", "db A L?@", "db A L?-@", "dd # L@", "dq # @",
        "db /c # A L10", "da /c # A L10", "da # L@", "du # L@", "dps # L@", "dps A @",
        "df # @", "dD # L@", "dW /c # A L4",
        "eb # @", "eq # @", "ea # \"x\"", "f # L@ 1", "f # @ 1", "s # L@ 1", "s -q A L? 1",
        "c # L@ A", "c A L20 #", "m # L@ A", "m A L20 #",
        "u #", "u # L@", "u # @", "ub #", "ub # L@", "ub A L@", "uf #", "ln #", "x #",
        "k #", "kn #", ".kframes #", ".frame #", ".frame /r #", "dv", "dt -r# int", "dt -r-# int",
        "dt int #", "?? x",
        "bp #", "bp # @", "bp# A", "bu # @", "ba e1 #", "ba w# A", "ba r8 #", "ba# w4 A @",
        "bc #", "bd #-@", "be #-@", "bl #", ".bpcmds", "bl",
        "r rax=#", "r eax=#", "r al=#", "r $t0=#", "r $t#", "r xmm0=#", "r",
        "~", "~#", "~# s", "~~[#]", "~[#]", "~*", "|#", "|# s", "| .",
        "ls #, @", "lsa #, @, @", "lm a #", "lm v", "l+t",
        "p 0", "t 0", "p = # 1", "g = #", "g #", "pc 0", "pt 0",
        ".attach #", ".childdbg #", ".tlist #", ".lastevent", "vertarget",
        "dda # L@", "dpp #", "ddp A @", "dyb # L@", "dyd # @", "dl # @ @", "dlb A @ #", "ds #",
        "s -sa # L@", "s -su A L@", "s -v A L? #", "s -[l#]sa A L20", ".readmem x # L@",
        ".writemem x # L@", ".dvalloc #", ".dvfree # @", "!error #", "!address #", "!heap -x #",
        ".printf \"%d %p %c %x %ma %y %t %e\", #, @, #, @, #, @, #, #",
        ".printf \"%*d%.*x\", #, @, #, @", ".printf \"%#d\", 1", "sxe #", "br # @", "bs #",
        "bsc # 1", "bp /c # A", "bp /C # A @", "rm #", "rM #", "kd #", "uf /i #", "uf /c #",
        ".foreach /pS # /ps @ (v { .echo 1 2 }) { .echo v }", "j # '? 1' ; '? 2'", "z(#)",
        ".if (#) { ? 1 } .else { ? 2 }", ".ttime", "!runaway #", ".thread #", "|[#]", "|~[#]",
        "!gle", ".time", "!analyze -v", "!locks", "pct 0", "ph #", "wt -l # @", ".childdbg #",
    ]

    @Test("No command traps, whatever numbers it is given", arguments: forms)
    func extremes(form: String) throws {
        for (index, first) in Self.numbers.enumerated() {
            for second in [Self.numbers[Self.numbers.count - 1 - index], first] {
                let bench = try CommandBench()
                // A command that reads on and on meets Ctrl+C, as it would with a person.
                bench.host.interruptsAfter = 64
                let line = form.replacing("#", with: first).replacing("@", with: second)
                    .replacing("A", with: "7fffffffe000")
                _ = bench.run(line)
                #expect(bench.run("? 1+1") == "Evaluate expression: 2 = 00000000`00000002\n")
            }
        }
    }

    @Test("Numbers beyond what a command can do are refused in words")
    func refusals() throws {
        let bench = try CommandBench()
        #expect(
            bench.run(".frame ffffffffffffffff") == "Cannot find frame 0x7fffffffffffffff\n"
        )
        #expect(bench.run("db 0 ffffffffffffffff").contains("Range error"))
        #expect(bench.run("db /c ffffffffffffffff 0 L1").contains("Range error"))
        #expect(bench.run("ub 7fffffffe000 L10000").contains("Range error"))
    }
}
