import Testing

@Suite("Structures given and returned by value")
struct StructureCallTests {
    private static let source = """
        struct id { int a; double d; }; struct dd { double x, y; }; struct il { long a, b; }; struct fi { float f; int i; }; struct fff { float a, b, c; }; struct cl { char c; long l; };
        volatile int sink; void stop(void) { sink++; }
        double fid(struct id s, int k) { return s.a * 100 + s.d + k; }
        double fdd(struct dd s) { return s.x * 10 + s.y; }
        long fil(int q, struct il s, int k) { return q * 1000 + s.a * 100 + s.b * 10 + k; }
        double ffi(struct fi s) { return s.f + s.i; }
        double ffff(struct fff s) { return s.a * 100 + s.b * 10 + s.c; }
        long spill(long a, long b, long c, long d, long e, struct il s, long f) { return s.a * 100 + s.b * 10 + f + a + b + c + d + e; }
        struct id rid(int a, double d) { struct id s = {a, d}; return s; }
        struct fi rfi(float f, int i) { struct fi s = {f, i}; return s; }
        struct il ril(long a, long b) { struct il s = {a, b}; return s; }
        struct dd rdd(double a, double b) { struct dd s = {a, b}; return s; }
        int main(void) { struct id s1 = {3, 2.5}; struct dd s2 = {1.5, 2}; struct il s3 = {4, 5}; struct fi s4 = {1.5, 6}; struct fff s5 = {1,2,3};
         stop(); return fid(s1,1)+fdd(s2)+fil(1,s3,2)+ffi(s4)+ffff(s5)+spill(0,0,0,0,0,s3,1)+rid(1,2).a+rfi(1,2).i+ril(1,2).a+rdd(1,2).x; }
        """

    @Test(
        "one word or two go in registers of their kinds, all of them or none; results come back so"
    )
    func words() throws {
        let session = try LanguageSession(Self.source, suffix: "c", ["gcc", "-g", "-O0", "-w"])
        try session.check([
            ("?? fid(s1, 7)", "double 309.5"), ("?? fdd(s2)", "double 17.0"),
            ("?? fil(1, s3, 2)", "long int 0n1452"), ("?? ffi(s4)", "double 7.5"),
            ("?? ffff(s5)", "double 123.0"), ("?? spill(0,0,0,0,0,s3,1)", "long int 0n451"),
            ("?? rid(3, 2.5).d", "double 2.5"), ("?? rid(3, 2.5).a", "int 0n3"),
            ("?? rfi(1.5, 6).i", "int 0n6"), ("?? ril(4, 5).b", "long int 0n5"),
            ("?? rdd(1.5, 2.5).y", "double 2.5"),
        ])
    }
}
