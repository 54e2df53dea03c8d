import DebugTarget
import GDBRemoteProtocol
import RemoteServer
import Testing

/// How the server takes a client for lldb, and what it answers differently then.
@Suite struct LLDBPacketsTests {
    static let process = ProcessID(0x20)
    static let thread = ThreadID(process, 0x20)

    /// A session whose client began as lldb does.
    private static func lldb(attached: Bool = true) -> Conversation {
        let conversation = Conversation()
        _ = conversation.ask("QStartNoAckMode")
        _ = conversation.ask("qSupported:xmlRegisters=i386,arm,mips,arc;multiprocess+")
        for packet in ["QThreadSuffixSupported", "QListThreadsInStopReply", "QEnableErrorStrings"] {
            #expect(conversation.ask(packet) == ["OK"])
        }
        if attached { _ = conversation.ask("vAttach;20") }
        return conversation
    }

    @Test("the first packet tells lldb from the others")
    func fingerprint() {
        let lldb = Conversation()
        _ = lldb.ask("QStartNoAckMode")
        let offered = lldb.ask("qSupported:xmlRegisters=i386,arm,mips,arc").first ?? ""
        #expect(offered.contains("native-signals+"))
        #expect(offered.contains("QThreadSuffixSupported+"))
        let gdb = Conversation()
        let features = gdb.ask("qSupported:multiprocess+;swbreak+;hwbreak+").first ?? ""
        #expect(!features.contains("native-signals"))
        _ = gdb.ask("QStartNoAckMode")
        #expect(gdb.ask("vAttach;20").first?.hasPrefix("T05thread:") == true)
    }

    @Test("without a process, lldb is told so; an empty list would make it believe in process 1")
    func noProcess() {
        let lldb = Self.lldb(attached: false)
        #expect(lldb.ask("qC").first?.hasPrefix("E16;") == true)
        #expect(lldb.ask("qfThreadInfo") == ["OK"])
    }

    @Test("errors carry their text in hexadecimal")
    func errors() throws {
        let lldb = Self.lldb()
        lldb.target.failure = TargetError(.notPermitted, "not here")
        let reply = try #require(lldb.ask("vAttach;21").first)
        #expect(reply == "E01;" + "not here".utf8.map { String($0, radix: 16) }.joined())
    }

    @Test("x answers OK to the probe, and bare bytes from then on; gdb's form stays as it is")
    func binaryReads() {
        let lldb = Self.lldb()
        #expect(lldb.ask("x0,0") == ["OK"])
        #expect(lldb.ask("x41,3") == ["ABC"])
        let gdb = Conversation.begun()
        _ = gdb.ask("vAttach;20")
        #expect(gdb.ask("x41,3") == ["bABC"])
    }

    @Test("registers of a thread by suffix, kept and put back")
    func registers() {
        let lldb = Self.lldb()
        #expect(lldb.ask("p0;thread:21;") == ["0102030405060708"])
        #expect(lldb.ask("QSaveRegisterState;thread:21;") == ["1"])
        #expect(lldb.ask("P0=ffffffffffffffff;thread:21;") == ["OK"])
        #expect(lldb.ask("QRestoreRegisterState:1;thread:21;") == ["OK"])
        #expect(lldb.ask("p0;thread:21;") == ["0102030405060708"])
        #expect(lldb.ask("QRestoreRegisterState:1;thread:21;").first?.hasPrefix("E16") == true)
        for _ in 0..<256 { _ = lldb.ask("QSaveRegisterState;thread:21;") }
        #expect(lldb.ask("QSaveRegisterState;thread:21;").first?.hasPrefix("E16") == true)
    }

    @Test("a stop says why in lldb's words, with all threads")
    func stops() throws {
        let lldb = Self.lldb()
        _ = lldb.ask("vCont;c")
        let stop = lldb.report(.stopped(Self.thread, .breakpoint(TargetAddress(8))))
        let reply = try #require(stop.first)
        #expect(reply.hasPrefix("T05thread:p20.20;"))
        #expect(reply.contains("reason:breakpoint;"))
        #expect(reply.contains("threads:p20.20,p20.21,p20.22;"))
        #expect(reply.contains("jstopinfo:"))
        #expect(reply.contains("name:t0;"))
        let all = try #require(lldb.ask("jThreadsInfo").first)
        let unescaped = try #require(Escaping.unescape(Array(all.utf8)[...]))
        let threads = try #require(JSON(parsing: unescaped)?.elements)
        #expect(threads.map { $0["tid"]?.numberValue } == [0x20, 0x21, 0x22])
        #expect(threads[0]["reason"]?.textValue == "breakpoint")
        #expect(threads[1]["reason"] == nil)
        #expect(lldb.ask("qThreadStopInfo21").first?.hasPrefix("T00thread:p20.21;") == true)
    }

    @Test("signals have Linux numbers, an interrupt is SIGSTOP")
    func signals() {
        let lldb = Self.lldb()
        _ = lldb.ask("vCont;c")
        let stop = lldb.report(.stopped(Self.thread, .signal(Signal(10))))
        #expect(stop.first?.hasPrefix("T0athread") == true)
        _ = lldb.ask("vCont;C0a:20;c")
        #expect(lldb.target.resumed.first?.signal == Signal(10))
        let interrupted = lldb.report(.stopped(Self.thread, .interrupted))
        #expect(interrupted.first?.hasPrefix("T13thread") == true)
    }

    @Test("a watchpoint is told by its address")
    func watchpoint() {
        let lldb = Self.lldb()
        _ = lldb.ask("vCont;c")
        let stop = lldb.report(
            .stopped(Self.thread, .watchpoint(.write, TargetAddress(0x10)))
        )
        let details = "16 0 16".utf8.map { String($0, radix: 16) }.joined()
        #expect(stop.first?.contains("reason:watchpoint;description:\(details);") == true)
    }

    @Test("k is answered with the end that it brings")
    func kill() {
        let lldb = Self.lldb()
        #expect(lldb.ask("k") == ["X09"])
    }

    @Test("qEcho comes back as it is, and what needs an ability is unknown without it")
    func small() {
        let lldb = Self.lldb()
        #expect(lldb.ask("qEcho:17") == ["qEcho:17"])
        for packet in [
            "qHostInfo", "_M1000,rw", "qVAttachOrWaitSupported", "qPlatform_shell:6c73,a",
            "qWatchpointSupportInfo:", "I61",
        ] {
            #expect(lldb.ask(packet) == [""], "\(packet)")
        }
    }

    @Test("the port of a debug server is this server's, or the one a relay names")
    func debugServer() {
        var policy = SessionPolicy()
        let none = Conversation(policy: policy)
        _ = none.ask("QStartNoAckMode")
        #expect(none.ask("qLaunchGDBServer;host:desk;").first?.hasPrefix("E") == true)
        #expect(none.ask("qLaunchGDBServer;host:desk;port:7;") == ["port:7;"])
        policy.ownPort = 5005
        let tcp = Conversation(policy: policy)
        _ = tcp.ask("QStartNoAckMode")
        #expect(tcp.ask("qLaunchGDBServer;host:desk;") == ["port:5005;"])
        #expect(tcp.ask("qQueryGDBServer") == ["[]"])
    }

    @Test("nonsense in lldb's packets is answered, and the session goes on")
    func nonsense() {
        let names = [
            "qProcessInfoPID:", "qfProcessInfo:", "qUserName:", "qLaunchGDBServer;", "qPlatform_",
            "qPathComplete:", "qModuleInfo:", "jModulesInfo:", "qFileLoadAddress:", "_M", "_m",
            "QSaveRegisterState", "QRestoreRegisterState:", "vAttachName;", "vAttachWait;",
            "QSetSTDIN:", "QSetDisableASLR:", "A", "I", "qThreadStopInfo", "p0;thread:",
        ]
        let lldb = Self.lldb()
        for name in names {
            for rest in ["", "zz", ";;;", ":,:,", "ffffffffffffffffffff", "\u{0}\u{7d}"] {
                #expect(lldb.ask(name + rest).count == 1, "\(name)\(rest)")
            }
        }
        #expect(lldb.ask("!") == ["OK"])
    }
}
