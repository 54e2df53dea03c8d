import GDBRemoteProtocol
import PacketCache
import Testing

@Suite("A bridge's answers to gdb and lldb")
struct CachedConversationTests {
    private static let registers = "01020304050607080000000000000000"

    @Test("the server is asked for what helps, and the debugger does not hear of it")
    func greeting() {
        var line = CachedLine()
        #expect(
            line.ask("qSupported:multiprocess+;xmlRegisters=i386")
                == ["qSupported:multiprocess+;xmlRegisters=i386;stop-snapshot=40;shared-ranges+"]
        )
        line.reply(CachedLine.features)
        #expect(line.takeShown() == ["PacketSize=1000;multiprocess+"])
        #expect(line.takeSent() == ["QStartNoAckMode"])
        line.replyRaw(Array("+$OK#9a".utf8))
        #expect(line.takeShown() == [])
        #expect(line.answer("QStartNoAckMode") == "OK")
        #expect(line.answer("qSymbol::") == "OK")
        #expect(line.answer("vMustReplyEmpty") == "")
    }

    @Test("a stub that has none of it is left alone, byte for byte")
    func foreignStub() {
        var line = CachedLine()
        line.ask("qSupported:multiprocess+")
        line.reply("PacketSize=1000;multiprocess+")
        let before = (line.rawToServer, line.rawToDebugger)
        let noise: [UInt8] = Array("+$m0,4#fd\u{3}-junk$vCont;c#a8".utf8)
        line.askRaw(noise)
        line.replyRaw(noise)
        line.askRaw([0, 255])
        #expect(line.rawToServer == before.0 + noise + [0, 255])
        #expect(line.rawToDebugger == before.1 + noise)
    }

    @Test(
        "what is no gdb protocol, and who asks for snapshots himself, goes through as it is",
        arguments: ["DBG1 hello\n", "$qSupported:stop-snapshot=40#aa", "GET / HTTP/1.1"]
    )
    func leftAlone(text: String) {
        var line = CachedLine()
        var bytes = Array(text.utf8)
        if text.hasPrefix("$") {
            bytes = PacketEncoder.packet(Array(text.utf8.dropFirst().dropLast(3)))
        }
        for byte in bytes { line.askRaw([byte]) }
        line.replyRaw(Array("$PacketSize=1;stop-snapshot+;shared-ranges+#00 tail".utf8))
        #expect(line.rawToServer == bytes)
        #expect(
            line.rawToDebugger == Array("$PacketSize=1;stop-snapshot+;shared-ranges+#00 tail".utf8)
        )
    }

    @Test("what a stop brings is answered from here, and the stop is shown without it")
    func snapshot() {
        var line = CachedLine.gdb()
        #expect(line.answer("g") == Self.registers)
        #expect(line.answer("m7f08,4") == "11111111")
        #expect(line.answer("x7f08,4") == "b\u{11}\u{11}\u{11}\u{11}")
        #expect(line.answer("Hgp1.1") == "OK")
        #expect(line.answer("Tp1.1") == "OK")
        line.ask("vCont;c")
        line.reply(CachedLine.stop("shared:;block:1,0=00;\(CachedLine.stack);", signal: "13"))
        #expect(line.takeShown() == ["T13swbreak:;thread:p1.1;07:007f000000000000;"])
    }

    @Test("a miss fetches the lines around it once; where they end, exactly what was asked for is")
    func misses() {
        var line = CachedLine.gdb()
        #expect(line.ask("m1010,8") == ["MultiMemRead:ranges:1000,100;"])
        line.reply("100;" + String(repeating: "a", count: 256))
        #expect(line.takeShown() == ["6161616161616161"])
        #expect(line.answer("m10f8,8") == "6161616161616161")
        #expect(line.ask("m2ff8,8") == ["MultiMemRead:ranges:2f00,100;"])
        line.reply("0;")
        #expect(line.takeSent() == ["m2ff8,8"])
        line.reply("0011")
        #expect(line.takeShown() == ["0011"])
    }

    @Test(
        "memory that others may change is read each time, and so is all of it until that is known"
    )
    func sharedMemory() {
        var line = CachedLine.gdb(shared: "1000,1000")
        for bytes in ["01", "02"] {
            #expect(line.ask("m1010,1") == ["m1010,1"])
            line.reply(bytes)
            #expect(line.takeShown() == [bytes])
        }
        // Its neighbours are kept, and fetched without touching it.
        #expect(line.ask("mfc0,1") == ["MultiMemRead:ranges:f00,100;"])
        #expect(line.ask("m2000,1") == [])
        line.reply("100;" + String(repeating: "a", count: 256))
        #expect(line.takeSent() == ["MultiMemRead:ranges:2000,100;"])

        var unknown = CachedLine.gdb()
        unknown.ask("vCont;c")
        unknown.reply(CachedLine.stop("\(CachedLine.stack);"))
        #expect(unknown.ask("m7f08,4") == ["m7f08,4"])
    }

    @Test(
        "whatever may change something makes all of it be asked for anew",
        arguments: [
            "M7f08,1:00", "X7f08,1:0", "P0=00", "G00", "qRcmd,00", "QUnheardOf",
            "vFile:pwrite:1,0,x",
            "QRestoreRegisterState:1",
        ]
    )
    func changes(packet: String) {
        var line = CachedLine.gdb()
        #expect(line.ask(packet) == [packet])
        line.reply("OK")
        #expect(line.takeShown() == ["OK"])
        #expect(!line.ask("g").isEmpty)
        line.reply("00")
        line.reply("00")
        #expect(!line.ask("m7f08,4").isEmpty)
    }

    @Test("what was known before a resume is not known behind it, and late answers do not count")
    func resumes() {
        var line = CachedLine.gdb()
        #expect(line.ask("m1010,8") == ["MultiMemRead:ranges:1000,100;"])
        line.reply("100;" + String(repeating: "a", count: 256))
        #expect(line.ask("m4000,8") == ["MultiMemRead:ranges:4000,100;"])
        line.reply("100;" + String(repeating: "a", count: 256))
        let sent = line.ask("vCont;s:p1.1")
        #expect(sent == ["vCont;s:p1.1", "g", "MultiMemRead:ranges:1000,40,4000,40;"])
        line.reply("T05thread:p1.1;shared:;", Self.registers)
        _ = line.takeShown()
        // The lines are on their way: nothing more goes out.
        #expect(line.ask("m1010,8") == [])
        line.reply("40,40;" + String(repeating: "b", count: 128))
        #expect(line.takeShown() == ["6262626262626262"])
        #expect(line.answer("g") == Self.registers)
        #expect(line.ask("m1050,8") == ["MultiMemRead:ranges:1000,100;"])
        line.ask("vCont;c")
        line.reply("100;" + String(repeating: "c", count: 256))
        #expect(line.takeShown() == ["6363636363636363"])
    }

    @Test(
        "breakpoints that are removed and planted again cost nothing, and are removed before anything runs"
    )
    func breakpoints() {
        var line = CachedLine.gdb()
        #expect(line.ask("Z0,100,1") == ["Z0,100,1"])
        line.reply("OK")
        #expect(line.ask("Z0,200,1;X3,aabbcc") == ["Z0,200,1;X3,aabbcc"])
        line.reply("OK")
        #expect(line.answer("z0,100,1") == "OK")
        #expect(line.answer("z0,200,1") == "OK")
        #expect(line.answer("Z0,100,1") == "OK")
        // Another condition is another breakpoint.
        #expect(line.ask("Z0,200,1;X3,aabbdd") == ["z0,200,1", "Z0,200,1;X3,aabbdd"])
        line.reply("OK", "OK")
        #expect(line.answer("z0,100,1") == "OK")
        #expect(line.ask("vCont;c")[..<2] == ["z0,100,1", "vCont;c"])
        line.reply("OK", CachedLine.stop("shared:;"))
        // Nobody knows of it: the server says what it thinks.
        #expect(line.ask("z0,100,1") == ["z0,100,1"])
        line.reply("OK")
        #expect(line.answer("z0,200,1") == "OK")
        #expect(line.ask("D;1") == ["z0,200,1", "D;1"])
    }

    @Test("a program that has ended has no breakpoints, and no thread is chosen")
    func exit() {
        var line = CachedLine.gdb()
        line.ask("Z0,100,1")
        line.reply("OK")
        line.ask("vCont;c")
        line.reply("W00;process:1")
        #expect(line.takeShown().last == "W00;process:1")
        #expect(line.ask("z0,100,1") == ["z0,100,1"])
    }

    @Test("Ctrl+C overtakes what waits, and output comes before the stop")
    func interrupt() {
        var line = CachedLine.gdb()
        line.ask("m1010,8")
        line.askRaw([3])
        #expect(line.rawToServer.last == 3)
        line.reply("100;" + String(repeating: "a", count: 256))
        line.ask("vCont;c")
        _ = line.takeShown()
        line.reply("O6869")
        line.askRaw([3])
        #expect(line.rawToServer.last == 3)
        #expect(line.ask("vCtrlC") == ["vCtrlC"])
        line.reply("OK", CachedLine.stop("shared:;", signal: "02"))
        #expect(
            line.takeShown() == ["O6869", "OK", "T02swbreak:;thread:p1.1;07:007f000000000000;"]
        )
    }

    @Test("other threads' registers and stacks come with one request, and the next ones' ahead")
    func threads() {
        var line = CachedLine.gdb()
        #expect(line.ask("qXfer:threads:read::0,40") == ["qXfer:threads:read::0,1000"])
        let list = (1...4).map { "<thread id=\"p1.\($0)\" core=\"0\"/>" }.joined()
        line.reply("l<threads>" + list)
        #expect(line.takeShown().last == "m" + ("<threads>" + list).prefix(64))
        #expect(
            line.answer("qXfer:threads:read::40,1000") == "l" + ("<threads>" + list).dropFirst(64)
        )
        #expect(line.answer("Hgp1.2") == "OK")
        #expect(line.ask("g") == ["Hgp1.2", "qStopSnapshot"])
        line.reply("OK", "block:2,0=ab;memory:0x6000=\(String(repeating: "22", count: 64));")
        #expect(line.takeShown().last == "ab00")
        #expect(line.answer("m6000,2") == "2222")
        #expect(line.answer("Hgp1.3") == "OK")
        #expect(line.ask("g") == ["Hgp1.3", "qStopSnapshot", "Hgp1.4", "qStopSnapshot"])
        line.reply("OK", "block:2,0=cd;", "OK", "block:2,0=ef;")
        #expect(line.takeShown().last == "cd00")
        #expect(line.answer("Hgp1.4") == "OK")
        #expect(line.answer("g") == "ef00")
        // What is asked of the server is asked about the thread that the debugger means.
        #expect(line.answer("Hgp1.2") == "OK")
        #expect(line.ask("p0") == ["Hgp1.2", "p0"])
    }

    @Test("a thread that cannot be chosen any more is an error for what was asked about it")
    func vanishedThread() {
        var line = CachedLine.gdb()
        line.ask("qXfer:threads:read::0,40")
        line.reply("l<thread id=\"p1.2\"/>")
        _ = line.answer("Hgp1.2")
        #expect(line.ask("p0") == ["Hgp1.2", "p0"])
        line.reply("E03", "1234")
        #expect(line.takeShown().last == "E03")
        #expect(line.ask("p0") == ["Hgp1.2", "p0"])
        line.reply("OK", "5678")
        #expect(line.takeShown().last == "5678")
    }

    @Test("in non-stop mode everything goes through, packet by packet")
    func nonStop() {
        var line = CachedLine.gdb()
        #expect(line.ask("QNonStop:1") == ["QNonStop:1"])
        line.reply("OK")
        for _ in 1...2 {
            #expect(line.ask("g") == ["g"])
            line.reply("00")
        }
        line.replyRaw(PacketEncoder.notification(Array("Stop:T05".utf8)))
        #expect(
            line.rawToDebugger.suffix(12)
                == PacketEncoder.notification(Array("Stop:T05".utf8)).suffix(12)
        )
        #expect(line.takeShown() == ["OK", "00", "00"])
    }

    @Test("lldb's bare binary form is kept, and its stops keep the frames' links")
    func lldb() {
        var line = CachedLine()
        line.askRaw(Array("+".utf8))
        line.ask("QStartNoAckMode")
        line.replyRaw(Array("+$OK#9a".utf8))
        line.ask("qSupported:xmlRegisters=i386")
        line.reply("PacketSize=1000;stop-snapshot+;shared-ranges+")
        #expect(line.ask("x0,0") == ["x0,0"])
        line.reply("OK")
        #expect(line.ask("vCont;c:1") == ["vCont;c:1", "qStopSnapshot"])
        line.reply("T05thread:1;memory:0x10=00112233;")
        #expect(line.takeShown().last == "T05thread:1;memory:0x10=00112233;")
        line.reply("shared:;" + CachedLine.stack + ";")
        #expect(line.answer("x7f08,2") == "\u{11}\u{11}")
    }

    @Test("any bytes from either side are taken, and what is kept stays bounded", arguments: 0..<20)
    func anyBytes(seed: Int) {
        var random = Lottery(seed: UInt64(seed) &* 0x9e37_79b9_7f4a_7c15 &+ 1)
        var line = CachedLine.gdb(shared: "2000,1000")
        let words = [
            "g", "m7f00,40", "m1000,8", "Hgp1.1", "Hgp1.9", "vCont;c", "vCont;s:p1.1", "Z0,10,1",
            "z0,10,1", "qXfer:threads:read::0,10", "?", "M1,1:0", "k", "D", "x0,0", "qStopSnapshot",
            "OK", "E01", "T05thread:p1.1;shared:;block:8,0=01;memory:0x7f00=11;", "W00",
            "l<a id=\"p1.2",
            "m<a", "40;aaaa", "mffffffffffffffff,ffffffffffffffff", "mffffffffffffffc0,40", "O61",
            "",
            "MultiMemRead:ranges:0,1;", "T05thread:p-1.-1;", "T05", "S05", "X09", "QNonStop:1",
        ]
        for _ in 0..<2000 {
            let bytes: [UInt8]
            switch random.next(below: 8) {
            case 0: bytes = (0..<random.next(below: 40)).map { _ in UInt8(random.next(below: 256)) }
            case 1: bytes = [3]
            default:
                bytes = PacketEncoder.packet(Array(words[random.next(below: words.count)].utf8))
            }
            if random.next(below: 2) == 0 { line.askRaw(bytes) } else { line.replyRaw(bytes) }
            _ = (line.takeSent(), line.takeShown())
        }
    }
}

/// Numbers from a seed (xorshift64).
private struct Lottery {
    private var state: UInt64

    init(seed: UInt64) { state = seed | 1 }

    mutating func next(below limit: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state % UInt64(limit))
    }
}
