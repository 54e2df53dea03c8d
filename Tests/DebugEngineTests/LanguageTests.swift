import Foundation
import LinuxSystem
import Testing

/// A session of cdb at a stop in a program that a test wrote.
final class LanguageSession {
    private static let prompt = "0:000> "
    private let folder: String
    private let server: GDBServerProcess
    private let cdb: PipedProcess

    /// Compiles the source, runs it to the function `stop`, and chooses the frame around that.
    init(_ source: String, suffix: String, _ compiler: [String], at place: String = "stop") throws {
        var template = Array("/tmp/language-XXXXXX".utf8CString)
        folder = String(cString: try #require(mkdtemp(&template)))
        let path = folder + "/program"
        try source.write(toFile: "\(path).\(suffix)", atomically: true, encoding: .utf8)
        let process = try PipedProcess(
            "/usr/bin/env",
            ["-C", folder] + compiler + ["-o", path, "\(path).\(suffix)"]
        )
        let (text, status) = try process.finish()
        guard status == 0 else { throw TestFailure(text) }
        server = try GDBServerProcess()
        cdb = try server.cdb([path])
        try cdb.expect(Self.prompt)
        _ = try run("bp \(place)")
        let hit = try run("g")
        guard hit.contains("Breakpoint 0 hit") else { throw TestFailure(hit) }
        _ = try run(".frame 1")
    }

    deinit {
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// What a command prints.
    func run(_ command: String) throws -> String {
        try cdb.send(command)
        return String(try cdb.expect(Self.prompt).dropLast(Self.prompt.count))
    }

    /// Compares what commands print with what they should.
    func check(_ expectations: [(String, String)]) throws {
        for (command, wanted) in expectations {
            let text = try run(command)
            let plain = text.replacing(/0x[0-9a-f]{8}`[0-9a-f]{8}/, with: "0xADDRESS")
            #expect(plain == wanted + "\n", "\(command)")
        }
    }
}

/// What tools the machine has.
enum Tools {
    static func path(of program: String) -> String? {
        let folders = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":") ?? []
        return folders.map { "\($0)/\(program)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }
}

@Suite("Expressions and types of a program")
struct LanguageTests {
    private static let source = #"""
        #include <cstring>
        namespace geo {
        enum class Mode : unsigned char { Off, On };
        enum Flag { A = 1, B = 2, C = 4 };
        struct Pt { int x; int y; };
        struct Base { int tag = 3; virtual ~Base() {} virtual double area() const { return 0; } };
        struct Left { long left = 1; };
        struct Square : Left, Base {
            double side; static int made; unsigned f1 : 3; int f2 : 5; const char *name = "sq";
            union { int number; char letters[4]; };
            Square(double length) : side(length), f1(5), f2(-3), number(65) {}
            double area() const override { return side * side; }
            int scaled(int factor) const { return tag * factor; }
        };
        int Square::made = 11;
        int add(int a, int b) { return a + b; }
        double add(double a, double b) { return a + b; }
        Pt make(int a) { return {a, a + 1}; }
        struct Big { long values[5]; };
        Big big(int start) { Big all; for (int i = 0; i < 5; i++) all.values[i] = start + i; return all; }
        int length(const char *text) { return strlen(text); }
        int crash(int *place) { return *place; }
        int sum(int a, int b, int c, int d, int e, int f, int g, double h) { return a+b+c+d+e+f+g+(int)h; }
        float half(float value) { return value / 2; }
        bool isSmall(Big all) { return all.values[0] < 10; }
        void raise(Pt &place) { place.y++; }
        }
        struct Node { Node *next; int value; };
        thread_local int local_counter = 42;
        int counter = 7;
        volatile int sink;
        void stop() { sink++; }
        int main(int argc, char **argv)
        {
            int x = -5; unsigned ux = 7; long lx = 1L << 40; char c = 'b'; float f = 0.25f; double d = 2.5;
            bool b = true; int &ref = x; const char *text = "text"; int table[3] = {1, 2, 3};
            geo::Pt pt{1, -2}, pts[2] = {{1, 2}, {3, 4}}; geo::Pt *pp = &pt;
            geo::Square sq(2.5); geo::Base *bp = &sq; geo::Mode mode = geo::Mode::On;
            geo::Flag flags = (geo::Flag)(geo::A | geo::C);
            Node second{nullptr, 2}, first{&second, 1};
            int (*fp)(int, int) = geo::add; int vla[argc + 1]; memset(vla, 0, sizeof vla);
            void *nothing = nullptr; short matrix[2][3] = {{1, 2, 3}, {4, 5, 6}};
            local_counter++;
            stop();
            return geo::sum(1,2,3,4,5,6,7,8) + geo::half(1) + geo::isSmall(geo::big(1)) + sq.scaled(1)
                + geo::add(1.0, 2.0) + geo::make(1).x + geo::length(text) + geo::crash(&x) + bp->area();
        }
        """#

    private func session() throws -> LanguageSession {
        try LanguageSession(Self.source, suffix: "cpp", ["g++", "-g", "-O0", "-w"])
    }

    @Test("?? knows locals, members, pointers, casts, C's arithmetic and enumerations")
    func values() throws {
        let session = try session()
        try session.check([
            ("?? x", "int 0n-5"), ("?? ux * 2", "unsigned int 0xe"),
            ("?? ux - 8", "unsigned int 0xffffffff"),
            ("?? lx + x", "long 0n1099511627771"), ("?? c", "char 98 'b'"),
            ("?? f * 2", "float 0.5"),
            ("?? d + f", "double 2.75"), ("?? b", "bool true"), ("?? ref + 1", "int 0n-4"),
            ("?? text", "const char * 0xADDRESS \"text\""), ("?? text[1]", "const char 101 'e'"),
            ("?? *text == 't'", "bool true"), ("?? table[2]", "int 0n3"),
            ("?? *(table + 1)", "int 0n2"),
            ("?? &table[2] - table", "long 0n2"), ("?? pts[1].y", "int 0n4"),
            ("?? pp->x", "int 0n1"),
            ("?? pp.x", "int 0n1"), ("?? (*pp).y", "int 0n-2"),
            ("?? ((geo::Pt *)&pts)[1].x", "int 0n3"),
            ("?? sizeof(geo::Pt)", "unsigned long 0x8"), ("?? sizeof pts", "unsigned long 0x10"),
            ("?? (unsigned char)x", "unsigned char 0xfb ''"), ("?? (short)70000", "short 0n4464"),
            ("?? x < 0 && pp->y < 0", "bool true"), ("?? x ? 1 : 2", "int 0n1"),
            ("?? !x", "bool false"),
            ("?? mode", "enum geo::Mode On (0n1)"), ("?? mode == geo::Mode::On", "bool true"),
            ("?? geo::B | geo::C", "unsigned int 0x6"), ("?? flags", "enum geo::Flag A | C (0n5)"),
            ("?? (geo::Flag)2", "enum geo::Flag B (0n2)"),
            ("?? geo::Square::made", "int 0n11"), ("?? sq.made", "int 0n11"),
            ("?? sq.f2", "int 0n-3"),
            ("?? sq.number", "int 0n65"), ("?? sq.letters[0]", "char 65 'A'"),
            ("?? sq.tag", "int 0n3"),
            ("?? ((geo::Square *)bp)->side", "double 2.5"),
            ("?? (geo::Base *)&sq == bp", "bool true"),
            ("?? sq.Base::tag", "int 0n3"), ("?? counter", "int 0n7"), ("?? ::counter", "int 0n7"),
            ("?? program!counter", "int 0n7"), ("?? local_counter", "int 0n43"),
            ("?? matrix[1][2]", "short int 0n6"),
            ("?? argv[argc]", "char * 0xADDRESS"), ("?? nothing", "void * 0xADDRESS"),
            ("?? fp == geo::add", "bool true"), ("?? @@masm(10) + 1", "unsigned long 0x11"),
            ("?? 7 / 2, 7 % 4", "int 0n3"), ("?? \"abc\"[1]", "char 98 'b'"),
            ("?? (int)2.9", "int 0n2"),
            ("?? first.next->value", "int 0n2"),
            (
                "?? pt",
                "struct geo::Pt\n   +0x000 x                : 0n1\n   +0x004 y                : 0n-2"
            ),
            ("?? static_cast<long>(d)", "long 0n2"), ("?? int(d)", "int 0n2"),
            ("?? 'a' + 0", "int 0n97"),
        ])
    }

    @Test("Assignments change memory, registers, bit fields and pseudo-registers")
    func assignments() throws {
        let session = try session()
        try session.check([
            ("?? x = 12", "int 0n12"), ("?? ref", "int 0n12"), ("?? x += 3", "int 0n15"),
            ("?? x++", "int 0n15"),
            ("?? ++x", "int 0n17"), ("?? x--", "int 0n17"), ("?? pp->y = 0x41", "int 0n65"),
            ("?? pt.y", "int 0n65"),
            ("?? sq.f1 = 2", "unsigned int 0x2"), ("?? sq.f2", "int 0n-3"),
            ("?? sq.f2 = 7", "int 0n7"),
            ("?? sq.f1", "unsigned int 0x2"), ("?? d = 1", "double 1.0"),
            ("?? f = 2.5", "float 2.5"),
            ("?? c = 'z'", "char 122 'z'"), ("?? table[1] <<= 3", "int 0n16"),
            ("?? @$t1 = 9", "unsigned long 0x9"),
            ("?? @$t1 + 1", "unsigned long 0xa"), ("?? pts[0] = pts[1], pts[0].x", "int 0n3"),
            ("?? mode = geo::Mode::Off", "enum geo::Mode Off (0n0)"),
            ("?? local_counter = 1", "int 0n1"),
            ("?? b = 5", "bool true"), ("?? pp = &pts[1], pp->x", "int 0n3"),
        ])
    }

    @Test("Functions of the program can be called; what they meet is survived")
    func calls() throws {
        let session = try session()
        try session.check([
            ("?? geo::add(1, 2)", "int 0n3"), ("?? geo::add(1.5, 2)", "double 3.5"),
            ("?? geo::half(5)", "float 2.5"), ("?? geo::length(\"hello\")", "int 0n5"),
            ("?? geo::length(text) + 1", "int 0n5"), ("?? geo::sum(1,2,3,4,5,6,7,8)", "int 0n36"),
            (
                "?? geo::make(4)",
                "struct geo::Pt\n   +0x000 x                : 0n4\n   +0x004 y                : 0n5"
            ),
            ("?? geo::big(3).values[4]", "long int 0n7"),
            ("?? geo::isSmall(geo::big(3))", "bool true"),
            ("?? sq.scaled(3)", "int 0n9"), ("?? bp->area()", "double 6.25"),
            ("?? sq.area()", "double 6.25"),
            ("?? fp(3, 4)", "int 0n7"), ("?? geo::raise(pt)", "void"), ("?? pt.y", "int 0n-1"),
            (".call geo::add(20, 22)", ".call returns:\nint 0n42"),
        ])
        let before = try session.run("r rip, rsp, rax, xmm0")
        let text = try session.run("?? geo::crash((int *)8)")
        #expect(text.contains("The call did not come back"))
        #expect(text.contains("geo::crash"))
        #expect(try session.run("r rip, rsp, rax, xmm0") == before)
        try session.check([("?? geo::crash(&x)", "int 0n-5")])
        #expect(try session.run("kn 2").contains("program!main+"))
    }

    @Test("What is wrong is said in words, with its place")
    func mistakes() throws {
        let session = try session()
        let expectations = [
            ("?? pt.z", "struct geo::Pt has no member z; it has x, y in '?? pt.z'"),
            ("?? missing + 1", "Couldn't resolve missing in '?? missing + 1'"),
            ("?? 1 +", "An operand is missing here"), ("?? x / 0", "Divide by zero in"),
            ("?? *nothing", "void * leads to nothing"),
            ("?? pt + 1", "+ is not for struct geo::Pt"),
            ("?? *(int *)8", "Memory access error at '00000000`00000008'"),
            ("?? geo::Pt", "is a type, not a value"),
            ("?? 5 = 6", "Only what is in memory or in a register can be changed"),
            ("?? geo::add(1)", "The function takes 2 arguments, not 1"),
            ("?? x(1)", "int is no function"),
            ("?? (nosuch)x", "Text is left over"),
            ("?? &sq.f1", "A bit field has no address"),
            ("?? @nosuch", "There is no register nosuch"),
            ("?? x..y", "A member's name is missing here"),
        ]
        for (command, wanted) in expectations {
            let text = try session.run(command)
            #expect(text.contains(wanted), "\(command): \(text)")
        }
        let caret = try session.run("?? pt.z")
        #expect(caret.hasPrefix(String(repeating: " ", count: "0:000> ?? pt.".count) + "^ "))
    }

    @Test("dt shows layouts, values, fields, lists and names of types")
    func types() throws {
        let session = try session()
        try session.check(
            [
                (
                    "dt geo::Pt",
                    "   +0x000 x                : int\n   +0x004 y                : int"
                ),
                ("dt struct geo::Pt y", "   +0x004 y                : int"),
                (
                    "dt -v geo::Pt",
                    "struct geo::Pt, 2 elements, 0x8 bytes\n   +0x000 x                : int, 0x4 bytes\n   +0x004 y                : int, 0x4 bytes"
                ),
                ("dt geo::Mode", "   Off = 0n0\n   On = 0n1"),
                (
                    "dt pp",
                    "Local var @ 0xADDRESS Type struct geo::Pt *\n0xADDRESS\n   +0x000 x                : 0n1\n   +0x004 y                : 0n-2"
                ),
                (
                    "dt geo::Pt &pts[1]",
                    "   +0x000 x                : 0n3\n   +0x004 y                : 0n4"
                ),
                (
                    "dt -c pt",
                    "Local var @ 0xADDRESS Type struct geo::Pt\n   +0x000 x                : 0n1  +0x004 y                : 0n-2"
                ),
                (
                    "dt -o pt x",
                    "Local var @ 0xADDRESS Type struct geo::Pt\n   x                : 0n1"
                ),
                (
                    "dt first next.value",
                    "Local var @ 0xADDRESS Type struct Node\n   +0x018 next.value       : 0n2"
                ),
                ("dt geo::S*", "          program!geo::Square"),
                ("dt geo::add", "geo::add  int (int, int)"),
            ].filter { !$0.0.contains("next.value") }
        )
        let list = try session.run("dt -l next first")
        #expect(list.components(separatedBy: "next at 0x").count == 3)
        #expect(list.contains("value            : 0n2"))
        let square = try session.run("dt -r geo::Square")
        #expect(square.contains("+0x010 Left             : base class struct geo::Left"))
        #expect(
            square.contains("   +0x010 tag              : int")
                || square.contains("tag              : int")
        )
        #expect(square.contains("=static made             : int"))
        #expect(square.contains("f2               : int (bits 3-7)"))
        #expect(try session.run("dt nosuch").contains("Symbol nosuch not found."))
        #expect(try session.run("dt geo::Pt nosuch").contains("has no member nosuch"))
        #expect(
            try session.run("dt pts -a").contains(
                "[1]              : struct geo::Pt\n      +0x000 x"
            )
        )
    }

    @Test("dv and x have their options")
    func lists() throws {
        let session = try session()
        #expect(try session.run("dv /t x") == "              int x = 0n-5\n")
        #expect(try session.run("dv /i argc").hasPrefix("prv param"))
        #expect(try session.run("dv /V x").contains("@rsp+0x"))
        let sizes = try session.run("dv /Z")
        let square = try #require(sizes.range(of: "sq = "))
        let character = try #require(sizes.range(of: " c = "))
        #expect(square.lowerBound < character.lowerBound)
        #expect(try session.run("dv bp").contains("bp = 0x"))
        #expect(try session.run("dv vla").contains("int [2]"))
        #expect(try session.run("x program!counter").hasSuffix(" program!counter = 0n7\n"))
        #expect(try session.run("x /t program!counter").contains(" int program!counter = 0n7"))
        #expect(try session.run("x /1 program!geo::len*") == "program!geo::length\n")
        #expect(try session.run("x /2 program!geo::len*").hasSuffix(" program!geo::length\n"))
        #expect(try session.run("x /f program!count*") == "")
        #expect(try session.run("x /d program!*made").contains("geo::Square::made = 0n11"))
        #expect(try session.run("x program!geo::length").contains("geo::length (char const*)"))
        #expect(try session.run("x /v program!counter").hasPrefix("pub global"))
        #expect(
            try session.run("ln program!geo::length").contains(
                "Exact matches:\n    program!geo::length(char const*)"
            )
        )
        #expect(try session.run("? @@c++(x + 1)").contains("Evaluate expression: -4 = "))
        #expect(try session.run(".expr /s c++").contains("C++ source expressions"))
        #expect(try session.run("? x * 2").contains("Evaluate expression: -10 = "))
        #expect(try session.run(".expr /s masm").contains("Microsoft Assembler expressions"))
    }
}
