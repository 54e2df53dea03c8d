import Commands
import DebugEngine
import DebugTarget
import Testing

@Suite("Commands that change what the debugger shows and keeps")
struct StateCommandTests {
    private let base = "00007fff`ffffe000"

    @Test("e without values asks place by place: a value, a space to pass over, Enter to end")
    func placeByPlace() throws {
        let bench = try CommandBench()
        bench.put([1, 2, 3, 4], at: 0)
        #expect(bench.run("eb 7fffffffe000") == "")
        #expect(bench.interpreter.prompt == "\(base) 01 Input> ")
        _ = bench.run("41")
        #expect(bench.interpreter.prompt == "00007fff`ffffe001 02 Input> ")
        _ = bench.run(" ")
        #expect(bench.run("xyz").contains("Couldn't resolve"))
        #expect(bench.interpreter.prompt == "00007fff`ffffe002 03 Input> ")
        _ = bench.run("'CD'")
        _ = bench.run("")
        #expect(bench.interpreter.prompt == "0:000> ")
        #expect(bench.run("db 7fffffffe000 L4").contains("41 02 43 44"))
        // e alone enters as the last e did.
        _ = bench.run("ew 7fffffffe000 1234")
        _ = bench.run("e 7fffffffe002 5678")
        #expect(bench.run("dw 7fffffffe000 L2") == "\(base)  1234 5678\n")
        #expect(bench.run("ed 0").contains("Memory access error"))
        #expect(bench.interpreter.prompt == "0:000> ")
    }

    @Test("In a script the lines behind eb and a are theirs, up to an empty one")
    func scriptedInput() throws {
        let bench = try CommandBench()
        bench.scripts["patch"] = [
            "eb 7fffffffe000", "90", "91", "", "a 7fffffffe010", "mov eax, 5", "jmp 7fffffffe010",
            "", ".echo done",
        ]
        #expect(bench.run("$$<patch") == "done\n")
        #expect(bench.run("db 7fffffffe000 L2").contains("90 91"))
        let text = bench.run("u 7fffffffe010 L2")
        #expect(text.contains("b805000000      mov     eax,5"), "\(text)")
        #expect(text.contains("ebf9            jmp     00007fff`ffffe010"), "\(text)")
    }

    @Test("a keeps asking after a mistake, and goes on where it ended")
    func assembling() throws {
        let bench = try CommandBench()
        _ = bench.run("a 7fffffffe000")
        #expect(bench.interpreter.prompt == "\(base) ")
        #expect(bench.run("nosuch eax").contains("is no instruction that a knows"))
        _ = bench.run("nop")
        #expect(bench.interpreter.prompt == "00007fff`ffffe001 ")
        _ = bench.run("")
        _ = bench.run("a")
        #expect(bench.interpreter.prompt == "00007fff`ffffe001 ")
        _ = bench.run("")
    }

    @Test(".outmask hides kinds of text and the prompt, and /d brings them back")
    func outputMask() throws {
        let bench = try CommandBench()
        #expect(bench.run(".outmask 8") == "Client 0 mask is 3ff\n")
        #expect(bench.run(".outmask- 2") == "Client 0 mask is 3fd\n")
        #expect(bench.run("nosuch") == "")
        #expect(bench.run(".outmask- 11") == "")
        #expect(bench.interpreter.prompt == "")
        #expect(bench.run("r rip") == "")
        // A script still reads what commands would print.
        #expect(bench.run(".foreach (v { .echo 1 }) { r $t1 = v }") == "")
        #expect(bench.run(".outmask /d") == "Client 0 mask is 3f7\n")
        #expect(bench.run("r $t1") == "$t1=0000000000000001\n")
        #expect(bench.run(".outmask /a") == "Client 0 mask is ffffffff\n")
        #expect(bench.run(".outmask /l 1").contains("the log has what the screen has"))
        #expect(bench.run(".outmask-").contains("Operand error"))
    }

    @Test(".push and .pop bring thread and frame back, with /r $t0 to $t19")
    func states() throws {
        let bench = try CommandBench()
        _ = bench.run("r $t0=1")
        #expect(bench.run(".push /r /q") == "")
        _ = bench.run("~1s;r $t0=2;.push")
        #expect(bench.session.prompt == "0:001> ")
        #expect(bench.run(".pop /r").contains("without /r"))
        #expect(bench.run("~0s;.pop").contains("00007fff`ffffe100"))
        #expect(bench.session.prompt == "0:001> ")
        #expect(bench.run(".pop /r") == "")
        #expect(bench.session.prompt == "0:000> ")
        #expect(bench.run("r $t0") == "$t0=0000000000000001\n")
        #expect(bench.run(".pop").contains("Nothing was put aside"))
        for _ in 0..<64 { _ = bench.run(".push") }
        #expect(bench.run(".push").contains("No more than 64"))
    }

    @Test(".pcmd is carried out at each stop, and not for its own")
    func promptCommand() throws {
        let bench = try CommandBench()
        #expect(bench.run(".pcmd") == "No per-prompt command\n")
        #expect(
            bench.run(".pcmd -s \".echo here;t\"") == "Per-prompt command is '.echo here;t'\n"
        )
        let thread = ThreadID(ScriptedTarget.process, 0x722c)
        bench.target.events = [.stopped(thread, .stepped), .stopped(thread, .stepped)]
        let text = bench.run("t")
        #expect(text.split(separator: "\n").filter { $0 == "here" }.count == 1, "\(text)")
        #expect(bench.run("r rip").contains("here") == false)
        #expect(bench.run(".pcmd -c") == "No per-prompt command\n")
    }

    @Test(".prompt_allow takes parts of a stop's text away; reg is what pr toggles")
    func promptItems() throws {
        let bench = try CommandBench()
        bench.put([0x8b, 0x04, 0x24], at: 0x100)
        #expect(bench.run("~0s").contains("mov     eax,dword ptr [rsp] ss:00007fff`ffffe800"))
        #expect(
            bench.run(".prompt_allow -sym -ea +reg") == """
                Allow the following information to be displayed at the prompt:
                (Other settings can affect whether the information is actually displayed)
                   dis - Disassembly of current instruction
                   reg - Register state
                   src - Source info for current instruction
                Do not allow the following information to be displayed at the prompt:
                   sym - Symbol for current instruction
                    ea - Effective address for current instruction

                """
        )
        #expect(
            bench.run("~0s")
                == "00007fff`ffffe100 8b0424          mov     eax,dword ptr [rsp]\n"
        )
        #expect(bench.session.showsRegisters)
        _ = bench.run(".prompt_allow -dis -reg")
        #expect(bench.run("~0s") == "")
        #expect(!bench.session.showsRegisters)
        #expect(bench.run(".prompt_allow dis").contains("Syntax error"))
    }

    @Test(".holdmem compares what is with what was, byte by byte")
    func heldMemory() throws {
        let bench = try CommandBench()
        bench.put([1, 2, 3, 4], at: 0)
        #expect(bench.run(".holdmem -o") == "No memory is held\n")
        #expect(bench.run(".holdmem -a 7fffffffe000 L4") == "")
        #expect(bench.run(".holdmem -o") == "\(base) - 00007fff`ffffe003 (4 bytes)\n")
        #expect(bench.run(".holdmem -c 7fffffffe000 L4").hasSuffix("is the same\n"))
        bench.put([9], at: 2)
        #expect(
            bench.run(".holdmem -c 7fffffffe000 L4") == """
                \(base) - 00007fff`ffffe003 (4 bytes) differs in 1 bytes
                00007fff`ffffe002  03 - 00007fff`ffffe002  09

                """
        )
        #expect(
            bench.run(".holdmem -c 7fffffffe000 L2").hasSuffix("the same in its first 2 bytes\n")
        )
        #expect(bench.run(".holdmem -a 0 L4").contains("Memory access error"))
        #expect(bench.run(".holdmem -a 7fffffffe000 L?8000000").contains("Range error"))
        #expect(bench.run(".holdmem -a 7fffffffe000").contains("needs a range"))
        #expect(bench.run(".holdmem -d 7fffffffe100;.holdmem -o").hasPrefix(base))
        #expect(bench.run(".holdmem -d 7fffffffe003;.holdmem -o") == "No memory is held\n")
        #expect(bench.run(".holdmem -a 7fffffffe000 L4;.holdmem -D;.holdmem -o").hasPrefix("No"))
        #expect(bench.run(".holdmem").contains("How it is written"))
    }

    @Test("Events carry their time when .echotimestamps is on")
    func timeStamps() throws {
        let bench = try CommandBench()
        let thread = ThreadID(ScriptedTarget.process, 0x722c)
        bench.target.events = [.stopped(thread, .signal(Signal(11)))]
        #expect(bench.run(".echotimestamps 1") == "Event timestamps are now enabled\n")
        let stamp = "Thu Sep  8 12:55:08 2016 (UTC - 7:00): "
        #expect(bench.run("g").contains("\(stamp)(722c.722c): Access violation"))
        bench.target.events = [.stopped(thread, .signal(Signal(11)))]
        #expect(bench.run(".echotimestamps") == "Event timestamps are now disabled\n")
        #expect(!bench.run("g").contains("2016"))
    }

    @Test("dg shows Linux's segments, uu goes on over memory that is not there, .load says why not")
    func others() throws {
        let bench = try CommandBench()
        let text = bench.run("dg 2b 33")
        #expect(
            text.contains(
                "002b 00000000`00000000 00000000`ffffffff Data RW Ac 3 Bg Pg P  Nl 00000cf3"
            )
        )
        #expect(
            text.contains(
                "0033 00000000`00000000 00000000`ffffffff Code RE Ac 3 Nb Pg P  Lo 00000afb"
            )
        )
        #expect(bench.run("dg 63").contains("0063 Unable to get descriptor"))
        #expect(bench.run("dg 0 ffff").contains("Range error"))
        bench.put([0x90], at: 0)
        let lines = bench.run("uu 7fffffffdffe L3").split(separator: "\n").map(String.init)
        #expect(lines.count == 4 && lines[3].hasSuffix("90              nop"), "\(lines)")
        #expect(bench.run("u 7fffffffdffe L3").contains("Memory access error"))
        #expect(bench.run(".load /x/y.so").contains("loads no extension libraries"))
        #expect(bench.run(".chain").contains("!address !analyze"))
    }
}
