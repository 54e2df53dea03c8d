import DebugTarget
import GDBRemoteProtocol
import Testing

private func text(_ string: String) -> [UInt8] { Array(string.utf8) }

@Suite struct HexTests {
    @Test("bytes survive, upper case is read, odd and foreign digits are refused")
    func bytes() {
        let all = (0...255).map { UInt8($0) }
        #expect(Hex.decode(Hex.encode(all)) == all)
        #expect(Hex.decode(text("0AfF")) == [0x0a, 0xff])
        #expect(Hex.decode(text("0")) == nil)
        #expect(Hex.decode(text("0g")) == nil)
    }

    @Test("numbers of up to 64 bits are read, larger ones refused")
    func numbers() {
        #expect(Hex.number(text("ffffffffffffffff")) == .max)
        #expect(Hex.number(text("00000000000000001f")) == 0x1f)
        #expect(Hex.number(text("10000000000000000")) == nil)
        #expect(Hex.number([]) == nil)
    }
}

@Suite struct SignalNumbersTests {
    @Test("every Linux signal but SIGSTKFLT comes back from gdb's number")
    func roundTrip() {
        for number in Int32(1)...64 where number != 16 {
            let wire = SignalNumbers.gdbNumber(of: Signal(number))
            #expect(SignalNumbers.linuxSignal(ofGDBNumber: wire) == Signal(number))
        }
        #expect(SignalNumbers.gdbNumber(of: Signal(16)) == SignalNumbers.unknown)
    }

    @Test(
        "the numbers are gdb's",
        arguments: [(7, 10), (10, 30), (12, 31), (17, 20), (19, 17), (32, 77), (34, 46), (64, 78)]
    )
    func table(linux: Int32, gdb: UInt8) {
        #expect(SignalNumbers.gdbNumber(of: Signal(linux)) == gdb)
    }

    @Test("names are found with and without SIG")
    func names() {
        #expect(SignalNumbers.signal(named: "segv") == Signal(11))
        #expect(SignalNumbers.signal(named: "SIGUSR2") == Signal(12))
        #expect(SignalNumbers.signal(named: "SIG34") == Signal(34))
        #expect(SignalNumbers.signal(named: "SIGNONE") == nil)
        #expect(SignalNumbers.name(of: Signal(40)) == "SIG40")
    }
}

@Suite struct ThreadReferenceTests {
    @Test(
        "ids are read and written as they travel",
        arguments: ["p1f.2a", "p-1.-1", "p0.0", "p1.-1", "2a", "-1", "0"]
    )
    func roundTrip(_ id: String) {
        #expect(ThreadReference(text(id))?.text == id)
    }

    @Test("a process alone means all its threads")
    func processAlone() {
        #expect(ThreadReference(text("p1f")) == ThreadReference(process: .number(31), thread: .all))
    }

    @Test("kgdb's negative thread numbers are kept")
    func negative() {
        #expect(ThreadReference(text("-2"))?.thread == .number(-2))
    }

    @Test("nonsense is refused", arguments: ["", "p", "p1.", "x", "1.2", "p1.2z"])
    func nonsense(_ id: String) {
        #expect(ThreadReference(text(id)) == nil)
    }
}

@Suite struct FeatureListTests {
    @Test("what gdb 13 sends is understood")
    func gdb() throws {
        let request = text("qSupported:multiprocess+;swbreak+;xmlRegisters=i386;foo-;bar?")
        let list = try #require(FeatureList(request: request))
        #expect(list.supports("multiprocess") && !list.supports("foo"))
        #expect(list.value(of: "xmlRegisters") == "i386")
        #expect(list.request == request)
    }

    @Test("an empty request is one, another packet is not")
    func others() {
        #expect(FeatureList(request: text("qSupported"))?.features.isEmpty == true)
        #expect(FeatureList(request: text("qSupportedX")) == nil)
    }
}

@Suite struct StopReplyTests {
    static let replies: [(StopReply, String)] = [
        (.exited(status: 7, process: ProcessID(0x1f)), "W07;process:1f"),
        (.exited(status: 0, process: nil), "W00"),
        (.terminated(signal: 9, process: ProcessID(2)), "X09;process:2"),
        (
            .threadExited(
                status: 0,
                ThreadReference(ThreadID(ProcessID(1), 2), multiprocess: true)
            ), "w0;p1.2"
        ),
        (.noneResumed, "N"),
        (.output(text("hi")), "O6869"),
        (
            .stopped(
                ThreadStop(
                    signal: 5,
                    thread: ThreadReference(ThreadID(ProcessID(1), 0x2a), multiprocess: true),
                    core: 11,
                    cause: .softwareBreakpoint,
                    registers: [.init(number: 6, bytes: [1, 2]), .init(number: 0x10, bytes: [3])]
                )
            ),
            "T05swbreak:;thread:p1.2a;core:b;06:0102;10:03;"
        ),
        (
            .stopped(
                ThreadStop(
                    signal: 5,
                    thread: ThreadReference(text("2a")),
                    cause: .watchpoint(.access, TargetAddress(0x1000))
                )
            ),
            "T05awatch:1000;thread:2a;"
        ),
        (
            .stopped(
                ThreadStop(
                    signal: 5,
                    thread: ThreadReference(text("p1.1")),
                    cause: .vfork(
                        child: ThreadReference(ThreadID(ProcessID(2), 2), multiprocess: true)
                    )
                )
            ),
            "T05vfork:p2.2;thread:p1.1;"
        ),
        (
            .stopped(
                ThreadStop(
                    signal: 5,
                    thread: ThreadReference(text("p1.1")),
                    cause: .exec(path: "/a")
                )
            ),
            "T05exec:2f61;thread:p1.1;"
        ),
    ]

    @Test("replies are written as the manual has them and read back", arguments: replies)
    func roundTrip(reply: StopReply, wire: String) {
        #expect(String(decoding: reply.payload, as: UTF8.self) == wire)
        #expect(StopReply(payload: text(wire)) == reply)
    }

    @Test("what gdbserver and lldb-server really send is understood")
    func peers() throws {
        let gdbserver = text("T0506:0000000000000000;07:d0e6ffffff7f0000;thread:p38cd.38cd;core:0;")
        guard case .stopped(let stop)? = StopReply(payload: gdbserver) else {
            Issue.record("not understood")
            return
        }
        #expect(stop.registers.map(\.number) == [6, 7] && stop.core == 0)
        let lldb = text(
            "T13thread:p17c7.17c7;name:app;threads:17c7;00:0100000000000000;reason:signal;"
        )
        guard case .stopped(let other)? = StopReply(payload: lldb) else {
            Issue.record("not understood")
            return
        }
        #expect(other.signal == 0x13)
        #expect(other.notes.map(\.key) == ["name", "threads", "reason"])
        #expect(StopReply(payload: text("S05")) == .stopped(ThreadStop(signal: 5)))
    }

    @Test(
        "nonsense is refused",
        arguments: ["", "Tzz", "T0", "T05thread", "Q", "W", "T05thread:zz;"]
    )
    func nonsense(_ payload: String) {
        #expect(StopReply(payload: text(payload)) == nil)
    }

    @Test("a process id is one a kernel can give; anything else is a parse failure, never a trap")
    func processNumbers() {
        for text in ["p-5.5", "p80000000.1", "p-7fffffffffffffff.1", "pffffffffffffffff.1", "p-5"] {
            #expect(ThreadReference(text.utf8) == nil, "\(text)")
            #expect(StopReply(payload: Array("T05thread:\(text);".utf8)) == nil, "\(text)")
        }
        #expect(
            ThreadReference("p7fffffff.1".utf8)?.processID(assuming: nil) == ProcessID(Int32.max)
        )
        #expect(ThreadReference("p-1.-1".utf8)?.process == .all)
        #expect(ThreadReference("-5".utf8)?.thread == .number(-5))
        let built = ThreadReference(process: .number(-5), thread: .number(5))
        #expect(built.processID(assuming: nil) == nil)
        for tail in ["0", "80000000", "ffffffffffffffff", "-5"] {
            let packet = Array("vKill;\(tail)".utf8)
            #expect(ProcessRequest.process(in: packet, after: "vKill;") == nil, "\(tail)")
        }
        #expect(FileRequest.parse(Array("vFile:setfs:80000000".utf8)) == .malformed)
        #expect(FileRequest.parse(Array("vFile:setfs:-5".utf8)) == .malformed)
        let negative = FileRequest.setFileSystem(ProcessID(-5)).payload
        #expect(FileRequest.parse(negative) == .malformed)
        #expect(FileRequest.parse(FileRequest.close(-5).payload) == .malformed)
    }
}
