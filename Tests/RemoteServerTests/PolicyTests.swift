import AccessPolicy
import DebugTarget
import GDBRemoteProtocol
import Testing

@testable import RemoteServer

@Suite("A session under a policy")
struct PolicyTests {
    private static let readOnly = AccessPolicy(file: nil, rules: [], isReadOnly: true)

    private func begun(_ access: AccessPolicy, implicit: [[UInt8]] = []) -> Conversation {
        var policy = SessionPolicy()
        policy.access = access
        policy.implicitCommand = implicit
        let conversation = Conversation(policy: policy)
        _ = conversation.ask("qSupported:multiprocess+;swbreak+")
        _ = conversation.ask("QStartNoAckMode")
        return conversation
    }

    private func policy(_ text: String) throws -> AccessPolicy {
        try PolicyFile.parse(text, name: "lab.policy") { UInt32($0) }.forUser(nil)
    }

    @Test("every packet that the server knows says what it needs, and nothing else does")
    func complete() {
        let names = ServerSession.packetGroups.joined().map {
            String(decoding: $0.name, as: UTF8.self)
        }
        for name in names {
            #expect(
                PacketPermissions.table[name] != nil,
                "PacketPermissions has no row for \(name)"
            )
        }
        for name in PacketPermissions.table.keys {
            #expect(names.contains(name), "the server knows no packet \(name)")
        }
    }

    /// Payloads that try everything there is to try with a packet.
    private static let payloads = [
        "", "0", "1", "20", "p20.20", "p20.20;1", ":1", "0,1", "0,1:ff", "0=0011223344556677",
        "00112233445566778899aabbccddeeff0011223344556677", "0,10,1", "1,10,1", "2,10,4", "3,10,4",
        "4,10,4", ";20", "20;", "open:2f746d702f78,601,1ff", "open:2f746d702f78,2,0",
        "open:2f746d702f78,0,0", "open:2f746d702f78,1,0", "open:2f746d702f78,400,0",
        "open:2f746d702f78,200,1b6", "pwrite:0,0,abc", "unlink:2f746d702f78",
        "readlink:2f746d702f78", "stat:2f746d702f78", "siginfo:write::0:abc", "osdata:read::0,100",
        "65786974", "c", "C09", "C0f:p20.20", "s", "S0b:p20.-1", "c:p20.-1;C09", "r10,20:p20.20",
        "10", "0f", "0f;10", "9", "2f62696e2f7368", ";2f62696e2f7368;2d63", "6c73",
        "WriteMem:1;WriteReg:1;InsertBreak:1", "4c445f5052454c4f41443d2f78", "1;2;3;f",
    ]

    @Test("a client that sends everything under --read-only changes nothing")
    func everything() {
        let harmless = [
            "attach ", "detach ", "remove 0x", "resume", "interrupt", "open /tmp/x flags 0",
            "catch ",
            "non-stop ",
        ]
        let names = ServerSession.packetGroups.joined().map {
            String(decoding: $0.name, as: UTF8.self)
        }
        for name in names {
            for payload in Self.payloads {
                let conversation = begun(Self.readOnly)
                _ = conversation.ask("vAttach;20")
                let before = conversation.target.memory
                _ = conversation.ask(name + payload)
                _ = conversation.report(.stopped(ThreadID(ProcessID(0x20), 0x20), .interrupted))
                let changing = conversation.target.calls.filter { call in
                    !harmless.contains { call.hasPrefix($0) }
                }
                #expect(conversation.target.resumed.allSatisfy { $0.signal == nil })
                #expect(changing.isEmpty, "\(name)\(payload): \(changing)")
                #expect(conversation.target.memory == before, "\(name)\(payload)")
                #expect(conversation.session.result == nil, "\(name)\(payload)")
            }
        }
    }

    // EXT-5
    @Test("a refusal names the policy, whether or not the client asked for error texts")
    func words() throws {
        let reader = begun(Self.readOnly)
        _ = reader.ask("vAttach;20")
        let refusal =
            "E.refused by --read-only: writing memory or registers is not allowed on this server"
        for packet in ["M10,1:ff", "X10,1:a", "P0=0011223344556677", "G00"] {
            #expect(reader.ask(packet) == [refusal])
        }
        let other = begun(try policy("allow=attach\n# none for /x\ndeny=create"))
        #expect(
            other.ask("vRun;2f78")
                == ["E.refused by the policy lab.policy, line 3: starting programs is not allowed"]
        )
        #expect(
            other.ask("vRunImplicit")
                == ["E.refused by the policy lab.policy, line 3: starting programs is not allowed"]
        )
        #expect(other.ask("vAttach;20").first?.hasPrefix("T") == true)
        #expect(
            other.ask("Z0,10,1") == [
                "E.refused by the policy lab.policy: no rule allows setting breakpoints"
            ]
        )
    }

    @Test("rules for programs hold for the executable that runs at the moment")
    func programs() throws {
        let conversation = begun(
            try policy("allow=attach,write-memory program=/opt/*\nallow=create program=/opt/x")
        )
        conversation.target.executable = "/usr/bin/su"
        #expect(conversation.ask("vAttach;20").first?.contains("attaching in /usr/bin/su") == true)
        #expect(conversation.target.processes.isEmpty)
        conversation.target.executable = "/opt/lab"
        #expect(conversation.ask("vAttach;20").first?.hasPrefix("T") == true)
        #expect(conversation.ask("M10,1:ff") == ["OK"])
        // It becomes something else.
        conversation.target.executable = "/usr/bin/su"
        let thread = ThreadID(ProcessID(0x20), 0x20)
        _ = conversation.ask("vCont;c")
        _ = conversation.report(.stopped(thread, .executed(path: "/usr/bin/su")))
        for packet in ["M10,1:ff", "m10,1", "g", "qXfer:auxv:read::0,10"] {
            #expect(conversation.ask(packet).first?.contains("/usr/bin/su") == true, "\(packet)")
        }
        #expect(conversation.ask("D;20") == ["OK"])
    }

    @Test(
        "a program that may not be started is ended before it runs, a shell and variables are no way round"
    )
    func creation() throws {
        let conversation = begun(try policy("allow=create program=/opt/x"))
        conversation.target.executable = "/opt/y"
        _ = conversation.ask("QStartupWithShell:0")
        #expect(
            conversation.ask("vRun;2f6f70742f79").first?.contains("starting programs in /opt/y")
                == true
        )
        #expect(conversation.target.calls.contains("kill 500"))
        #expect(conversation.target.processes.isEmpty)
        conversation.target.executable = "/opt/x"
        _ = conversation.ask("QStartupWithShell:1")
        #expect(
            conversation.ask("vRun;2f6f70742f78").first?.contains("startup-with-shell off") == true
        )
        _ = conversation.ask("QStartupWithShell:0")
        _ = conversation.ask("QEnvironmentHexEncoded:4c445f5052454c4f41443d2f78")
        #expect(conversation.ask("vRun;2f6f70742f78").first?.contains("variables") == true)
        _ = conversation.ask("QEnvironmentReset")
        #expect(conversation.ask("vRun;2f6f70742f78").first?.hasPrefix("T") == true)
        // What the session started is its own to look at and to end.
        #expect(conversation.ask("m10,1") == ["10"])
        #expect(conversation.ask("vKill;1f4") == ["OK"])
    }

    @Test("where signals are not the client's, a thread gets the one it stopped for, and no other")
    func signals() {
        let conversation = begun(Self.readOnly)
        _ = conversation.ask("vAttach;20")
        let thread = ThreadID(ProcessID(0x20), 0x20)
        for (request, allowed) in [
            ("vCont;c", true), ("vCont;C0f:p20.20;c", true), ("vCont;C09", false),
        ] {
            _ = conversation.ask("vCont;c")
            _ = conversation.report(.stopped(thread, .signal(Signal(15))))
            conversation.target.calls = []
            let reply = conversation.ask(request)
            #expect(reply.isEmpty == allowed, "\(request): \(reply)")
            if allowed {
                #expect(conversation.target.resumed.first?.signal == Signal(15), "\(request)")
                #expect(conversation.target.resumed.first?.scope == .thread(thread), "\(request)")
                _ = conversation.report(.stopped(thread, .interrupted))
            } else {
                #expect(reply.first?.contains("ending or signalling processes") == true)
                #expect(conversation.target.calls.isEmpty)
            }
        }
        #expect(conversation.target.signalsKeptOnDetach?.contains(.interrupt) == true)
        _ = conversation.ask("vCont;c")
    }

    // EXT-6
    @Test("QAllow is offered where something is refused; it gives up rights, and gains none")
    func allow() throws {
        #expect(!begun(.open).ask("qSupported").joined().contains("QAllow"))
        let open = begun(try policy("allow=all"))
        #expect(open.ask("qSupported").joined().contains("QAllow+"))
        #expect(open.ask("QAllow:WriteReg:0;WriteMem:0;InsertBreak:1;Stop:1") == ["OK"])
        _ = open.ask("vAttach;20")
        #expect(open.ask("M10,1:ff").first?.contains("the client's own QAllow") == true)
        #expect(open.ask("Z0,10,1") == ["OK"])
        #expect(open.ask("QAllow:WriteReg:1;WriteMem:1") == ["OK"])
        #expect(open.ask("M10,1:ff") == ["OK"])
        let reader = begun(Self.readOnly)
        #expect(reader.ask("QAllow:WriteMem:1").first?.contains("--read-only") == true)
        #expect(reader.ask("QAllow:WriteMem:0;InsertBreak:0") == ["OK"])
        for malformed in ["QAllow:x", "QAllow:a:2", "QAllow::", "QAllow:a:1:1"] {
            #expect(reader.ask(malformed).first?.hasPrefix("E") == true, "\(malformed)")
        }
    }

    // EXT-1, EXT-2, EXT-3
    @Test(
        "vRunImplicit starts the server's own command line, byte for byte, and is offered only then"
    )
    func implicit() {
        let words: [[UInt8]] = [Array("/bin/x".utf8), [0xff, 0x20], []]
        let conversation = begun(.open, implicit: words)
        #expect(conversation.ask("qSupported").joined().contains("vRunImplicit+"))
        #expect(conversation.ask("vRunImplicit").first?.hasPrefix("T") == true)
        #expect(conversation.target.lastLaunch?.argumentBytes == words)
        let without = begun(.open)
        #expect(!without.ask("qSupported").joined().contains("vRunImplicit"))
        #expect(without.ask("vRunImplicit").first?.contains("dbgsrv -pc COMMAND LINE") == true)
    }

    @Test("vRun's arguments go to the program byte for byte")
    func bytes() {
        let conversation = begun(.open)
        _ = conversation.ask("vRun;2f78;ff20;")
        #expect(
            conversation.target.lastLaunch?.argumentBytes == [[0x2f, 0x78], [0xff, 0x20], []]
        )
    }

    @Test(
        "the audit has what was done and refused, the first write once, and no more than a log can take"
    )
    func audit() {
        let conversation = begun(Self.readOnly)
        var records: [AuditRecord] = []
        conversation.session.auditor = { records.append($0) }
        _ = conversation.ask("vAttach;20")
        _ = conversation.ask("M10,1:ff")
        #expect(records.map(\.activity) == [.attach, .refused])
        #expect(records.last?.subject == "M")
        #expect(records.last?.refusal?.contains("--read-only") == true)
        for _ in 0..<3_000 { _ = conversation.ask("M10,1:ff") }
        #expect(records.count == Auditor.recordsMax + 1)
        #expect(records.last?.activity == .limit)

        let writer = begun(.open)
        records = []
        writer.session.auditor = { records.append($0) }
        _ = writer.ask("vAttach;20")
        for _ in 0..<3 { _ = writer.ask("M10,1:ff") }
        #expect(
            records.map(\.words) == [
                "attach process 32 /bin/x", "write-memory process 32 1 bytes at 0x10",
            ]
        )
    }
}
