import DebugTarget
import GDBRemoteProtocol
import RemoteServer
import Testing

@Suite struct NonStopSessionTests {
    static let process = ProcessID(0x20)
    static let first = ThreadID(process, 0x20)
    static let second = ThreadID(process, 0x21)

    private func begun() -> Conversation {
        let conversation = Conversation.begun()
        #expect(conversation.ask("QNonStop:1") == ["OK"])
        #expect(conversation.ask("vAttach;20") == ["OK"])
        return conversation
    }

    /// The notifications written since the last look, and the replies.
    private func said(_ conversation: Conversation) -> (notifications: [String], replies: [String])
    {
        var notifications: [String] = []
        var replies: [String] = []
        for item in conversation.items() {
            switch item {
            case .notification(let payload):
                notifications.append(String(decoding: payload, as: UTF8.self))
            case .packet(let payload): replies.append(String(decoding: payload, as: UTF8.self))
            default: break
            }
        }
        return (notifications, replies)
    }

    private func report(_ events: [TargetEvent], _ conversation: Conversation) -> [String] {
        conversation.target.events += events
        conversation.session.targetReady()
        return said(conversation).notifications
    }

    @Test("an attach leaves the threads running, and vCont;t stops each by itself")
    func attach() {
        let conversation = begun()
        #expect(conversation.target.resumed == [ResumeAction(.process(Self.process), .run)])
        #expect(conversation.ask("vCont?") == ["vCont;c;C;s;S;t;r"])
        #expect(conversation.ask("vCont;t:p20.21") == ["OK"])
        let halts = conversation.target.settings.filter { $0.hasPrefix("halt") }
        #expect(halts == ["halt \(ResumeAction.Scope.thread(Self.second))"])
    }

    @Test("one notification at a time: the others are fetched by vStopped until there is none")
    func notifications() {
        let conversation = begun()
        let events: [TargetEvent] = [
            .stopped(Self.first, .halted), .stopped(Self.second, .breakpoint(TargetAddress(16))),
        ]
        let sent = report(events, conversation)
        #expect(sent.count == 1)
        #expect(sent.first?.hasPrefix("Stop:T00thread:p20.20;") == true)
        let next = conversation.ask("vStopped")
        #expect(next.count == 1)
        #expect(next.first?.hasPrefix("T05swbreak:;thread:p20.21;") == true)
        #expect(conversation.ask("vStopped") == ["OK"])
        // A stop after that is a notification again.
        let later = report([.exited(Self.process, status: 3)], conversation)
        #expect(later == ["Stop:W03;process:20"])
        #expect(conversation.ask("vStopped") == ["OK"])
        #expect(conversation.ask("vStopped") == ["OK"])
    }

    @Test("requests are answered while threads run, and the thread chosen for them stays chosen")
    func whileRunning() {
        let conversation = begun()
        #expect(conversation.ask("Hgp20.22") == ["OK"])
        #expect(conversation.ask("vCont;c") == ["OK"])
        #expect(conversation.ask("m10,2") == ["1011"])
        #expect(!report([.stopped(Self.first, .halted)], conversation).isEmpty)
        #expect(conversation.ask("qC") == ["QCp20.22"])
        conversation.deliver([3])
        #expect(conversation.target.calls.last == "interrupt")
    }

    @Test("a thread whose stop the client has not fetched is not set going by a vCont for all")
    func unfetched() {
        let conversation = begun()
        _ = report([.stopped(Self.first, .halted), .stopped(Self.second, .halted)], conversation)
        #expect(conversation.ask("vCont;c") == ["OK"])
        // 22 is none of those that stopped. (The notification may have crossed the request.)
        let scopes = conversation.target.resumed.map(\.scope)
        #expect(scopes == [.thread(ThreadID(Self.process, 0x22))])
        _ = conversation.ask("vStopped")
        #expect(conversation.ask("vStopped") == ["OK"])
        #expect(conversation.ask("vCont;s:p20.21;c") == ["OK"])
        #expect(
            conversation.target.resumed.first { $0.scope == .thread(Self.second) }?.kind == .step
        )
        #expect(conversation.target.resumed.count == 3)
    }

    @Test("? lists all that stand, one after the other")
    func question() {
        let conversation = begun()
        #expect(conversation.ask("?") == ["OK"])
        conversation.target.standing = [(Self.first, .halted), (Self.second, .signal(.interrupt))]
        #expect(conversation.ask("?").first?.hasPrefix("T00thread:p20.20;") == true)
        #expect(conversation.ask("vStopped").first?.hasPrefix("T02thread:p20.21;") == true)
        #expect(conversation.ask("vStopped") == ["OK"])
    }

    @Test("stops of a process that is let go of are forgotten")
    func detached() {
        let conversation = begun()
        _ = report([.stopped(Self.first, .halted), .stopped(Self.second, .halted)], conversation)
        #expect(conversation.ask("D;20") == ["OK"])
        #expect(conversation.ask("vStopped") == ["OK"])
        #expect(report([.exited(ProcessID(9), status: 0)], conversation).count == 1)
    }

    @Test("a target without non-stop mode does not offer it, and stays as it is")
    func withoutIt() {
        let conversation = Conversation()
        conversation.target.hasAbilities = false
        let features = conversation.ask("qSupported:multiprocess+").first ?? ""
        for name in ["QNonStop", "QCatchSyscalls", "ConditionalBreakpoints", "BreakpointCommands"] {
            #expect(!features.contains(name), "\(name)")
        }
        #expect(conversation.ask("QNonStop:0") == ["OK"])
        #expect(conversation.ask("QNonStop:1").first?.hasPrefix("E") == true)
        #expect(conversation.ask("QCatchSyscalls:1") == [""])
        #expect(conversation.ask("vCont?") == ["vCont;c;C;s;S;r"])
        let rich = Conversation().ask("qSupported:multiprocess+").first ?? ""
        for name in ["QNonStop", "QCatchSyscalls", "ConditionalBreakpoints", "BreakpointCommands"] {
            #expect(rich.contains("\(name)+"), "\(name)")
        }
    }
}

@Suite struct BreakpointJudgeTests {
    private final class Scene: BreakpointScene {
        let thread = ThreadID(ProcessID(0x20), 0x20)
        func register(_ number: Int) -> UInt64? { number == 2 ? 7 : nil }
        func memory(at address: TargetAddress, count: Int) -> [UInt8] { [] }
    }

    private let breakpoint = Breakpoint(.software, at: TargetAddress(0x40))

    private func judge(after packets: [String]) throws -> (any BreakpointJudge)? {
        let conversation = Conversation.begun()
        _ = conversation.ask("vAttach;20")
        for packet in packets {
            #expect(conversation.ask(packet) == ["OK"], "\(packet)")
        }
        return conversation.target.judges[breakpoint]
    }

    @Test("one of several conditions has to hold; planting anew replaces them")
    func conditions() throws {
        // Register 2 is 7; register 2 is 8.
        let (seven, eight) = ("X7,26000222071327", "X7,26000222081327")
        #expect(try judge(after: ["Z0,40,1;\(eight)\(seven)"])?.judge(Scene()).stops == true)
        #expect(try judge(after: ["Z0,40,1;\(eight)"])?.judge(Scene()).stops == false)
        #expect(try judge(after: ["Z0,40,1;\(eight)", "Z0,40,1"]) == nil)
        let replaced = try judge(after: ["Z0,40,1;\(eight)", "Z0,40,1;\(seven)"])
        #expect(replaced?.judge(Scene()).stops == true)
        // Register 9 is not there: the client has to see for itself.
        #expect(try judge(after: ["Z0,40,1;X4,26000927"])?.judge(Scene()).stops == true)
    }

    @Test("commands are done instead of stopping, where the condition holds")
    func commands() throws {
        // Function and channel 0, and "hi".
        let print = "Xc,220022003400000368690027"
        let always = try judge(after: ["Z0,40,1;cmds:0,\(print)"])
        #expect(always?.judge(Scene()) == BreakpointVerdict(stops: false, output: Array("hi".utf8)))
        let never = try judge(after: ["Z0,40,1;X3,220027;cmds:0,\(print)"])
        #expect(never?.judge(Scene()) == BreakpointVerdict(stops: false))
        let failing = try judge(after: ["Z0,40,1;cmds:0,X4,26000927"])
        let text = failing.map { String(decoding: $0.judge(Scene()).output, as: UTF8.self) } ?? ""
        #expect(text.hasPrefix("a breakpoint's command failed: there is no register 9"))
    }

    @Test("malformed conditions are refused and plant nothing")
    func malformed() {
        let conversation = Conversation.begun()
        _ = conversation.ask("vAttach;20")
        #expect(conversation.ask("Z0,40,1;X9,22").first?.hasPrefix("E") == true)
        #expect(conversation.ask("Z0,40,1;cmds:7").first?.hasPrefix("E") == true)
        #expect(!conversation.target.calls.contains { $0.hasPrefix("insert") })
    }
}
