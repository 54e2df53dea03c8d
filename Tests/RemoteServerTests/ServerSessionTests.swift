import ByteTransport
import DebugTarget
import GDBRemoteProtocol
import RemoteServer
import Testing

@Suite struct ServerSessionTests {
    static let process = ProcessID(0x20)
    static let thread = ThreadID(process, 0x20)

    // MARK: Framing

    @Test("acknowledgements go out until the client wants none")
    func acknowledgements() {
        let conversation = Conversation()
        conversation.deliver(PacketEncoder.packet(Array("vMustReplyEmpty".utf8)))
        #expect(conversation.items() == [.acknowledgement, .packet([])])
        conversation.deliver(PacketEncoder.packet(Array("QStartNoAckMode".utf8)))
        #expect(conversation.items() == [.acknowledgement, .packet(Array("OK".utf8))])
        conversation.deliver(PacketEncoder.packet(Array("!".utf8)))
        #expect(conversation.items() == [.packet(Array("OK".utf8))])
    }

    @Test("a damaged packet is asked for again, and a reply is repeated when asked for")
    func retransmission() {
        let conversation = Conversation()
        conversation.deliver(Array("$!#00".utf8))
        #expect(conversation.items() == [.retransmissionRequest])
        conversation.deliver(Array("$!#21".utf8))
        conversation.deliver(Array("-".utf8))
        let ok = WireItem.packet(Array("OK".utf8))
        #expect(conversation.items() == [.acknowledgement, ok, ok])
    }

    @Test("a packet split anywhere, or several glued together, are answered in order")
    func portions() {
        let bytes = PacketEncoder.packet(Array("qC".utf8)) + PacketEncoder.packet(Array("!".utf8))
        for index in bytes.indices {
            let conversation = Conversation.begun()
            conversation.deliver(Array(bytes[..<index]))
            conversation.deliver(Array(bytes[index...]))
            #expect(conversation.replies() == ["", "OK"])
        }
    }

    @Test("junk, truncated and oversized packets leave the session in step")
    func outOfStep() {
        let conversation = Conversation.begun(link: .serial(baudRate: 115200))
        conversation.deliver(Array("login: ~~~\u{0}$qSupp".utf8))
        #expect(conversation.ask("!") == ["OK"])
        let long = PacketEncoder.packet([UInt8](repeating: 0x6d, count: 5000))
        conversation.deliver(long)
        #expect(conversation.replies() == ["E.the packet is longer than 4096 bytes (PacketSize)"])
        #expect(conversation.ask("!") == ["OK"])
    }

    @Test("nonsense in every packet's place is answered, and the session goes on")
    func nonsense() {
        let names = [
            "H", "T", "Z", "z", "M", "X", "m", "x", "p", "P", "G", "vAttach;", "vRun;zz", "vKill;",
            "D;", "vCont;", "vFile:", "qXfer:", "qXfer:features:read:x", "qSearch:memory:", "qCRC:",
            "QPassSignals:zzz", "QEnvironmentUnset:z", "QThreadEvents:2", "qRcmd,z", "QNonStop:",
            "qMemoryRegionInfo:", "qThreadExtraInfo,", "vCont;r1,0", "QDisableRandomization:x",
        ]
        for name in names {
            for tail in ["", ",", "ffffffffffffffffffffff", ":;:;", "-", "\u{1}"] {
                let conversation = Conversation.begun()
                _ = conversation.ask("vAttach;20")
                let replies = conversation.ask(name + tail)
                #expect(replies.count <= 1, "\(name)\(tail)")
                #expect(conversation.session.result == nil)
            }
        }
    }

    @Test("a client that does not read is not fed without limit, and gets everything in the end")
    func slowClient() {
        let conversation = Conversation.begun()
        _ = conversation.ask("vAttach;20")
        conversation.transport.room = 10
        for _ in 0..<50 { conversation.deliver(PacketEncoder.packet(Array("qC".utf8))) }
        #expect(conversation.session.interest.wantsWrite)
        conversation.transport.room = nil
        conversation.session.transportReady()
        #expect(conversation.replies() == Array(repeating: "QCp20.20", count: 50))
        #expect(!conversation.session.interest.wantsWrite)
    }

    // MARK: What is offered

    @Test("what is offered follows from what the target can and the client understands")
    func features() throws {
        let all = Conversation().ask(
            "qSupported:multiprocess+;fork-events+;vfork-events+;exec-events+"
        )
        let rich = FeatureList(parsing: try #require(all.first).utf8)
        for name in [
            "QStartNoAckMode", "fork-events", "exec-events", "qXfer:auxv:read", "QPassSignals",
        ] {
            #expect(rich.supports(name), "\(name)")
        }
        #expect(rich.value(of: "PacketSize") == "20000")
        let poor = Conversation(link: .serial(baudRate: 9600))
        poor.target.hasAbilities = false
        let list = FeatureList(parsing: try #require(poor.ask("qSupported").first).utf8)
        for name in ["fork-events", "qXfer:auxv:read", "QPassSignals", "error-message"] {
            #expect(!list.supports(name), "\(name)")
        }
        #expect(list.value(of: "PacketSize") == "1000")
        #expect(poor.target.reportedEvents.isEmpty)
        #expect(poor.ask("vFile:open:2f,0,0") == [""])
    }

    @Test("the tracepoint probes are cut short, and symbols are not asked for")
    func probes() {
        let conversation = Conversation.begun()
        #expect(conversation.ask("qTStatus") == [""])
        #expect(conversation.ask("qSymbol::") == ["OK"])
        #expect(conversation.ask("vMustReplyEmpty") == [""])
        #expect(conversation.ask("vUnknown;1") == [""])
    }

    @Test("thread ids are classic for a client that knows no others")
    func classic() {
        let conversation = Conversation.begun(features: "xmlRegisters=i386")
        #expect(conversation.ask("vAttach;20").first?.contains("thread:20;") == true)
        #expect(conversation.ask("qfThreadInfo") == ["m20,21,22"])
        #expect(conversation.ask("qsThreadInfo") == ["l"])
        #expect(conversation.ask("T21") == ["OK"])
        #expect(conversation.ask("T99") == ["E03"])
        #expect(conversation.ask("qC") == ["QC20"])
    }

    @Test("who agrees on other features hears the last stop again in its own words")
    func otherFeatures() {
        let conversation = Conversation.begun()
        #expect(conversation.ask("vAttach;20").first?.contains("thread:p20.20;") == true)
        #expect(conversation.ask("?").first?.contains("thread:p20.20;") == true)
        _ = conversation.ask("qSupported:xmlRegisters=i386")
        #expect(conversation.ask("?").first?.contains("thread:20;") == true)
    }

    @Test("several ranges are read in one request, and what cannot be read is empty")
    func multipleReads() {
        let conversation = Conversation.begun()
        _ = conversation.ask("vAttach;20")
        let single = conversation.ask("m10,4")
        let reply = conversation.ask("MultiMemRead:ranges:10,4,ffff0000,8,12,2;")
        #expect(reply.first?.hasPrefix("4,0,2;") == true, "\(reply) \(single)")
        #expect(conversation.ask("MultiMemRead:ranges:1000;").first?.hasPrefix("E") == true)
        #expect(conversation.ask("MultiMemRead:ranges:;").first?.hasPrefix("E") == true)
    }

    // MARK: Running

    @Test("an interrupt that comes while nothing runs stops the program when it is set going")
    func queuedInterrupt() {
        let conversation = Conversation.begun()
        _ = conversation.ask("vAttach;20")
        conversation.deliver([3])
        #expect(!conversation.target.calls.contains("interrupt"))
        #expect(conversation.ask("vCont;c").isEmpty)
        #expect(conversation.target.calls.count { $0 == "interrupt" } == 1)
        _ = conversation.report(.stopped(ServerSessionTests.thread, .interrupted))
        #expect(conversation.ask("vCont;c").isEmpty)
        #expect(conversation.target.calls.count { $0 == "interrupt" } == 1)
    }

    @Test("EXT-7: for a client that takes any stop for the answer, it is forgotten")
    func crossedInterrupt() {
        let conversation = Conversation.begun()
        _ = conversation.ask("qSupported:stop-ends-interrupt+")
        _ = conversation.ask("vAttach;20")
        conversation.deliver([3])
        #expect(conversation.ask("vCont;c").isEmpty)
        #expect(!conversation.target.calls.contains("interrupt"))
    }

    @Test("a stop reply answers the resume, with thread, cause and the registers of a frame")
    func stopReply() {
        let conversation = Conversation.begun()
        _ = conversation.ask("vAttach;20")
        #expect(conversation.ask("vCont;s:p20.21;c:p20.-1").isEmpty)
        #expect(
            conversation.target.resumed == [
                ResumeAction(.thread(ThreadID(Self.process, 0x21)), .step),
                ResumeAction(.process(Self.process), .run),
            ]
        )
        let replies = conversation.report(
            .stopped(ThreadID(Self.process, 0x21), .breakpoint(TargetAddress(0x10)))
        )
        #expect(
            replies == [
                "T05swbreak:;thread:p20.21;00:0102030405060708;01:090a0b0c0d0e0f10;"
                    + "02:1112131415161718;"
            ]
        )
        #expect(conversation.ask("?") == replies)
        #expect(conversation.ask("qC") == ["QCp20.21"])
    }

    @Test("an interrupt while the target runs reaches it, one while it stands does not")
    func interrupt() {
        let conversation = Conversation.begun()
        _ = conversation.ask("vAttach;20")
        conversation.deliver([3])
        #expect(!conversation.target.calls.contains("interrupt"))
        _ = conversation.ask("vCont;c")
        conversation.deliver([3])
        #expect(conversation.target.calls.last == "interrupt")
        #expect(
            conversation.report(.stopped(Self.thread, .interrupted)).first?.hasPrefix("T02") == true
        )
    }

    @Test("requests that arrive while the target runs are answered after the stop reply")
    func deferred() {
        let conversation = Conversation.begun()
        _ = conversation.ask("vAttach;20")
        _ = conversation.ask("vCont;c")
        #expect(conversation.ask("qC").isEmpty)
        #expect(conversation.ask("m0,4").isEmpty)
        let replies = conversation.report(.stopped(Self.thread, .signal(Signal(11))))
        #expect(replies.count == 3)
        #expect(replies[0].hasPrefix("T0b"))
        #expect(Array(replies[1...]) == ["QCp20.20", "00010203"])
    }

    @Test("signals travel in gdb's numbers both ways")
    func signalNumbers() {
        let conversation = Conversation.begun()
        _ = conversation.ask("vAttach;20")
        _ = conversation.ask("vCont;C1e:p20.20;c")
        #expect(conversation.target.resumed.first?.signal == Signal(10))
        let stop = conversation.report(.stopped(Self.thread, .signal(Signal(34))))
        #expect(stop.first?.hasPrefix("T2e") == true)
        _ = conversation.ask("QPassSignals:e;1e;14")
        #expect(conversation.target.passedSignals == [Signal(14), Signal(10), Signal(17)])
    }

    @Test("ends of processes are reported, and the session goes on")
    func ends() {
        let conversation = Conversation.begun()
        _ = conversation.ask("vAttach;20")
        _ = conversation.ask("vCont;c")
        conversation.target.processes = []
        #expect(conversation.report(.exited(Self.process, status: 7)) == ["W07;process:20"])
        #expect(conversation.ask("?") == ["W07;process:20"] || conversation.ask("?") == ["W00"])
        _ = conversation.ask("vAttach;20")
        _ = conversation.ask("vCont;c")
        conversation.target.processes = []
        #expect(
            conversation.report(.terminated(Self.process, Signal(10))) == ["X1e;process:20"]
        )
        _ = conversation.ask("vAttach;20")
        _ = conversation.ask("vCont;c")
        #expect(conversation.report(.noneResumed) == ["N"])
    }

    // MARK: Memory and registers

    @Test("memory is read in hexadecimal and binary, cut where it ends")
    func memory() {
        let conversation = Conversation.begun()
        _ = conversation.ask("vAttach;20")
        #expect(conversation.ask("m10,4") == ["10111213"])
        #expect(conversation.ask("mfe,10") == ["feff"])
        #expect(conversation.ask("m1000,1") == ["E.cannot read memory at 0x1000"])
        conversation.deliver(PacketEncoder.packet(Array("x23,3".utf8)))
        #expect(
            conversation.items() == [.packet(Array("b".utf8) + [0x7d, 0x03, 0x7d, 0x04, 0x25])]
        )
        #expect(conversation.ask("X10,0:") == ["OK"])
        #expect(!conversation.target.calls.contains { $0.hasPrefix("write") })
        #expect(conversation.ask(Array("X10,2:".utf8) + [0x7d, 0x03, 0x41]) == ["OK"])
        #expect(conversation.target.calls.last == "write [35, 65] at 0x10")
        #expect(conversation.ask("qSearch:memory:0;100;\u{10}\u{11}") == ["1,10"])
        #expect(conversation.ask("qSearch:memory:0;100;\u{10}\u{13}") == ["0"])
    }

    @Test("registers are read and written one by one and together")
    func registers() {
        let conversation = Conversation.begun()
        _ = conversation.ask("vAttach;20")
        #expect(conversation.ask("p1") == ["090a0b0c0d0e0f10"])
        #expect(conversation.ask("P1=ffffffffffffffff") == ["OK"])
        #expect(conversation.ask("P1=ff").first?.hasPrefix("E.") == true)
        #expect(conversation.ask("p9").first?.hasPrefix("E.") == true)
        #expect(
            conversation.ask("g") == ["0102030405060708ffffffffffffffff1112131415161718"]
        )
    }

    @Test("a read watchpoint that the processor cannot do is answered as unsupported")
    func watchpoints() {
        let conversation = Conversation.begun()
        _ = conversation.ask("vAttach;20")
        #expect(conversation.ask("Z3,10,4") == [""])
        #expect(conversation.ask("Z2,10,4") == ["OK"])
        #expect(conversation.ask("Z7,10,4") == [""])
        #expect(conversation.ask("z0,10,1") == ["OK"])
    }

    @Test("answers about files are short on a serial line")
    func files() {
        for (link, count) in [(LinkKind.local, 0x8000), (.serial(baudRate: 115200), 1536)] {
            let conversation = Conversation.begun(link: link)
            #expect(conversation.ask("vFile:open:2f7a65726f73,0,0") == ["F0"])
            #expect(conversation.ask("vFile:open:2f78,0,0") == ["F-1,2"])
            conversation.deliver(PacketEncoder.packet(Array("vFile:pread:0,8000,0".utf8)))
            guard case .packet(let payload)? = conversation.items().first else {
                Issue.record("no reply")
                return
            }
            #expect(FileReply(payload: payload)?.attachment?.count == count)
        }
    }

    // MARK: Processes

    @Test("what is set before a run is passed on")
    func launch() {
        let conversation = Conversation.begun()
        for packet in [
            "QDisableRandomization:1", "QStartupWithShell:1", "QSetWorkingDir:2f746d70",
            "QEnvironmentHexEncoded:413d62", "QEnvironmentUnset:48",
        ] {
            #expect(conversation.ask(packet) == ["OK"])
        }
        #expect(conversation.ask("vRun;2f78;6120;").first?.hasPrefix("T05thread:p1f4.1f4") == true)
        #expect(
            conversation.target.lastLaunch
                == LaunchRequest(
                    arguments: ["/x", "a ", ""],
                    environment: [
                        EnvironmentChange(name: "A", value: "b"),
                        EnvironmentChange(name: "H", value: nil),
                    ],
                    workingDirectory: "/tmp",
                    disablesAddressRandomization: true,
                    usesShell: true
                )
        )
        #expect(conversation.ask("qAttached:1f4") == ["0"])
        #expect(conversation.ask("vKill;1f4") == ["OK"])
        #expect(conversation.ask("vRun;").first?.hasPrefix("T05") == true)
        #expect(conversation.target.lastLaunch?.arguments == ["/x"])
    }

    @Test("an error is a sentence for a client that shows it, and a number for others")
    func errors() {
        let new = Conversation.begun()
        new.target.failure = TargetError(.notPermitted, "not yours")
        #expect(new.ask("vAttach;20") == ["E.not yours"])
        let old = Conversation.begun(features: "multiprocess+")
        #expect(old.ask("m0,1") == ["E16"])
        #expect(new.ask("m0,1") == ["E.no process is being debugged: attach or run first"])
    }

    // MARK: The end

    @Test("when the client is gone, what it attached to is let go of and what it started is ended")
    func clientLeaves() {
        let conversation = Conversation.begun()
        _ = conversation.ask("vAttach;20")
        _ = conversation.ask("vRun;2f78")
        _ = conversation.ask("vCont;c")
        conversation.transport.incoming.append(.ended(.closed))
        conversation.session.transportReady()
        #expect(conversation.session.result == .clientLeft(.closed))
        #expect(conversation.target.calls.suffix(2) == ["detach 32", "kill 500"])
        #expect(conversation.transport.isClosed)
    }

    @Test("QSetDetachOnError keeps what was started; endSession is an end like any other")
    func detachOnError() {
        let conversation = Conversation.begun()
        _ = conversation.ask("vRun;2f78")
        #expect(conversation.ask("QSetDetachOnError:1") == ["OK"])
        conversation.session.endSession()
        #expect(conversation.session.result == .ended)
        #expect(conversation.target.calls.last == "detach 500")
    }

    @Test("a target that is lost ends the session")
    func targetLost() {
        let conversation = Conversation.begun()
        _ = conversation.ask("vAttach;20")
        _ = conversation.ask("vCont;c")
        conversation.target.failure = TargetError(.disconnected, "gone")
        conversation.session.targetReady()
        #expect(conversation.session.result == .targetLost("gone"))
    }

    @Test("monitor exit answers before it ends the server; other commands answer with text")
    func monitor() {
        let conversation = Conversation.begun()
        let help = conversation.ask(HexTextRequest.payload("qRcmd,", "help"))
        #expect(help.count == 2 && help[0].hasPrefix("O") && help[1] == "OK")
        #expect(conversation.ask(HexTextRequest.payload("qRcmd,", "exit")) == ["OK"])
        #expect(conversation.session.result == .serverExitRequested)
    }
}
