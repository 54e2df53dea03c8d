import DebugEngine
import Testing

@Suite("Memory commands")
struct MemoryCommandTests {
    private let text = Array("hello world, this is it!".utf8) + [0]

    @Test("db shows sixteen bytes in a row, a dash in the middle, and their characters")
    func bytes() throws {
        let bench = try CommandBench()
        bench.put([0] + Array("ello".utf8), at: 0xc80)
        #expect(
            bench.run("db 7fffffffec80 L10")
                == "00007fff`ffffec80  00 65 6c 6c 6f 00 00 00-00 00 00 00 00 00 00 00"
                + "  .ello...........\n"
        )
    }

    @Test("A row that is not full keeps the characters in their column")
    func partialRow() throws {
        let bench = try CommandBench()
        bench.put(text, at: 0)
        #expect(
            bench.run("db 7fffffffe000 L3")
                == "00007fff`ffffe000  68 65 6c" + String(repeating: " ", count: 41) + "hel\n"
        )
    }

    @Test("dd, dw, dc and dq have four, eight, four and two columns")
    func widths() throws {
        let bench = try CommandBench()
        bench.put([UInt8](0...31), at: 0)
        #expect(
            bench.run("dd 7fffffffe000 L5") == """
                00007fff`ffffe000  03020100 07060504 0b0a0908 0f0e0d0c
                00007fff`ffffe010  13121110

                """
        )
        #expect(
            bench.run("dw 7fffffffe000 L2") == "00007fff`ffffe000  0100 0302\n"
        )
        #expect(
            bench.run("dq 7fffffffe000 L3") == """
                00007fff`ffffe000  07060504`03020100 0f0e0d0c`0b0a0908
                00007fff`ffffe010  17161514`13121110

                """
        )
        bench.put(
            Array("H\0\0\0".utf8) + [0, 0, 0, 0, 0x63, 1, 0x0c, 0x50] + Array("Hc..".utf8),
            at: 64
        )
        #expect(
            bench.run("dc 7fffffffe040 L4")
                == "00007fff`ffffe040  00000048 00000000 500c0163 2e2e6348  H.......c..PHc..\n"
        )
    }

    @Test("d goes on where the last one ended, in its form")
    func continuation() throws {
        let bench = try CommandBench()
        bench.put([UInt8](0...63), at: 0)
        _ = bench.run("dd 7fffffffe000 L4")
        #expect(bench.run("d").hasPrefix("00007fff`ffffe010  13121110 17161514"))
        #expect(bench.run("").hasPrefix("00007fff`ffffe090  "))
    }

    @Test("Memory that cannot be read shows as question marks")
    func unreadable() throws {
        let bench = try CommandBench()
        #expect(
            bench.run("dd 409 L4")
                == "00000000`00000409  ???????? ???????? ???????? ????????\n"
        )
        #expect(bench.run("db 0 L2").hasPrefix("00000000`00000000  ?? ??"))
        #expect(bench.run("dq 0 L1") == "00000000`00000000  ????????`????????\n")
        // The end of the page in the middle of a row.
        #expect(bench.run("db 7fffffffeffe L4").contains("00 00 ?? ??"))
    }

    @Test("da stops at the NUL, dps names nothing it does not know")
    func textsAndPointers() throws {
        let bench = try CommandBench()
        bench.put(text, at: 0)
        #expect(
            bench.run("da 7fffffffe000")
                == "00007fff`ffffe000  \"hello world, this is it!\"\n"
        )
        #expect(
            bench.run("dps 7fffffffe010 L1") == "00007fff`ffffe010  21746920`73692073\n"
        )
    }

    @Test("Values and texts are entered")
    func entering() throws {
        let bench = try CommandBench()
        #expect(bench.run("eb 7fffffffe000 41 42 'C' \"DE\"") == "")
        #expect(bench.run("da 7fffffffe000") == "00007fff`ffffe000  \"ABCDE\"\n")
        #expect(bench.run("ed 7fffffffe010 12345678 ffffffff") == "")
        #expect(bench.run("dd 7fffffffe010 L2") == "00007fff`ffffe010  12345678 ffffffff\n")
        #expect(bench.run("eza 7fffffffe000 \"hi\"") == "")
        #expect(bench.run("da 7fffffffe000") == "00007fff`ffffe000  \"hi\"\n")
        #expect(bench.run("eb 7fffffffe000 100").contains("does not fit into 1 bytes"))
        #expect(bench.run("eb 0 1").contains("Memory access error at '00000000`00000000'"))
    }

    @Test("f fills, s finds, c compares")
    func filling() throws {
        let bench = try CommandBench()
        #expect(bench.run("f 7fffffffe000 L5 1 2") == "Filled 0x5 bytes\n")
        #expect(bench.run("db 7fffffffe000 L6").contains("01 02 01 02 01 00"))
        bench.put(Array("needle".utf8), at: 0x7ff)
        #expect(
            bench.run("s -a 7fffffffe000 L1000 \"needle\"").hasPrefix("00007fff`ffffe7ff  6e 65 65")
        )
        #expect(bench.run("s -a 7fffffffe000 L1000 \"absent\"") == "")
        #expect(
            bench.run("c 7fffffffe000 L2 7fffffffe001")
                == "00007fff`ffffe000  01 - 00007fff`ffffe001  02\n"
                + "00007fff`ffffe001  02 - 00007fff`ffffe002  01\n"
        )
    }

    @Test("Ranges are a start and a length, or a start and an end")
    func ranges() throws {
        let bench = try CommandBench()
        #expect(bench.run("db 7fffffffe000 7fffffffe00f").split(separator: "\n").count == 1)
        #expect(bench.run("db rsp L0n32").split(separator: "\n").count == 2)
        #expect(bench.run("db 7fffffffe000 L20000000").contains("Range error in"))
    }

    @Test("Ctrl+C ends a long output")
    func interrupted() throws {
        let bench = try CommandBench()
        bench.host.interruptsNext = true
        #expect(bench.run("db 7fffffffe000 L100").contains("User interrupted operation error in"))
    }
}
