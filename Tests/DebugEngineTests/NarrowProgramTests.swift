import Testing

@Suite("Programs of 32 bits")
struct NarrowProgramTests {
    private static let source = """
        struct point { int x, y; double z; };
        int total = 7;
        int *place = &total;
        volatile int sink;
        __attribute__((noinline)) void stop(void) { sink++; }
        __attribute__((noinline)) int area(struct point *p, int scale) {
            int local = p->x * p->y;
            long long big = 1LL << 40;
            char text[8] = "abc";
            stop();
            return local * scale + text[0] - 'a' + total + (int)(big >> 40);
        }
        int outer(int n) { struct point p = {n, 4, 2.5}; return area(&p, 2); }
        int main(void) { return outer(3); }
        """

    private func session(_ flags: [String]) throws -> LanguageSession {
        try LanguageSession(Self.source, suffix: "c", ["gcc", "-m32", "-g"] + flags)
    }

    @Test("the stack, variables, expressions, types and modules of an i386 program")
    func everything() throws {
        let session = try session(["-O0"])
        let stack = try session.run("k")
        #expect(stack.contains(/program!area\+0x[0-9a-f]+ \[.*program\.c @ 10\]/), "\(stack)")
        #expect(stack.contains("program!outer+") && stack.contains("program!main+"), "\(stack)")
        try session.check([
            ("?? p->z", "double 2.5"), ("?? local * 2", "int 0n24"),
            ("?? big", "long long int 0n1099511627776"),
            ("?? *place", "int 0n7"), ("?? sizeof(p)", "unsigned long 0x4"),
            ("?? &p->y == (int *)p + 1", "bool true"),
            ("? poi(place) - total", "Evaluate expression: 0 = 00000000`00000000"),
        ])
        #expect(try session.run("dt p").contains("+0x008 z                : 2.5"))
        #expect(try session.run("dv").contains("local = 0n12"))
        let modules = try session.run("lm")
        #expect(modules.contains("   program ") && modules.contains("libc_so"), "\(modules)")
        let registers = try session.run("r eax, ax, al, $ip, $sp")
        #expect(registers.contains("eax=") && registers.contains("ax="), "\(registers)")
        #expect(try session.run("dps @esp L2").contains(/`[0-9a-f]{8}  [0-9a-f]{8}/))
        #expect(try session.run("bp `program.c:11`;g").contains("Breakpoint 1 hit"))
        #expect(try session.run("gu").contains("program!outer+"))
        #expect(try session.run("l+t;p").contains("program!main+"))
    }

    @Test("without frame pointers the call frame information leads the way")
    func optimised() throws {
        let session = try session(["-O2", "-fomit-frame-pointer", "-fno-inline"])
        let stack = try session.run("k")
        #expect(stack.contains("program!area+") && stack.contains("program!main+"), "\(stack)")
    }
}
